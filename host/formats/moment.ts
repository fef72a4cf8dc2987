// Moments, as people write them and as they are shown: the one parser for flags, YAML documents and configuration.
//
//   2027-01-31                    that day's beginning in UTC
//   2027-01-31T10:00:00Z          RFC 3339, with Z or an offset such as +01:00; fractions of a second are dropped
//
// Anything else is no moment: no time without an offset (whose clock?), no day that the calendar does not have, no words
// behind it. So the same text is the same second on every machine. From 1970 to the end of the year 9999.

/** Unix seconds of the end of the year 9999: later ones cannot be written as a date. */
export const MOMENT_MAX = 253402300799;

const MOMENT = /^(\d{4}-\d{2}-\d{2})(?:[Tt](\d{2}:\d{2}:\d{2})(?:\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2}))?$/;

/** What is said of a text that is none; it follows the text. */
export const NO_MOMENT = 'is neither a date (2027-01-31, UTC) nor a time with its offset (2027-01-31T10:00:00Z)';

/** Unix seconds, or undefined. */
export function parseMoment(text: string): number | undefined {
  const [, day, time = '00:00:00', offset = 'Z'] = MOMENT.exec(text) ?? [];
  if (day === undefined) return undefined;
  const local = Date.parse(`${day}T${time}Z`);
  // 30 February is 2 March to Date, and 24:00 the next day: what comes out must be what was written.
  if (Number.isNaN(local) || new Date(local).toISOString() !== `${day}T${time}.000Z`) return undefined;
  const [hours = 0, minutes = 0] = offset.slice(1).split(':').map(Number);
  if (hours > 23 || minutes > 59) return undefined;
  const seconds = local / 1000 - (offset.startsWith('-') ? -1 : 1) * (hours * 3600 + minutes * 60);
  return seconds >= 0 && seconds <= MOMENT_MAX ? seconds : undefined;
}

/** Unix seconds as parseMoment reads them; those that no calendar shows, as they are. */
export function momentText(seconds: number): string {
  const shown = Number.isSafeInteger(seconds) && seconds >= 0 && seconds <= MOMENT_MAX;
  return shown ? new Date(seconds * 1000).toISOString().replace('.000Z', 'Z') : `${seconds} s after 1970`;
}

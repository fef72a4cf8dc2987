// Which devices of a fleet have taken what was published on its broker, and which not yet, in words.

import { reasons } from '../reasons.js';

const NAMES_MAX = 8; // in a line; --json has all

/** Names of devices: those that have it, those that are online and do not, and the others that do not. */
export interface Reached {
  taken: string[];
  waiting: string[];
  offline: string[];
}

/** What was done, as members of a document and as lines. */
export interface Tellable {
  data: object;
  lines: string[];
  exit?: number;
}

/**
 * A result, and whom it has reached: told behind its first line, what was done. NoAnswer if that was waited for, and some that
 * are online have not taken it.
 */
export function withReached<T extends Tellable>(
  result: T,
  devices: Reached,
  { fleet, waited }: { fleet: string; waited: boolean },
): T {
  const [first = '', ...lines] = result.lines;
  return {
    ...result,
    data: { ...result.data, devices },
    lines: [first, ...reachedLines(fleet, devices, waited), ...lines],
    ...(waited && devices.waiting.length > 0 && { exit: reasons.NoAnswer.exit }),
  };
}

function reachedLines(fleet: string, { taken, waiting, offline }: Reached, waited: boolean): string[] {
  const all = taken.length + waiting.length + offline.length;
  const by = waited ? 'as they answer' : 'by their states on the broker';
  return [
    all === 0
      ? `no device of ${fleet} is known on the broker`
      : `${taken.length} of ${all} devices have taken it, ${by}`,
    ...namesLine('not yet', waiting),
    ...namesLine('offline', offline),
  ];
}

function namesLine(what: string, names: readonly string[]): string[] {
  if (names.length === 0) return [];
  const more = names.length > NAMES_MAX ? ` and ${names.length - NAMES_MAX} more` : '';
  return [`${what}: ${names.slice(0, NAMES_MAX).join(', ')}${more}`];
}

// Which devices of a fleet have taken what was published on its broker, and which not yet: by what they say of themselves there.

import { CountersignError } from '../errors.js';
import type { Holders, Sought } from '../fleet/holders.js';
import type { BrokerPlace } from '../links/broker-place.js';
import { reasons } from '../reasons.js';
import type { Result } from './command.js';
import type { Surroundings } from './connection.js';

const NAMES_MAX = 8; // in a line; --json has all

/** What there is to say, and the exit code if it was waited for and some that are online have not taken it. */
export interface Reached {
  devices: Holders;
  lines: string[];
  exit?: number;
}

export const needsPublish = (): CountersignError =>
  new CountersignError('BadArgument', 'argument: --wait belongs to a document that is published');

/** A result, and whom it has reached: told behind its first line, what was done. */
export function withReached(result: Result, reached: Reached | undefined, { exit }: { exit?: number } = {}): Result {
  const [first = '', ...lines] = result.lines;
  const ends = reached?.exit ?? exit;
  return {
    ...result,
    ...(reached && { data: { ...result.data, devices: reached.devices } }),
    lines: [first, ...(reached?.lines ?? []), ...lines],
    ...(ends !== undefined && { exit: ends }),
  };
}

/** Looks, or with `wait` (seconds) waits. */
export async function reach(
  { url }: Pick<BrokerPlace, 'url'>,
  fleet: string,
  sought: Sought,
  { wait, signal, terminal }: { wait: number | undefined } & Pick<Surroundings, 'signal' | 'terminal'>,
): Promise<Reached> {
  if (wait !== undefined) terminal.note(`waiting for the devices of ${fleet}, at most ${wait} s`);
  const { whoHolds } = await import('../fleet/holders.js');
  const devices = await whoHolds({ url, fleet }, sought, { waitMs: wait === undefined ? 0 : wait * 1000, signal });
  const { taken, waiting, offline } = devices;
  const all = taken.length + waiting.length + offline.length;
  return {
    devices,
    lines: [
      all === 0 ? `no device of ${fleet} is known on the broker` : `${taken.length} of ${all} devices have taken it`,
      ...namesLine('not yet', waiting),
      ...namesLine('offline', offline),
    ],
    ...(wait !== undefined && waiting.length > 0 && { exit: reasons.NoAnswer.exit }),
  };
}

function namesLine(what: string, names: readonly string[]): string[] {
  if (names.length === 0) return [];
  const more = names.length > NAMES_MAX ? ` and ${names.length - NAMES_MAX} more` : '';
  return [`${what}: ${names.slice(0, NAMES_MAX).join(', ')}${more}`];
}

// Several devices of a fleet instead of one: the options that choose them, and what follows from these.

import { askedOfMany } from '../describe/fleet.js';
import type { Described } from '../describe/words.js';
import type { Asking, DeviceSelection } from '../fleet/several.js';
import { topicNameSchema } from '../formats/topic-name.js';
import { countSchema, uuidSchema } from '../formats/typed.js';
import type { Client } from '../smp/client.js';
import { grouped, type Result } from './command.js';
import { type ConnectionOptions, flag, option } from './options.js';

const PARALLEL_MAX = 10_000;
const OVER = { needs: 'broker', not: ['device', 'port'] };

const choosing = {
  group: option('name', 'all devices of this group, as they say themselves', topicNameSchema.array().default([]), {
    ...OVER,
    repeat: true,
  }),
  class: option(
    'uuid',
    'all devices of this class; each one that is online is asked for it',
    uuidSchema.optional(),
    OVER,
  ),
  parallel: option('number', 'devices at a time; default: 64', countSchema(1, PARALLEL_MAX).optional()),
};
export const severalOptions = grouped('Several devices', { all: flag('all devices of the fleet', OVER), ...choosing });
/** Where --all is something else. */
export const severalOptionsOfTree = grouped('Several devices', {
  allDevices: flag('all devices of the fleet', OVER),
  ...choosing,
});

/** Whom the options mean, if they mean several. */
export function selectionOf(
  all: boolean,
  { group, class: classId }: { group: string[]; class?: Uint8Array | undefined },
): DeviceSelection | undefined {
  if (!all && group.length === 0 && classId === undefined) return undefined;
  return { ...(group.length > 0 && { groups: group }), classId };
}

/** What each of several devices answers; undefined: the options mean one. */
export async function askSeveral<T>(
  selection: DeviceSelection | undefined,
  options: Parameters<typeof askingOf>[0],
  signal: AbortSignal,
  ask: (client: Client) => Promise<T>,
  answer: (value: T) => Described,
  exitOf?: (value: T) => number,
): Promise<Result | undefined> {
  if (selection === undefined) return undefined;
  const { askSelected } = await import('../fleet/several.js');
  const place = { url: options.broker!, fleet: options.fleet };
  const asked = await askSelected(place, selection, askingOf(options, signal), ask, exitOf);
  return { ...askedOfMany(asked.asked, asked, answer), exit: asked.exit };
}

export const askingOf = (
  {
    timeout,
    retries,
    parallel,
    wait,
  }: ConnectionOptions & { parallel?: number | undefined; wait?: number | undefined },
  signal: AbortSignal,
): Asking => ({
  ...{ timeoutMs: timeout * 1000, retries, parallel, signal },
  waitMs: wait === undefined ? undefined : wait * 1000,
});

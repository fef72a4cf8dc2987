// Which of the devices on a broker are wanted, and what they say anew, for as long as somebody watches.

import { endBroker, type SeenDevice, watchStates } from '../links/mqtt.js';
import type { BrokerUrl } from '../links/mqtt-url.js';
import { orAbort } from '../wait.js';

/** Without a member: any. */
export interface Wanted {
  /** In one of these groups, as they say themselves. */
  groups?: readonly string[] | undefined;
  /** FUMO state. */
  states?: readonly number[] | undefined;
  offline?: boolean | undefined;
}

export const isWanted =
  ({ groups = [], states = [], offline = false }: Wanted) =>
  ({ state }: SeenDevice): boolean =>
    (groups.length === 0 || groups.some((group) => state.groups?.includes(group))) &&
    (states.length === 0 || (state.state !== undefined && states.includes(state.state))) &&
    (!offline || !state.online);

/**
 * Each device of a fleet ("+" for all fleets) as it was last heard of, and again when it says something else. Who reads slowly
 * gets the last word of each. Ends by the signal alone, with its error. Throws what the broker throws.
 */
export async function* watchFleet(
  url: BrokerUrl,
  fleet: string,
  signal: AbortSignal,
): AsyncGenerator<SeenDevice, never, undefined> {
  const told = new Map<string, string>();
  const waiting = new Map<string, SeenDevice>();
  let wake: () => void = () => undefined;
  const hear = (device: SeenDevice) => {
    const key = `${device.fleet}/${device.name}`;
    const said = JSON.stringify({ ...device.state, at: undefined });
    if (told.get(key) === said) return; // said once more
    told.set(key, said);
    waiting.set(key, device);
    wake();
  };
  const client = await watchStates(url, fleet, hear, signal);
  try {
    for (;;) {
      for (const [key, device] of waiting) {
        waiting.delete(key);
        yield device;
      }
      if (waiting.size > 0) continue;
      const more = new Promise<void>((resolve) => {
        wake = resolve;
      });
      await orAbort(more, signal);
    }
  } finally {
    await endBroker(client);
  }
}

// Watching a device: what it says of itself, and what changes in the nodes that are read, as it happens.
//
//   on a broker   the retained state (given from outside: `retained`), and the alerts on its response topic
//   on a line     the agent's own notices ("state N, reason N"), and its alerts
//   a named node  it and all below it, read again and again; silence is no change
//
// Nothing is sent unless a node is named: an application that runs is left alone. It goes on until the caller stops
// iterating or the signal ends it; a link that has ended for good throws. Who looks too seldom loses the oldest.

import { CountersignError } from '../errors.js';
import { same } from '../formats/bytes.js';
import type { Client } from '../smp/client.js';
import { type Alert, onAlert } from '../smp/commands.js';
import { lines } from '../smp/link.js';
import { follower, orAbort, sleep, throwIfAborted } from '../wait.js';
import { isSilence } from './follow.js';
import type { Waits } from './identity.js';
import { type NamedNode, readTree } from './tree.js';

const NOTICE = /^state (\d+), reason (\d+)$/; // assembly/smp/notice.ts
const INTERVAL_MS_DEFAULT = 1000;
const WAITING_MAX = 1000; // sightings that nobody has taken yet

export type Sighting =
  | { kind: 'ready' } // once, first: from here on nothing is missed
  | { kind: 'state'; state: number; reason: number } // FUMO state, and reason of the last verdict or fault
  | { kind: 'alert'; alert: Alert }
  | { kind: 'retained'; changed: Record<string, unknown> } // members of the retained state that differ from before
  | { kind: 'node'; node: NamedNode }; // its format or value differs from before

export interface Watching extends Waits {
  /** The node that is read. */
  uri?: string | undefined;
  intervalMs?: number;
  /** Tells the retained state of this device whenever it is published, until what it returns is called. */
  retained?: ((told: (state: Record<string, unknown>) => void) => Promise<() => Promise<void>>) | undefined;
}

/**
 * What a device says and what changes, as it happens, until the caller stops or the signal ends it. Throws LinkLost when
 * the link has ended for good.
 */
export async function* watchDevice(client: Client, watching: Watching): AsyncGenerator<Sighting, void, undefined> {
  const { uri, intervalMs = INTERVAL_MS_DEFAULT, retained, signal } = watching;
  const { link } = client;
  const ending = signal ? follower(signal) : new AbortController(); // of our own reading
  const waiting: Sighting[] = [];
  let failure: unknown;
  let wake = (): void => undefined;
  const tell = (sighting: Sighting): void => {
    waiting.push(sighting);
    if (waiting.length > WAITING_MAX) waiting.shift();
    wake();
  };
  const fail = (error: unknown): void => {
    failure ??= error;
    wake();
  };

  const stopText = link.listen({
    text: lines((line) => {
      const [, state, reason] = NOTICE.exec(line) ?? [];
      if (state) tell({ kind: 'state', state: Number(state), reason: Number(reason) });
    }),
  });
  const stopAlerts = onAlert(client, (alert) => tell({ kind: 'alert', alert }));
  let stopRetained: (() => Promise<void>) | undefined;
  try {
    stopRetained = await retained?.(onState(tell));
    yield { kind: 'ready' };
    void link.closed.then((error) => fail(error ?? new CountersignError('LinkLost', `link ${link.name}: closed`)));
    if (uri !== undefined) poll(client, uri, intervalMs, tell, ending.signal).catch(fail);
    for (;;) {
      throwIfAborted(signal);
      const next = waiting.shift();
      if (next) yield next;
      else if (failure) throw failure;
      else
        await orAbort(
          new Promise<void>((resolve) => {
            wake = resolve;
          }),
          signal,
        );
    }
  } finally {
    ending.abort();
    stopText();
    stopAlerts();
    await stopRetained?.();
  }
}

async function poll(
  client: Client,
  uri: string,
  intervalMs: number,
  tell: (sighting: Sighting) => void,
  signal: AbortSignal,
): Promise<never> {
  const before = new Map<string, NamedNode>();
  for (;;) {
    try {
      for (const node of await readTree(client, uri, true, { signal })) {
        const known = before.get(node.uri);
        before.set(node.uri, node);
        if (known?.format !== node.format || !same(known.data, node.data)) tell({ kind: 'node', node });
      }
    } catch (error) {
      if (!isSilence(error)) throw error;
    }
    await sleep(intervalMs, signal);
  }
}

function onState(tell: (sighting: Sighting) => void): (state: Record<string, unknown>) => void {
  let before: Record<string, unknown> = {};
  return (state) => {
    const changed = Object.entries(state).filter(
      ([key, value]) => JSON.stringify(before[key]) !== JSON.stringify(value),
    );
    before = state;
    if (changed.length > 0) tell({ kind: 'retained', changed: Object.fromEntries(changed) });
  };
}

// Watching a device: one line (or document) for each change of what it says or of the nodes that are read.
//
//   on a broker   the retained state, and the alerts on its response topic
//   on a line     the agent's own notices ("state N, reason N"), and its alerts
//   a named node  read every --interval; silence is no change
//
// Nothing is sent unless a node is named: an application that runs is left alone.

import { isSilence } from '../../device/follow.js';
import { readTree } from '../../device/tree.js';
import { CountersignError } from '../../errors.js';
import { endBroker, type SeenDevice, watchStates } from '../../links/mqtt.js';
import { reasonOf } from '../../reasons.js';
import { alertOf } from '../../smp/commands.js';
import { follower, orAbort, sleep } from '../../wait.js';
import type { Result } from '../command.js';
import { connect } from '../connection.js';
import type { ConnectionOptions } from '../connection-options.js';
import { alertData, alertText, nodeText, nodeValue, stateText } from '../describe/node.js';
import type { Terminal } from '../terminal.js';

const NOTICE = /^state (\d+), reason (\d+)$/; // assembly/smp/notice.ts

export interface WatchOptions extends ConnectionOptions {
  uri: string | undefined;
  interval: number;
  count?: number | undefined;
  for?: number | undefined;
}

export async function watch(options: WatchOptions, terminal: Terminal, outer: AbortSignal): Promise<Result> {
  const ending = follower(outer);
  const end = () => ending.abort(new CountersignError('Cancelled', 'watch: ended'));
  const { signal } = ending;
  let changes = 0;
  const tell = (data: Record<string, unknown>, line: string) => {
    if (signal.aborted) return;
    terminal.result({ time: new Date().toISOString(), ...data }, [line]);
    changes += 1;
    if (changes === options.count) end();
  };

  const connection = await connect(options, terminal, signal, {
    line(line) {
      const [, state, reason] = NOTICE.exec(line) ?? [];
      if (state) tell({ state: Number(state), reason: Number(reason) }, stateLine(Number(state), Number(reason)));
    },
    request(packet) {
      const alert = alertOf(packet);
      if (alert) tell({ alert: alertData(alert) }, alertText(alert));
    },
  });
  const { address, client } = connection;
  const timer = options.for === undefined ? undefined : setTimeout(end, options.for * 1000);
  const states = address && (await watchStates(address.url, address.fleet, onState(address.device, tell), signal));
  try {
    terminal.note(`watching ${client.link.name}; Ctrl-C ends`);
    const gone = client.link.closed.then((error) => {
      throw error ?? new CountersignError('LinkLost', `link ${client.link.name}: closed`);
    });
    const reading = options.uri === undefined ? [] : [poll(options.uri)];
    await orAbort(Promise.race([gone, ...reading]), signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    clearTimeout(timer);
    if (states) await endBroker(states);
    await connection.close();
  }
  return { data: { changes }, lines: [] };

  async function poll(uri: string): Promise<void> {
    const before = new Map<string, string>();
    for (;;) {
      try {
        for (const node of await readTree(client, uri, true, { signal })) {
          const text = nodeText(node);
          if (before.get(node.uri) === text) continue;
          before.set(node.uri, text);
          tell({ uri: node.uri, format: node.format, value: nodeValue(node) }, `${node.uri} ${text}`);
        }
      } catch (error) {
        if (!isSilence(error)) throw error;
      }
      await sleep(options.interval * 1000, signal);
    }
  }
}

const stateLine = (state: number, reason: number): string =>
  `state ${stateText(state)}${reason === 0 ? '' : `, reason ${reason} ${reasonOf(reason).name}`}`;

// The members of the retained state that differ from those before.
function onState(
  device: string,
  tell: (data: Record<string, unknown>, line: string) => void,
): (seen: SeenDevice) => void {
  let before: Record<string, unknown> = {};
  return ({ name, state }) => {
    if (name !== device) return;
    const changed = Object.entries(state).filter(([key, value]) => before[key] !== value);
    before = state;
    if (changed.length === 0) return;
    const words = changed.map(([key, value]) => {
      if (key === 'state') return `state ${stateText(Number(value))}`;
      return key === 'reason' ? `reason ${value} ${reasonOf(Number(value)).name}` : `${key} ${value}`;
    });
    tell(Object.fromEntries(changed), words.join(', '));
  };
}

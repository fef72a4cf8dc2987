// tree: the management tree of a device (FUMO's object and ours), over any link.
//
//   get      a node in its format; --all everything below it
//   set      a value; read back where the node can be read. An approval is kept by the device only if it is authentic
//   exec     an order, followed to its final generic alert: result code and correlator are shown
//   watch    changes as they happen: on a broker from the retained state and the alerts, on a line from what the device
//            says; nodes that are named are read again and again
//
// -y and its like do not exist here either: what an order asks the user is answered by the user of the device.

import { z } from 'zod';
import { newCorrelator } from '../../device/follow.js';
import { EXTENSION_URI, OBJECT_URI } from '../../device/identity.js';
import { execNode, execOnly, nodeUri, type OrderEnd, readTree, writeNode } from '../../device/tree.js';
import { type Sighting, watchDevice } from '../../device/watch.js';
import { CountersignError } from '../../errors.js';
import { readBytes, writeBytes } from '../../files.js';
import { reasonOf, reasons } from '../../reasons.js';
import { within as timeLimit } from '../../wait.js';
import { command, grouped, type Result } from '../command.js';
import { type ConnectionOptions, connectionOptions } from '../connection-options.js';
import { alertData, alertText, nodeMeaning, nodeText, nodeValue, stateText } from '../describe/node.js';
import type { Terminal } from '../terminal.js';
import { countSchema, hexSchema, pathSchema, secondsSchema, switchSchema, textSchema } from '../values.js';

const CORRELATOR_CHARACTERS_MAX = 32; // what a device keeps

const ACTIONS = ['get', 'set', 'exec', 'watch'] as const;

export const tree = command({
  name: 'tree',
  summary: 'read, write, execute and watch nodes of the management tree',
  details: [
    `URIs are those of OMA. Short forms: State for ${OBJECT_URI}/State, +Policy for ${EXTENSION_URI}/Policy.`,
    'Actions: get URI; set URI VALUE (or --file, --hex); exec URI (Update, Download, DownloadAndUpdate); watch [URI].',
  ].join('\n'),
  arguments: {
    action: { text: ACTIONS.join(', '), schema: z.enum(ACTIONS) },
    uri: { text: 'the node', schema: textSchema.optional() },
    value: { text: 'with set: the value, as text', schema: z.string().optional() },
  },
  options: {
    ...connectionOptions,
    ...grouped('get', {
      all: { short: 'a', text: 'also print all nodes below', schema: switchSchema },
      output: {
        short: 'o',
        value: 'file',
        text: 'write the raw value to this file',
        schema: pathSchema.optional(),
      },
    }),
    ...grouped('set', {
      file: { short: 'f', value: 'file', text: 'read the value from this file', schema: pathSchema.optional() },
      hex: { value: 'hex', text: 'the value, in hex', schema: hexSchema.optional() },
    }),
    ...grouped('exec', {
      correlator: {
        value: 'text',
        text: 'text that returns in the final alert; default: random',
        schema: textSchema.max(CORRELATOR_CHARACTERS_MAX).optional(),
      },
      detach: { text: 'do not wait for the final alert', schema: switchSchema },
      wait: {
        value: 'seconds',
        text: 'how long to wait for the user and for the installation',
        schema: secondsSchema.optional(),
      },
    }),
    ...grouped('watch', {
      interval: { value: 'seconds', text: 'how often to read a named node', schema: secondsSchema.default(1) },
      count: {
        value: 'number',
        text: 'exit after this many changes',
        schema: countSchema(1, 1_000_000).optional(),
      },
      for: { value: 'seconds', text: 'exit after this time', schema: secondsSchema.optional() },
    }),
  },
  examples: [
    'countersign tree get ./FUMO/1 --all --port /dev/ttyACM0',
    'countersign tree set +Approvals --file release.cose --broker mqtt://localhost --device sensor-7',
    'countersign tree exec Update --correlator order-15 --port tcp://localhost:4321',
    'countersign tree watch --broker mqtt://localhost --device sensor-7 --json',
  ],
  writes: true,
  async run({ arguments: { action, uri: given, value }, options, terminal, dryRun, signal }) {
    const uri = given === undefined ? undefined : nodeUri(given);
    if (action === 'watch') {
      return watch({ ...options, uri }, terminal, signal);
    }
    if (action === 'get') {
      const nodes = await within(async (client) => readTree(client, uri ?? OBJECT_URI, options.all, { signal }));
      if (options.output !== undefined) await writeBytes(options.output, nodes[0]!.data, { dryRun });
      return {
        data: nodes.map((node) => ({
          uri: node.uri,
          format: node.format,
          value: nodeValue(node),
          meaning: nodeMeaning(node),
        })),
        lines: nodes.map((node) =>
          nodes.length === 1 ? nodeText(node) : `${node.uri.padEnd(46)} ${node.format.padEnd(4)} ${nodeText(node)}`,
        ),
        product: true,
      };
    }
    if (uri === undefined) throw new CountersignError('BadArgument', `argument: tree ${action} needs a URI`);
    if (action === 'set') {
      const data = await payloadOf(value, options.file, options.hex);
      if (dryRun)
        return {
          data: { uri, written: false, bytes: data.length },
          lines: [`would write ${data.length} bytes to ${uri}`],
        };
      const confirmed = await within((client) => writeNode(client, uri, data, { signal }));
      const check = confirmed ? 'read back, the same' : 'the node cannot be read back';
      return {
        data: { uri, written: true, bytes: data.length, confirmed },
        lines: [`${uri}: ${data.length} bytes written; ${check}`],
      };
    }
    const correlator = options.correlator ?? newCorrelator();
    if (dryRun)
      return { data: { uri, correlator, ordered: false }, lines: [`would order ${uri}, correlator ${correlator}`] };
    return within(async (client): Promise<Result> => {
      if (options.detach) {
        await execOnly(client, uri, correlator, { signal });
        return { data: { uri, correlator, result: 'ordered' }, lines: [`${uri}: ordered, correlator ${correlator}`] };
      }
      const limits =
        options.wait === undefined ? {} : { answerMs: options.wait * 1000, installMs: options.wait * 1000 };
      return endOf(uri, correlator, await terminal.follow(execNode(client, uri, correlator, { signal, ...limits })));
    });

    async function within<T>(work: (client: Parameters<typeof readTree>[0]) => Promise<T>): Promise<T> {
      const { connect } = await import('../connection.js');
      const connection = await connect(options, terminal, signal);
      try {
        return await work(connection.client);
      } finally {
        await connection.close();
      }
    }
  },
});

async function payloadOf(
  text: string | undefined,
  file: string | undefined,
  bytes: Uint8Array | undefined,
): Promise<Uint8Array> {
  if ([text, file, bytes].filter((one) => one !== undefined).length !== 1) {
    throw new CountersignError('BadArgument', 'argument: tree set takes one of VALUE, --file and --hex');
  }
  if (file !== undefined) return readBytes(file);
  return bytes ?? new TextEncoder().encode(text);
}

function endOf(uri: string, correlator: string, end: OrderEnd): Result {
  switch (end.kind) {
    case 'alert': {
      const { exit } = reasonOf(end.alert.reason ?? reasons.Internal.code);
      return {
        data: { uri, correlator, result: 'alert', alert: alertData(end.alert) },
        lines: [alertText(end.alert)],
        exit,
      };
    }
    case 'deferred':
      return {
        data: { uri, correlator, result: 'deferred' },
        lines: ['deferred: nobody answered the device in time'],
        exit: reasons.Deferred.exit,
      };
    case 'asked':
      return {
        data: { uri, correlator, result: 'asked', left: end.left },
        lines: [`waiting: the device still asks its user, for another ${end.left} s`],
        exit: reasons.AwaitingUser.exit,
      };
    default:
      return end satisfies never;
  }
}

interface WatchOptions extends ConnectionOptions {
  uri: string | undefined;
  interval: number;
  count?: number | undefined;
  for?: number | undefined;
}

// One line, or document, for each change.
async function watch(options: WatchOptions, terminal: Terminal, outer: AbortSignal): Promise<Result> {
  const [{ connect }, { endBroker, watchStates }] = await Promise.all([
    import('../connection.js'),
    import('../../links/mqtt.js'),
  ]);
  const { address, client, close } = await connect(options, terminal, outer);
  const signal = options.for === undefined ? outer : timeLimit(options.for * 1000, outer);
  const retained = async (told: (state: Record<string, unknown>) => void) => {
    const { url, fleet, device } = address!;
    const states = await watchStates(url, fleet, ({ name, state }) => name === device && told(state), signal);
    return () => endBroker(states);
  };
  const watching = {
    uri: options.uri,
    intervalMs: options.interval * 1000,
    retained: address && retained,
    signal,
  };
  const told = new Map<string, string>(); // a node whose text is the same is not told again
  let changes = 0;
  try {
    for await (const sighting of watchDevice(client, watching)) {
      if (sighting.kind === 'ready') {
        terminal.note(`watching ${client.link.name}; Ctrl-C ends`);
        continue;
      }
      const { data, line } = shownOf(sighting);
      if (sighting.kind === 'node') {
        if (told.get(sighting.node.uri) === line) continue;
        told.set(sighting.node.uri, line);
      }
      terminal.result({ time: new Date().toISOString(), ...data }, [line]);
      changes += 1;
      if (changes === options.count) break;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    await close();
  }
  return { data: { changes }, lines: [] };
}

function shownOf(sighting: Exclude<Sighting, { kind: 'ready' }>): { data: Record<string, unknown>; line: string } {
  switch (sighting.kind) {
    case 'state': {
      const { state, reason } = sighting;
      const why = reason === 0 ? '' : `, reason ${reason} ${reasonOf(reason).name}`;
      return { data: { state, reason }, line: `state ${stateText(state)}${why}` };
    }
    case 'alert':
      return { data: { alert: alertData(sighting.alert) }, line: alertText(sighting.alert) };
    case 'retained':
      return { data: sighting.changed, line: Object.entries(sighting.changed).map(memberText).join(', ') };
    case 'node': {
      const { node } = sighting;
      const data = { uri: node.uri, format: node.format, value: nodeValue(node) };
      return { data, line: `${node.uri} ${nodeText(node)}` };
    }
    default:
      return sighting satisfies never;
  }
}

function memberText([key, value]: [string, unknown]): string {
  if (key === 'state') return `state ${stateText(Number(value))}`;
  return key === 'reason' ? `reason ${value} ${reasonOf(Number(value)).name}` : `${key} ${value}`;
}

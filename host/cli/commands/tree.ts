// tree: the management tree of a device (FUMO's object and ours), over any link.
//
//   get      a node in its format; --all everything below it
//   set      a value; read back where the node can be read. An approval is kept by the device only if it is authentic
//   exec     an order, followed to its final generic alert: result code and correlator are shown
//   watch    changes as they happen: on a broker from the retained state and the alerts, on a line from what the device
//            says; nodes that are named are read again and again
//
// -y and its like do not exist here either: what an order asks the user is answered by the user of the device.

import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { EXTENSION_URI, OBJECT_URI } from '../../device/identity.js';
import { execNode, execOnly, type OrderEnd, readTree, writeNode } from '../../device/tree.js';
import { CountersignError } from '../../errors.js';
import { readBytes, writeBytes } from '../../files.js';
import { reasonOf, reasons } from '../../reasons.js';
import { command, type Result } from '../command.js';
import { connectionOptions } from '../connection-options.js';
import { alertData, alertText, nodeMeaning, nodeText, nodeValue } from '../describe/node.js';
import { countSchema, hexSchema, pathSchema, secondsSchema, switchSchema, textSchema } from '../values.js';

const CORRELATOR_CHARACTERS_MAX = 32; // what a device keeps

const ACTIONS = ['get', 'set', 'exec', 'watch'] as const;

export const tree = command({
  name: 'tree',
  summary: 'read, write, order and watch in the management tree of a device',
  details: [
    `URIs are OMA's: ./FUMO/1/State. Short forms: State is ${OBJECT_URI}/State, +Policy is ${EXTENSION_URI}/Policy.`,
    'get URI; set URI VALUE (or --file, --hex); exec URI (Update, Download, DownloadAndUpdate); watch [URI].',
  ].join('\n'),
  arguments: {
    action: { text: ACTIONS.join(', '), schema: z.enum(ACTIONS) },
    uri: { text: 'the node', schema: textSchema.optional() },
    value: { text: 'what to set, as text', schema: z.string().optional() },
  },
  options: {
    ...connectionOptions,
    all: { short: 'a', text: 'get: everything below the node too', schema: switchSchema },
    output: {
      short: 'o',
      value: 'file',
      text: 'get: write the value, as it is, to this file',
      schema: pathSchema.optional(),
    },
    file: { short: 'f', value: 'file', text: 'set: the value is in this file', schema: pathSchema.optional() },
    hex: { value: 'hex', text: 'set: the value, as bytes', schema: hexSchema.optional() },
    correlator: {
      value: 'text',
      text: 'exec: comes back in the final alert; default: a random one',
      schema: textSchema.max(CORRELATOR_CHARACTERS_MAX).optional(),
    },
    detach: { text: 'exec: do not wait for the final alert', schema: switchSchema },
    wait: {
      value: 'seconds',
      text: 'exec: how long to wait for the user, and for the installation',
      schema: secondsSchema.optional(),
    },
    interval: { value: 'seconds', text: 'watch: how often a named node is read', schema: secondsSchema.default(1) },
    count: {
      value: 'number',
      text: 'watch: end after this many changes',
      schema: countSchema(1, 1_000_000).optional(),
    },
    for: { value: 'seconds', text: 'watch: end after this time', schema: secondsSchema.optional() },
  },
  examples: [
    'countersign tree get ./FUMO/1 --all --port /dev/ttyACM0',
    'countersign tree set +Approvals --file release.cose --broker mqtt://localhost --device sensor-7',
    'countersign tree exec Update --correlator order-15 --port tcp://localhost:4321',
    'countersign tree watch --broker mqtt://localhost --device sensor-7 --json',
  ],
  writes: true,
  async run({ arguments: { action, uri: given, value }, options, terminal, dryRun, signal }) {
    const uri = given === undefined ? undefined : longUri(given);
    if (action === 'watch') {
      const { watch } = await import('../tree/watch.js');
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
    const correlator = options.correlator ?? randomBytes(8).toString('hex');
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

function longUri(uri: string): string {
  if (uri.startsWith('+')) return `${EXTENSION_URI}/${uri.slice(1)}`;
  return uri.startsWith('.') ? uri.replace(/\/+$/, '') : `${OBJECT_URI}/${uri}`;
}

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

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
import { nodesRead, nodeWritten, orderGiven, orderText, sightings } from '../../describe/node.js';
import { CORRELATOR_CHARACTERS_MAX, newCorrelator } from '../../device/follow.js';
import { EXTENSION_URI, OBJECT_URI } from '../../device/identity.js';
import { execNode, execOnly, nodeUri, readTree, writeNode } from '../../device/tree.js';
import { watchDevice } from '../../device/watch.js';
import { CountersignError } from '../../errors.js';
import { readBytes, writeBytes } from '../../files.js';
import { utf8 } from '../../formats/bytes.js';
import { hexSchema, secondsSchema } from '../../formats/typed.js';
import type { Connection } from '../../local/connect.js';
import type { Client } from '../../smp/client.js';
import { command, grouped, type Result } from '../command.js';
import { type Surroundings, waitsOf, withDevice } from '../connection.js';
import {
  type ConnectionOptions,
  connectionOptions,
  file,
  flag,
  option,
  output,
  textSchema,
  waitOption,
} from '../options.js';
import { askSeveral, selectionOf, severalOptionsOfTree } from '../several.js';
import { type Limits, limitOptions, watching } from '../watching.js';

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
      all: flag('also print all nodes below', { short: 'a' }),
      output: output('write the raw value to this file', { short: 'o', not: ['allDevices', 'group', 'class'] }),
    }),
    ...severalOptionsOfTree,
    ...grouped('set', {
      file: file('read the value from this file', { short: 'f' }),
      hex: option('hex', 'the value, in hex', hexSchema.optional()),
    }),
    ...grouped('exec', {
      correlator: option(
        'text',
        'text that returns in the final alert; default: random',
        textSchema.max(CORRELATOR_CHARACTERS_MAX).optional(),
      ),
      detach: flag('do not wait for the final alert'),
      wait: waitOption(
        'how long to wait for the user and for the installation; with get: for devices that are offline',
      ),
    }),
    ...grouped('watch', {
      interval: option('seconds', 'how often to read a named node', secondsSchema.default(1)),
      ...limitOptions('changes'),
    }),
  },
  examples: [
    'countersign tree get ./FUMO/1 --all --port /dev/ttyACM0',
    'countersign tree get State --broker mqtt://localhost --fleet plant --all-devices',
    'countersign tree set +Approvals --file release.cose --broker mqtt://localhost --device sensor-7',
    'countersign tree exec Update --correlator order-15 --port tcp://localhost:4321',
    'countersign tree watch --broker mqtt://localhost --device sensor-7 --json',
  ],
  writes: true,
  async run({ arguments: { action, uri: given, value }, options, ...around }) {
    const { dryRun, terminal, signal } = around;
    const uri = given === undefined ? undefined : nodeUri(given);
    const selection = selectionOf(options.allDevices, options);
    if (selection && action !== 'get') {
      throw new CountersignError('BadArgument', 'argument: --all-devices, --group and --class belong to tree get');
    }
    if (action === 'watch') return watch({ ...options, uri }, around);
    if (action === 'get') {
      const read = (client: Client) => readTree(client, uri ?? OBJECT_URI, options.all, { signal });
      const asked = await askSeveral(selection, options, signal, read, nodesRead);
      if (asked) return { ...asked, product: true };
      const nodes = await withDevice(options, around, ({ client }) => read(client));
      if (options.output !== undefined) await writeBytes(options.output, nodes[0]!.data, { dryRun });
      return { ...nodesRead(nodes), product: true };
    }
    if (uri === undefined) throw new CountersignError('BadArgument', `argument: tree ${action} needs a URI`);
    if (action === 'set') {
      const payload = await payloadOf(value, options.file, options.hex);
      if (dryRun) return nodeWritten(uri, payload.length, undefined);
      const write = ({ client }: Connection) => writeNode(client, uri, payload, { signal });
      return nodeWritten(uri, payload.length, { confirmed: await withDevice(options, around, write) });
    }
    const { correlator = newCorrelator(), detach } = options;
    const ordered = orderGiven(uri, correlator, dryRun);
    if (dryRun) return ordered;
    return withDevice(options, around, async ({ client }): Promise<Result> => {
      if (detach) {
        await execOnly(client, uri, correlator, { signal });
        return ordered;
      }
      const steps = execNode(client, uri, correlator, { signal, ...waitsOf(options) });
      const { result, exit, line, data } = orderText(await terminal.follow(steps));
      return { data: { uri, correlator, result, ...data }, lines: [line], exit };
    });
  },
});

async function payloadOf(text?: string, path?: string, bytes?: Uint8Array): Promise<Uint8Array> {
  if ([text, path, bytes].filter((one) => one !== undefined).length !== 1) {
    throw new CountersignError('BadArgument', 'argument: tree set takes one of VALUE, --file and --hex');
  }
  return path === undefined ? (bytes ?? utf8(text!)) : readBytes(path);
}

interface WatchOptions extends ConnectionOptions, Limits {
  uri: string | undefined;
  interval: number;
}

// One line, or document, for each change.
async function watch(options: WatchOptions, { terminal, signal: outer }: Surroundings): Promise<Result> {
  const { retainedStates } = await import('../../local/connect.js');
  return withDevice(options, { terminal, signal: outer }, ({ address, client }) =>
    watching(options, outer, async (signal, changed) => {
      const retained = address && retainedStates(address, signal);
      const seen = watchDevice(client, { uri: options.uri, intervalMs: options.interval * 1000, retained, signal });
      for await (const shown of sightings(seen)) {
        if (shown === 'ready') {
          terminal.note(`watching ${client.link.name}; Ctrl-C ends`);
          continue;
        }
        terminal.result({ time: new Date().toISOString(), ...shown.data }, [shown.line]);
        if (changed()) break;
      }
    }),
  );
}

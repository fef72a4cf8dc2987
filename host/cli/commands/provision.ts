// provision: brings the bootstrap document to a blank device, once. The device then locks; later it takes changes of
// anchors and policy that its operators signed, here or with --all on every device of a fleet that is online
// (fleet/changes.ts).

import { bootstrapBrought, bootstrapsBrought, changeBrought, changeBroughtToFleet } from '../../describe/brought.js';
import { bringChange } from '../../device/change.js';
import { identify, provision as provisionDevice } from '../../device/identity.js';
import { CountersignError } from '../../errors.js';
import { readBytes } from '../../files.js';
import { looksLikeChange, viewChange } from '../../formats/change.js';
import { countSchema } from '../../formats/typed.js';
import { readBootstrapFile } from '../../local/bootstrap-file.js';
import { reasons } from '../../reasons.js';
import { loadCore } from '../../wasm.js';
import { command, grouped, type Result } from '../command.js';
import { connectionWords, type Surroundings, withDevice } from '../connection.js';
import {
  type ConnectionOptions,
  connectionOptions,
  file,
  fileArgument,
  flag,
  option,
  text,
  waitOption,
} from '../options.js';
import { askingOf } from '../several.js';

export const provision = command({
  name: 'provision',
  summary: 'bring a bootstrap document to a blank device, or a signed change to any',
  details: [
    'The bootstrap document (YAML or CBOR) holds identity, trust anchors and policy. A device takes one, once, and',
    'then locks. From then on it takes only signed changes (`countersign change`). Exit code 2: the device has this',
    'change already. With --all: 0 if all devices of the fleet have it now, else the code of the worst failure, or 41',
    'if some are offline; repeat the command for these, the others are left alone.',
  ].join('\n'),
  arguments: { bootstrap: fileArgument('the bootstrap file, or a signed change') },
  options: {
    ...connectionOptions,
    all: flag('bring a change to all online devices of the fleet', { needs: 'broker' }),
    ...grouped('A list of devices', {
      from: file('list of devices (CSV: id, name, groups); the bootstrap file is the template', {
        not: ['all', 'device', 'port'],
      }),
      out: text('folder', 'write one document each there, instead of bringing them over the broker', { needs: 'from' }),
      parallel: option('number', 'devices at a time; default: 64', countSchema(1, 10_000).optional(), {
        needs: 'from',
      }),
      wait: { ...waitOption('how long to wait for devices that are offline'), needs: 'from' },
    }),
  },
  examples: [
    'countersign provision device.yaml --port /dev/ttyACM0',
    'countersign provision device.yaml --broker mqtt://localhost --device virtual',
    'countersign provision template.yaml --from list.csv --out boot',
    'countersign provision template.yaml --from list.csv --broker mqtt://localhost --fleet plant',
    'countersign provision rotate.change --broker mqtt://localhost --all',
  ],
  writes: true,
  async run({ arguments: { bootstrap: path }, options, ...around }) {
    if (options.from !== undefined) return fromList(path, options.from, options, around);
    const bytes = await readBytes(path);
    if (looksLikeChange(bytes)) return (options.all ? toFleet : toDevice)(bytes, path, options, around);
    if (!options.all) return toBlankDevice(path, options, around);
    throw new CountersignError('BadArgument', 'argument: --all is for changes: each device has its own id');
  },
});

async function fromList(
  template: string,
  list: string,
  options: ConnectionOptions & { out?: string | undefined; parallel?: number | undefined; wait?: number | undefined },
  { dryRun, signal }: Surroundings,
): Promise<Result> {
  const { readBootstrapList, writeBootstraps } = await import('../../local/bootstrap-list.js');
  const made = await readBootstrapList(await loadCore(), template, list);
  if (options.out !== undefined) return bootstrapsBrought(await writeBootstraps(made, options.out, dryRun), 0);
  if (!options.broker) throw new CountersignError('BadArgument', 'argument: --from needs --broker or --out');
  const { provisionEach } = await import('../../fleet/provision.js');
  const place = { url: options.broker, fleet: options.fleet };
  const { devices, exit } = await provisionEach(place, made, { ...askingOf(options, signal), dryRun });
  return { ...bootstrapsBrought(devices, exit), exit };
}

async function toBlankDevice(path: string, options: ConnectionOptions, around: Surroundings): Promise<Result> {
  const document = await readBootstrapFile(path);
  const { dryRun, signal } = around;
  return withDevice(options, around, async ({ client }) => {
    const link = client.link.name;
    const before = await identify(client, { signal });
    if (dryRun && before.deviceId !== undefined) {
      throw new CountersignError('BootstrapLocked', `provision: ${link} is device ${before.deviceId} already`);
    }
    const after = dryRun ? before : await provisionDevice(client, document, { signal });
    return { ...bootstrapBrought(document, after, { link, dryRun }), next: ['deliver', ...connectionWords(options)] };
  });
}

type Bringing = (change: Uint8Array, path: string, options: ConnectionOptions, around: Surroundings) => Promise<Result>;

const toDevice: Bringing = async (change, path, options, around) => {
  viewChange(change, path); // what is no change goes to nobody
  return withDevice(options, around, async ({ client }) => {
    const outcome = await bringChange(await loadCore(), client, change, around);
    const exit = outcome === 'in-force' ? reasons.NothingToDo.exit : 0;
    return { ...changeBrought(change, client.link.name, outcome), exit };
  });
};

const toFleet: Bringing = async (change, path, { broker, fleet, timeout, retries }, around) => {
  const { bringChangeToFleet } = await import('../../fleet/changes.js');
  const told = (done: number, of: number) => around.terminal.detail(`${done} of ${of} devices`);
  const how = { url: broker!, fleet, timeoutMs: timeout * 1000, retries, ...around, told };
  const changed = await bringChangeToFleet(change, path, how);
  return { ...changeBroughtToFleet(fleet, changed), exit: changed.exit };
};

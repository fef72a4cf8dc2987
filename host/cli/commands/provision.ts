// provision: brings the bootstrap document to a blank device, once. The device then locks; later it takes changes of
// anchors and policy that its operators signed, here or with --all on every device of a fleet that is online
// (local/fleet.ts).

import { changeData, changeRows } from '../../describe/change.js';
import { bringChange, type ChangedDevice, type ChangeOutcome } from '../../device/change.js';
import { identify, provision as provisionDevice } from '../../device/identity.js';
import { CountersignError } from '../../errors.js';
import { readBytes } from '../../files.js';
import { viewBootstrap } from '../../formats/bootstrap.js';
import { hex } from '../../formats/bytes.js';
import { looksLikeChange, viewChange } from '../../formats/change.js';
import { rows } from '../../formats/wording.js';
import { reasonData } from '../../json.js';
import { readBootstrapFile } from '../../local/bootstrap-file.js';
import { reasons } from '../../reasons.js';
import { loadCore } from '../../wasm.js';
import { command, type Result } from '../command.js';
import { connectionWords, type Surroundings, withDevice } from '../connection.js';
import { type ConnectionOptions, connectionOptions, flag } from '../options.js';
import { pathSchema } from '../values.js';

export const provision = command({
  name: 'provision',
  summary: 'bring a bootstrap document to a blank device, or a signed change to any',
  details: [
    'The bootstrap document (YAML or CBOR) holds identity, trust anchors and policy. A device takes one, once, and',
    'then locks. From then on it takes only signed changes (`countersign change`). Bringing a change again does',
    'nothing (exit code 2).',
  ].join('\n'),
  arguments: { bootstrap: { text: 'the bootstrap file, or a signed change', schema: pathSchema } },
  options: {
    ...connectionOptions,
    all: flag('bring a change to all online devices of the fleet; needs --broker'),
  },
  examples: [
    'countersign provision device.yaml --port /dev/ttyACM0',
    'countersign provision device.yaml --broker mqtt://localhost --device virtual',
    'countersign provision rotate.change --broker mqtt://localhost --all',
  ],
  writes: true,
  async run({ arguments: { bootstrap: path }, options, ...around }) {
    const bytes = await readBytes(path);
    if (looksLikeChange(bytes)) return (options.all ? toFleet : toDevice)(bytes, path, options, around);
    if (!options.all) return toBlankDevice(path, options, around);
    throw new CountersignError('BadArgument', 'argument: --all is for changes: each device has its own id');
  },
});

async function toBlankDevice(path: string, options: ConnectionOptions, around: Surroundings): Promise<Result> {
  const document = await readBootstrapFile(path);
  const view = viewBootstrap(document, path);
  const { dryRun, signal } = around;
  return withDevice(options, around, async ({ client }) => {
    const { name } = client.link;
    const before = await identify(client, { signal });
    if (dryRun && before.deviceId !== undefined) {
      throw new CountersignError('BootstrapLocked', `provision: ${name} is device ${before.deviceId} already`);
    }
    const after = dryRun ? before : await provisionDevice(client, document, { signal });
    const device = after.deviceId ?? (view && hex(view.device));
    const anchors = view?.anchors.map(({ role, name, key }) => `${role} ${name ?? ''} ${hex(key.kid)}`);
    const { about } = after;
    return {
      data: { provisioned: !dryRun, device, about, bytes: document.length, anchors: anchors?.length },
      lines: [
        `${dryRun ? 'would provision' : 'provisioned'} ${name}`,
        ...rows([
          ['device', device],
          ['agent', about],
          ['anchors', anchors],
          ['document', `${document.length} bytes`],
        ]),
      ],
      next: ['deliver', ...connectionWords(options)],
    };
  });
}

const OUTCOME_TEXT: Record<ChangeOutcome, string> = {
  taken: 'taken',
  acceptable: 'would take it',
  'in-force': 'stands so already',
};

type Bringing = (change: Uint8Array, path: string, options: ConnectionOptions, around: Surroundings) => Promise<Result>;

const toDevice: Bringing = async (change, path, options, around) => {
  const view = viewChange(change, path);
  return withDevice(options, around, async ({ client }) => {
    const outcome = await bringChange(await loadCore(), client, change, around);
    const device = client.link.name;
    return {
      data: { device, outcome, ...changeData(view) },
      lines: [`${device}: ${OUTCOME_TEXT[outcome]}`, ...rows(changeRows(view))],
      ...(outcome === 'in-force' && { exit: reasons.NothingToDo.exit }),
    };
  });
};

const toFleet: Bringing = async (change, path, { broker: url, fleet, timeout, retries }, around) => {
  if (url === undefined) throw new CountersignError('BadArgument', 'argument: --all needs --broker');
  const { bringChangeToFleet } = await import('../../local/fleet.js');
  const told = (done: number, of: number) => around.terminal.detail(`${done} of ${of} devices`);
  const how = { url, fleet, timeoutMs: timeout * 1000, retries, ...around, told };
  const { devices, away, exit } = await bringChangeToFleet(change, path, how);
  const results = devices.map(resultOf);
  const failed = results.filter(({ outcome }) => outcome === 'failed').length;
  const [online, offline] = [results.length, away.length];
  return {
    data: { fleet, online, offline, failed, devices: results, away },
    lines: [
      ...results.map((one) => `${fleet}/${one.device}: ${textOf(one)}`),
      ...away.map((name) => `${fleet}/${name}: offline`),
      `${online - failed} of ${online + offline} devices stand by it, ${failed} failed, ` +
        `${offline} are offline${failed + offline > 0 ? ': run this again for these' : ''}`,
    ],
    exit,
  };
};

const resultOf = (one: ChangedDevice) =>
  'error' in one
    ? { device: one.device, outcome: 'failed' as const, reason: reasonData(one.error.code), message: one.error.message }
    : { device: one.device, outcome: one.outcome, reason: reasonData(reasons.Ok.code) };

const textOf = (one: ReturnType<typeof resultOf>): string =>
  one.outcome === 'failed' ? `failed: ${one.message}` : OUTCOME_TEXT[one.outcome];

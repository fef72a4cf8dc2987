// provision: brings the bootstrap document to a blank device, once. The device then locks; later it takes changes of
// anchors and policy that its operators signed, here or with --all on every device of a fleet that is online.
//
// After a fleet run, those that failed or were away are named, and the end is that of the worst: a device that refused or
// failed, before one that did not answer, before one that is offline; 0 only if the change is in force on all.

import { bringChange, bringChangeToAll, type ChangedDevice, type ChangeOutcome } from '../../device/change.js';
import { identify, provision as provisionDevice } from '../../device/identity.js';
import { CountersignError } from '../../errors.js';
import { readBytes } from '../../files.js';
import { viewBootstrap } from '../../formats/bootstrap.js';
import { hex } from '../../formats/bytes.js';
import { looksLikeChange, viewChange } from '../../formats/change.js';
import { reasonOf, reasons } from '../../reasons.js';
import { createClient } from '../../smp/client.js';
import { command, type Result } from '../command.js';
import { type ConnectionOptions, connectionOptions, connectionWords } from '../connection-options.js';
import { changeData, changeRows } from '../describe/change.js';
import { readBootstrapFile } from '../provisioning.js';
import { rows } from '../show.js';
import type { Terminal } from '../terminal.js';
import { pathSchema, switchSchema } from '../values.js';

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
    all: { text: 'bring a change to all online devices of the fleet; needs --broker', schema: switchSchema },
  },
  examples: [
    'countersign provision device.yaml --port /dev/ttyACM0',
    'countersign provision device.yaml --broker mqtt://localhost --device virtual',
    'countersign provision rotate.change --broker mqtt://localhost --all',
  ],
  writes: true,
  async run({ arguments: { bootstrap: path }, options, terminal, dryRun, signal }) {
    const file = await readBytes(path);
    if (looksLikeChange(file)) {
      const bringing = { change: file, path, options, terminal, dryRun, signal };
      return options.all ? toFleet(bringing) : toDevice(bringing);
    }
    if (options.all)
      throw new CountersignError('BadArgument', 'argument: --all is for changes: each device has its own id');
    const document = await readBootstrapFile(path);
    const view = viewBootstrap(document, path);
    const { connect } = await import('../connection.js');
    const connection = await connect(options, terminal, signal);
    const { client } = connection;
    try {
      const before = await identify(client, { signal });
      if (dryRun && before.deviceId !== undefined) {
        throw new CountersignError(
          'BootstrapLocked',
          `provision: ${client.link.name} is device ${before.deviceId} already`,
        );
      }
      const after = dryRun ? before : await provisionDevice(client, document, { signal });
      const id = after.deviceId ?? (view && hex(view.device));
      const anchors = view?.anchors.map(({ role, name, key }) => `${role} ${name ?? ''} ${hex(key.kid)}`);
      return {
        data: {
          provisioned: !dryRun,
          device: id,
          about: after.about,
          bytes: document.length,
          anchors: view?.anchors.length,
        },
        lines: [
          `${dryRun ? 'would provision' : 'provisioned'} ${client.link.name}`,
          ...rows([
            ['device', id],
            ['agent', after.about],
            ['anchors', anchors],
            ['document', `${document.length} bytes`],
          ]),
        ],
        next: ['deliver', ...connectionWords(options)],
      };
    } finally {
      await connection.close();
    }
  },
});

interface Bringing {
  change: Uint8Array;
  path: string;
  options: ConnectionOptions;
  terminal: Terminal;
  dryRun: boolean;
  signal: AbortSignal;
}

const OUTCOME_TEXT: Record<ChangeOutcome, string> = {
  taken: 'taken',
  acceptable: 'would take it',
  'in-force': 'stands so already',
};

async function toDevice({ change, path, options, terminal, dryRun, signal }: Bringing): Promise<Result> {
  const view = viewChange(change, path);
  const { connect } = await import('../connection.js');
  const connection = await connect(options, terminal, signal);
  try {
    const { client } = connection;
    const end = await bringChange(client, change, { dryRun, signal });
    const outcome = OUTCOME_TEXT[end];
    return {
      data: { device: client.link.name, outcome, ...changeData(view) },
      lines: [`${client.link.name}: ${outcome}`, ...rows(changeRows(view))],
      ...(end === 'in-force' && { exit: reasons.NothingToDo.exit }),
    };
  } finally {
    await connection.close();
  }
}

async function toFleet({ change, path, options, terminal, dryRun, signal }: Bringing): Promise<Result> {
  viewChange(change, path); // what is no change goes to nobody
  const { broker: url, fleet } = options;
  if (url === undefined) throw new CountersignError('BadArgument', 'argument: --all needs --broker');
  const [{ listDevices, openMqtt }, { endingWith }] = await Promise.all([
    import('../../links/mqtt.js'),
    import('../../links/lasting.js'),
  ]);
  const open = async (device: string) => {
    const link = endingWith(await openMqtt({ url, fleet, device }, signal), signal);
    return createClient(link, { timeoutMs: options.timeout * 1000, retries: options.retries });
  };
  const seen = await listDevices(url, fleet, signal);
  const online = seen.filter(({ state }) => state.online).map(({ name }) => name);
  const away = seen.filter(({ state }) => !state.online).map(({ name }) => name);
  const results: ReturnType<typeof resultOf>[] = [];
  for await (const one of bringChangeToAll(change, online, open, { dryRun, signal })) {
    results.push(resultOf(one));
    terminal.detail(`${results.length} of ${online.length} devices`);
  }
  results.sort((a, b) => (a.device < b.device ? -1 : 1));
  const failures = results.map(({ reason }) => reason).filter((reason) => reason !== 0);
  const failed = failures.length;
  return {
    data: { fleet, online: online.length, offline: away.length, failed, devices: results, away },
    lines: [
      ...results.map(({ device, outcome }) => `${fleet}/${device}: ${outcome}`),
      ...away.map((name) => `${fleet}/${name}: offline`),
      `${results.length - failed} of ${seen.length} devices stand by it, ${failed} failed, ` +
        `${away.length} are offline${failed + away.length > 0 ? ': run this again for these' : ''}`,
    ],
    exit: worstExit(failures, seen.length, away.length),
  };
}

const resultOf = (one: ChangedDevice) =>
  'error' in one
    ? { device: one.device, outcome: `failed: ${one.error.message}`, reason: one.error.code }
    : { device: one.device, outcome: OUTCOME_TEXT[one.outcome], reason: 0 };

function worstExit(failures: readonly number[], seen: number, away: number): number {
  if (seen === 0) return reasons.NotFound.exit;
  const exits = failures.map((reason) => reasonOf(reason).exit);
  if (away > 0) exits.push(reasons.NoAnswer.exit);
  const silent: number[] = [reasons.LinkLost.exit, reasons.NoAnswer.exit];
  const told = exits.filter((exit) => !silent.includes(exit));
  return Math.max(0, ...(told.length > 0 ? told : exits));
}

// deliver: brings a package to a device, and reports what the device decided.
//
// Over a broker it publishes the package once and leaves an order (fleet/deliver.ts); over a line of its own, and with
// --push, it sends it. Nothing here answers the device's question to its user: there is no prompt for it and no flag. While
// the device waits for that person, this says so and for how long.

import { approvalBrought } from '../../describe/brought.js';
import { requirePackage } from '../../describe/file.js';
import { deliveredToMany } from '../../describe/fleet.js';
import { deliveryText, orderedText, previewText } from '../../describe/outcome.js';
import { explainRefusal } from '../../describe/refusal.js';
import { deliver as deliverPackage } from '../../device/deliver.js';
import { bringApprovals, documentsIn, type Gathered } from '../../device/evidence.js';
import { identify } from '../../device/identity.js';
import { isThirdParty } from '../../device/third-party.js';
import { CountersignError } from '../../errors.js';
import type { DeviceSelection } from '../../fleet/several.js';
import type { ByteSource } from '../../formats/byte-source.js';
import { openEnvelope } from '../../formats/envelope.js';
import { sequenceSchema } from '../../formats/typed.js';
import { readBootstrapFile, readBootstrapNames } from '../../local/bootstrap-file.js';
import type { Connection } from '../../local/connect.js';
import { guardFile } from '../../local/guard-file.js';
import { withFile } from '../../open-file.js';
import { loadCore } from '../../wasm.js';
import { command, grouped, type Result } from '../command.js';
import { type Surroundings, waitsOf, withDevice } from '../connection.js';
import {
  bootstrapOption,
  connectionOptions,
  fileArgument,
  flag,
  option,
  orderOptions,
  output,
  sourceOptions,
  timingOf,
  type Values,
  waitOption,
} from '../options.js';
import { cardAccess } from '../secrets.js';
import { askingOf, selectionOf, severalOptions } from '../several.js';
import { deliverGuarded } from '../third-party.js';

const options = {
  ...connectionOptions,
  ...sourceOptions,
  ...orderOptions,
  ...severalOptions,
  ...grouped('Boards without our agent', {
    bootstrap: bootstrapOption('whom the board would trust, and its policy; this machine decides'),
    installed: option('number', 'sequence number of the firmware that the board runs', sequenceSchema.optional()),
    remember: output('file that remembers operators and boards; default: guard.json in the state folder', {
      config: 'guard-memory',
      path: true,
    }),
    test: flag('mark the image for test, and leave the reset to you'),
    noConfirm: flag('test and reset, but do not confirm: the next reset reverts'),
  }),
  wait: waitOption('how long to wait for the user, for the installation, and for a device that is offline'),
};
type Options = Values<typeof options>;

export const deliver = command({
  name: 'deliver',
  summary: 'bring a package to a device, and wait for its decision',
  details: [
    'The device itself checks vendor, approval and policy before it takes the first byte of the firmware. If it asks',
    'its user, the answer is given at the device, never here. Over a broker the package is published once, and the',
    'device is told by a retained order to fetch it; one that is offline does so when it comes back (exit code 41).',
    'A board without our agent (Zephyr, MCUboot serial recovery) cannot check. With --bootstrap this machine decides',
    'in its place before it sends the image, asks here what the device would ask its user, and then tests, resets and',
    'confirms the image.',
  ].join('\n'),
  arguments: { package: fileArgument('the .suit file') },
  options,
  examples: [
    'countersign deliver release.suit --port /dev/ttyACM0',
    'countersign deliver release.suit --broker mqtt://localhost --device virtual --approval release.cose',
    'countersign deliver release.suit --port /dev/ttyACM0 --json',
    'countersign deliver release.suit --broker mqtt://localhost --fleet plant --group cellar --spread 600',
    'countersign deliver release.suit --port udp://192.0.2.7 --bootstrap board.yaml --approvals-from mqtt://broker/factory',
  ],
  writes: true,
  async run({ arguments: { package: path }, options, ...around }) {
    return withFile(path, async (file) => {
      await requirePackage(file, path);
      const { gathered, again } = await gather(options, around);
      const selection = selectionOf(options.all, options);
      if (selection) return toMany(selection, { path, file, gathered, again }, options, around);
      return withDevice(options, around, (device) =>
        toDevice(device, { path, file, gathered, again }, options, around),
      );
    });
  },
});

interface Job {
  path: string;
  file: ByteSource & { path: string };
  gathered: Gathered[];
  again: (() => Promise<Gathered[]>) | undefined;
}

async function toDevice(
  { client, address }: Connection,
  job: Job,
  options: Options,
  around: Surroundings,
): Promise<Result> {
  const { path, file, gathered } = job;
  const { terminal, dryRun, signal } = around;
  const { name } = client.link;
  // Loaded for a broker alone: a line of its own does without mqtt.js.
  const over = address && !options.push ? { ...(await import('../../fleet/deliver.js')), ...address } : undefined;
  const line = over && (await over.openFleetLine(over, signal));
  try {
    const away = line?.devices.get(over!.device)?.online === false;
    if (!away && (await isThirdParty(client, { signal }))) {
      if (options.bootstrap === undefined) {
        throw new CountersignError('NoGuard', `deliver: ${name} does not know our agent’s commands`);
      }
      const guarded = {
        ...{ ...job, installed: options.installed, ...waitsOf(options) },
        bootstrap: await readBootstrapFile(options.bootstrap),
        memory: guardFile(options.remember, dryRun),
        ending: options.test ? ('test' as const) : options.noConfirm ? ('trial' as const) : ('confirm' as const),
      };
      return await deliverGuarded(client, guarded, around);
    }
    const documents = documentsIn(gathered);
    if (dryRun) return previewText(file, name, await identify(client, { signal }), documents.length);
    const bring = () =>
      bringApprovals(
        client,
        gathered,
        (of, brought) => {
          const { level, text } = approvalBrought(of, brought);
          terminal[level](text);
        },
        { signal },
      );
    const delivery = { file, signal, core: await loadCore(), ...waitsOf(options) };
    const waitMs = options.wait === undefined ? undefined : options.wait * 1000;
    const ordering = { ...delivery, bring, waitMs, timing: timingOf(options) };
    if (!line) await bring();
    const steps = line
      ? over!.deliverOrdered(client, line, { ...ordering, device: over!.device })
      : deliverPackage(client, delivery);
    const outcome = await terminal.follow(steps);
    if (outcome.kind === 'ordered' && gathered.length > 0 && outcome.why === 'offline') {
      terminal.warn('the approvals were not brought to it: `countersign publish` reaches every device');
    }
    const envelope = await openEnvelope(file, path).catch(() => undefined);
    const known = { names: await readBootstrapNames(options.bootstrap) };
    const explained =
      outcome.kind === 'ordered'
        ? undefined
        : await explainRefusal(client, outcome, { path, envelope, documents, known }, { signal });
    const text = outcome.kind === 'ordered' ? orderedText(outcome) : deliveryText(outcome, explained);
    const { result, exit, line: told, details = [], data } = text;
    return { data: { result, package: path, device: name, exit, ...data }, lines: [told, ...details], exit };
  } finally {
    await line?.close();
  }
}

async function toMany(
  selection: DeviceSelection,
  { path, file, gathered }: Job,
  options: Options,
  { terminal, signal, dryRun }: Surroundings,
): Promise<Result> {
  if (options.push) throw new CountersignError('BadArgument', 'argument: --push is for one device');
  const { deliverToSelected } = await import('../../fleet/deliver-many.js');
  const envelope = await openEnvelope(file, path);
  const found = await deliverToSelected({ url: options.broker!, fleet: options.fleet }, selection, {
    ...askingOf(options, signal),
    ...{ file, envelope, path, gathered, dryRun, timing: timingOf(options), installMs: waitsOf(options).installMs },
    brought: (device, name, brought) => terminal.detail(`${device}: ${approvalBrought(name, brought).text}`),
    published: (done, of) => terminal.detail(`${done} of ${of} blocks published`),
    told: (done, of, { device, result }) => terminal.detail(`${done} of ${of}: ${device} ${result}`),
  });
  return { ...deliveredToMany(path, envelope.digest!, found.ends, found), exit: found.exit };
}

/** The approvals, and how those that may change are gathered once more. */
async function gather(options: Options, { terminal, signal }: Surroundings) {
  const { gatherApprovals, gatherFromBroker } = await import('../../local/approvals.js');
  const { approval: files, card, modem, approvalsFrom: broker, fleet } = options;
  const places = { files, reader: card, modem, broker, fleet, access: cardAccess(options, terminal) };
  return {
    gathered: await gatherApprovals(places, terminal.warn, signal),
    again: broker && (() => gatherFromBroker(broker, fleet, terminal.warn, signal)),
  };
}

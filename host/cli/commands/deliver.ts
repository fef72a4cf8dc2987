// deliver: brings a package to a device, and reports what the device decided.
//
// Nothing here answers the device's question to its user: there is no prompt for it and no flag. While the device
// waits for that person, this says so and for how long.

import { readJudgement } from '../../core.js';
import { requirePackage } from '../../describe/file.js';
import { deliveryText } from '../../describe/outcome.js';
import { explain, type Judged } from '../../describe/verdict.js';
import { deliver as deliverPackage, type Outcome } from '../../device/deliver.js';
import { bringApproval, documentsIn, type Gathered } from '../../device/evidence.js';
import { identify, readBootstrap, readInstalled } from '../../device/identity.js';
import { isThirdParty } from '../../device/third-party.js';
import { CountersignError } from '../../errors.js';
import { decode } from '../../formats/cbor.js';
import { openEnvelope } from '../../formats/envelope.js';
import { rows } from '../../formats/wording.js';
import { readBootstrapFile, readBootstrapNames } from '../../local/bootstrap-file.js';
import { guardFile } from '../../local/guard-file.js';
import { type OpenFile, withFile } from '../../open-file.js';
import type { Client } from '../../smp/client.js';
import { command, grouped, type Result } from '../command.js';
import { type Surroundings, withDevice } from '../connection.js';
import {
  bootstrapOption,
  connectionOptions,
  file,
  flag,
  option,
  type SourceOptions,
  sourceOptions,
  waitOption,
} from '../options.js';
import { cardAccess } from '../secrets.js';
import { deliverGuarded } from '../third-party.js';
import { pathSchema, sequenceSchema } from '../values.js';

export const deliver = command({
  name: 'deliver',
  summary: 'bring a package to a device, and wait for its decision',
  details: [
    'The device itself checks vendor, approval and policy before it takes the first byte of the firmware. If it asks',
    'its user, the answer is given at the device, never here. A board without our agent (Zephyr, MCUboot serial',
    'recovery) cannot check. With --bootstrap this machine decides in its place before it sends the image, asks here',
    'what the device would ask its user, and then tests, resets and confirms the image.',
  ].join('\n'),
  arguments: { package: { text: 'the .suit file', schema: pathSchema } },
  options: {
    ...connectionOptions,
    ...sourceOptions,
    ...grouped('Boards without our agent', {
      bootstrap: bootstrapOption('whom the board would trust, and its policy; this machine decides'),
      installed: option('number', 'sequence number of the firmware that the board runs', sequenceSchema.optional()),
      remember: file('file that remembers operators and boards; default: guard.json in the state folder', {
        config: 'guard-memory',
        path: true,
      }),
      test: flag('mark the image for test, and leave the reset to you'),
      noConfirm: flag('test and reset, but do not confirm: the next reset reverts'),
    }),
    wait: waitOption('how long to wait for the user and for the installation'),
  },
  examples: [
    'countersign deliver release.suit --port /dev/ttyACM0',
    'countersign deliver release.suit --broker mqtt://localhost --device virtual --approval release.cose',
    'countersign deliver release.suit --port /dev/ttyACM0 --json',
    'countersign deliver release.suit --port udp://192.0.2.7 --bootstrap board.yaml --approvals-from mqtt://broker/factory',
  ],
  writes: true,
  async run({ arguments: { package: path }, options, ...around }) {
    const { terminal, dryRun, signal } = around;
    return withFile(path, async (opened) => {
      await requirePackage(opened, path);
      const { gathered, again } = await gather(options, around);
      const waitMs = options.wait === undefined ? undefined : options.wait * 1000;
      return withDevice(options, around, async ({ client }) => {
        if (await isThirdParty(client, { signal })) {
          if (options.bootstrap === undefined) throw noGuard(client);
          const job = {
            ...{ path, file: opened, gathered, again },
            bootstrap: await readBootstrapFile(options.bootstrap),
            installed: options.installed,
            memory: guardFile(options.remember, dryRun),
            ending: options.test ? ('test' as const) : options.noConfirm ? ('trial' as const) : ('confirm' as const),
            ...(waitMs !== undefined && { installMs: waitMs }),
          };
          return deliverGuarded(client, job, around);
        }
        const documents = documentsIn(gathered);
        if (dryRun) return preview(client, opened, documents.length, signal);
        for (const one of gathered) await bring(client, one, around);
        const limits = waitMs === undefined ? {} : { answerMs: waitMs, installMs: waitMs };
        const outcome = await terminal.follow(deliverPackage(client, { file: opened, signal, ...limits }));
        const envelope = await openEnvelope(opened, path).catch(() => undefined);
        const known = { names: await readBootstrapNames(options.bootstrap) };
        const explained = await explanation(outcome, client, { path, envelope, documents, known }, signal);
        const { result, exit, line, details = [], data } = deliveryText(outcome, explained);
        const device = client.link.name;
        return { data: { result, package: path, device, exit, ...data }, lines: [line, ...details], exit };
      });
    });
  },
});

/** The approvals, and how those that may change are gathered once more. */
async function gather(options: SourceOptions, { terminal, signal }: Surroundings) {
  const { gatherApprovals, gatherFromBroker } = await import('../../local/approvals.js');
  const { approval: files, card, modem, approvalsFrom: broker, fleet } = options;
  const places = { files, reader: card, modem, broker, fleet, access: cardAccess(options, terminal) };
  return {
    gathered: await gatherApprovals(places, terminal.warn, signal),
    again: broker && (() => gatherFromBroker(broker, fleet, terminal.warn, signal)),
  };
}

function noGuard(client: Client): CountersignError {
  return new CountersignError('NoGuard', `deliver: ${client.link.name} does not know our agent’s commands`);
}

async function preview(client: Client, file: OpenFile, approvals: number, signal: AbortSignal): Promise<Result> {
  const { path, size } = file;
  const { about, bootloader, deviceId, state, installed } = await identify(client, { signal });
  const identity = { about, bootloader, deviceId, state, installed };
  return {
    data: { result: 'dry-run', package: path, device: client.link.name, bytes: size, approvals, identity },
    lines: [
      `would offer ${path} to ${client.link.name}`,
      ...rows([
        ['device', deviceId ?? 'not provisioned'],
        ['installed', installed?.version],
        ['package', `${size} bytes`],
        ['approvals', approvals || undefined],
        ['verdict', 'is the device’s own; `countersign check` predicts it'],
      ]),
    ],
  };
}

async function bring(client: Client, one: Gathered, { terminal, signal }: Surroundings): Promise<void> {
  const { name, evidence } = one;
  if (!('bytes' in evidence)) return;
  const brought = await bringApproval(client, evidence.bytes, one, { signal });
  switch (brought.kind) {
    case 'kept':
      return terminal.note(`approval ${name}: kept by the device`);
    case 'not-taken':
      return terminal.detail(`an approval of ${name} is not for this device: ${brought.error.message}`);
    case 'superseded':
      return terminal.warn(`approval ${name}: the device has a newer document of this operator, and goes by that`);
    default:
      return brought satisfies never;
  }
}

// The device's own record of its verdict, in words; nothing when it is about something else than this refusal.
async function explanation(
  outcome: Outcome,
  client: Client,
  judged: Omit<Judged, 'bootstrap'>,
  signal: AbortSignal,
): Promise<Pick<ReturnType<typeof explain>, 'data' | 'lines'> | undefined> {
  if (outcome.kind !== 'refused' || outcome.verdict === undefined) return undefined;
  const judgement = readJudgement(decode(outcome.verdict, 'verdict of the device'));
  const bootstrap = await readBootstrap(client, { signal }).catch(() => undefined);
  if (judgement.reason !== outcome.reason || bootstrap === undefined) return undefined;
  const installed = (await readInstalled(client, { signal }).catch(() => undefined))?.sequence;
  const { data, lines } = explain(judgement, { ...judged, bootstrap, known: { ...judged.known, installed } });
  return { data, lines: lines.slice(1) };
}

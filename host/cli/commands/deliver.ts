// deliver: brings a package to a device, and reports what the device decided.
//
// Nothing here answers the device's question to its user: there is no prompt for it and no flag. While the device
// waits for that person, this says so and for how long.

import { readJudgement } from '../../core.js';
import { deliver as deliverPackage, type Outcome } from '../../device/deliver.js';
import { bringApproval, documentsIn, type Gathered } from '../../device/evidence.js';
import { identify, readBootstrap, readInstalled, type Waits } from '../../device/identity.js';
import { type Ending, isThirdParty } from '../../device/third-party.js';
import { CountersignError } from '../../errors.js';
import { decode } from '../../formats/cbor.js';
import { openEnvelope } from '../../formats/envelope.js';
import { type OpenFile, withFile } from '../../open-file.js';
import { reasonOf, reasons } from '../../reasons.js';
import type { Client } from '../../smp/client.js';
import { command, grouped, type Result } from '../command.js';
import { connectionOptions } from '../connection-options.js';
import { requirePackage } from '../describe/describe.js';
import { explain, type Judged } from '../describe/verdict.js';
import { guardFile } from '../guard-memory.js';
import { readBootstrapFile, readBootstrapNames } from '../provisioning.js';
import { rows } from '../show.js';
import { gatherApprovals, gatherFromBroker, sourceOptions } from '../sources.js';
import type { Terminal } from '../terminal.js';
import { deliverGuarded } from '../third-party.js';
import { pathSchema, secondsSchema, sequenceSchema, switchSchema } from '../values.js';

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
      bootstrap: {
        value: 'file',
        text: 'whom the board would trust, and its policy; this machine decides',
        schema: pathSchema.optional(),
        config: 'bootstrap',
        path: true,
      },
      installed: {
        value: 'number',
        text: 'sequence number of the firmware that the board runs',
        schema: sequenceSchema.optional(),
      },
      remember: {
        value: 'file',
        text: 'file that remembers operators and boards; default: guard.json in the state folder',
        schema: pathSchema.optional(),
        config: 'guard-memory',
        path: true,
      },
      test: {
        text: 'mark the image for test, and leave the reset to you',
        schema: switchSchema,
      },
      noConfirm: {
        text: 'test and reset, but do not confirm: the next reset reverts',
        schema: switchSchema,
      },
    }),
    wait: {
      value: 'seconds',
      text: 'how long to wait for the user and for the installation',
      schema: secondsSchema.optional(),
    },
  },
  examples: [
    'countersign deliver release.suit --port /dev/ttyACM0',
    'countersign deliver release.suit --broker mqtt://localhost --device virtual --approval release.cose',
    'countersign deliver release.suit --port /dev/ttyACM0 --json',
    'countersign deliver release.suit --port udp://192.0.2.7 --bootstrap board.yaml --approvals-from mqtt://broker/factory',
  ],
  writes: true,
  async run({ arguments: { package: path }, options, terminal, dryRun, signal }) {
    return withFile(path, async (file) => {
      await requirePackage(file, path);
      const gathered = await gatherApprovals(options, terminal, signal);
      const { connect } = await import('../connection.js');
      const connection = await connect(options, terminal, signal);
      const { client } = connection;
      try {
        if (await isThirdParty(client, { signal })) {
          if (options.bootstrap === undefined) throw noGuard(client);
          const bootstrap = await readBootstrapFile(options.bootstrap);
          const limit = options.wait === undefined ? {} : { installMs: options.wait * 1000 };
          const { installed } = options;
          const memory = guardFile(options.remember, dryRun);
          const again = options.approvalsFrom && (() => gatherFromBroker(options, terminal, signal));
          const job = { path, file, bootstrap, gathered, again: again || undefined, installed, memory, dryRun };
          return await deliverGuarded(client, { ...job, ending: endingOf(options), ...limit }, terminal, signal);
        }
        const documents = documentsIn(gathered);
        if (dryRun) return await preview(client, file, documents.length, signal);
        for (const one of gathered) await bring(client, one, terminal, signal);
        const limits =
          options.wait === undefined ? {} : { answerMs: options.wait * 1000, installMs: options.wait * 1000 };
        const outcome = await terminal.follow(deliverPackage(client, { file, signal, ...limits }));
        return show(
          outcome,
          client.link.name,
          path,
          await explanation(
            outcome,
            client,
            {
              path,
              envelope: await openEnvelope(file, path).catch(() => undefined),
              documents,
              known: { names: await readBootstrapNames(options.bootstrap) },
            },
            { signal },
          ),
        );
      } finally {
        await connection.close();
      }
    });
  },
});

function noGuard(client: Client): CountersignError {
  return new CountersignError('NoGuard', `deliver: ${client.link.name} does not know our agent’s commands`);
}

async function preview(client: Client, file: OpenFile, approvals: number, signal: AbortSignal): Promise<Result> {
  const { path, size } = file;
  const device = await identify(client, { signal });
  return {
    data: { result: 'dry-run', package: path, bytes: size, approvals, device },
    lines: [
      `would offer ${path} to ${client.link.name}`,
      ...rows([
        ['device', device.deviceId ?? 'not provisioned'],
        ['installed', device.installed?.version],
        ['package', `${size} bytes`],
        ['approvals', approvals || undefined],
        ['verdict', 'is the device’s own; `countersign check` predicts it'],
      ]),
    ],
  };
}

const endingOf = ({ test, noConfirm }: { test: boolean; noConfirm: boolean }): Ending =>
  test ? 'test' : noConfirm ? 'trial' : 'confirm';

async function bring(client: Client, one: Gathered, terminal: Terminal, signal: AbortSignal): Promise<void> {
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
  waits: Waits,
): Promise<Pick<Result, 'data' | 'lines'> | undefined> {
  if (outcome.kind !== 'refused' || outcome.verdict === undefined) return undefined;
  const judgement = readJudgement(decode(outcome.verdict, 'verdict of the device'));
  const bootstrap = await readBootstrap(client, waits).catch(() => undefined);
  if (judgement.reason !== outcome.reason || bootstrap === undefined) return undefined;
  const installed = (await readInstalled(client, waits).catch(() => undefined))?.sequence;
  const { data, lines } = explain(judgement, { ...judged, bootstrap, known: { ...judged.known, installed } });
  return { data, lines: lines.slice(1) };
}

// One row per outcome: what is printed, and the exit code.
function show(
  outcome: Outcome,
  device: string,
  path: string,
  verdict: Pick<Result, 'data' | 'lines'> | undefined,
): Result {
  const result = (exit: number, line: string, more: Record<string, unknown>, details: string[] = []): Result => ({
    data: { result: outcome.kind, package: path, device, exit, ...more },
    lines: [line, ...details],
    exit,
  });
  switch (outcome.kind) {
    case 'installed': {
      const { version, sequence, digest } = outcome;
      const name = [version, `sequence ${sequence}`].filter(Boolean).join(', ');
      return result(reasons.Ok.exit, `installed: ${name}`, { version, sequence, digest });
    }
    case 'unchanged':
      return result(reasons.NothingToDo.exit, 'nothing to do: the device has exactly this package installed', {});
    case 'refused': {
      const { code, name, text, hint, fumo, exit } = reasonOf(outcome.reason);
      const told = { reason: { code, name, text, hint, fumo }, bytesSent: outcome.sent, verdict: verdict?.data };
      const details = verdict?.lines ?? rows([['hint', hint]]);
      return result(exit, `refused by the device: ${text} [${code} ${name}]`, told, details);
    }
    case 'deferred':
      return result(reasons.Deferred.exit, 'deferred: the device asked its user, and nobody answered in time', {});
    case 'asked': {
      const { left } = outcome;
      return result(reasons.AwaitingUser.exit, `waiting: the device still asks its user, for another ${left} s`, {
        left,
      });
    }
    case 'link-lost': {
      const { offset, error } = outcome;
      const why = [`  ${error.message}`];
      if (error.reason.name === 'PacketsLost') {
        const line = `nothing more got through after ${offset} bytes: ${error.hint}`;
        return result(error.reason.exit, line, { offset, why: error.message }, why);
      }
      const line = `link lost after ${offset} bytes: the same command goes on from there`;
      return result(error.reason.exit, line, { offset, why: error.message }, why);
    }
    default:
      return outcome satisfies never;
  }
}

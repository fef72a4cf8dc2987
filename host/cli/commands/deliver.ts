// deliver: brings a package to a device, and reports what the device decided.
//
// Nothing here answers the device's question to its user: there is no prompt for it and no flag. While the device
// waits for that person, this says so and for how long.

import { approvalBrought } from '../../describe/brought.js';
import { requirePackage } from '../../describe/file.js';
import { deliveryText, previewText } from '../../describe/outcome.js';
import { explainRefusal } from '../../describe/refusal.js';
import { deliver as deliverPackage } from '../../device/deliver.js';
import { bringApproval, documentsIn } from '../../device/evidence.js';
import { identify } from '../../device/identity.js';
import { isThirdParty } from '../../device/third-party.js';
import { CountersignError } from '../../errors.js';
import { openEnvelope } from '../../formats/envelope.js';
import { sequenceSchema } from '../../formats/typed.js';
import { readBootstrapFile, readBootstrapNames } from '../../local/bootstrap-file.js';
import { guardFile } from '../../local/guard-file.js';
import { withFile } from '../../open-file.js';
import { loadCore } from '../../wasm.js';
import { command, grouped } from '../command.js';
import { type Surroundings, waitsOf, withDevice } from '../connection.js';
import {
  bootstrapOption,
  connectionOptions,
  fileArgument,
  flag,
  option,
  output,
  type SourceOptions,
  sourceOptions,
  waitOption,
} from '../options.js';
import { cardAccess } from '../secrets.js';
import { deliverGuarded } from '../third-party.js';

export const deliver = command({
  name: 'deliver',
  summary: 'bring a package to a device, and wait for its decision',
  details: [
    'The device itself checks vendor, approval and policy before it takes the first byte of the firmware. If it asks',
    'its user, the answer is given at the device, never here. A board without our agent (Zephyr, MCUboot serial',
    'recovery) cannot check. With --bootstrap this machine decides in its place before it sends the image, asks here',
    'what the device would ask its user, and then tests, resets and confirms the image.',
  ].join('\n'),
  arguments: { package: fileArgument('the .suit file') },
  options: {
    ...connectionOptions,
    ...sourceOptions,
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
    return withFile(path, async (file) => {
      await requirePackage(file, path);
      const { gathered, again } = await gather(options, around);
      return withDevice(options, around, async ({ client }) => {
        const { name } = client.link;
        if (await isThirdParty(client, { signal })) {
          if (options.bootstrap === undefined) {
            throw new CountersignError('NoGuard', `deliver: ${name} does not know our agent’s commands`);
          }
          const job = {
            ...{ path, file, gathered, again, installed: options.installed, ...waitsOf(options) },
            bootstrap: await readBootstrapFile(options.bootstrap),
            memory: guardFile(options.remember, dryRun),
            ending: options.test ? ('test' as const) : options.noConfirm ? ('trial' as const) : ('confirm' as const),
          };
          return deliverGuarded(client, job, around);
        }
        const documents = documentsIn(gathered);
        if (dryRun) return previewText(file, name, await identify(client, { signal }), documents.length);
        for (const one of gathered) {
          if (!('bytes' in one.evidence)) continue;
          const { level, text } = approvalBrought(
            one.name,
            await bringApproval(client, one.evidence.bytes, one, { signal }),
          );
          terminal[level](text);
        }
        const steps = deliverPackage(client, { file, signal, core: await loadCore(), ...waitsOf(options) });
        const outcome = await terminal.follow(steps);
        const envelope = await openEnvelope(file, path).catch(() => undefined);
        const known = { names: await readBootstrapNames(options.bootstrap) };
        const explained = await explainRefusal(client, outcome, { path, envelope, documents, known }, { signal });
        const { result, exit, line, details = [], data } = deliveryText(outcome, explained);
        return { data: { result, package: path, device: name, exit, ...data }, lines: [line, ...details], exit };
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

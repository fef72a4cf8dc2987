// A package that is a file here, brought with its approvals to a device or to many, and told in words.
//
//   a device with a line of its own, or `push`      it is sent
//   a device on a broker                            published once, and ordered (deliver.ts)
//   many of a fleet                                 published once, ordered, each followed (deliver-many.ts)
//   a board without our agent                       decided here, if it is said whom it would trust (local/guarded-delivery.ts)
//
// Nothing here answers a device's question to its user. While the device waits for that person, the progress says so.

import { approvalBrought } from '../describe/brought.js';
import { requirePackage } from '../describe/file.js';
import { deliveredToMany } from '../describe/fleet.js';
import { deliveryText, type OutcomeText, orderedText, previewText } from '../describe/outcome.js';
import { explainRefusal } from '../describe/refusal.js';
import type { Described } from '../describe/words.js';
import { type Brought, bringApprovals } from '../device/bring.js';
import { deliver } from '../device/deliver.js';
import { documentsIn, type Gathered } from '../device/evidence.js';
import { identify } from '../device/identity.js';
import { type OldImage, oldImageOf } from '../device/old-image.js';
import { isThirdParty } from '../device/third-party.js';
import { CountersignError } from '../errors.js';
import type { ByteSource } from '../formats/byte-source.js';
import { openEnvelope } from '../formats/envelope.js';
import type { PackagePlace } from '../links/packages.js';
import { type ApprovalPlaces, gatherApprovals, gatherLasting } from '../local/approvals.js';
import { readBootstrapFile, readBootstrapNames } from '../local/bootstrap-file.js';
import { type Connection, type Whereabouts, withConnection } from '../local/connect.js';
import { guardFile } from '../local/guard-file.js';
import { deliverGuarded } from '../local/guarded-delivery.js';
import type { Doing, Person } from '../local/person.js';
import { withFile, withFiles } from '../open-file.js';
import { loadCore } from '../wasm.js';
import type { Timing } from './orders.js';
import type { Asking, DeviceSelection } from './several.js';

export interface FileDelivery extends ApprovalPlaces {
  /** Where many are, or one is, on a broker. */
  timing: Timing;
  /** Send it, instead of ordering the device to fetch it. */
  push: boolean;
  /** How long the user, the installation and a device that is offline are waited for; default: as each of them has it. */
  waitMs?: number | undefined;
  /** When following it on a broker ends, whatever devices say. */
  endMs?: number | undefined;
  /** Packages of which a device on a line may run one: its blocks are coded against that. */
  from: readonly string[];
  /** Of a board without our agent: its bootstrap file, what it runs, where it is remembered, and how the update ends there. */
  bootstrap?: string | undefined;
  installed?: bigint | undefined;
  remember?: string | undefined;
  test: boolean;
  noConfirm: boolean;
}

type Done = Described & { exit?: number };

interface Job {
  path: string;
  file: ByteSource & { path: string };
  old: OldImage[];
  gathered: Gathered[];
  again: (() => Promise<Gathered[]>) | undefined;
}

/** To one device. Throws NoGuard, and what the way to the device, the device itself or the broker throws. */
export const deliverFile = (
  path: string,
  where: Whereabouts,
  options: FileDelivery,
  person: Person,
  doing: Doing,
): Promise<Done> =>
  withFiles([path, ...options.from], async ([first, ...others]) => {
    const file = first!;
    await requirePackage(file, path);
    const old = await Promise.all(others.map((one) => oldImageOf(one, one.path)));
    const job = { path, file, old, ...(await gatherLasting(options, person.warn, doing.signal)) };
    return withConnection(where, person, doing.signal, (device) => toDevice(device, job, options, person, doing));
  });

/** To all that are selected. Throws BadArgument for `push`, and as deliverToSelected. */
export const deliverFileToMany = (
  path: string,
  { url, fleet, ...asking }: Asking & PackagePlace,
  selection: DeviceSelection,
  options: FileDelivery,
  person: Person,
  doing: Doing,
): Promise<Done> =>
  withFile(path, async (file) => {
    await requirePackage(file, path);
    const gathered = await gatherApprovals(options, person.warn, doing.signal);
    if (options.push) throw new CountersignError('BadArgument', 'argument: --push is for one device');
    const { deliverToSelected } = await import('./deliver-many.js');
    const envelope = await openEnvelope(file, path);
    const found = await deliverToSelected({ url, fleet }, selection, {
      ...asking,
      ...{ file, envelope, path, gathered, dryRun: doing.dryRun, timing: options.timing, installMs: options.waitMs },
      endMs: options.endMs,
      brought: (device, name, brought) => person.detail(`${device}: ${approvalBrought(name, brought).text}`),
      published: (done, of) => person.detail(`${done} of ${of} blocks published`),
      told: (done, of, { device, result }) => person.detail(`${done} of ${of}: ${device} ${result}`),
    });
    return { ...deliveredToMany(path, envelope.digest!, found.ends, found), exit: found.exit };
  });

async function toDevice(
  { client, address }: Connection,
  job: Job,
  options: FileDelivery,
  person: Person,
  doing: Doing,
): Promise<Done> {
  const { path, file, old, gathered } = job;
  const { dryRun, signal } = doing;
  const { name } = client.link;
  const { waitMs, endMs, timing } = options;
  const waits = waitMs === undefined ? {} : { answerMs: waitMs, installMs: waitMs };
  // Loaded for a broker alone: a line of its own does without.
  const over = address && !options.push ? { ...(await import('./deliver.js')), ...address } : undefined;
  const line = over && (await over.openFleetLine(over, signal));
  try {
    const away = line?.devices.get(over!.device)?.online === false;
    if (!away && (await isThirdParty(client, { signal }))) {
      if (options.bootstrap === undefined) {
        throw new CountersignError('NoGuard', `deliver: ${name} does not know our agent’s commands`);
      }
      const guarded = {
        ...{ ...job, installed: options.installed, ...waits },
        bootstrap: await readBootstrapFile(options.bootstrap),
        memory: guardFile(options.remember, dryRun),
        ending: options.test ? ('test' as const) : options.noConfirm ? ('trial' as const) : ('confirm' as const),
      };
      return await deliverGuarded(client, guarded, person, doing);
    }
    const documents = documentsIn(gathered);
    if (dryRun) return previewText(file, name, await identify(client, { signal }), documents.length);
    const told = (of: string, brought: Brought) => {
      const { level, text } = approvalBrought(of, brought);
      person[level](text);
    };
    const bring = () => bringApprovals(client, gathered, told, { signal });
    const delivery = { file, old, signal, core: await loadCore(), ...waits };
    if (!line) await bring();
    const steps = line
      ? over!.deliverOrdered(client, line, { ...delivery, bring, waitMs, endMs, timing, device: over!.device })
      : deliver(client, delivery);
    const outcome = await person.follow(steps);
    if (outcome.kind === 'ordered') {
      if (gathered.length > 0 && outcome.why === 'offline') {
        person.warn('the approvals were not brought to it: `countersign publish` reaches every device');
      }
      return deliveryResult(orderedText(outcome), path, name);
    }
    const envelope = await openEnvelope(file, path).catch(() => undefined);
    const known = { names: await readBootstrapNames(options.bootstrap) };
    const explained = await explainRefusal(client, outcome, { path, envelope, documents, known }, { signal });
    return deliveryResult(deliveryText(outcome, explained), path, name);
  } finally {
    await line?.close();
  }
}

const deliveryResult = (
  { result, exit, line, details = [], data }: OutcomeText,
  path: string,
  device: string,
): Done => ({
  data: { result, package: path, device, exit, ...data },
  lines: [line, ...details],
  exit,
});

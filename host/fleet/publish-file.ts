// A file that is there, left on a fleet's broker for its devices: an approval document or a denial, a change of anchors, policy
// or groups, or the blocks of a package. What it is, its first bytes say. And which devices have taken it since.

import { blocksPublished, changePublished, documentPublished } from '../describe/made.js';
import { type Tellable, withReached } from '../describe/reached.js';
import type { Described } from '../describe/words.js';
import { CountersignError } from '../errors.js';
import { readBytes } from '../files.js';
import { readFrom, sizeOf } from '../formats/byte-source.js';
import { looksLikeChange, viewChange } from '../formats/change.js';
import { openEnvelope } from '../formats/envelope.js';
import type { BrokerPlace } from '../links/broker-place.js';
import { publishPackage, unpublishPackage } from '../links/packages.js';
import { readDocument } from '../local/document-file.js';
import type { Doing, Person } from '../local/person.js';
import { openPublishing, publishChange } from '../local/publish.js';
import { withFile } from '../open-file.js';
import { reasons } from '../reasons.js';
import { type Sought, whoHolds } from './holders.js';
import { requirePublishable } from './publishing.js';

const PACKAGE_START = [0xd8, 0x6b]; // tag 107

export interface FilePublication {
  to: BrokerPlace;
  /** Where the place names none. */
  fleet: string;
  /** The operator's name in the topic; only for an approval. */
  as?: string | undefined;
  /** Replace even a newer document, one signed with another key, or a denial; send all blocks again. */
  force: boolean;
  /** Seconds to wait until all devices that are online have taken it; not for a package. */
  wait?: number | undefined;
}

type Listening = Pick<Person, 'note' | 'detail'>;
export type Done = Described & { exit?: number };
type Publish = (path: string, how: FilePublication, listener: Listening, doing: Doing) => Promise<Done>;

/** NothingToDo is its exit code if the broker had it already. Throws what the broker throws, Superseded, and BadArgument. */
export const publishFile: Publish = async (path, how, listener, doing) => {
  const start = await withFile(path, (file) => readFrom(file, 0, Math.min(PACKAGE_START.length, sizeOf(file))));
  if (PACKAGE_START.every((byte, at) => start[at] === byte)) return publishBlocks(path, how, listener, doing);
  return (looksLikeChange(start) ? publishOneChange : publishApproval)(path, how, listener, doing);
};

/** Tells whom of the fleet a document has reached: as it is, or with `wait` (seconds) once all that are online have it. */
export async function tellReached<T extends Tellable>(
  result: T,
  { url, fleet }: { url: BrokerPlace['url']; fleet: string },
  sought: Sought,
  wait: number | undefined,
  listener: Pick<Person, 'note'>,
  { signal }: Pick<Doing, 'signal'>,
): Promise<T> {
  if (wait !== undefined) listener.note(`waiting for the devices of ${fleet}, at most ${wait} s`);
  const devices = await whoHolds({ url, fleet }, sought, { waitMs: wait === undefined ? 0 : wait * 1000, signal });
  return withReached(result, devices, { fleet, waited: wait !== undefined });
}

const publishApproval: Publish = async (path, { to, as, fleet, force, wait }, listener, doing) => {
  const { dryRun, signal } = doing;
  const { bytes, view } = await readDocument(path);
  const publishing = await openPublishing(to, fleet, signal);
  try {
    const done = await (await publishing.ready(bytes, { as, force }))(dryRun);
    const made = { ...documentPublished(view, done, { path, dryRun }), ...exitOf(done, dryRun) };
    if (dryRun) return made;
    const sought = { kid: view.kid ?? new Uint8Array(), sequence: view.claims.sequence };
    return await tellReached(made, { url: to.url, fleet: done.fleet }, sought, wait, listener, doing);
  } finally {
    await publishing.close();
  }
};

const publishOneChange: Publish = async (path, { to, as, fleet, force, wait }, listener, doing) => {
  if (as !== undefined) throw new CountersignError('BadArgument', 'argument: --as belongs to an approval');
  const { dryRun, signal } = doing;
  const change = await readBytes(path);
  const view = viewChange(change, path);
  const done = await publishChange(to, fleet, change, { force, dryRun, signal });
  const made = { ...changePublished(view, done, { path, dryRun }), ...exitOf(done, dryRun) };
  if (dryRun) return made;
  const sought = { change: view.sequence, devices: view.devices };
  return tellReached(made, { url: to.url, fleet: done.fleet }, sought, wait, listener, doing);
};

const publishBlocks: Publish = async (path, { to, as, fleet: named, force, wait }, listener, { dryRun, signal }) => {
  if (as !== undefined) throw new CountersignError('BadArgument', 'argument: --as belongs to an approval');
  if (wait !== undefined) {
    throw new CountersignError('BadArgument', 'argument: --wait belongs to a document that is published');
  }
  const { url, fleet = named } = to;
  return withFile(path, async (file) => {
    const envelope = await openEnvelope(file, path);
    await requirePublishable(envelope, path);
    const told = (done: number, of: number) => listener.detail(`${done} of ${of} blocks`);
    const done = await publishPackage({ url, fleet }, envelope.digest!, file, { dryRun, force, signal, told });
    const where = { ...done, broker: `${url}`, fleet, bytes: sizeOf(file) };
    return { ...blocksPublished(envelope, where, { path, dryRun }), ...exitOf(done, dryRun) };
  });
};

const nothing = { exit: reasons.NothingToDo.exit };
const exitOf = ({ published }: { published: boolean }, dryRun: boolean) => (published || dryRun ? {} : nothing);

const DIGEST = /^[0-9a-f]{64}$/i;

/** Takes the blocks of a package off a broker: `named` is its path, or the digest of its manifest in hex. */
export async function unpublishNamed(
  named: string,
  { url, fleet: own }: BrokerPlace,
  fleetDefault: string,
  { dryRun, signal }: Doing,
): Promise<Done> {
  const fleet = own ?? fleetDefault;
  const digest = DIGEST.test(named)
    ? Uint8Array.from(Buffer.from(named, 'hex'))
    : (await withFile(named, (file) => openEnvelope(file, named))).digest!;
  const { topic, removed } = await unpublishPackage({ url, fleet }, digest, { dryRun, signal });
  const where = `${topic} on ${url}`;
  const done = `${dryRun ? 'would remove' : 'removed'} ${removed} messages: ${where}`;
  return {
    data: { broker: `${url}`, fleet, topic, digest, removed, unpublished: removed > 0 && !dryRun },
    lines: [removed > 0 ? done : `nothing there: ${where}`],
    ...(removed === 0 && nothing),
  };
}

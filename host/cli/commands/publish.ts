// publish: leaves what a fleet's devices fetch on its broker: an approval document or a denial, a change of anchors, policy or groups,
// or the blocks of a package.
//
// approve and revoke do the same with what they sign (--publish); this is for documents that are there: signed on another
// machine, kept since a broker was away, or to replace what the other two would not (--force).

import { blocksPublished, changePublished, documentPublished } from '../../describe/made.js';
import { CountersignError } from '../../errors.js';
import { readBytes } from '../../files.js';
import { readFrom, sizeOf } from '../../formats/byte-source.js';
import { looksLikeChange, viewChange } from '../../formats/change.js';
import { openEnvelope } from '../../formats/envelope.js';
import { placeSchema } from '../../links/broker-place.js';
import { readDocument } from '../../local/document-file.js';
import { openPublishing, publishChange } from '../../local/publish.js';
import { withFile } from '../../open-file.js';
import { reasons } from '../../reasons.js';
import { command, type Result } from '../command.js';
import type { Surroundings } from '../connection.js';
import { accessOptions, fileArgument, flag, option, publishOptions, type Values } from '../options.js';
import { needsPublish, reach, withReached } from '../reaching.js';

const PACKAGE_START = [0xd8, 0x6b]; // tag 107

const options = {
  to: option('url', 'the broker: mqtt://host/fleet or mqtts://user:password@host/fleet', placeSchema, {
    config: 'publish',
  }),
  as: publishOptions.publishAs,
  fleet: publishOptions.fleet,
  force: flag('replace even a newer document, one signed with another key, or a denial; send all blocks again'),
  wait: publishOptions.wait,
  ...accessOptions,
};
type Options = Values<typeof options>;

export const publish = command({
  name: 'publish',
  summary: 'publish an approval, a change or a package on a broker',
  details: [
    'An approval is retained under cs/FLEET/approvals/OPERATOR, a change under cs/FLEET/changes/NUMBER: devices take',
    'both by themselves. A package is published once, in blocks, and devices fetch it when they are told to.',
    'A newer document replaces an older one, never the reverse. The command succeeds only when the broker has',
    'returned what was published.',
  ].join('\n'),
  arguments: { file: fileArgument('the .cose, .change or .suit file') },
  options,
  examples: [
    'countersign publish release.cose --to mqtt://broker/plant',
    'countersign publish release.denied.cose --to mqtts://ops@broker/plant --as acme --dry-run',
    'countersign publish release.suit --to mqtt://broker/plant',
  ],
  writes: true,
  async run({ arguments: { file: path }, options, ...around }) {
    const start = await withFile(path, (file) => readFrom(file, 0, Math.min(PACKAGE_START.length, sizeOf(file))));
    if (PACKAGE_START.every((byte, at) => start[at] === byte)) return publishBlocks(path, options, around);
    return (looksLikeChange(start) ? publishOneChange : publishApproval)(path, options, around);
  },
});

type Publish = (path: string, options: Options, around: Surroundings) => Promise<Result>;

const publishApproval: Publish = async (path, { to, as, fleet, force, wait }, { dryRun, signal, terminal }) => {
  const { bytes, view } = await readDocument(path);
  const publishing = await openPublishing(to, fleet, signal);
  try {
    const done = await (await publishing.ready(bytes, { as, force }))(dryRun);
    const sought = { kid: view.kid ?? new Uint8Array(), sequence: view.claims.sequence };
    const reached = dryRun ? undefined : await reach(to, done.fleet, sought, { wait, signal, terminal });
    return withReached(documentPublished(view, done, { path, dryRun }), reached, exitOf(done, dryRun));
  } finally {
    await publishing.close();
  }
};

const publishOneChange: Publish = async (path, { to, as, fleet, force, wait }, { dryRun, signal, terminal }) => {
  if (as !== undefined) throw new CountersignError('BadArgument', 'argument: --as belongs to an approval');
  const change = await readBytes(path);
  const view = viewChange(change, path);
  const done = await publishChange(to, fleet, change, { force, dryRun, signal });
  const sought = { change: view.sequence, devices: view.devices };
  const reached = dryRun ? undefined : await reach(to, done.fleet, sought, { wait, signal, terminal });
  return withReached(changePublished(view, done, { path, dryRun }), reached, exitOf(done, dryRun));
};

const publishBlocks: Publish = async (path, { to, as, fleet: named, force, wait }, { dryRun, signal, terminal }) => {
  if (as !== undefined) throw new CountersignError('BadArgument', 'argument: --as belongs to an approval');
  if (wait !== undefined) throw needsPublish();
  const { publishPackage } = await import('../../links/packages.js');
  const { requirePublishable } = await import('../../fleet/publishing.js');
  const { url, fleet = named } = to;
  return withFile(path, async (file) => {
    const envelope = await openEnvelope(file, path);
    await requirePublishable(envelope, path);
    const told = (done: number, of: number) => terminal.detail(`${done} of ${of} blocks`);
    const done = await publishPackage({ url, fleet }, envelope.digest!, file, { dryRun, force, signal, told });
    const where = { ...done, broker: `${url}`, fleet, bytes: sizeOf(file) };
    return { ...blocksPublished(envelope, where, { path, dryRun }), ...exitOf(done, dryRun) };
  });
};

const exitOf = ({ published }: { published: boolean }, dryRun: boolean) =>
  published || dryRun ? {} : { exit: reasons.NothingToDo.exit };

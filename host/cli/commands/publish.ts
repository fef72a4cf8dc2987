// publish: leaves what a fleet's devices fetch on its broker: an approval document or a denial, a change of anchors or policy,
// or the blocks of a package.
//
// approve and revoke do the same with what they sign (--publish); this is for documents that are there: signed on another
// machine, kept since a broker was away, or to replace what the other two would not (--force).

import { changeData, changeRows } from '../../describe/change.js';
import { claimsData } from '../../describe/words.js';
import { CountersignError } from '../../errors.js';
import { readBytes } from '../../files.js';
import { readFrom, sizeOf } from '../../formats/byte-source.js';
import { hex } from '../../formats/bytes.js';
import { looksLikeChange, viewChange } from '../../formats/change.js';
import { openEnvelope } from '../../formats/envelope.js';
import { payloadDigest, requireWhole, viewManifest } from '../../formats/manifest.js';
import { claimsRows, packageRows, rows } from '../../formats/wording.js';
import { placeSchema } from '../../links/broker-place.js';
import { readDocument } from '../../local/document-file.js';
import { openPublishing, publishChange } from '../../local/publish.js';
import { withFile } from '../../open-file.js';
import { reasons } from '../../reasons.js';
import { command, type Result } from '../command.js';
import type { Surroundings } from '../connection.js';
import { publishedLine } from '../issuing.js';
import { flag, option, publishOptions, type Values } from '../options.js';
import { needsPublish, reach } from '../reaching.js';
import { pathSchema } from '../values.js';

const PACKAGE_START = [0xd8, 0x6b]; // tag 107

const options = {
  to: option('url', 'the broker: mqtt://host/fleet or mqtts://user:password@host/fleet', placeSchema, {
    config: 'publish',
  }),
  as: publishOptions.publishAs,
  fleet: publishOptions.fleet,
  force: flag('replace even a newer document, one signed with another key, or a denial; send all blocks again'),
  wait: publishOptions.wait,
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
  arguments: { file: { text: 'the .cose, .change or .suit file', schema: pathSchema } },
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
  const { claims, kid } = view;
  const publishing = await openPublishing(to, fleet, signal);
  try {
    const put = await publishing.ready(bytes, { as, force });
    const done = await put(dryRun);
    const sought = { kid: kid ?? new Uint8Array(), sequence: claims.sequence };
    const reached = dryRun ? undefined : await reach(to, done.fleet, sought, { wait, signal, terminal });
    return {
      ...(!done.published && !dryRun && { exit: reasons.NothingToDo.exit }),
      ...reached?.result,
      data: { file: path, ...done, document: claimsData(claims), signer: kid, devices: reached?.devices },
      lines: [
        publishedLine(done, dryRun),
        ...(reached?.lines ?? []),
        ...rows([...claimsRows(claims), ['signed by', kid && hex(kid)]]),
      ],
    };
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
  return {
    ...(!done.published && !dryRun && { exit: reasons.NothingToDo.exit }),
    ...reached?.result,
    data: { file: path, ...done, change: changeData(view), devices: reached?.devices },
    lines: [publishedLine(done, dryRun), ...(reached?.lines ?? []), ...rows(changeRows(view))],
  };
};

const publishBlocks: Publish = async (path, { to, as, fleet: named, force, wait }, { dryRun, signal, terminal }) => {
  if (as !== undefined) throw new CountersignError('BadArgument', 'argument: --as belongs to an approval');
  if (wait !== undefined) throw needsPublish();
  const { publishPackage } = await import('../../links/packages.js');
  const { url, fleet = named } = to;
  return withFile(path, async (file) => {
    const envelope = await openEnvelope(file, path);
    requireWhole(envelope, path);
    if (viewManifest(envelope, path, await payloadDigest(envelope)).intact.payload === false) {
      throw new CountersignError('PayloadDigest', `package: ${path} has another firmware than its manifest names`);
    }
    const { digest } = envelope;
    const told = (done: number, of: number) => terminal.detail(`${done} of ${of} blocks`);
    const done = await publishPackage({ url, fleet }, digest!, file, { dryRun, force, signal, told });
    const { topic, blocks, published } = done;
    const bytes = sizeOf(file);
    return {
      ...(!published && !dryRun && { exit: reasons.NothingToDo.exit }),
      data: { file: path, broker: `${url}`, fleet, topic, published, digest, bytes, blocks },
      lines: [
        publishedLine({ broker: `${url}`, fleet, topic, published, replaced: undefined }, dryRun),
        ...rows([...packageRows(envelope, path), ['blocks', `${blocks} (${bytes} bytes)`]]),
      ],
    };
  });
};

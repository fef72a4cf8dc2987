// What approve and revoke have in common: the package that it is about, the next document of the operator (operator/issue.ts)
// from options, and how that is told, written (local/issue.ts) and shown.

import { claimsData } from '../describe/words.js';
import { CountersignError } from '../errors.js';
import { readText } from '../files.js';
import type { Confirm, Entry } from '../formats/approval.js';
import type { Bytes } from '../formats/byte-source.js';
import { hex } from '../formats/bytes.js';
import { type Envelope, openEnvelope } from '../formats/envelope.js';
import type { PublicKey } from '../formats/keys.js';
import { requireWhole } from '../formats/manifest.js';
import type { NextDocument } from '../formats/record.js';
import { claimsRows, entryText, packageRows, rows } from '../formats/wording.js';
import type { Attached } from '../local/ceremony.js';
import { keepIssued, type Output, readRecord, recordBeside } from '../local/issue.js';
import type { Published } from '../local/publish.js';
import { withFile } from '../open-file.js';
import { acceptDocument } from '../operator/ceremony.js';
import type { Doubt } from '../operator/doubts.js';
import { type Draft, draftDocument, draftFromYaml } from '../operator/issue.js';
import { entryOf } from '../operator/selection.js';
import type { Result } from './command.js';
import type { Surroundings } from './connection.js';
import { type Issuing, NO_RECORD, type Selector } from './options.js';
import { needsPublish, reach } from './reaching.js';
import { wrote } from './result.js';
import type { Terminal } from './terminal.js';

export interface OpenPackage {
  path: string;
  envelope: Envelope<Bytes>;
}

/** The package, which may be named in two ways. */
export function onePackage(argument: string | undefined, flag: string | undefined): string | undefined {
  if (argument === undefined || flag === undefined) return argument ?? flag;
  throw new CountersignError('BadArgument', 'argument: give the package once');
}

/**
 * Opens a package, if one is named, having compared its digest with its manifest, and shows all that identifies it, from the
 * bytes themselves: what a person should have seen before they sign. Closed afterwards.
 */
export async function withPackage(
  path: string | undefined,
  terminal: Terminal,
  use: (opened: OpenPackage | undefined) => Promise<Result>,
): Promise<Result> {
  if (path === undefined) return use(undefined);
  return withFile(path, async (file) => {
    const envelope = await openEnvelope(file, path);
    requireWhole(envelope, path);
    terminal.note(...rows(packageRows(envelope, path)));
    return use({ path, envelope });
  });
}

/** The entry that the selectors describe. */
export const entryFrom = (
  verdict: Entry['verdict'],
  { device, ...selector }: Selector,
  opened: OpenPackage | undefined,
  confirm?: Confirm,
): Entry => entryOf(verdict, { ...selector, devices: device, envelope: opened?.envelope, confirm });

/** A configured path has been resolved against its folder, so the word is looked for at the end. */
function recordPath({ record, key: name }: Issuing, key: PublicKey): string | undefined {
  if (record === undefined) return recordBeside(name, key);
  return new RegExp(`(^|[\\\\/])${NO_RECORD}$`).test(record) ? undefined : record;
}

/** What the next document hangs on: options, the record, and the time. */
async function known<T extends Issuing>(issuing: T, key: PublicKey) {
  const record = recordPath(issuing, key);
  const previous = record === undefined ? undefined : await readRecord(record);
  return { ...issuing, previous, now: Math.floor(Date.now() / 1000) };
}

/** The next document, from options. */
export async function nextFrom(
  issuing: Issuing & { expires?: number | undefined; notBefore?: number | undefined },
  key: PublicKey,
  entry: Entry,
  terminal: Terminal,
): Promise<Draft> {
  return told(draftDocument(key, [entry], await known(issuing, key)), terminal);
}

/** The document that a YAML file states; what it leaves open is filled in, and it repeats nothing. */
export async function nextFromFile(issuing: Issuing, key: PublicKey, path: string, terminal: Terminal): Promise<Draft> {
  const options = await known(issuing, key);
  return told(draftFromYaml(await readText(path), path, options), terminal);
}

/** Tells the person what the document says besides what was asked for. */
function told(draft: Draft, terminal: Terminal): Draft {
  noteDoubts(draft.warnings, terminal);
  const { repeated, dropped } = draft;
  if (repeated.length > 0) terminal.note(`repeating ${repeated.length} earlier entries (--only leaves them out)`);
  for (const entry of repeated) terminal.detail(`  ${entryText(entry)}`);
  for (const entry of dropped) terminal.note(`no longer said: ${entryText(entry)}`);
  return draft;
}

/** Doubts hinder nothing. */
export const noteDoubts = (doubts: readonly Doubt[], terminal: Terminal): void =>
  terminal.note(...doubts.map(({ text }) => `warning: ${text}`));

/** The document of a ceremony is written, and recorded, unless a newer one was issued in the meantime. */
export async function issueAttached(attached: Attached, output: Placed, issuing: Issuing, around: Surroundings) {
  const issued = acceptDocument(attached, await known(issuing, attached.request.key));
  return writeIssued(output, issued, issued.signer, issuing, around);
}

/** A document and where it goes, and the command that a person would run next. */
export type Placed = Output & { next?: readonly string[] | undefined };

/** Writes document and record, and publishes it if that was asked for. */
export async function writeIssued(
  { next, ...output }: Placed,
  { claims, repeated, dropped }: NextDocument,
  key: PublicKey,
  issuing: Issuing,
  { dryRun, signal, terminal }: Surroundings,
): Promise<Result> {
  const { publish, publishAs: as, fleet, lift, wait } = issuing;
  if (wait !== undefined && publish === undefined) throw needsPublish();
  const note = (doubts: readonly Doubt[]) => noteDoubts(doubts, terminal);
  const keeping = { record: recordPath(issuing, key), publish, as, fleet, lift, note, dryRun, signal };
  const { bytes, published } = await keepIssued(output, claims, keeping);
  const sought = { kid: key.kid, sequence: claims.sequence };
  const reached =
    publish && published && !dryRun
      ? await reach(publish, published.fleet, sought, { wait, signal, terminal })
      : undefined;
  return {
    ...reached?.result,
    data: {
      output: output.path,
      written: !dryRun,
      bytes,
      signer: key.kid,
      document: claimsData(claims),
      repeated: repeated.length,
      dropped: dropped.length,
      ...(published && { published }),
      ...(reached && { devices: reached.devices }),
    },
    lines: [
      wrote(output.path, dryRun, bytes),
      ...(published ? [publishedLine(published, dryRun)] : []),
      ...(reached?.lines ?? []),
      ...rows([...claimsRows(claims), ['signed by', hex(key.kid)]]),
    ],
    ...(next && { next }),
  };
}

/** What became of a document on the broker. */
export function publishedLine({ topic, broker, published, replaced }: Published, dryRun: boolean): string {
  const where = `${topic} on ${broker}`;
  if (!published && !dryRun) return `there already: ${where}`;
  const before = replaced === undefined ? '' : `, in place of document ${replaced}`;
  return `${dryRun ? 'would publish' : 'published'} ${where}${before}`;
}

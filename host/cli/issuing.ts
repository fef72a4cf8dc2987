// What approve and revoke have in common: the package that it is about, the next document of the operator (operator/issue.ts)
// from options, and how that is told, written (local/issue.ts) and shown.

import { documentMade, repeatedText } from '../describe/made.js';
import { readText } from '../files.js';
import type { Confirm, Entry } from '../formats/approval.js';
import type { Bytes } from '../formats/byte-source.js';
import { type Envelope, openEnvelope } from '../formats/envelope.js';
import type { PublicKey } from '../formats/keys.js';
import { requireWhole } from '../formats/manifest.js';
import type { NextDocument } from '../formats/record.js';
import { packageRows, rows } from '../formats/wording.js';
import type { Attached } from '../local/ceremony.js';
import { keepIssued, type Output, readRecord, recordPath } from '../local/issue.js';
import { withFile } from '../open-file.js';
import { acceptDocument } from '../operator/ceremony.js';
import type { Doubt } from '../operator/doubts.js';
import { type Draft, draftDocument, draftFromYaml } from '../operator/issue.js';
import { entryOf } from '../operator/selection.js';
import type { Result } from './command.js';
import type { Surroundings } from './connection.js';
import type { Issuing, Selector } from './options.js';
import { needsPublish, reach, withReached } from './reaching.js';
import type { Terminal } from './terminal.js';

export interface OpenPackage {
  path: string;
  envelope: Envelope<Bytes>;
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

type Drafting = Issuing & Selector & { expires?: number | undefined; notBefore?: number | undefined };

/** What the next document hangs on: options, the record, and the time. */
async function known<T extends Issuing>(issuing: T, key: PublicKey) {
  const record = recordPath(issuing.record, issuing.key, key);
  const previous = record === undefined ? undefined : await readRecord(record);
  return { ...issuing, previous, now: Math.floor(Date.now() / 1000) };
}

/** The next document: with the entry that options describe. */
export async function nextFrom(
  issuing: Drafting,
  key: PublicKey,
  { verdict, confirm }: { verdict: Entry['verdict']; confirm?: Confirm | undefined },
  opened: OpenPackage | undefined,
  terminal: Terminal,
): Promise<Draft> {
  const entry = entryOf(verdict, { ...issuing, devices: issuing.device, envelope: opened?.envelope, confirm });
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
  const { lines, details } = repeatedText(draft);
  terminal.note(...lines);
  for (const line of details) terminal.detail(line);
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
  document: NextDocument,
  key: PublicKey,
  { record, publish, publishAs: as, fleet, lift, wait, key: name }: Issuing,
  { dryRun, signal, terminal }: Surroundings,
): Promise<Result> {
  if (wait !== undefined && publish === undefined) throw needsPublish();
  const note = (doubts: readonly Doubt[]) => noteDoubts(doubts, terminal);
  const keeping = { record: recordPath(record, name, key), publish, as, fleet, lift, note, dryRun, signal };
  const kept = await keepIssued(output, document.claims, keeping);
  const made = { ...documentMade(document, key, kept, { path: output.path, dryRun }), ...(next && { next }) };
  if (!publish || !kept.published || dryRun) return made;
  const sought = { kid: key.kid, sequence: document.claims.sequence };
  return withReached(made, await reach(publish, kept.published.fleet, sought, { wait, signal, terminal }));
}

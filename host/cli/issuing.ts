// What approve and revoke share: which packages an operator speaks about, the record of what was said, and signing.
//
// The record is the YAML twin of the operator's newest document, kept beside its key (operator.pem: operator.record.yaml)
// or where --record says. It is what the next document repeats and counts on from; see formats/record.ts. It is written
// after the document: if the machine stops between the two, a sequence number is left out, never used twice.

import { z } from 'zod';
import { loadCore } from '../core.js';
import { CountersignError } from '../errors.js';
import { readText, writeBytes } from '../files.js';
import type { Claims, Confirm, Entry } from '../formats/approval.js';
import { claimsFromYaml } from '../formats/approval-yaml.js';
import type { Bytes } from '../formats/byte-source.js';
import { hex } from '../formats/bytes.js';
import { type Envelope, openEnvelope, partsSize } from '../formats/envelope.js';
import type { PublicKey } from '../formats/keys.js';
import { requireWhole } from '../formats/manifest.js';
import type { NextDocument } from '../formats/record.js';
import { packageRows } from '../formats/wording.js';
import { readPublicKeyFile } from '../named-key.js';
import { withFile } from '../open-file.js';
import type { Doubt } from '../operator/doubts.js';
import { type Draft, draftDocument, draftFromYaml, recordText } from '../operator/issue.js';
import { entryOf, isSignedBy } from '../operator/selection.js';
import { grouped, type OptionSpec, type Result } from './command.js';
import { openPublishing, publishedLines, publishOptions } from './publishing.js';
import { claimsData, claimsRows, entryText, rows, shellWord } from './show.js';
import { besideKey, signingOptions } from './signing.js';
import type { Terminal } from './terminal.js';
import { hexSchema, momentSchema, pathSchema, sequenceRangeSchema, sequenceSchema, switchSchema } from './values.js';

const NO_RECORD = 'none';

const option = <S extends z.ZodType>(spec: OptionSpec<S>): OptionSpec<S> => spec;

/** Options by which an entry says what it is about. */
export const selectorOptions = grouped('What it is about', {
  package: option({ value: 'file', text: 'exactly this package', schema: pathSchema.optional() }),
  digest: option({ value: 'hex', text: 'exactly the package with this manifest digest', schema: hexSchema.optional() }),
  class: option({
    value: 'name',
    text: 'packages for this device class: a name (with --vendor) or a UUID',
    schema: z.string().min(1).optional(),
  }),
  vendor: option({
    value: 'domain',
    text: 'the vendor that the class name belongs to',
    schema: z.string().min(1).optional(),
    config: 'vendor',
  }),
  range: option({
    value: 'low..high',
    text: 'only these sequence numbers; needs --class or --vendor-kid',
    schema: sequenceRangeSchema.optional(),
  }),
  vendorKid: option({
    value: 'hex',
    text: 'packages signed with the vendor key of this id',
    schema: hexSchema.optional(),
  }),
  device: option({
    short: 'd',
    value: 'hex',
    text: 'only on the device with this id',
    schema: z.array(hexSchema).min(1).optional(),
    repeat: true,
  }),
});

/** Options of signing and recording. */
export const issuingOptions = {
  key: option({
    short: 'k',
    value: 'key',
    text: "the operator's private key: a file or a pkcs11: URI",
    schema: pathSchema,
    config: 'operator-key',
    path: true,
  }),
  issuer: option({
    value: 'name',
    text: "the operator's name in the document; default: as in the last one, or the key id",
    schema: z.string().min(1).optional(),
    config: 'issuer',
  }),
  sequence: option({
    short: 's',
    value: 'number',
    text: 'number of the document; default: above the last one, and at least the current time',
    schema: sequenceSchema.optional(),
  }),
  force: option({ text: 'accept a --sequence that is far ahead', schema: switchSchema }),
  only: option({ text: 'do not repeat the entries of the last document', schema: switchSchema }),
  lift: option({
    text: 'end denials in the last document of packages that this one does not name',
    schema: switchSchema,
  }),
  record: option({
    value: 'file',
    text: `where the last document is recorded, or "${NO_RECORD}"; default: next to the key`,
    schema: pathSchema.optional(),
    config: 'record',
    path: true,
  }),
  output: option({ short: 'o', value: 'file', text: 'output file', schema: pathSchema.optional() }),
  ...publishOptions,
  ...signingOptions,
};

export const validityOptions = {
  expires: option({ value: 'moment', text: 'end of validity: 2027-01-31, or 30d', schema: momentSchema.optional() }),
  notBefore: option({ value: 'moment', text: 'start of validity', schema: momentSchema.optional() }),
};

type Values<T extends Record<string, OptionSpec>> = { [K in keyof T]: z.output<T[K]['schema']> };
export type Selector = Values<typeof selectorOptions>;
export type Issuing = Values<typeof issuingOptions>;

export interface OpenPackage {
  path: string;
  envelope: Envelope<Bytes>;
}

/** The package, which may be named in two ways. */
export function onePackage(argument: string | undefined, flag: string | undefined): string | undefined {
  if (argument !== undefined && flag !== undefined) {
    throw new CountersignError('BadArgument', 'argument: give the package once');
  }
  return argument ?? flag;
}

/** Opens a package, if one is named, to speak about it, having compared its digest with its manifest. Closed afterwards. */
export async function withPackage(
  path: string | undefined,
  use: (opened: OpenPackage | undefined) => Promise<Result>,
): Promise<Result> {
  if (path === undefined) return use(undefined);
  return withFile(path, async (file) => {
    const envelope = await openEnvelope(file, path);
    requireWhole(envelope, path);
    return use({ path, envelope });
  });
}

/** Throws unless the vendor signed the package, as the core finds; without a key it says that nobody looked. */
export async function requireVendor(
  opened: OpenPackage,
  keyPath: string | undefined,
  terminal: Terminal,
): Promise<void> {
  if (keyPath === undefined) {
    terminal.note('the signature of the vendor has not been checked (--vendor-key)');
    return;
  }
  const key = await readPublicKeyFile(keyPath);
  if (isSignedBy(await loadCore(), opened.envelope, key)) return;
  throw new CountersignError('VendorSignature', `package: ${opened.path} is not signed with ${keyPath}`);
}

/** What a person should have seen of a package before they sign: all that identifies it, from the bytes themselves. */
export const packageLines = ({ envelope, path }: Pick<OpenPackage, 'envelope' | 'path'>): string[] =>
  rows(packageRows(envelope, path));

/** The entry that the selectors describe. */
export const entryFrom = (
  verdict: Entry['verdict'],
  { device, ...selector }: Selector,
  opened: OpenPackage | undefined,
  confirm?: Confirm,
): Entry => entryOf(verdict, { ...selector, devices: device, envelope: opened?.envelope, confirm });

function recordPath(issuing: Pick<Issuing, 'record' | 'key'>, key: PublicKey): string | undefined {
  if (issuing.record === undefined) return `${besideKey(issuing.key, key)}.record.yaml`;
  // A configured path has been resolved against its folder, so the word is looked for at the end.
  return /(^|[\\/])none$/.test(issuing.record) ? undefined : issuing.record;
}

async function readRecord(path: string | undefined): Promise<Claims | undefined> {
  if (path === undefined) return undefined;
  const text = await readText(path).catch((error: unknown) => {
    if (error instanceof CountersignError && error.reason.name === 'FileNotFound') return undefined;
    throw error;
  });
  return text === undefined ? undefined : claimsFromYaml(text, path);
}

/** The next document, from options. */
export async function nextFrom(
  issuing: Issuing,
  key: PublicKey,
  entry: Entry,
  validity: { expires?: number | undefined; notBefore?: number | undefined },
  terminal: Terminal,
): Promise<Draft> {
  const { expires, notBefore } = validity;
  const options = { ...issuing, ...(await known(issuing, key)), expires, notBefore };
  return told(draftDocument(key, [entry], options), terminal);
}

/** The document that a YAML file states; what it leaves open is filled in, and it repeats nothing. */
export async function nextFromFile(issuing: Issuing, key: PublicKey, path: string, terminal: Terminal): Promise<Draft> {
  const options = { ...issuing, ...(await known(issuing, key)) };
  return told(draftFromYaml(await readText(path), path, options), terminal);
}

/** What the next document hangs on beside the options: the record, and the time. */
export async function known(issuing: Issuing, key: PublicKey) {
  return { previous: await readRecord(recordPath(issuing, key)), now: Math.floor(Date.now() / 1000) };
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
export function noteDoubts(doubts: readonly Doubt[], terminal: Terminal): void {
  for (const { text } of doubts) terminal.note(`warning: ${text}`);
}

/** How the last step of a command is done. */
export interface Finishing {
  dryRun: boolean;
  signal: AbortSignal;
  terminal: Terminal;
}

/** A signed document, and where it goes: a file of its own, or the package that has it inside, in parts. */
export interface Output {
  path: string;
  document: Uint8Array;
  inside?: readonly Bytes[];
  /** What comes after it. */
  next?: readonly string[] | undefined;
}

/**
 * Writes the output, then the record; publishes the document if that was asked for. The broker is asked before anything is
 * written; what was written stays when it then fails, and the error says how to go on.
 */
export async function writeIssued(
  { path, document, inside, next }: Output,
  { claims, repeated, dropped }: NextDocument,
  key: PublicKey,
  issuing: Issuing,
  { dryRun, signal, terminal }: Finishing,
): Promise<Result> {
  const record = recordPath(issuing, key);
  const bytes = partsSize(inside ?? [document]);
  const publishing = await openPublishing(issuing, signal);
  try {
    const put = await publishing?.ready(document, {
      lift: issuing.lift,
      note: (doubts) => noteDoubts(doubts, terminal),
    });
    if (record !== undefined) await writeBytes(record, '', { dryRun: true });
    await writeBytes(path, inside ?? document, { dryRun });
    if (record !== undefined) await writeBytes(record, recordText(claims), { dryRun });
    const published = await put?.(dryRun).catch((error: unknown) => notPublished(error, path));
    return {
      data: {
        output: path,
        written: !dryRun,
        bytes,
        signer: key.kid,
        document: claimsData(claims),
        repeated: repeated.length,
        dropped: dropped.length,
        ...(published && { published }),
      },
      lines: [
        `${dryRun ? 'would write' : 'wrote'} ${path} (${bytes} bytes)`,
        ...(published ? publishedLines(published, dryRun) : []),
        ...rows([...claimsRows(claims), ['signed by', hex(key.kid)]]),
      ],
      ...(next && { next }),
    };
  } finally {
    await publishing?.close();
  }
}

function notPublished(error: unknown, path: string): never {
  if (!(error instanceof CountersignError)) throw error;
  const hint = `${error.hint}; \`countersign publish ${shellWord(path)}\` tries again`;
  throw new CountersignError(error.code, `${error.message}; ${path} is written`, { hint, cause: error });
}

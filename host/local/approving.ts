// What an operator does with files of this machine: approves packages, or denies them, in one step or in three (signing-steps.ts).
//
//   a document of its own     for the tree, a card, a broker or a bootstrap document
//   embed                     the document travels in the package
//   countersign               one more signature over the package's digest: exactly this package, on any device, for good
//
// A person sees before they sign what is signed, from its bytes, and what there is to doubt. The document is recorded (issue.ts),
// and published if that was asked for.

import { OPERATOR_FORMS } from '../ceremony.js';
import { countersignatureMade, documentMade, repeatedText } from '../describe/made.js';
import type { Described } from '../describe/words.js';
import { CountersignError } from '../errors.js';
import { readText, writeBytes } from '../files.js';
import type { Confirm, Entry } from '../formats/approval.js';
import { type Bytes, readFrom } from '../formats/byte-source.js';
import { hex } from '../formats/bytes.js';
import { type Envelope, openEnvelope } from '../formats/envelope.js';
import { HEADER_BYTES, isMcuboot, readMcuboot, requireImageHash } from '../formats/images/mcuboot.js';
import type { PublicKey } from '../formats/keys.js';
import { requireWhole } from '../formats/manifest.js';
import type { NextDocument } from '../formats/record.js';
import type { Form } from '../formats/signing-request.js';
import { packageRows, rows } from '../formats/wording.js';
import { readPublicKeyFile } from '../named-key.js';
import { withFile } from '../open-file.js';
import { acceptDocument } from '../operator/ceremony.js';
import {
  acceptCountersignature,
  type Countersigned,
  countersign,
  requestCountersignature,
} from '../operator/countersign.js';
import type { Doubt } from '../operator/doubts.js';
import { type Draft, draftDocument, draftFromYaml, requestDraft, signDraft } from '../operator/issue.js';
import type { Published } from '../operator/publish.js';
import { entryOf, requireSignedBy, type Selection } from '../operator/selection.js';
import { loadCore } from '../wasm.js';
import type { Attached } from './ceremony.js';
import { fellowOf, keepIssued, type Output, placeDocument, readRecord, recordPath, withRecord } from './issue.js';
import type { Doing, Person } from './person.js';
import { attachStep, openKeys, prepareStep, type SigningSteps, signStep } from './signing-steps.js';

/** Which packages, and how long. */
export interface Deciding extends Omit<Selection, 'envelope' | 'devices' | 'confirm'> {
  /** Path of the package. */
  package?: string | undefined;
  /** Ids of devices. */
  device?: Uint8Array[] | undefined;
  /** Unix seconds. */
  expires?: number | undefined;
  notBefore?: number | undefined;
}

/** Of signing, recording and publishing the document. */
export interface Issuing extends SigningSteps {
  issuer?: string | undefined;
  sequence?: bigint | undefined;
  /** Take a `sequence` that is far ahead. */
  force: boolean;
  /** Repeat nothing of the last document; end denials in it that this one does not name. */
  only: boolean;
  lift: boolean;
  /** Path of the record; "none". Default: beside the key. */
  record?: string | undefined;
  /** The operator's name on the broker; the fleet where the place of `publish` names none. */
  publishAs?: string | undefined;
  fleet: string;
}

export interface Approving extends Issuing, Deciding {
  confirm?: Confirm | undefined;
  /** Path of YAML that states the whole document. */
  from?: string | undefined;
  /** Path of the public key that the package must be signed with. */
  vendorKey?: string | undefined;
  embed: boolean;
  countersign: boolean;
}

/** What was done. `form`: what was written at `path`; of a step before the last one there is neither. */
export interface Issued extends Described {
  form?: 'document' | 'embedded' | 'countersigned';
  path?: string;
  published?: Published | undefined;
  /** By which devices say that they have it. */
  sought?: { kid: Uint8Array; sequence: bigint };
}

interface OpenPackage {
  path: string;
  envelope: Envelope<Bytes>;
}

/** An image that imgtool signed, for a boot loader that knows no packages. */
interface OpenImage {
  path: string;
  imageHash: Uint8Array;
}

/** Throws what the steps throw, WouldLift and its like (operator/issue.ts), and VendorSignature. */
export async function approveFiles(options: Approving, person: Person, doing: Doing): Promise<Issued> {
  if (options.sign !== undefined) return signStep(options.sign, OPERATOR_FORMS, options, person, doing);
  return withPackage(options.package, person, async (opened) => {
    if (opened && 'envelope' in opened) await checkVendor(opened, options.vendorKey, person);
    const place = (document: Uint8Array, base: string) =>
      placeDocument(document, base, options.output, options.embed ? needed(opened) : undefined);
    if (options.attach !== undefined) {
      const attached = await attachStep(options.attach, OPERATOR_FORMS, options, person);
      const { request, signed, base } = attached;
      if (request.form === 'document') return issueAttached(attached, place(signed, base), options, person, doing);
      const { envelope, path } = needed(opened);
      return writeCountersigned(acceptCountersignature(attached, envelope, path), path, options, doing);
    }
    const { signer, key } = await openKeys(options, person);
    const base = fellowOf(options.package ?? options.from ?? 'approval');
    if (options.countersign) {
      const { envelope, path } = needed(opened);
      if (!signer) return prepareStep(requestCountersignature(key, envelope, path), base, options, person, doing);
      return writeCountersigned(countersign(signer, envelope, path), path, options, doing);
    }
    return alone(options, key, doing, async () => {
      const next =
        options.from === undefined
          ? await nextFrom(options, key, { verdict: 'approve', confirm: options.confirm }, opened, person)
          : await nextFromFile(options, key, options.from, person);
      if (!signer) return prepareStep(requestDraft(key, next), base, options, person, doing);
      return writeIssued(place(signDraft(signer, next).document, base), next, key, options, person, doing);
    });
  });
}

/** A denial is a document; a countersignature can only approve. */
const DENIALS: readonly Form[] = ['document'];

/** Denies. Throws as approveFiles. */
export async function revokeFiles(options: Issuing & Deciding, person: Person, doing: Doing): Promise<Issued> {
  if (options.sign !== undefined) return signStep(options.sign, DENIALS, options, person, doing);
  const placed = (document: Uint8Array, base: string): Output => ({ document, path: options.output ?? `${base}.cose` });
  if (options.attach !== undefined) {
    const attached = await attachStep(options.attach, DENIALS, options, person);
    return issueAttached(attached, placed(attached.signed, attached.base), options, person, doing);
  }
  return withPackage(options.package, person, async (opened) => {
    const { signer, key } = await openKeys(options, person);
    const base = opened === undefined ? 'denied' : `${opened.path.replace(/\.(suit|bin)$/, '')}.denied`;
    return alone(options, key, doing, async () => {
      const next = await nextFrom(options, key, { verdict: 'deny' }, opened, person);
      if (!signer) return prepareStep(requestDraft(key, next), base, options, person, doing);
      return writeIssued(placed(signDraft(signer, next).document, base), next, key, options, person, doing);
    });
  });
}

/** Doubts hinder nothing. */
export const noteDoubts = (doubts: readonly Doubt[], person: Pick<Person, 'note'>): void =>
  person.note(...doubts.map(({ text }) => `warning: ${text}`));

/**
 * Opens a package, or an image of MCUboot's, if one is named, having compared its digest with its manifest, and shows all that identifies it, from the
 * bytes themselves: what a person should have seen before they sign. Closed afterwards.
 */
async function withPackage<T>(
  path: string | undefined,
  person: Person,
  use: (opened: OpenPackage | OpenImage | undefined) => Promise<T>,
): Promise<T> {
  if (path === undefined) return use(undefined);
  return withFile(path, async (file) => {
    if (isMcuboot(await readFrom(file, 0, HEADER_BYTES))) {
      const image = await readMcuboot(file, path);
      const imageHash = requireImageHash(image, path);
      person.note(
        ...rows([
          ['image', hex(imageHash)],
          ['version', image.version],
        ]),
      );
      return use({ path, imageHash });
    }
    const envelope = await openEnvelope(file, path);
    requireWhole(envelope, path);
    person.note(...rows(packageRows(envelope, path)));
    return use({ path, envelope });
  });
}

function needed(opened: OpenPackage | OpenImage | undefined): OpenPackage {
  if (opened !== undefined && 'envelope' in opened) return opened;
  throw new CountersignError('BadArgument', 'argument: give the package, too');
}

/** That the vendor signed it, or without a key that nobody looked. */
async function checkVendor({ envelope, path }: OpenPackage, key: string | undefined, person: Person): Promise<void> {
  if (key === undefined) return person.note('the signature of the vendor has not been checked (--vendor-key)');
  requireSignedBy(await loadCore(), envelope, await readPublicKeyFile(key), { package: path, key });
}

/** From reading the record to writing it nobody else issues by it. */
const alone = <T>({ record, key: name }: Issuing, key: PublicKey, { dryRun }: Doing, work: () => Promise<T>) =>
  withRecord(dryRun ? undefined : recordPath(record, name, key), work);

/** What the next document hangs on: options, the record, and the time. */
async function known<T extends Issuing>(issuing: T, key: PublicKey) {
  const record = recordPath(issuing.record, issuing.key, key);
  const previous = record === undefined ? undefined : await readRecord(record);
  return { ...issuing, previous, now: Math.floor(Date.now() / 1000) };
}

/** The next document: with the entry that is decided on. */
async function nextFrom(
  issuing: Issuing & Deciding,
  key: PublicKey,
  { verdict, confirm }: { verdict: Entry['verdict']; confirm?: Confirm | undefined },
  opened: OpenPackage | OpenImage | undefined,
  person: Person,
): Promise<Draft> {
  const entry = entryOf(verdict, { ...issuing, devices: issuing.device, ...opened, confirm });
  return told(draftDocument(key, [entry], await known(issuing, key)), person);
}

/** The document that a YAML file states; what it leaves open is filled in, and it repeats nothing. */
async function nextFromFile(issuing: Issuing, key: PublicKey, path: string, person: Person): Promise<Draft> {
  const options = await known(issuing, key);
  return told(draftFromYaml(await readText(path), path, options), person);
}

/** Tells the person what the document says besides what was asked for. */
function told(draft: Draft, person: Person): Draft {
  noteDoubts(draft.warnings, person);
  const { lines, details } = repeatedText(draft);
  person.note(...lines);
  for (const line of details) person.detail(line);
  return draft;
}

/** The document of a ceremony is written, and recorded, unless a newer one was issued in the meantime. */
async function issueAttached(attached: Attached, output: Output, issuing: Issuing, person: Person, doing: Doing) {
  return alone(issuing, attached.request.key, doing, async () => {
    const issued = acceptDocument(attached, await known(issuing, attached.request.key));
    return writeIssued(output, issued, issued.signer, issuing, person, doing);
  });
}

/** Writes document and record, and publishes it if that was asked for. */
async function writeIssued(
  output: Output,
  document: NextDocument,
  key: PublicKey,
  { record, publish, publishAs: as, fleet, lift, key: name }: Issuing,
  person: Person,
  { dryRun, signal }: Doing,
): Promise<Issued> {
  const note = (doubts: readonly Doubt[]) => noteDoubts(doubts, person);
  const keeping = { record: recordPath(record, name, key), publish, as, fleet, lift, note, dryRun, signal };
  const kept = await keepIssued(output, document.claims, keeping);
  return {
    ...documentMade(document, key, kept, { path: output.path, dryRun }),
    ...{ form: output.inside ? ('embedded' as const) : ('document' as const), path: output.path },
    ...{ published: kept.published, sought: { kid: key.kid, sequence: document.claims.sequence } },
  };
}

async function writeCountersigned(
  made: Countersigned<Bytes>,
  from: string,
  { output: path = `${fellowOf(from)}.approved.suit` }: { output?: string | undefined },
  { dryRun }: Doing,
): Promise<Issued> {
  await writeBytes(path, made.parts, { dryRun });
  return { ...countersignatureMade(made, { path, dryRun }), form: 'countersigned', path };
}

// An operator's documents, and the record of the newest one, in files of this machine.
//
// The record is the YAML twin of the operator's newest document, kept beside its key (operator.pem: operator.record.yaml)
// or where the caller says. It is what the next document repeats and counts on from; see formats/record.ts. It is written
// after the document: if the machine stops between the two, a sequence number is left out, never used twice. Who issues has
// the record for itself from reading to writing it: two documents of one number would each be the newest to half of the devices.

import { CountersignError } from '../errors.js';
import { followed, readText, requireDistinct, writeBytes } from '../files.js';
import type { Claims } from '../formats/approval.js';
import { claimsFromYaml } from '../formats/approval-yaml.js';
import type { Bytes } from '../formats/byte-source.js';
import { hex } from '../formats/bytes.js';
import { type Envelope, partsSize, withApproval } from '../formats/envelope.js';
import { type PublicKey, splitKeyName } from '../formats/keys.js';
import type { BrokerPlace } from '../links/broker-place.js';
import { recordText } from '../operator/issue.js';
import type { Published, PublishOptions } from '../operator/publish.js';
import { isKeyUri } from '../pkcs11/uri.js';
import { shellWord } from '../printable.js';
import { type Busy, withFileLock } from './file-lock.js';
import { openPublishing, type PublishingOptions } from './publish.js';
import { NO_RECORD } from './settings.js';

/** Where the record of a key is unless somebody says: beside its file, or for a token in the working folder, under its id. */
export function recordBeside(name: string, key: PublicKey): string {
  const base = isKeyUri(name) ? hex(key.kid) : splitKeyName(name).path.replace(/(\.pub)?\.(pem|der|key|cose|jwk)$/, '');
  return `${base}.record.yaml`;
}

/** The path of a record: as it was given (one from a file of settings is resolved against its folder), or beside the key. */
export function recordPath(given: string | undefined, name: string, key: PublicKey): string | undefined {
  if (given === undefined) return recordBeside(name, key);
  return new RegExp(`(^|[\\\\/])${NO_RECORD}$`).test(given) ? undefined : given;
}

/** The newest document so far; undefined if there is no file yet. Throws FileMalformed if it is none. */
export async function readRecord(path: string): Promise<Claims | undefined> {
  const text = await readText(path).catch((error: unknown) => {
    if (error instanceof CountersignError && error.reason.name === 'FileNotFound') return undefined;
    throw error;
  });
  return text === undefined ? undefined : claimsFromYaml(text, path);
}

/** Another one may wait for a broker, or for the finger on a token. */
const WAIT_MS = 60_000;
const BUSY: Omit<Busy, 'waitMs'> = {
  reason: 'RecordBusy',
  about: 'record',
  does: 'issues a document of this operator',
};

/** Works with a record that nobody else issues by meanwhile; undefined: there is none. Throws RecordBusy and FileUnwritable. */
export const withRecord = async <T>(path: string | undefined, work: () => Promise<T>, waitMs = WAIT_MS): Promise<T> =>
  path === undefined ? work() : withFileLock(`${await followed(path)}.lock`, { ...BUSY, waitMs }, work);

/** A signed document, and where it goes: a file of its own, or the package that has it inside, in parts. */
export interface Output {
  path: string;
  document: Uint8Array;
  inside?: readonly Bytes[];
}

/** release.suit -> release: what the names of its fellows begin with. */
export const fellowOf = (path: string): string => path.replace(/\.(approved\.suit|suit|bin|ya?ml)$/, '');

/** Where a document goes: a file of its own, at `base`.cose, or (`into`) its package. `output`: somewhere else. */
export function placeDocument(
  document: Uint8Array,
  base: string,
  output: string | undefined,
  into?: { path: string; envelope: Envelope<Bytes> },
): Output {
  if (into === undefined) return { path: output ?? `${base}.cose`, document };
  const inside = withApproval(into.envelope, document, into.path);
  return { path: output ?? `${fellowOf(into.path)}.approved.suit`, document, inside };
}

export interface Keeping extends Pick<PublishOptions, 'as' | 'lift'>, Pick<PublishingOptions, 'note'> {
  /** Path of the record; undefined: none is kept. */
  record: string | undefined;
  /** The broker that it is published on as well; `fleet` where that names none. */
  publish?: BrokerPlace | undefined;
  fleet: string;
  /** Do everything but write. */
  dryRun?: boolean;
  signal?: AbortSignal;
}

/**
 * Writes the output, then the record; publishes the document if that was asked for. The broker is asked before anything is
 * written; what was written stays when it then fails, and the error says how to go on. Throws what `writeBytes` and
 * `openPublishing` throw.
 */
export async function keepIssued(
  { path, document, inside }: Output,
  claims: Claims,
  { record, publish, fleet, dryRun = false, signal, ...how }: Keeping,
): Promise<{ bytes: number; published: Published | undefined }> {
  const publishing = publish && (await openPublishing(publish, fleet, signal));
  try {
    const put = await publishing?.ready(document, how);
    requireDistinct([path, record]);
    if (record !== undefined) await writeBytes(record, '', { dryRun: true, update: true });
    await writeBytes(path, inside ?? document, { dryRun });
    if (record !== undefined) await writeBytes(record, recordText(claims), { dryRun, update: true });
    const published = await put?.(dryRun).catch((error: unknown) => notPublished(error, path));
    return { bytes: partsSize(inside ?? [document]), published };
  } finally {
    await publishing?.close();
  }
}

function notPublished(error: unknown, path: string): never {
  if (!(error instanceof CountersignError)) throw error;
  const hint = `${error.hint}; \`countersign publish ${shellWord(path)}\` tries again`;
  throw new CountersignError(error.code, `${error.message}; ${path} is written`, { hint, cause: error });
}

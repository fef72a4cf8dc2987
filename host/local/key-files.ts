// A new key pair in files, for a vendor, an operator or a consenter.
//
// NAME.pem is the private key, readable by its owner alone; NAME.pub.pem and NAME.pub.cose are the public one, for
// people's tools and for bootstrap documents. Nothing that exists is replaced without `force`, and all of them are written
// or none: no half a key pair. A private key can be made in a token instead, and never leaves it: then
// there is no NAME.pem.

import { type NewFile, writeBytes, writeTogether } from '../files.js';
import { encode } from '../formats/cbor.js';
import { type KeyKind, type PublicKey, publicKeyToCose, publicKeyToPem } from '../formats/keys.js';
import { type FileKey, generateKey } from '../keys/read.js';
import { type KeySecrets, makeTokenKey } from '../named-key.js';

const PRIVATE_MODE = 0o600;
const PUBLIC_MODE = 0o644;

export interface KeyFiles {
  /** Undefined: of a dry run in a token, which makes none. */
  key: PublicKey | undefined;
  /** Path of NAME.pem, or the URI of the key in its token. */
  private: string;
  /** Paths of NAME.pub.pem and NAME.pub.cose. */
  public: string[];
}

export interface NewKey {
  /** May replace files that exist; the old key is lost. */
  force: boolean;
  /** Do everything but write, or make a key in the token. */
  dryRun: boolean;
}

/** A key pair in files. Throws FileExists, FileUnwritable. */
export async function makeKeyFiles(
  base: string,
  kind: KeyKind,
  passphrase: string | undefined,
  { force, dryRun }: NewKey,
): Promise<KeyFiles> {
  const made = generateKey(kind);
  const key = made.public;
  const files = pairFiles(base, made, passphrase);
  await writeTogether(files, { fresh: !force, force, dryRun });
  const [first, ...others] = files.map(([path]) => path);
  return { key, private: first!, public: others };
}

/** A private key in the token that a pkcs11: URI names, and files of its public half. Throws as `makeTokenKey` besides. */
export async function makeTokenKeyFiles(
  base: string,
  kind: KeyKind,
  uri: string,
  secrets: KeySecrets,
  { force, dryRun }: NewKey,
): Promise<KeyFiles> {
  const paths = [`${base}.pub.pem`, `${base}.pub.cose`];
  for (const path of paths) await writeBytes(path, '', { fresh: !force, dryRun: true });
  const key = await makeTokenKey(uri, kind, secrets, { dryRun });
  if (key !== undefined) await writeTogether(publicFiles(base, key), { fresh: !force });
  return { key, private: uri, public: paths };
}

/** A key pair as files; without a passphrase the private key is not encrypted. */
export const pairFiles = (base: string, key: FileKey, passphrase?: string): NewFile[] => [
  [`${base}.pem`, key.toPem(passphrase), PRIVATE_MODE],
  ...publicFiles(base, key.public),
];

const publicFiles = (base: string, key: PublicKey): NewFile[] => [
  [`${base}.pub.pem`, publicKeyToPem(key), PUBLIC_MODE],
  [`${base}.pub.cose`, encode(publicKeyToCose(key)), PUBLIC_MODE],
];

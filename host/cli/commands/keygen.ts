// keygen: a key pair for a vendor, an operator or a consenter.
//
// NAME.pem is the private key, readable by its owner alone; NAME.pub.pem and NAME.pub.cose are the public one, for
// people's tools and for bootstrap documents. Nothing that exists is replaced without --force. With --key the private key
// is made in a token, and never leaves it: then there is no NAME.pem.

import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { z } from 'zod';
import { CountersignError } from '../../errors.js';
import { writeBytes } from '../../files.js';
import { hex } from '../../formats/bytes.js';
import { encode } from '../../formats/cbor.js';
import { generateKey, KEY_KINDS, type PublicKey, publicKeyToCose, publicKeyToPem } from '../../formats/keys.js';
import { makeTokenKey } from '../../named-key.js';
import { isKeyUri } from '../../pkcs11/uri.js';
import { command, type Result } from '../command.js';
import { findPassphrase, passphraseGiven } from '../secrets.js';
import { type SigningOptions, secretsOf, signingOptions } from '../signing.js';
import type { Terminal } from '../terminal.js';
import { pathSchema, switchSchema } from '../values.js';

const PRIVATE_MODE = 0o600;

export const keygen = command({
  name: 'keygen',
  summary: 'make a key pair',
  details: 'Writes NAME.pem (private key), NAME.pub.pem and NAME.pub.cose (public key).',
  arguments: { name: { text: 'path and name of the key files, without the ending', schema: pathSchema } },
  options: {
    type: {
      short: 't',
      value: 'type',
      text: `key type: ${KEY_KINDS.join(' or ')}`,
      schema: z.enum(KEY_KINDS).default('ed25519'),
    },
    encrypt: { text: 'protect the private key with a passphrase', schema: switchSchema },
    key: {
      short: 'k',
      value: 'uri',
      text: 'make the key in a token instead: pkcs11:token=…;object=…',
      schema: z.string().refine(isKeyUri, 'is not a pkcs11: URI').optional(),
    },
    ...signingOptions,
    force: { text: 'overwrite existing files; the old key is lost', schema: switchSchema },
  },
  examples: [
    'countersign keygen vendor',
    'countersign keygen operator --type p256 --encrypt',
    'countersign keygen operator --key "pkcs11:token=Operator;object=release"',
  ],
  writes: true,
  async run({ arguments: { name }, options, terminal, dryRun }) {
    const base = name.replace(/\.pem$/, '');
    if (options.key !== undefined) return inToken(base, options.key, options, terminal, dryRun);
    const key = generateKey(options.type);
    const encrypt = options.encrypt || options.passphraseFile !== undefined;
    const passphrase = encrypt ? await newPassphrase(base, options.passphraseFile, terminal) : undefined;
    const files = pairFiles(base, key, passphrase);
    await writeFiles(files, options.force, dryRun);
    const kid = hex(key.public.kid);
    const paths = files.map(([path]) => path);
    return {
      data: {
        kid,
        type: options.type,
        encrypted: encrypt,
        private: paths[0],
        public: paths.slice(1),
        written: !dryRun,
      },
      lines: [
        `${dryRun ? 'would write' : 'wrote'} ${paths.join(', ')}`,
        `key id ${kid} (${options.type}${encrypt ? ', encrypted' : ''})`,
      ],
      next: useOf(base, paths[0]!),
    };
  },
});

/** A key is for devices that trust it, which a bootstrap file says first; for what else, its name tells. */
function useOf(base: string, key: string): readonly string[] {
  const [role] = /vendor|operator|$/i.exec(basename(base)) ?? [];
  if (!existsSync('device.yaml')) return ['init', ...(role ? [`--${role.toLowerCase()}-key`, `${base}.pub.pem`] : [])];
  if (role === '') return ['inspect', `${base}.pub.pem`];
  return role?.toLowerCase() === 'vendor' ? ['package', '-k', key] : ['approve', 'PACKAGE', '-k', key];
}

export type KeyFile = [path: string, content: string | Uint8Array, mode: number];

/** A key pair as files. */
export const pairFiles = (base: string, key: ReturnType<typeof generateKey>, passphrase?: string): KeyFile[] => [
  [`${base}.pem`, key.toPem(passphrase), PRIVATE_MODE],
  ...publicFiles(base, key.public),
];

const publicFiles = (base: string, key: PublicKey): KeyFile[] => [
  [`${base}.pub.pem`, publicKeyToPem(key), 0o644],
  [`${base}.pub.cose`, encode(publicKeyToCose(key)), 0o644],
];

/** All of them are checked before the first is written: no half a key pair. */
export async function writeFiles(files: readonly KeyFile[], force: boolean, dryRun: boolean): Promise<void> {
  const how = { fresh: !force, force };
  for (const [path, content] of files) await writeBytes(path, content, { ...how, dryRun: true });
  if (!dryRun) for (const [path, content, mode] of files) await writeBytes(path, content, { ...how, mode });
}

async function inToken(
  base: string,
  uri: string,
  options: SigningOptions & { type: PublicKey['kind']; encrypt: boolean; force: boolean },
  terminal: Terminal,
  dryRun: boolean,
): Promise<Result> {
  if (options.encrypt || options.passphraseFile !== undefined) {
    throw new CountersignError('BadArgument', 'argument: a key in a token has a PIN, not a passphrase');
  }
  const paths = [`${base}.pub.pem`, `${base}.pub.cose`];
  for (const path of paths) await writeBytes(path, '', { fresh: !options.force, dryRun: true });
  const key = await makeTokenKey(uri, options.type, secretsOf(options, terminal), { dryRun });
  if (key !== undefined) await writeFiles(publicFiles(base, key), options.force, false);
  return {
    data: { kid: key?.kid, type: options.type, encrypted: false, private: uri, public: paths, written: !dryRun },
    lines: [
      `${dryRun ? 'would make' : 'made'} ${uri}`,
      `${dryRun ? 'would write' : 'wrote'} ${paths.join(', ')}`,
      ...(key === undefined ? [] : [`key id ${hex(key.kid)} (${options.type}, in a token)`]),
    ],
    next: useOf(base, uri),
  };
}

async function newPassphrase(base: string, file: string | undefined, terminal: Terminal): Promise<string> {
  const first = await findPassphrase(`New passphrase for ${base}.pem`, file, terminal);
  if (file !== undefined || !terminal.interactive || passphraseGiven()) return first;
  const second = await terminal.password('The same passphrase again', '--passphrase-file');
  if (first !== second) throw new CountersignError('PassphraseWrong', 'key: the two passphrases differ');
  return first;
}

// keygen: a key pair for a vendor, an operator or a consenter, in files or in a token (local/key-files.ts).

import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { z } from 'zod';
import { keyMade } from '../../describe/made.js';
import { KEY_KINDS } from '../../formats/keys.js';
import { makeKeyFiles, makeTokenKeyFiles } from '../../local/key-files.js';
import { newPassphrase, secretsOf } from '../../local/secrets.js';
import { isKeyUri } from '../../pkcs11/uri.js';
import { command } from '../command.js';
import { flag, option, signingOptions, textSchema } from '../options.js';

const NO_PASSPHRASE = { not: ['key'], why: 'a key in a token has a PIN, not a passphrase' };

export const keygen = command({
  name: 'keygen',
  summary: 'make a key pair',
  details: 'Writes NAME.pem (private key), NAME.pub.pem and NAME.pub.cose (public key).',
  arguments: { name: { text: 'path and name of the key files, without the ending', schema: textSchema } },
  options: {
    type: option('type', `key type: ${KEY_KINDS.join(' or ')}`, z.enum(KEY_KINDS).default('ed25519'), {
      short: 't',
    }),
    encrypt: flag('protect the private key with a passphrase', NO_PASSPHRASE),
    key: option(
      'uri',
      'make the key in a token instead: pkcs11:token=…;object=…',
      z.string().refine(isKeyUri, 'is not a pkcs11: URI').optional(),
      { short: 'k', not: ['passphraseFile'], why: NO_PASSPHRASE.why },
    ),
    ...signingOptions,
    force: flag('overwrite existing files; the old key is lost'),
  },
  examples: [
    'countersign keygen vendor',
    'countersign keygen operator --type p256 --encrypt',
    'countersign keygen operator --key "pkcs11:token=Operator;object=release"',
  ],
  writes: true,
  async run({ arguments: { name }, options, terminal, dryRun }) {
    const base = name.replace(/\.pem$/, '');
    const { type, key: uri, passphraseFile, force } = options;
    const encrypted = options.encrypt || passphraseFile !== undefined;
    const passphrase = encrypted ? await newPassphrase(`${base}.pem`, passphraseFile, terminal) : undefined;
    const how = { force, dryRun };
    const made = uri
      ? await makeTokenKeyFiles(base, type, uri, secretsOf(options, terminal), how)
      : await makeKeyFiles(base, type, passphrase, how);
    return { ...keyMade(made, { type, encrypted, uri }, dryRun), next: useOf(base, made.private) };
  },
});

/** A key is for devices that trust it, which a bootstrap file says first; for what else, its name tells. */
function useOf(base: string, key: string): readonly string[] {
  const [role] = /vendor|operator|$/i.exec(basename(base)) ?? [];
  if (!existsSync('device.yaml')) return ['init', ...(role ? [`--${role.toLowerCase()}-key`, `${base}.pub.pem`] : [])];
  if (role === '') return ['inspect', `${base}.pub.pem`];
  return role?.toLowerCase() === 'vendor' ? ['package', '-k', key] : ['approve', 'PACKAGE', '-k', key];
}

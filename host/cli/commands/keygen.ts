// keygen: a key pair for a vendor, an operator or a consenter.
//
// NAME.pem is the private key, readable by its owner alone; NAME.pub.pem and NAME.pub.cose are the public one, for
// people's tools and for bootstrap documents. Nothing that exists is replaced without --force.

import { z } from 'zod';
import { CountersignError } from '../../errors.js';
import { writeBytes } from '../../files.js';
import { encode } from '../../formats/cbor.js';
import { generateKey, KEY_KINDS, publicKeyToCose, publicKeyToPem } from '../../formats/keys.js';
import { command } from '../command.js';
import { findPassphrase, passphraseFileOption, passphraseGiven } from '../secrets.js';
import { pathSchema, switchSchema } from '../values.js';

const PRIVATE_MODE = 0o600;

export const keygen = command({
  name: 'keygen',
  summary: 'make a key pair',
  details: 'Writes NAME.pem (private), NAME.pub.pem and NAME.pub.cose (public).',
  arguments: { name: { text: 'path and name of the files, without an ending', schema: pathSchema } },
  options: {
    type: {
      short: 't',
      value: 'type',
      text: `kind of key: ${KEY_KINDS.join(' or ')}`,
      schema: z.enum(KEY_KINDS).default('ed25519'),
    },
    encrypt: { text: 'protect the private key with a passphrase', schema: switchSchema },
    passphraseFile: passphraseFileOption,
    force: { text: 'replace files that exist; the old key is lost', schema: switchSchema },
  },
  examples: ['countersign keygen vendor', 'countersign keygen operator --type p256 --encrypt'],
  writes: true,
  async run({ arguments: { name }, options, terminal, dryRun }) {
    const base = name.replace(/\.pem$/, '');
    const key = generateKey(options.type);
    const encrypt = options.encrypt || options.passphraseFile !== undefined;
    const passphrase = encrypt ? await newPassphrase(base, options.passphraseFile, terminal) : undefined;
    const files: [path: string, content: string | Uint8Array, mode: number][] = [
      [`${base}.pem`, key.toPem(passphrase), PRIVATE_MODE],
      [`${base}.pub.pem`, publicKeyToPem(key.public), 0o644],
      [`${base}.pub.cose`, encode(publicKeyToCose(key.public)), 0o644],
    ];
    const how = { fresh: !options.force, force: options.force };
    // All of them are checked before the first is written: no half a key pair.
    for (const [path, content] of files) await writeBytes(path, content, { ...how, dryRun: true });
    if (!dryRun) for (const [path, content, mode] of files) await writeBytes(path, content, { ...how, mode });
    const kid = Buffer.from(key.public.kid).toString('hex');
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
    };
  },
});

async function newPassphrase(
  base: string,
  file: string | undefined,
  terminal: Parameters<typeof findPassphrase>[2],
): Promise<string> {
  const first = await findPassphrase(`New passphrase for ${base}.pem`, file, terminal);
  if (file !== undefined || !terminal.interactive || passphraseGiven()) return first;
  const second = await terminal.password('The same passphrase again', '--passphrase-file');
  if (first !== second) throw new CountersignError('PassphraseWrong', 'key: the two passphrases differ');
  return first;
}

// inspect: what is in a file, in words or as JSON.

import { describe, describePublic } from '../../describe/file.js';
import { CountersignError } from '../../errors.js';
import { readBytes, writeBytes } from '../../files.js';
import { viewApproval } from '../../formats/approval.js';
import { claimsToYaml } from '../../formats/approval-yaml.js';
import type { Bytes } from '../../formats/byte-source.js';
import { openEnvelope, payloadIn, withoutPayload } from '../../formats/envelope.js';
import { type PublicKey, publicKeyToPem, splitKeyName } from '../../formats/keys.js';
import { readPublicHalf } from '../../keys/read.js';
import { readBootstrapFile } from '../../local/bootstrap-file.js';
import { withFile } from '../../open-file.js';
import { isKeyUri } from '../../pkcs11/uri.js';
import { command } from '../command.js';
import { signingOptions } from '../options.js';
import { findPassphrase, openPublicKey } from '../secrets.js';
import { pathSchema, switchSchema } from '../values.js';

/** By its name: any text might be a firmware image. */
const YAML = /\.ya?ml$/i;
/** Of documents that a device would not take as well. */
const DOCUMENT_FILE_BYTES_MAX = 1024 * 1024;

export const inspect = command({
  name: 'inspect',
  aliases: ['dumpinfo'],
  summary: 'show the content of a package, approval, bootstrap document, key or image',
  details: 'Shows what the file claims. `check` says whether a claim is true.',
  arguments: { file: { text: 'the file, or the pkcs11: URI of a key in a token', schema: pathSchema } },
  options: {
    yaml: { text: 'print an approval document as YAML', schema: switchSchema },
    payload: { value: 'file', text: 'write the firmware of a package to this file', schema: pathSchema.optional() },
    sever: {
      value: 'file',
      text: 'write the package without its firmware to this file',
      schema: pathSchema.optional(),
    },
    public: { value: 'file', text: 'write the public key to this file', schema: pathSchema.optional() },
    ...signingOptions,
  },
  examples: [
    'countersign inspect release.suit',
    'countersign inspect release.cose --yaml',
    'countersign inspect key.pem --json',
    'countersign inspect "pkcs11:token=Operator;object=release" --public operator.pub.pem',
  ],
  writes: true,
  async run({ arguments: { file }, options, terminal, dryRun }) {
    if (isKeyUri(file)) {
      const key = await openPublicKey(file, options, terminal);
      await writePublic(key, options.public, dryRun);
      const { type, data, lines } = describePublic(key, { private: true, encrypted: false, where: 'in a token' });
      return { data: { file, type, ...data }, lines, product: true };
    }
    const { path, raw } = splitKeyName(file);
    if (options.yaml) {
      const twin = claimsToYaml(viewApproval(await readBytes(path, DOCUMENT_FILE_BYTES_MAX), file).claims);
      return { data: { yaml: twin }, lines: twin.trimEnd().split('\n'), product: true };
    }
    const passphrase = () => findPassphrase(`Passphrase of ${path}`, options.passphraseFile, terminal);
    const readKey = (bytes: Uint8Array) => readPublicHalf(bytes, path, passphrase, raw);
    const shown = async (content: Bytes) => {
      if (options.payload !== undefined || options.sever !== undefined) await takeApart(content, file, options, dryRun);
      const found = await describe(content, path, readKey, raw);
      await writePublic(found.key, options.public, dryRun);
      return { data: { file, type: found.type, ...found.data }, lines: found.lines, product: true };
    };
    return YAML.test(path) ? shown(await readBootstrapFile(path)) : withFile(path, shown);
  },
});

async function writePublic(key: PublicKey | undefined, path: string | undefined, dryRun: boolean): Promise<void> {
  if (path === undefined) return;
  if (key === undefined) throw new CountersignError('KeyWrong', 'argument: --public goes with a key');
  await writeBytes(path, publicKeyToPem(key), { dryRun });
}

async function takeApart(
  content: Bytes,
  file: string,
  to: { payload?: string | undefined; sever?: string | undefined },
  dryRun: boolean,
): Promise<void> {
  const envelope = await openEnvelope(content, file);
  const payload = payloadIn(envelope);
  if (payload === undefined) throw new CountersignError('PayloadMissing', `package: ${file} holds no firmware`);
  if (to.payload !== undefined) await writeBytes(to.payload, [payload.value], { dryRun });
  if (to.sever !== undefined) await writeBytes(to.sever, withoutPayload(envelope), { dryRun });
}

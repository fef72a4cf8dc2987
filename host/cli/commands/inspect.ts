// inspect: what is in a file, in words or as JSON.

import { CountersignError } from '../../errors.js';
import { readBytes, writeBytes } from '../../files.js';
import { viewApproval } from '../../formats/approval.js';
import { claimsToYaml } from '../../formats/approval-yaml.js';
import { detachPayload, payloadIn, splitEnvelope } from '../../formats/envelope.js';
import { command } from '../command.js';
import { describe } from '../describe/describe.js';
import { findPassphrase, passphraseFileOption } from '../secrets.js';
import { pathSchema, switchSchema } from '../values.js';

export const inspect = command({
  name: 'inspect',
  aliases: ['dumpinfo'],
  summary: 'show what is in a package, approval, bootstrap document, key or image',
  details: 'Shows what a file says of itself. Whether any of it is true is for `check`.',
  arguments: { file: { text: 'the file', schema: pathSchema } },
  options: {
    yaml: { text: 'print an approval document as its YAML twin', schema: switchSchema },
    payload: { value: 'file', text: 'write the firmware of a package to this file', schema: pathSchema.optional() },
    sever: {
      value: 'file',
      text: 'write the package without its firmware to this file',
      schema: pathSchema.optional(),
    },
    passphraseFile: passphraseFileOption,
  },
  examples: [
    'countersign inspect release.suit',
    'countersign inspect release.cose --yaml',
    'countersign inspect key.pem --json',
  ],
  writes: true,
  async run({ arguments: { file }, options, terminal, dryRun }) {
    const bytes = await readBytes(file);
    if (options.yaml) {
      const twin = claimsToYaml(viewApproval(bytes, file).claims);
      return { data: { yaml: twin }, lines: twin.trimEnd().split('\n') };
    }
    if (options.payload !== undefined || options.sever !== undefined) await takeApart(bytes, file, options, dryRun);
    const found = await describe(bytes, file, () =>
      findPassphrase(`Passphrase of ${file}`, options.passphraseFile, terminal),
    );
    return { data: { file, type: found.type, ...found.data }, lines: found.lines };
  },
});

async function takeApart(
  bytes: Uint8Array,
  file: string,
  to: { payload?: string | undefined; sever?: string | undefined },
  dryRun: boolean,
): Promise<void> {
  const envelope = splitEnvelope(bytes, file);
  const payload = payloadIn(envelope);
  if (payload === undefined) throw new CountersignError('PayloadMissing', `package: ${file} holds no firmware`);
  if (to.payload !== undefined) await writeBytes(to.payload, payload.value, { dryRun });
  if (to.sever !== undefined) await writeBytes(to.sever, detachPayload(envelope), { dryRun });
}

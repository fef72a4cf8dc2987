// inspect: what is in a file, in words or as JSON.

import { describePublic } from '../../describe/file.js';
import { CountersignError } from '../../errors.js';
import { writeBytes } from '../../files.js';
import { type PublicKey, publicKeyToPem } from '../../formats/keys.js';
import { documentYaml, takeApart, withDescribed } from '../../local/inspect.js';
import { openPublicKey, secretsOf } from '../../local/secrets.js';
import { isKeyUri } from '../../pkcs11/uri.js';
import { command } from '../command.js';
import { fileArgument, flag, output, signingOptions } from '../options.js';

export const inspect = command({
  name: 'inspect',
  aliases: ['dumpinfo'],
  summary: 'show the content of a package, approval, bootstrap document, key or image',
  details: 'Shows what the file claims. `check` says whether a claim is true.',
  arguments: { file: fileArgument('the file, or the pkcs11: URI of a key in a token') },
  options: {
    yaml: flag('print an approval document as YAML'),
    payload: output('write the firmware of a package to this file'),
    sever: output('write the package without its firmware to this file'),
    public: output('write the public key to this file'),
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
    const writePublic = async (key: PublicKey | undefined) => {
      if (options.public === undefined) return;
      if (key === undefined) throw new CountersignError('KeyWrong', 'argument: --public goes with a key');
      await writeBytes(options.public, publicKeyToPem(key), { dryRun });
    };
    if (isKeyUri(file)) {
      const key = await openPublicKey(file, options, terminal);
      await writePublic(key);
      const { type, data, lines } = describePublic(key, { private: true, encrypted: false, where: 'in a token' });
      return { data: { file, type, ...data }, lines, product: true };
    }
    if (options.yaml) {
      const yaml = await documentYaml(file);
      return { data: { yaml }, lines: yaml.trimEnd().split('\n'), product: true };
    }
    return withDescribed(file, secretsOf(options, terminal), async ({ type, key, data, lines }, content) => {
      await takeApart(content, file, options, dryRun);
      await writePublic(key);
      return { data: { file, type, ...data }, lines, product: true };
    });
  },
});

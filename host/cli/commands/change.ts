// change: the operators' side of new anchors or a new policy for devices in the field.
//
// Signs what a YAML file says; given a change that others have signed, adds one more signature. Several operators pass
// the one file round until as many have signed as the devices ask for. `provision` brings it to the devices.

import { dirname, resolve } from 'node:path';
import { loadCore } from '../../core.js';
import { readBytes, writeBytes } from '../../files.js';
import { cosignChange, looksLikeChange, signChange, viewChange } from '../../formats/change.js';
import type { SigningKey } from '../../formats/keys.js';
import { draftChange, foreseeChange } from '../../operator/change.js';
import { reasonOf } from '../../reasons.js';
import { command } from '../command.js';
import { changeData, changeRows } from '../describe/change.js';
import { issuingOptions, noteDoubts } from '../issuing.js';
import { readBootstrapFile } from '../provisioning.js';
import { rows } from '../show.js';
import { openSigningKey, signingOptions } from '../signing.js';
import type { Terminal } from '../terminal.js';
import { pathSchema } from '../values.js';

const { key, output } = issuingOptions;

export const change = command({
  name: 'change',
  summary: 'sign new trust anchors or a new policy for devices in the field',
  details: [
    'FILE is YAML with anchors, policy or both, as in a bootstrap file. Each replaces all that the device had. It can',
    'also hold devices (a list of ids), sequence and issued. If FILE is a signed change, this adds one more',
    'signature, for devices that require several operators. `countersign provision` brings the change to devices.',
  ].join('\n'),
  arguments: { file: { text: 'what to change (YAML), or a signed change', schema: pathSchema } },
  options: {
    key,
    output: { ...output, text: 'output file; default: FILE with the ending .change; for a signed change, FILE itself' },
    bootstrap: {
      value: 'file',
      text: 'bootstrap document of such a device (`tree get Bootstrap`): check that it would take the change',
      schema: pathSchema.optional(),
    },
    ...signingOptions,
  },
  examples: [
    'countersign change rotate.yaml -k operator.pem',
    'countersign change rotate.change -k second.pem',
    'countersign provision rotate.change --broker mqtt://localhost --all',
  ],
  writes: true,
  async run({ arguments: { file }, options, terminal, dryRun }) {
    const bytes = await readBytes(file);
    const signer = await openSigningKey(options.key, options, terminal);
    const signed = looksLikeChange(bytes)
      ? cosignChange(signer, bytes, file)
      : await signNew(signer, bytes, file, terminal);
    const view = viewChange(signed, file);
    const taken = options.bootstrap === undefined ? undefined : await foresee(options.bootstrap, signed);
    const path = options.output ?? (looksLikeChange(bytes) ? file : `${file.replace(/\.ya?ml$/, '')}.change`);
    await writeBytes(path, signed, { dryRun });
    const wrote = `${dryRun ? 'would write' : 'wrote'} ${path} (${signed.length} bytes)`;
    const wouldTake = taken === undefined ? undefined : taken === 0 ? 'yes' : `not yet: ${reasonOf(taken).text}`;
    return {
      data: { output: path, written: !dryRun, bytes: signed.length, ...changeData(view), reason: taken },
      lines: [wrote, ...rows([...changeRows(view), ['would pass', wouldTake]])],
    };
  },
});

async function signNew(signer: SigningKey, bytes: Uint8Array, file: string, terminal: Terminal): Promise<Uint8Array> {
  const read = (named: string) => readBytes(resolve(dirname(file), named));
  const { change: wanted, warnings } = await draftChange(bytes, file, read, Math.floor(Date.now() / 1000));
  noteDoubts(warnings, terminal);
  return signChange(signer, wanted);
}

/** What the device of a bootstrap document would say. Too few signatures are no error: the next one may follow. */
const foresee = async (path: string, signed: Uint8Array): Promise<number> =>
  foreseeChange(await loadCore(), await readBootstrapFile(path), signed, path);

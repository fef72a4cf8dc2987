// revoke: the operator takes back what it approved, or forbids what it never approved.
//
// Issues the next document with a deny entry. A device that has seen it refuses the package whoever else approves it,
// and from then on ignores every earlier document of this operator. A countersignature cannot be taken off a package,
// but a denial outweighs it.

import type { Form } from '../../formats/signing-request.js';
import { requestDraft, signDraft } from '../../operator/issue.js';
import { attach, openKeys, prepare, sign } from '../ceremony.js';
import { command } from '../command.js';
import { issueAttached, nextFrom, type Placed, withPackage, writeIssued } from '../issuing.js';
import { ceremonyOptions, fileArguments, issuingOptions, selectorOptions, textSchema } from '../options.js';

const denial = (path: string, document: Uint8Array): Placed => ({
  path,
  document,
  next: ['tree', 'set', '+Approvals', '--file', path],
});

/** A denial is a document; a countersignature can only approve. */
const DENIALS: readonly Form[] = ['document'];

export const revoke = command({
  name: 'revoke',
  aliases: ['block'],
  summary: 'deny packages, approved or not',
  details: [
    'Bring the denial to the devices as you bring an approval. A device that does not have it does not know of it.',
    '--publish also publishes it, retained, on a broker.',
  ].join('\n'),
  arguments: { file: fileArguments('the package (same as --package)', textSchema.optional()) },
  options: { ...issuingOptions, ...selectorOptions, ...ceremonyOptions },
  examples: [
    'countersign revoke release.suit -k operator.pem -o denied.cose',
    'countersign revoke release.suit -k operator.pem --publish mqtt://broker/plant',
    'countersign revoke --vendor-kid 0b40a391377bd716 -k operator.pem -o denied.cose',
  ],
  writes: true,
  async run({ arguments: { file }, options, ...around }) {
    const { terminal } = around;
    if (options.sign !== undefined) return sign(options.sign, DENIALS, options, around);
    if (options.attach !== undefined) {
      const attached = await attach(options.attach, DENIALS, options, terminal);
      const output = denial(options.output ?? `${attached.base}.cose`, attached.signed);
      return issueAttached(attached, output, options, around);
    }
    const path = file ?? options.package;
    return withPackage(path, terminal, async (opened) => {
      const { signer, key } = await openKeys(options, terminal);
      const next = await nextFrom(options, key, { verdict: 'deny' }, opened, terminal);
      const base = path === undefined ? 'denied' : `${path.replace(/\.suit$/, '')}.denied`;
      if (!signer) return prepare(requestDraft(key, next), base, options, around);
      const output = denial(options.output ?? `${base}.cose`, signDraft(signer, next).document);
      return writeIssued(output, next, key, options, around);
    });
  },
});

// revoke: the operator takes back what it approved, or forbids what it never approved.
//
// Issues the next document with a deny entry. A device that has seen it refuses the package whoever else approves it,
// and from then on ignores every earlier document of this operator. A countersignature cannot be taken off a package,
// but a denial outweighs it.

import { revokeFiles } from '../../local/approving.js';
import { command } from '../command.js';
import { showIssued } from '../issuing.js';
import { fileArguments, textSchema } from '../options.js';
import { ceremonyOptions, issuingOptions, selectorOptions } from '../signing-options.js';

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
  run({ arguments: { file }, options: given, ...around }) {
    const options = { ...given, package: file ?? given.package };
    const next = (_: string, path: string) => ['tree', 'set', '+Approvals', '--file', path];
    return showIssued(() => revokeFiles(options, around.terminal, around), options, next, around);
  },
});

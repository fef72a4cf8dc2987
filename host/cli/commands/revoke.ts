// revoke: the operator takes back what it approved, or forbids what it never approved.
//
// Issues the next document with a deny entry. A device that has seen it refuses the package whoever else approves it,
// and from then on ignores every earlier document of this operator. A countersignature cannot be taken off a package,
// but a denial outweighs it.

import { command } from '../command.js';
import {
  entryOf,
  issuedResult,
  issuingOptions,
  nextFrom,
  onePackage,
  openPackage,
  packageRows,
  recordPath,
  selectorOptions,
  signDocument,
  writeIssued,
} from '../issuing.js';
import { openSigningKey } from '../signing.js';
import { pathSchema } from '../values.js';

export const revoke = command({
  name: 'revoke',
  aliases: ['block'],
  summary: 'deny packages that were approved, or any others',
  details: 'Bring the document to the devices like an approval: until they have it, they do not know.',
  arguments: { file: { text: 'the package (or --package)', schema: pathSchema.optional() } },
  options: { ...issuingOptions, ...selectorOptions },
  examples: [
    'countersign revoke release.suit -k operator.pem -o denied.cose',
    'countersign revoke --vendor-kid 0b40a391377bd716 -k operator.pem -o denied.cose',
  ],
  writes: true,
  async run({ arguments: { file }, options, terminal, dryRun }) {
    const path = onePackage(file, options.package);
    const opened = path === undefined ? undefined : await openPackage(path);
    for (const line of opened === undefined ? [] : packageRows(opened)) terminal.note(line);
    const key = await openSigningKey(options.key, options, terminal);
    const next = await nextFrom(options, key.public, entryOf('deny', options, opened), {});
    const document = signDocument(key, next, terminal);
    const base = path?.replace(/\.suit$/, '');
    const output = { path: options.output ?? (base ? `${base}.denied.cose` : 'denied.cose'), bytes: document };
    await writeIssued(output, next, recordPath(options, key.public), dryRun);
    return issuedResult(output, next, key.public, dryRun);
  },
});

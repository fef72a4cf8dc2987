// approve: the operator's side. Says, signed, which packages its devices may install (local/approving.ts). A document can be
// published as well; what goes with the package cannot.

import { z } from 'zod';
import { approveFiles } from '../../local/approving.js';
import { command } from '../command.js';
import { showIssued } from '../issuing.js';
import { file, fileArguments, flag, option, textSchema } from '../options.js';
import { ceremonyOptions, issuingOptions, SELECTING, selectorOptions, validityOptions } from '../signing-options.js';

export const approve = command({
  name: 'approve',
  summary: 'approve packages',
  details: [
    'Approves one package, or all that match a rule (--class, --range, --vendor-kid). Devices use only the newest',
    'document of an operator. So a new document repeats the entries of the last one, which is kept as YAML next to',
    'the key. To sign on an offline machine: --prepare here, --sign there, --attach here.',
  ].join('\n'),
  arguments: { file: fileArguments('the package (same as --package)', textSchema.optional()) },
  options: {
    ...issuingOptions,
    ...selectorOptions,
    ...validityOptions,
    confirm: option(
      'how',
      'ask: the user is asked anyway; no-ask: never; default: as the policy says',
      z.enum(['ask', 'no-ask']).optional(),
    ),
    from: file('sign the document in this YAML file instead', { not: SELECTING, why: 'the file says it all' }),
    vendorKey: file("the vendor's public key; fail unless it signed the package", {
      config: 'vendor-public-key',
      path: true,
    }),
    embed: flag('put the document into the package', {
      ...{ not: ['prepare', 'publish'], why: 'it goes into the package with --attach, when there is a signature' },
    }),
    countersign: flag('add a countersignature to the package instead of writing a document', {
      not: [...SELECTING, 'from', 'embed', 'publish'],
      why: 'a countersignature approves exactly this package, always, and travels in it',
    }),
    ...ceremonyOptions,
  },
  examples: [
    'countersign approve release.suit -k operator.pem --expires 90d',
    'countersign approve --class sensor --vendor example.com --range 5..9 -k operator.pem -o rule.cose',
    'countersign approve release.suit -k operator.pem --countersign -o release.approved.suit',
    'countersign approve release.suit -k operator.pem --publish mqtt://broker/plant',
    'countersign approve release.suit -k operator.pub.pem --prepare',
    'countersign approve release.suit -k "pkcs11:token=Operator;object=release"',
  ],
  writes: true,
  run({ arguments: { file: argument }, options: given, ...around }) {
    const options = { ...given, package: argument ?? given.package };
    return showIssued(
      () => approveFiles(options, around.terminal, around),
      options,
      (form, path) => {
        if (form !== 'document') return ['deliver', path];
        if (options.package !== undefined) return ['deliver', options.package, '--approval', path];
        return options.publish === undefined ? ['publish', path] : undefined;
      },
      around,
    );
  },
});

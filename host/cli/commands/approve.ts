// approve: the operator's side. Says, signed, which packages its devices may install.
//
// Three forms, of which the first is the usual one:
//   a document of its own (FILE.cose), for the tree, a card or a bootstrap document;
//   --embed: the document travels in the package;
//   --countersign: one more signature over the package's digest; approves exactly this package, for any device, for good.
// Each can be signed in three steps on two machines (../ceremony.ts). A document can be published as well; what goes with the
// package cannot.

import { z } from 'zod';
import { OPERATOR_FORMS } from '../../ceremony.js';
import { countersignatureMade } from '../../describe/made.js';
import { CountersignError } from '../../errors.js';
import { writeBytes } from '../../files.js';
import type { Bytes } from '../../formats/byte-source.js';
import type { Attached } from '../../local/ceremony.js';
import { fellowOf, placeDocument } from '../../local/issue.js';
import { readPublicKeyFile } from '../../named-key.js';
import {
  acceptCountersignature,
  type Countersigned,
  countersign,
  requestCountersignature,
} from '../../operator/countersign.js';
import { requestDraft, signDraft } from '../../operator/issue.js';
import { requireSignedBy } from '../../operator/selection.js';
import { loadCore } from '../../wasm.js';
import { attach, openKeys, prepare, sign } from '../ceremony.js';
import { command, type Result } from '../command.js';
import type { Surroundings } from '../connection.js';
import {
  issueAttached,
  nextFrom,
  nextFromFile,
  type OpenPackage,
  type Placed,
  withPackage,
  writeIssued,
} from '../issuing.js';
import {
  ceremonyOptions,
  file,
  fileArguments,
  flag,
  type Issuing,
  issuingOptions,
  option,
  SELECTING,
  selectorOptions,
  textSchema,
  validityOptions,
} from '../options.js';

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
  async run({ arguments: { file: argument }, options, ...around }) {
    const { terminal } = around;
    if (options.sign !== undefined) return sign(options.sign, OPERATOR_FORMS, options, around);
    const path = argument ?? options.package;
    return withPackage(path, terminal, async (opened) => {
      if (opened) await checkVendor(opened, options.vendorKey, terminal);
      if (options.attach !== undefined) {
        return finish(await attach(options.attach, OPERATOR_FORMS, options, terminal), opened, options, around);
      }
      const { signer, key } = await openKeys(options, terminal);
      const base = fellowOf(path ?? options.from ?? 'approval');
      if (options.countersign) {
        const { envelope, path } = needed(opened);
        if (!signer) return prepare(requestCountersignature(key, envelope, path), base, options, around);
        return writeCountersigned(countersign(signer, envelope, path), path, options, around);
      }
      const next =
        options.from === undefined
          ? await nextFrom(options, key, { verdict: 'approve', confirm: options.confirm }, opened, terminal)
          : await nextFromFile(options, key, options.from, terminal);
      if (!signer) return prepare(requestDraft(key, next), base, options, around);
      const output = place(signDraft(signer, next).document, opened, base, options);
      return writeIssued(output, next, key, options, around);
    });
  },
});

/** That the vendor signed it, or without a key that nobody looked. */
async function checkVendor(
  { envelope, path }: OpenPackage,
  key: string | undefined,
  terminal: Surroundings['terminal'],
) {
  if (key === undefined) return terminal.note('the signature of the vendor has not been checked (--vendor-key)');
  requireSignedBy(await loadCore(), envelope, await readPublicKeyFile(key), { package: path, key });
}

function needed(opened: OpenPackage | undefined): OpenPackage {
  if (opened !== undefined) return opened;
  throw new CountersignError('BadArgument', 'argument: give the package, too');
}

type Form = Pick<Issuing, 'output' | 'publish'> & { embed: boolean };

function place(document: Uint8Array, opened: OpenPackage | undefined, base: string, form: Form): Placed {
  const output = placeDocument(document, base, form.output, form.embed ? needed(opened) : undefined);
  if (form.embed) return { ...output, next: ['deliver', output.path] };
  const spread = form.publish === undefined ? ['publish', output.path] : undefined;
  return { ...output, next: opened ? ['deliver', opened.path, '--approval', output.path] : spread };
}

/** The last step of a ceremony. */
async function finish(
  attached: Attached,
  opened: OpenPackage | undefined,
  options: Issuing & Form,
  around: Surroundings,
) {
  const { request, signed, base } = attached;
  if (request.form === 'document') {
    return issueAttached(attached, place(signed, opened, base, options), options, around);
  }
  const { envelope, path } = needed(opened);
  return writeCountersigned(acceptCountersignature(attached, envelope, path), path, options, around);
}

async function writeCountersigned(
  made: Countersigned<Bytes>,
  from: string,
  { output: path = `${fellowOf(from)}.approved.suit` }: { output?: string | undefined },
  { dryRun }: Surroundings,
): Promise<Result> {
  await writeBytes(path, made.parts, { dryRun });
  return { ...countersignatureMade(made, { path, dryRun }), next: ['deliver', path] };
}

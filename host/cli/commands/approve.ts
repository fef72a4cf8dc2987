// approve: the operator's side. Says, signed, which packages its devices may install.
//
// Three forms, of which the first is the usual one:
//   a document of its own (FILE.cose), for the tree, a card or a bootstrap document;
//   --embed: the document travels in the package;
//   --countersign: one more signature over the package's digest; approves exactly this package, for any device, for good.
// Each can be signed in three steps on two machines (../ceremony.ts). A document can be left on a broker as well
// (../publishing.ts); what goes with the package cannot.

import { z } from 'zod';
import { OPERATOR_FORMS } from '../../ceremony.js';
import { CountersignError } from '../../errors.js';
import { writeBytes } from '../../files.js';
import type { Bytes } from '../../formats/byte-source.js';
import { hex } from '../../formats/bytes.js';
import { withApproval } from '../../formats/envelope.js';
import {
  acceptCountersignature,
  type Countersigned,
  countersign,
  requestCountersignature,
} from '../../operator/countersign.js';
import { requestDraft, signDraft } from '../../operator/issue.js';
import { type Attached, attach, ceremonyOptions, checkSteps, issueAttached, prepare, sign } from '../ceremony.js';
import { command, type Result } from '../command.js';
import {
  entryFrom,
  type Finishing,
  type Issuing,
  issuingOptions,
  nextFrom,
  nextFromFile,
  type OpenPackage,
  type Output,
  onePackage,
  packageLines,
  requireVendor,
  type Selector,
  selectorOptions,
  validityOptions,
  withPackage,
  writeIssued,
} from '../issuing.js';
import { rows } from '../show.js';
import { openPublicKey, openSigningKey } from '../signing.js';
import { pathSchema, switchSchema } from '../values.js';

export const approve = command({
  name: 'approve',
  summary: 'approve packages',
  details: [
    'Approves one package, or all that match a rule (--class, --range, --vendor-kid). Devices use only the newest',
    'document of an operator. So a new document repeats the entries of the last one, which is kept as YAML next to',
    'the key. To sign on an offline machine: --prepare here, --sign there, --attach here.',
  ].join('\n'),
  arguments: { file: { text: 'the package (same as --package)', schema: pathSchema.optional() } },
  options: {
    ...issuingOptions,
    ...selectorOptions,
    ...validityOptions,
    confirm: {
      value: 'how',
      text: 'ask: the user is asked anyway; no-ask: never; default: as the policy says',
      schema: z.enum(['ask', 'no-ask']).optional(),
    },
    from: { value: 'file', text: 'sign the document in this YAML file instead', schema: pathSchema.optional() },
    vendorKey: {
      value: 'file',
      text: "the vendor's public key; fail unless it signed the package",
      schema: pathSchema.optional(),
      config: 'vendor-public-key',
      path: true,
    },
    embed: { text: 'put the document into the package', schema: switchSchema },
    countersign: { text: 'add a countersignature to the package instead of writing a document', schema: switchSchema },
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
  async run({ arguments: { file }, options, terminal, dryRun, signal }) {
    checkSteps(options, terminal);
    if (options.sign !== undefined) return sign(options.sign, OPERATOR_FORMS, options, options, terminal, dryRun);
    const path = onePackage(file, options.package);
    if (options.embed && options.countersign) {
      throw new CountersignError('BadArgument', 'argument: --embed and --countersign are two ways; choose one');
    }
    if (options.embed && options.prepare) {
      throw new CountersignError('BadArgument', 'argument: --embed belongs to --attach, when there is a signature');
    }
    if (options.publish !== undefined && (options.embed || options.countersign)) throw notADocument();
    if (options.from !== undefined) refuseBeside('--from', { ...ruleParts(options), confirm: options.confirm });
    return withPackage(path, async (opened) => {
      if (opened === undefined && (options.embed || options.countersign)) {
        throw new CountersignError('BadArgument', 'argument: give the package to add to');
      }
      for (const line of opened === undefined ? [] : packageLines(opened)) terminal.note(line);
      if (opened !== undefined) await requireVendor(opened, options.vendorKey, terminal);
      if (options.attach !== undefined) {
        refuseBeside('--attach', { ...ruleParts(options), confirm: options.confirm, from: options.from });
        const attached = await attach(options.attach, OPERATOR_FORMS, options, options, terminal);
        return finish(attached, opened, options, { dryRun, signal, terminal });
      }
      const signer = options.prepare ? undefined : await openSigningKey(options.key, options, terminal);
      const key = signer?.public ?? (await openPublicKey(options.key, options, terminal));
      const base = stem(path ?? options.from ?? 'approval');
      if (options.countersign && opened !== undefined) {
        refuseBeside('--countersign', { ...ruleParts(options), confirm: options.confirm, from: options.from });
        const { envelope } = opened;
        if (signer === undefined) {
          return prepare(requestCountersignature(key, envelope, opened.path), base, options, dryRun);
        }
        return writeCountersigned(countersign(signer, envelope, opened.path), opened, options.output, dryRun);
      }
      const next =
        options.from === undefined
          ? await nextFrom(options, key, entryFrom('approve', options, opened, options.confirm), options, terminal)
          : await nextFromFile(options, key, options.from, terminal);
      if (signer === undefined) {
        return prepare(requestDraft(key, next), base, options, dryRun);
      }
      const output = place(signDraft(signer, next).document, opened, base, options);
      return writeIssued(output, next, key, options, { dryRun, signal, terminal });
    });
  },
});

type Form = { output?: string | undefined; embed: boolean; publish?: unknown };

/** Where a document goes: a file of its own, or into the package. */
function place(
  document: Uint8Array,
  opened: OpenPackage | undefined,
  base: string,
  { output, embed, publish }: Form,
): Output {
  if (!embed || opened === undefined) {
    const path = output ?? `${base}.cose`;
    const spread = publish === undefined ? ['publish', path] : undefined;
    return { path, document, next: opened ? ['deliver', opened.path, '--approval', path] : spread };
  }
  const inside = withApproval(opened.envelope, document, opened.path);
  const path = output ?? `${stem(opened.path)}.approved.suit`;
  return { path, document, inside, next: ['deliver', path] };
}

/** The last step of a ceremony. */
async function finish(
  attached: Attached,
  opened: OpenPackage | undefined,
  options: Issuing & Form,
  how: Finishing,
): Promise<Result> {
  const { request, signed, base } = attached;
  if (request.form === 'document') {
    return issueAttached(attached, place(signed, opened, base, options), options, how);
  }
  if (options.publish !== undefined) throw notADocument();
  if (opened === undefined) {
    throw new CountersignError(
      'BadArgument',
      'argument: a countersignature is attached to its package: give that, too',
    );
  }
  const made = acceptCountersignature(attached, opened.envelope, opened.path);
  return writeCountersigned(made, opened, options.output, how.dryRun);
}

async function writeCountersigned(
  { parts, bytes, digest, signer: { kid }, signatures }: Countersigned<Bytes>,
  opened: OpenPackage,
  output: string | undefined,
  dryRun: boolean,
): Promise<Result> {
  const path = output ?? `${stem(opened.path)}.approved.suit`;
  await writeBytes(path, parts, { dryRun });
  return {
    data: { output: path, written: !dryRun, digest, signer: kid, signatures, bytes },
    lines: [
      `${dryRun ? 'would write' : 'wrote'} ${path} (${bytes} bytes)`,
      ...rows([
        ['approves', `package ${hex(digest)}, on any device, for good`],
        ['signed by', hex(kid)],
      ]),
    ],
    next: ['deliver', path],
  };
}

const notADocument = () =>
  new CountersignError('BadArgument', 'argument: --publish is for documents; this one travels in the package');

/** Parts of an entry or document that a countersignature or a finished document cannot take. */
function ruleParts(options: Selector & { expires?: number | undefined; notBefore?: number | undefined }) {
  const { class: classOption, range, vendorKid, device, digest, expires, notBefore } = options;
  return { class: classOption, range, 'vendor-kid': vendorKid, device, digest, expires, 'not-before': notBefore };
}

function refuseBeside(flag: string, others: Record<string, unknown>): void {
  const [given] = Object.entries(others).find(([, value]) => value !== undefined) ?? [];
  if (given === undefined) return;
  const why =
    flag === '--countersign' ? 'a countersignature approves exactly this package, always' : 'the file says it all';
  throw new CountersignError('BadArgument', `argument: ${flag} does not go with --${given}`, { hint: why });
}

/** release.suit -> release: what the names of its fellows begin with. */
const stem = (path: string): string => path.replace(/\.(approved\.suit|suit|ya?ml)$/, '');

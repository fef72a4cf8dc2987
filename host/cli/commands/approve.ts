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
import { CountersignError } from '../../errors.js';
import { writeBytes } from '../../files.js';
import type { Bytes } from '../../formats/byte-source.js';
import { hex } from '../../formats/bytes.js';
import { withApproval } from '../../formats/envelope.js';
import type { Attached } from '../../local/ceremony.js';
import { readPublicKeyFile } from '../../named-key.js';
import {
  acceptCountersignature,
  type Countersigned,
  countersign,
  requestCountersignature,
} from '../../operator/countersign.js';
import { requestDraft, signDraft } from '../../operator/issue.js';
import { isSignedBy } from '../../operator/selection.js';
import { loadCore } from '../../wasm.js';
import { attach, checkSteps, openKeys, prepare, sign } from '../ceremony.js';
import { command, flagOf, type Result } from '../command.js';
import type { Surroundings } from '../connection.js';
import {
  entryFrom,
  issueAttached,
  nextFrom,
  nextFromFile,
  type OpenPackage,
  onePackage,
  type Placed,
  withPackage,
  writeIssued,
} from '../issuing.js';
import {
  ceremonyOptions,
  file,
  flag,
  type Issuing,
  issuingOptions,
  option,
  selectorOptions,
  validityOptions,
} from '../options.js';
import { written } from '../result.js';
import type { Terminal } from '../terminal.js';
import { pathSchema } from '../values.js';

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
    confirm: option(
      'how',
      'ask: the user is asked anyway; no-ask: never; default: as the policy says',
      z.enum(['ask', 'no-ask']).optional(),
    ),
    from: file('sign the document in this YAML file instead'),
    vendorKey: file("the vendor's public key; fail unless it signed the package", {
      config: 'vendor-public-key',
      path: true,
    }),
    embed: flag('put the document into the package'),
    countersign: flag('add a countersignature to the package instead of writing a document'),
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
    const { terminal, dryRun } = around;
    const { embed, from } = options;
    checkSteps(options, terminal);
    if (options.sign !== undefined) return sign(options.sign, OPERATOR_FORMS, options, around);
    const path = onePackage(argument, options.package);
    if (embed && options.countersign) throw wrong('--embed and --countersign are two ways; choose one');
    if (embed && options.prepare) throw wrong('--embed belongs to --attach, when there is a signature');
    if (options.publish !== undefined && (embed || options.countersign)) throw notADocument();
    if (from !== undefined) refuseBeside('--from', options, RULE_PARTS);
    return withPackage(path, terminal, async (opened) => {
      if (opened === undefined && (embed || options.countersign)) throw wrong('give the package to add to');
      if (opened !== undefined) await requireVendor(opened, options.vendorKey, terminal);
      if (options.attach !== undefined) {
        refuseBeside('--attach', options, [...RULE_PARTS, 'from']);
        return finish(await attach(options.attach, OPERATOR_FORMS, options, terminal), opened, options, around);
      }
      const { signer, key } = await openKeys(options, terminal);
      const base = stem(path ?? from ?? 'approval');
      if (options.countersign && opened !== undefined) {
        refuseBeside('--countersign', options, [...RULE_PARTS, 'from']);
        const { envelope } = opened;
        if (!signer) return prepare(requestCountersignature(key, envelope, opened.path), base, options, dryRun);
        return writeCountersigned(countersign(signer, envelope, opened.path), opened, options.output, dryRun);
      }
      const next =
        from === undefined
          ? await nextFrom(options, key, entryFrom('approve', options, opened, options.confirm), terminal)
          : await nextFromFile(options, key, from, terminal);
      if (!signer) return prepare(requestDraft(key, next), base, options, dryRun);
      const output = place(signDraft(signer, next).document, opened, base, options);
      return writeIssued(output, next, key, options, around);
    });
  },
});

/** Throws unless the vendor signed the package, as the core finds; without a key it says that nobody looked. */
async function requireVendor(opened: OpenPackage, keyPath: string | undefined, terminal: Terminal): Promise<void> {
  if (keyPath === undefined) return terminal.note('the signature of the vendor has not been checked (--vendor-key)');
  const key = await readPublicKeyFile(keyPath);
  if (isSignedBy(await loadCore(), opened.envelope, key)) return;
  throw new CountersignError('VendorSignature', `package: ${opened.path} is not signed with ${keyPath}`);
}

type Form = { output?: string | undefined; embed: boolean; publish?: unknown };

/** Where a document goes: a file of its own, or into the package. */
function place(
  document: Uint8Array,
  opened: OpenPackage | undefined,
  base: string,
  { output, embed, publish }: Form,
): Placed {
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
  around: Surroundings,
): Promise<Result> {
  const { request, signed, base } = attached;
  if (request.form === 'document') {
    return issueAttached(attached, place(signed, opened, base, options), options, around);
  }
  if (options.publish !== undefined) throw notADocument();
  if (opened === undefined) throw wrong('a countersignature is attached to its package: give that, too');
  const made = acceptCountersignature(attached, opened.envelope, opened.path);
  return writeCountersigned(made, opened, options.output, around.dryRun);
}

async function writeCountersigned(
  { parts, bytes, digest, signer: { kid }, signatures }: Countersigned<Bytes>,
  opened: OpenPackage,
  output = `${stem(opened.path)}.approved.suit`,
  dryRun: boolean,
): Promise<Result> {
  await writeBytes(output, parts, { dryRun });
  const data = { digest, signer: kid, signatures, bytes };
  const approves = `package ${hex(digest)}, on any device, for good`;
  return written(
    output,
    dryRun,
    data,
    [
      ['approves', approves],
      ['signed by', hex(kid)],
    ],
    ['deliver', output],
  );
}

const wrong = (text: string, hint?: string) =>
  new CountersignError('BadArgument', `argument: ${text}`, hint === undefined ? {} : { hint });
const notADocument = () => wrong('--publish is for documents; this one travels in the package');

/** Parts of an entry or document that a countersignature or a finished document cannot take. */
const RULE_PARTS = ['class', 'range', 'vendorKid', 'device', 'digest', 'expires', 'notBefore', 'confirm'];

function refuseBeside(chosen: string, options: Record<string, unknown>, others: readonly string[]): void {
  const given = others.find((key) => options[key] !== undefined);
  if (given === undefined) return;
  const countersigns = chosen === '--countersign';
  const why = countersigns ? 'a countersignature approves exactly this package, always' : 'the file says it all';
  throw wrong(`${chosen} does not go with ${flagOf(given)}`, why);
}

/** release.suit -> release: what the names of its fellows begin with. */
const stem = (path: string): string => path.replace(/\.(approved\.suit|suit|ya?ml)$/, '');

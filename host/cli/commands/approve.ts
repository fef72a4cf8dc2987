// approve: the operator's side. Says, signed, which packages its devices may install.
//
// Three forms, of which the first is the usual one:
//   a document of its own (FILE.cose), for the tree, a card or a bootstrap document;
//   --embed: the document travels in the package;
//   --countersign: one more signature over the package's digest; approves exactly this package, for any device, for good.

import { z } from 'zod';
import { CountersignError } from '../../errors.js';
import { writeBytes } from '../../files.js';
import { hex } from '../../formats/bytes.js';
import { sign1 } from '../../formats/cose.js';
import { addApproval, addBlock } from '../../formats/envelope.js';
import type { SigningKey } from '../../formats/keys.js';
import { command, type Result } from '../command.js';
import {
  entryOf,
  issuedResult,
  issuingOptions,
  nextFrom,
  nextFromFile,
  type OpenPackage,
  onePackage,
  openPackage,
  packageRows,
  recordPath,
  requireVendor,
  type Selector,
  selectorOptions,
  signDocument,
  validityOptions,
  writeIssued,
} from '../issuing.js';
import { rows } from '../show.js';
import { openSigningKey } from '../signing.js';
import { pathSchema, switchSchema } from '../values.js';

export const approve = command({
  name: 'approve',
  summary: 'approve packages as their operator',
  details: [
    'Approves one package, or a rule (--class, --range, --vendor-kid). A device heeds the newest document of an operator',
    'alone, so a new document repeats what the last one said; the last one is kept as YAML beside the key.',
  ].join('\n'),
  arguments: { file: { text: 'the package (or --package)', schema: pathSchema.optional() } },
  options: {
    ...issuingOptions,
    ...selectorOptions,
    ...validityOptions,
    confirm: {
      value: 'how',
      text: 'ask: the user is asked all the same; no-ask: never; default: the policy decides',
      schema: z.enum(['ask', 'no-ask']).optional(),
    },
    from: { value: 'file', text: 'sign this YAML document instead', schema: pathSchema.optional() },
    vendorKey: {
      value: 'file',
      text: "the vendor's public key: sign only what the vendor signed",
      schema: pathSchema.optional(),
      config: 'vendor-public-key',
      path: true,
    },
    embed: { text: 'put the document into the package', schema: switchSchema },
    countersign: { text: "sign the package's digest instead of a document", schema: switchSchema },
  },
  examples: [
    'countersign approve release.suit -k operator.pem --expires 90d',
    'countersign approve --class sensor --vendor example.com --range 5..9 -k operator.pem -o rule.cose',
    'countersign approve release.suit -k operator.pem --countersign -o release.approved.suit',
    "countersign approve release.suit -k 'pkcs11:token=Operator;object=release'",
  ],
  writes: true,
  async run({ arguments: { file }, options, terminal, dryRun }) {
    const path = onePackage(file, options.package);
    if (options.embed && options.countersign) {
      throw new CountersignError('BadArgument', 'argument: --embed and --countersign are two ways; choose one');
    }
    if (options.from !== undefined) refuseBeside('--from', { ...ruleParts(options), confirm: options.confirm });
    const opened = path === undefined ? undefined : await openPackage(path);
    if (opened === undefined && (options.embed || options.countersign)) {
      throw new CountersignError('BadArgument', 'argument: give the package to add to');
    }
    for (const line of opened === undefined ? [] : packageRows(opened)) terminal.note(line);
    if (opened !== undefined) await requireVendor(opened, options.vendorKey, terminal);
    const key = await openSigningKey(options.key, options, terminal);
    if (options.countersign && opened !== undefined) {
      refuseBeside('--countersign', { ...ruleParts(options), confirm: options.confirm, from: options.from });
      return countersign(opened, key, options.output, dryRun);
    }
    const next =
      options.from === undefined
        ? await nextFrom(options, key.public, entryOf('approve', options, opened, options.confirm), options)
        : await nextFromFile(options, key.public, options.from);
    const document = signDocument(key, next, terminal);
    const output =
      options.embed && opened !== undefined
        ? {
            path: options.output ?? besides(opened.path, '.approved.suit'),
            bytes: addApproval(opened.envelope, document, opened.path),
          }
        : { path: options.output ?? besides(path ?? options.from ?? 'approval', '.cose'), bytes: document };
    await writeIssued(output, next, recordPath(options, key.public), dryRun);
    return issuedResult(output, next, key.public, dryRun);
  },
});

async function countersign(
  opened: OpenPackage,
  key: SigningKey,
  output: string | undefined,
  dryRun: boolean,
): Promise<Result> {
  const block = sign1(key, opened.envelope.suitDigest, { detached: true });
  const bytes = addBlock(opened.envelope, block, opened.path);
  const path = output ?? besides(opened.path, '.approved.suit');
  await writeBytes(path, bytes, { dryRun });
  const { digest, blocks } = opened.envelope;
  return {
    data: {
      output: path,
      written: !dryRun,
      digest,
      signer: key.public.kid,
      signatures: blocks.length + 1,
      bytes: bytes.length,
    },
    lines: [
      `${dryRun ? 'would write' : 'wrote'} ${path} (${bytes.length} bytes)`,
      ...rows([
        ['approves', `package ${hex(digest)}, on any device, for good`],
        ['signed by', hex(key.public.kid)],
      ]),
    ],
  };
}

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

/** release.suit -> release.cose, in the same folder. */
function besides(path: string, ending: string): string {
  return `${path.replace(/\.(approved\.suit|suit|ya?ml)$/, '')}${ending}`;
}

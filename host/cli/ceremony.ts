// Signing in three steps, for a key on a machine that has no network:
//
//   --prepare             here: writes a signing request; -k is the public key
//   --sign REQUEST        there: shows what the request says, and writes the signature (64 bytes)
//   --attach SIGNATURE    here: writes what is finished, once the signature is found to be that key's; -k as at first
//
// For what an operator signs (approve, revoke) and what a vendor does (package) alike; a request says which of the two.
//
// Each step shows what is signed, from the bytes that are signed. Instead of the second step any tool will do that signs
// the bytes of --raw (openssl, pkcs11-tool); a P-256 signature may then be in DER.

import type { z } from 'zod';
import { readAll, TAG } from '../card/tlv.js';
import { loadCore } from '../core.js';
import { CountersignError } from '../errors.js';
import { readBytes, readText, writeBytes } from '../files.js';
import { decodeClaims, fitting } from '../formats/approval.js';
import { hex, join, same } from '../formats/bytes.js';
import { encode } from '../formats/cbor.js';
import { joinSign1, toBeSigned } from '../formats/cose.js';
import { type PublicKey, publicKeyToCose } from '../formats/keys.js';
import { nextSequence } from '../formats/record.js';
import {
  type Form,
  requestFromYaml,
  requestToYaml,
  type SigningRequest,
  splitDraft,
} from '../formats/signing-request.js';
import type { BrokerPlace } from './broker-place.js';
import type { OptionSpec, Result } from './command.js';
import {
  type Finishing,
  type Issuing,
  type Output,
  packageLines,
  readRecord,
  recordPath,
  writeIssued,
} from './issuing.js';
import { requireLift } from './lifting.js';
import { claimsRows, rows } from './show.js';
import { openPublicKey, openSigningKey, type SigningOptions } from './signing.js';
import type { Terminal } from './terminal.js';
import { pathSchema, switchSchema } from './values.js';

const REQUEST_BYTES_MAX = 65536;
const SIGNATURE_BYTES = 64;
const SIGNATURE_FILE_BYTES_MAX = 256;

const option = <S extends z.ZodType>(spec: OptionSpec<S>): OptionSpec<S> => spec;

export const ceremonyOptions = {
  prepare: option({ text: 'write a signing request for another machine; -k is the public key', schema: switchSchema }),
  raw: option({
    value: 'file',
    text: '--prepare: the bytes to sign, for other tools',
    schema: pathSchema.optional(),
  }),
  sign: option({ value: 'request', text: 'sign this request; nothing else is needed', schema: pathSchema.optional() }),
  attach: option({
    value: 'signature',
    text: 'finish what was prepared; -k is the public key',
    schema: pathSchema.optional(),
  }),
  request: option({
    value: 'file',
    text: '--attach: the request; default: beside the signature',
    schema: pathSchema.optional(),
  }),
};

interface Steps {
  key: string;
  output?: string | undefined;
  prepare: boolean;
  raw?: string | undefined;
  sign?: string | undefined;
  attach?: string | undefined;
  request?: string | undefined;
  publish?: BrokerPlace | undefined;
}

/** What a command asks for and takes. */
export const APPROVALS: readonly Form[] = ['document', 'countersignature'];

/** Who signs a form, with which command. */
const SIGNERS: Record<Form, { who: string; command: string }> = {
  document: { who: 'an operator', command: 'approve' },
  countersignature: { who: 'an operator', command: 'approve' },
  package: { who: 'the vendor', command: 'package' },
};

const REQUEST_ENDING = '.request.yaml';
const SIGNATURE_ENDING = '.sig';

/** At most one step at a time, and nothing beside it that belongs to another. */
export function checkSteps({ prepare, raw, sign, attach, request, publish }: Steps, terminal: Terminal): void {
  if ([prepare || undefined, sign, attach].filter((step) => step !== undefined).length > 1) {
    throw new CountersignError(
      'BadArgument',
      'argument: --prepare, --sign and --attach are three steps; one at a time',
    );
  }
  if (raw !== undefined && !prepare) throw new CountersignError('BadArgument', 'argument: --raw goes with --prepare');
  if (request !== undefined && attach === undefined) {
    throw new CountersignError('BadArgument', 'argument: --request goes with --attach');
  }
  if (publish !== undefined && (prepare || sign !== undefined)) terminal.note('nothing is published before --attach');
}

/** What will be signed, for a person. */
function requestRows(request: SigningRequest, what: string): string[] {
  const { form, key, payload } = request;
  const signer: [string, unknown] = ['to be signed', `by key ${hex(key.kid)} (${key.kind})`];
  if (form === 'document') return rows([...claimsRows(decodeClaims(payload, what)), signer]);
  if (form === 'package') {
    return [...packageLines({ envelope: splitDraft(request.envelope, what), path: what }), ...rows([signer])];
  }
  return rows([['approves', `package ${hex(digestIn(payload))}, on any device, for good`], signer]);
}

/** A SUIT digest is [-16, bstr]; what is shown is its end. */
const digestIn = (suitDigest: Uint8Array): Uint8Array => suitDigest.slice(-32);

/** Step 1. `base` is the path of what will come out, without its ending. */
export async function prepare(request: SigningRequest, base: string, steps: Steps, dryRun: boolean): Promise<Result> {
  const output = steps.output ?? `${base}${REQUEST_ENDING}`;
  const summary = requestRows(request, output);
  const text = requestToYaml(request, [
    `To be signed by ${SIGNERS[request.form].who}. Look at what it says with the command that signs it:`,
    `  countersign ${SIGNERS[request.form].command} --sign ${output.replace(/^.*[\\/]/, '')} -k PRIVATE-KEY`,
    ...summary,
  ]);
  await writeBytes(output, text, { dryRun });
  if (steps.raw !== undefined) await writeBytes(steps.raw, toBeSigned(request.key, request.payload), { dryRun });
  return {
    data: { request: output, raw: steps.raw, written: !dryRun, form: request.form, signer: request.key.kid },
    lines: [
      `${dryRun ? 'would write' : 'wrote'} ${[output, ...(steps.raw ? [steps.raw] : [])].join(', ')}`,
      ...summary,
    ],
  };
}

/** Step 2. */
export async function signRequest(
  path: string,
  takes: readonly Form[],
  steps: Steps,
  signing: SigningOptions,
  terminal: Terminal,
  dryRun: boolean,
): Promise<Result> {
  const request = await readRequest(path, takes);
  const summary = requestRows(request, path);
  for (const line of summary) terminal.note(line);
  const key = await openSigningKey(steps.key, signing, terminal);
  requireKey(request, key.public, path);
  const signature = key.sign(toBeSigned(request.key, request.payload));
  const output = steps.output ?? `${baseOf(path)}${SIGNATURE_ENDING}`;
  await writeBytes(output, signature, { dryRun });
  return {
    data: { signature: output, written: !dryRun, form: request.form, signer: key.public.kid },
    lines: [`${dryRun ? 'would write' : 'wrote'} ${output}`, ...summary],
  };
}

// A request of another kind is not signed or attached by this command: its rows would be another question.
async function readRequest(path: string, takes: readonly Form[]): Promise<SigningRequest> {
  const request = requestFromYaml(await readText(path, REQUEST_BYTES_MAX), path);
  if (takes.includes(request.form)) return request;
  const { command } = SIGNERS[request.form];
  throw new CountersignError('RequestMismatch', `request: ${path} is for a ${request.form}, not for this`, {
    hint: `\`countersign ${command}\` prepares, signs and attaches a ${request.form}`,
  });
}

export interface Attached {
  request: SigningRequest;
  /** The finished COSE_Sign1. */
  signed: Uint8Array;
  base: string;
}

/** Step 3: the request and its signature, found to belong together and to the key. */
export async function attach(
  path: string,
  takes: readonly Form[],
  steps: Steps,
  signing: SigningOptions,
  terminal: Terminal,
): Promise<Attached> {
  const base = baseOf(path);
  const requestPath = steps.request ?? `${base}${REQUEST_ENDING}`;
  const request = await readRequest(requestPath, takes);
  for (const line of requestRows(request, requestPath)) terminal.note(line);
  const mine = await openPublicKey(steps.key, signing, terminal);
  requireKey(request, mine, requestPath);
  // The kid is not signed; devices look the key up by it, so it has to be the one that they know.
  if (!same(request.key.kid, mine.kid)) {
    throw new CountersignError('RequestMismatch', `request: ${requestPath} names its key by another id`);
  }
  const signature = rawSignature(await readBytes(path, SIGNATURE_FILE_BYTES_MAX), path);
  const detached = request.form !== 'document';
  const joined = joinSign1(request.key, request.payload, signature, { detached });
  const signed = detached ? joined : fitting(joined);
  const core = await loadCore();
  const key = encode(publicKeyToCose(request.key));
  if (core.sign1Verify(key, signed, detached ? { payload: request.payload } : {}) !== 0) {
    throw new CountersignError('RequestMismatch', `request: ${path} is not a signature of ${requestPath} by that key`);
  }
  return { request, signed, base };
}

/** The document is written, and recorded, unless a newer one was issued in the meantime. */
export async function issueAttached(
  { request }: Attached,
  output: Output,
  issuing: Issuing,
  how: Finishing,
): Promise<Result> {
  const claims = decodeClaims(request.payload, 'the request');
  const previous = await readRecord(recordPath(issuing, request.key));
  requireLift(previous, claims, issuing.lift, 'the last document');
  nextSequence(previous, claims.sequence, Math.floor(Date.now() / 1000), issuing.force);
  return writeIssued(output, { claims, repeated: [], dropped: [] }, request.key, issuing, how);
}

/** The package that a countersignature was asked for. */
export function requirePackage({ request }: Attached, suitDigest: Uint8Array, path: string): void {
  if (same(request.payload, suitDigest)) return;
  throw new CountersignError('RequestMismatch', `request: the signature is for another package than ${path}`);
}

function requireKey(request: SigningRequest, key: PublicKey, path: string): void {
  if (request.key.kind === key.kind && same(request.key.bytes, key.bytes)) return;
  throw new CountersignError('KeyWrong', `request: ${path} is for key ${hex(request.key.kid)}, not ${hex(key.kid)}`);
}

const baseOf = (path: string): string => path.replace(/\.(request\.yaml|sig)$/, '');

/** 64 raw bytes, or the DER in which most tools write ECDSA signatures (RFC 3279 section 2.2.3). */
function rawSignature(bytes: Uint8Array, path: string): Uint8Array {
  if (bytes.length === SIGNATURE_BYTES) return bytes;
  const [outer] = bytes[0] === TAG.sequence ? readAll(bytes, 'a signature') : [];
  const numbers = outer ? readAll(outer.value, 'a signature').filter(({ tag }) => tag === TAG.integer) : [];
  if (numbers.length === 2) return join(numbers.map(({ value }) => coordinate(value)));
  throw new CountersignError('SignatureLength', `request: ${path} holds no signature`);
}

function coordinate(value: Uint8Array): Uint8Array {
  const digits = value.slice(Math.max(value.length - SIGNATURE_BYTES / 2, 0));
  return join([new Uint8Array(SIGNATURE_BYTES / 2 - digits.length), digits]);
}

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
import {
  type Assembled,
  assembleRequest,
  prepareRequest,
  readRequest,
  requestRows,
  requireSigner,
  signRequest,
} from '../ceremony.js';
import { loadCore } from '../core.js';
import { CountersignError } from '../errors.js';
import { readBytes, readText, writeBytes } from '../files.js';
import type { Form, SigningRequest } from '../formats/signing-request.js';
import { acceptDocument } from '../operator/ceremony.js';
import type { BrokerPlace } from './broker-place.js';
import { grouped, type OptionSpec, type Result } from './command.js';
import { type Finishing, type Issuing, known, type Output, writeIssued } from './issuing.js';
import { rows } from './show.js';
import { openPublicKey, openSigningKey, type SigningOptions } from './signing.js';
import type { Terminal } from './terminal.js';
import { pathSchema, switchSchema } from './values.js';

const REQUEST_BYTES_MAX = 65536;
const SIGNATURE_FILE_BYTES_MAX = 256;

const option = <S extends z.ZodType>(spec: OptionSpec<S>): OptionSpec<S> => spec;

export const ceremonyOptions = grouped('Signing on another machine', {
  prepare: option({ text: 'write a signing request for another machine; -k is the public key', schema: switchSchema }),
  raw: option({
    value: 'file',
    text: 'with --prepare: also write the bytes to sign, for other signing tools',
    schema: pathSchema.optional(),
  }),
  sign: option({ value: 'request', text: 'sign this request; only -k is needed', schema: pathSchema.optional() }),
  attach: option({
    value: 'signature',
    text: 'finish with this signature; -k is the public key',
    schema: pathSchema.optional(),
  }),
  request: option({
    value: 'file',
    text: 'with --attach: the request; default: next to the signature',
    schema: pathSchema.optional(),
  }),
});

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

/** Step 1. `base` is the path of what will come out, without its ending. */
export async function prepare(request: SigningRequest, base: string, steps: Steps, dryRun: boolean): Promise<Result> {
  const output = steps.output ?? `${base}${REQUEST_ENDING}`;
  const { text, toBeSigned } = prepareRequest(request, output);
  await writeBytes(output, text, { dryRun });
  if (steps.raw !== undefined) await writeBytes(steps.raw, toBeSigned, { dryRun });
  return {
    data: { request: output, raw: steps.raw, written: !dryRun, form: request.form, signer: request.key.kid },
    lines: [
      `${dryRun ? 'would write' : 'wrote'} ${[output, ...(steps.raw ? [steps.raw] : [])].join(', ')}`,
      ...rows(requestRows(request, output)),
    ],
  };
}

/** Step 2. */
export async function sign(
  path: string,
  takes: readonly Form[],
  steps: Steps,
  signing: SigningOptions,
  terminal: Terminal,
  dryRun: boolean,
): Promise<Result> {
  const request = await readRequestFile(path, takes);
  const summary = rows(requestRows(request, path));
  for (const line of summary) terminal.note(line);
  const signature = signRequest(await openSigningKey(steps.key, signing, terminal), request, path);
  const output = steps.output ?? `${baseOf(path)}${SIGNATURE_ENDING}`;
  await writeBytes(output, signature, { dryRun });
  return {
    data: { signature: output, written: !dryRun, form: request.form, signer: request.key.kid },
    lines: [`${dryRun ? 'would write' : 'wrote'} ${output}`, ...summary],
  };
}

const readRequestFile = async (path: string, takes: readonly Form[]): Promise<SigningRequest> =>
  readRequest(await readText(path, REQUEST_BYTES_MAX), path, takes);

export interface Attached extends Assembled {
  /** Path of what comes out, without its ending. */
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
  const request = await readRequestFile(requestPath, takes);
  for (const line of rows(requestRows(request, requestPath))) terminal.note(line);
  const mine = await openPublicKey(steps.key, signing, terminal);
  requireSigner(request, mine, requestPath);
  const signature = await readBytes(path, SIGNATURE_FILE_BYTES_MAX);
  const names = { request: requestPath, signature: path };
  return { ...assembleRequest(await loadCore(), request, signature, mine, names), base };
}

/** The document is written, and recorded, unless a newer one was issued in the meantime. */
export async function issueAttached(
  attached: Attached,
  output: Output,
  issuing: Issuing,
  how: Finishing,
): Promise<Result> {
  const issued = acceptDocument(attached, { ...issuing, ...(await known(issuing, attached.request.key)) });
  return writeIssued(output, issued, issued.signer, issuing, how);
}

const baseOf = (path: string): string => path.replace(/\.(request\.yaml|sig)$/, '');

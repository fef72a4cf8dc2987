// Signing in three steps, for a key on a machine that has no network (../local/ceremony.ts):
//
//   --prepare             here: writes a signing request; -k is the public key
//   --sign REQUEST        there: shows what the request says, and writes the signature (64 bytes)
//   --attach SIGNATURE    here: writes what is finished, once the signature is found to be that key's; -k as at first
//
// For what an operator signs (approve, revoke) and what a vendor does (package) alike; a request says which of the two. Each
// step shows what is signed, from the bytes that are signed.

import { requestRows, signRequest } from '../ceremony.js';
import { CountersignError } from '../errors.js';
import { writeBytes } from '../files.js';
import type { PublicKey, SigningKey } from '../formats/keys.js';
import type { Form, SigningRequest } from '../formats/signing-request.js';
import { rows } from '../formats/wording.js';
import { type Attached, attachSignature, baseOf, readRequestFile, writeRequest } from '../local/ceremony.js';
import type { Result } from './command.js';
import type { Surroundings } from './connection.js';
import type { ceremonyOptions, Issuing, SigningOptions, Values } from './options.js';
import { wrote } from './result.js';
import { openPublicKey, openSigningKey } from './secrets.js';
import type { Terminal } from './terminal.js';

type Steps = Values<typeof ceremonyOptions> &
  SigningOptions &
  Pick<Issuing, 'key' | 'output'> &
  Partial<Pick<Issuing, 'publish'>>;

/** At most one step at a time, and nothing beside it that belongs to another. */
export function checkSteps({ prepare, raw, sign, attach, request, publish }: Steps, terminal: Terminal): void {
  const wrong = (text: string) => new CountersignError('BadArgument', `argument: ${text}`);
  if ([prepare, sign !== undefined, attach !== undefined].filter(Boolean).length > 1) {
    throw wrong('--prepare, --sign and --attach are three steps; one at a time');
  }
  if (raw !== undefined && !prepare) throw wrong('--raw goes with --prepare');
  if (request !== undefined && attach === undefined) throw wrong('--request goes with --attach');
  if (publish !== undefined && (prepare || sign !== undefined)) terminal.note('nothing is published before --attach');
}

/** Whoever prepares a request has the public half of the key alone. */
export async function openKeys(steps: Steps, terminal: Terminal): Promise<{ signer?: SigningKey; key: PublicKey }> {
  if (steps.prepare) return { key: await openPublicKey(steps.key, steps, terminal) };
  const signer = await openSigningKey(steps.key, steps, terminal);
  return { signer, key: signer.public };
}

/** Step 1. `base` is the path of what will come out, without its ending. */
export async function prepare(request: SigningRequest, base: string, steps: Steps, dryRun: boolean): Promise<Result> {
  const { raw } = steps;
  const output = await writeRequest(request, base, { output: steps.output, raw, dryRun });
  return {
    data: { request: output, raw, written: !dryRun, form: request.form, signer: request.key.kid },
    lines: [wrote([output, ...(raw ? [raw] : [])].join(', '), dryRun), ...rows(requestRows(request, output))],
  };
}

/** Step 2. */
export async function sign(
  path: string,
  takes: readonly Form[],
  steps: Steps,
  { terminal, dryRun }: Surroundings,
): Promise<Result> {
  const request = await readRequestFile(path, takes);
  const summary = rows(requestRows(request, path));
  terminal.note(...summary);
  const signature = signRequest(await openSigningKey(steps.key, steps, terminal), request, path);
  const output = steps.output ?? `${baseOf(path)}.sig`;
  await writeBytes(output, signature, { dryRun });
  return {
    data: { signature: output, written: !dryRun, form: request.form, signer: request.key.kid },
    lines: [wrote(output, dryRun), ...summary],
  };
}

/** Step 3: the request and its signature, found to belong together and to the key. */
export const attach = (path: string, takes: readonly Form[], steps: Steps, terminal: Terminal): Promise<Attached> =>
  attachSignature(path, takes, {
    request: steps.request,
    show: (request, name) => terminal.note(...rows(requestRows(request, name))),
    key: () => openPublicKey(steps.key, steps, terminal),
  });

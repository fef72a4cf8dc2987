// Signing in three steps, for a key on a machine that has no network (../local/ceremony.ts):
//
//   --prepare             here: writes a signing request; -k is the public key
//   --sign REQUEST        there: shows what the request says, and writes the signature (64 bytes)
//   --attach SIGNATURE    here: writes what is finished, once the signature is found to be that key's; -k as at first
//
// For what an operator signs (approve, revoke) and what a vendor does (package) alike; a request says which of the two. Each
// step shows what is signed, from the bytes that are signed.

import { requestRows, signRequest } from '../ceremony.js';
import { requestMade, signatureMade } from '../describe/made.js';
import { writeBytes } from '../files.js';
import type { PublicKey, SigningKey } from '../formats/keys.js';
import type { Form, SigningRequest } from '../formats/signing-request.js';
import { rows } from '../formats/wording.js';
import { type Attached, attachSignature, baseOf, readRequestFile, writeRequest } from '../local/ceremony.js';
import type { Result } from './command.js';
import type { Surroundings } from './connection.js';
import type { ceremonyOptions, Issuing, SigningOptions, Values } from './options.js';
import { openPublicKey, openSigningKey } from './secrets.js';
import type { Terminal } from './terminal.js';

type Steps = Values<typeof ceremonyOptions> &
  SigningOptions &
  Pick<Issuing, 'key' | 'output'> &
  Partial<Pick<Issuing, 'publish'>>;

/** Whoever prepares a request has the public half of the key alone. */
export async function openKeys(steps: Steps, terminal: Terminal): Promise<{ signer?: SigningKey; key: PublicKey }> {
  if (steps.prepare) return { key: await openPublicKey(steps.key, steps, terminal) };
  const signer = await openSigningKey(steps.key, steps, terminal);
  return { signer, key: signer.public };
}

const notePublish = ({ publish }: Steps, terminal: Terminal) =>
  publish && terminal.note('nothing is published before --attach');

/** Step 1. `base` is the path of what will come out, without its ending. */
export async function prepare(
  request: SigningRequest,
  base: string,
  steps: Steps,
  { terminal, dryRun }: Surroundings,
): Promise<Result> {
  const { raw, output } = steps;
  notePublish(steps, terminal);
  const path = await writeRequest(request, base, { output, raw, dryRun });
  return requestMade(request, { path, dryRun }, raw);
}

/** Step 2. */
export async function sign(
  from: string,
  takes: readonly Form[],
  steps: Steps,
  { terminal, dryRun }: Surroundings,
): Promise<Result> {
  notePublish(steps, terminal);
  const request = await readRequestFile(from, takes);
  terminal.note(...rows(requestRows(request, from)));
  const signature = signRequest(await openSigningKey(steps.key, steps, terminal), request, from);
  const path = steps.output ?? `${baseOf(from)}.sig`;
  await writeBytes(path, signature, { dryRun });
  return signatureMade(request, from, { path, dryRun });
}

/** Step 3: the request and its signature, found to belong together and to the key. */
export const attach = (path: string, takes: readonly Form[], steps: Steps, terminal: Terminal): Promise<Attached> =>
  attachSignature(path, takes, {
    request: steps.request,
    show: (request, name) => terminal.note(...rows(requestRows(request, name))),
    key: () => openPublicKey(steps.key, steps, terminal),
  });

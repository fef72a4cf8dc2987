// The three steps of a signature on two machines (ceremony.ts here), each with its files, and told from the bytes that are signed:
//
//   prepare    here: writes a signing request; the key is a public one
//   sign       there: shows what the request says, and writes the signature (64 bytes)
//   attach     here: the request and its signature, found to belong together and to the key
//
// For what an operator signs and what a vendor does alike; a request says which of the two.

import { requestRows, signRequest } from '../ceremony.js';
import { requestMade, signatureMade } from '../describe/made.js';
import type { Described } from '../describe/words.js';
import { writeBytes } from '../files.js';
import type { PublicKey, SigningKey } from '../formats/keys.js';
import type { Form, SigningRequest } from '../formats/signing-request.js';
import { rows } from '../formats/wording.js';
import type { BrokerPlace } from '../links/broker-place.js';
import { type Attached, attachSignature, baseOf, readRequestFile, writeRequest } from './ceremony.js';
import type { Doing, Person } from './person.js';
import { openPublicKey, openSigningKey, type SecretPlaces } from './secrets.js';

export interface SigningSteps extends SecretPlaces {
  /** Name of the key: a file, or a pkcs11: URI. */
  key: string;
  /** Write a request instead of signing. */
  prepare: boolean;
  /** With it: where the bytes that are to be signed go as well. */
  raw?: string | undefined;
  /** Path of a request to sign. */
  sign?: string | undefined;
  /** Path of a signature that finishes what was prepared, and of its request unless that is beside it. */
  attach?: string | undefined;
  request?: string | undefined;
  output?: string | undefined;
  /** Where what is finished will be published. */
  publish?: BrokerPlace | undefined;
}

/** Whoever prepares a request has the public half of the key alone. */
export async function openKeys(
  steps: SigningSteps,
  person: Person,
): Promise<{ signer?: SigningKey | undefined; key: PublicKey }> {
  if (steps.prepare) return { key: await openPublicKey(steps.key, steps, person) };
  const signer = await openSigningKey(steps.key, steps, person);
  return { signer, key: signer.public };
}

const notePublish = ({ publish }: SigningSteps, person: Person) =>
  publish && person.note('nothing is published before --attach');

/** Step 1. `base` is the path of what will come out, without its ending. */
export async function prepareStep(
  request: SigningRequest,
  base: string,
  steps: SigningSteps,
  person: Person,
  { dryRun }: Doing,
): Promise<Described> {
  const { raw, output } = steps;
  notePublish(steps, person);
  const path = await writeRequest(request, base, { output, raw, dryRun });
  return requestMade(request, { path, dryRun }, raw);
}

/** Step 2: `from` is the path of the request. Throws RequestMismatch for a form that is not taken. */
export async function signStep(
  from: string,
  takes: readonly Form[],
  steps: SigningSteps,
  person: Person,
  { dryRun }: Doing,
): Promise<Described> {
  notePublish(steps, person);
  const request = await readRequestFile(from, takes);
  person.note(...rows(requestRows(request, from)));
  const signature = signRequest(await openSigningKey(steps.key, steps, person), request, from);
  const path = steps.output ?? `${baseOf(from)}.sig`;
  await writeBytes(path, signature, { dryRun });
  return signatureMade(request, from, { path, dryRun });
}

/** Step 3: what is to be written then, is the caller's. */
export const attachStep = (
  path: string,
  takes: readonly Form[],
  steps: SigningSteps,
  person: Person,
): Promise<Attached> =>
  attachSignature(path, takes, {
    request: steps.request,
    show: (request, name) => person.note(...rows(requestRows(request, name))),
    key: () => openPublicKey(steps.key, steps, person),
  });

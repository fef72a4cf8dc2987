// The question that a device has for its user, with what the device itself knows about it: everything shown comes from
// the manifest that it verified and from the record of its own verdict.
//
// A link is not authenticated: what is read here is what the device says if nobody sits in between. An answer is bound to
// the manifest's digest, so a lie about name or version is found by comparing digest or fingerprint with the package.

import { readJudgement } from '../core.js';
import { CountersignError } from '../errors.js';
import { viewBootstrap } from '../formats/bootstrap.js';
import { hex, same } from '../formats/bytes.js';
import { decode } from '../formats/cbor.js';
import type { Client } from '../smp/client.js';
import { answerQuestion, type Question, readQuestion } from '../smp/commands.js';
import { sleep, within } from '../wait.js';
import { readBootstrap, readVerdict, type Waits } from './identity.js';

/** A question that is pending, whole: without one of these members it cannot be answered. */
export type Asked = Question &
  Record<'digest' | 'nonce' | 'device', Uint8Array<ArrayBuffer>> & {
    /** Who signed the package, as far as the device's record of its verdict tells: key id, and the anchor's name. */
    vendor: { kid: Uint8Array; name: string | undefined } | undefined;
  };

/** The pending question, or undefined when nothing is asked. */
export async function readAsked(client: Client, waits: Waits = {}): Promise<Asked | undefined> {
  const question = await readQuestion(client, waits);
  const { pending, digest, nonce, device } = question;
  if (!pending || !digest || !nonce || !device) return undefined;
  return {
    ...question,
    digest,
    nonce,
    device,
    vendor: await vendorOf(client, question.signer ?? (await signerOf(client, digest, waits)), waits),
  };
}

const POLL_MS = 1000;

/** The question that comes up within this time, if none is pending. Undefined: none did. Throws if the signal ends it. */
export async function awaitAsked(client: Client, ms: number, { signal }: Waits = {}): Promise<Asked | undefined> {
  const limit = within(ms, signal);
  while (!limit.aborted) {
    const asked = await readAsked(client, { signal });
    if (asked) return asked;
    await sleep(POLL_MS, limit).catch(() => undefined);
  }
  if (signal?.aborted) throw new CountersignError('Cancelled', 'consent: stopped');
  return undefined;
}

/** Brings a consenter's signed answer (formats/consent.ts). Done when the device does not ask this any more. */
export async function giveAnswer(client: Client, asked: Asked, document: Uint8Array, waits: Waits = {}): Promise<void> {
  await answerQuestion(client, document, waits);
  if (!sameQuestion(asked, await readQuestion(client, waits))) return;
  throw new CountersignError('Fault', 'consent: the device took the answer, but still asks the same');
}

/** Whether two readings are of one and the same question. */
export const sameQuestion = (a: Pick<Asked, 'nonce'>, b: Question): boolean =>
  b.pending && b.nonce !== undefined && same(a.nonce, b.nonce);

// Of a device that does not say it with the question: from the record of its last verdict, if that was about it.
async function signerOf(client: Client, digest: Uint8Array, waits: Waits): Promise<Uint8Array | undefined> {
  const record = await readVerdict(client, waits);
  if (!record) return undefined;
  const { manifestDigest, vendorKid } = readJudgement(decode(record, 'verdict of the device'));
  return manifestDigest && same(manifestDigest, digest) ? vendorKid : undefined;
}

async function vendorOf(client: Client, kid: Uint8Array | undefined, waits: Waits): Promise<Asked['vendor']> {
  if (!kid) return undefined;
  const bootstrap = await readBootstrap(client, waits);
  const anchors = bootstrap ? viewBootstrap(bootstrap, 'bootstrap')?.anchors : undefined;
  return { kid, name: anchors?.find(({ key }) => hex(key.kid) === hex(kid))?.name };
}

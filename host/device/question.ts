// The question that a device has for its user, with what the device itself knows about it: everything shown comes from
// the manifest that it verified and from the record of its own verdict.
//
// A link is not authenticated: what is read here is what the device says if nobody sits in between. An answer is bound to
// the manifest's digest, so a lie about name or version is found by comparing digest or fingerprint with the package.

import { readJudgement } from '../core.js';
import { CountersignError } from '../errors.js';
import { viewBootstrap } from '../formats/bootstrap.js';
import { hex, same, utf8 } from '../formats/bytes.js';
import { decode } from '../formats/cbor.js';
import type { Answer } from '../formats/consent.js';
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

/** The pending question, or one that comes up within this time. Undefined: none did. Throws if the signal ends it. */
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

/** Throws ConsentOther if the question is about another manifest than this digest, which `what` says. */
export function requireAbout(asked: Asked, digest: Uint8Array | undefined, what: string): void {
  if (digest === undefined || same(digest, asked.digest)) return;
  throw new CountersignError(
    'ConsentOther',
    `consent: the device asks about manifest ${hex(asked.digest)}, ${what} is about ${hex(digest)}`,
    { hint: 'look at what is asked before you answer it' },
  );
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

/** Until the device does not ask this any more, or the signal ends it. Silence of a busy device ends nothing. */
export async function untilOver(client: Client, asked: Asked, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sleep(POLL_MS, signal).catch(() => undefined);
    if (signal.aborted) return;
    const now = await readQuestion(client, { signal }).catch(() => undefined);
    if (now && !sameQuestion(asked, now)) return;
  }
}

const TAKEN_MS = 3000; // an answer that counts is acted upon at once; a slow core reads its flash first
const CLEAR_LINE = ' \n'; // ends what was typed on the device's line before, so that it can be no part of an answer

/** What became of an answer that was typed. `from`: where the device takes answers from, in words. */
export type Typed = { event: 'answer' } | { event: 'answer-not-taken'; from: string } | { event: 'question-over' }; // it asks this no more, so nothing was typed

/**
 * Answers as if typed on the device's own line, for links that have one. Nothing is typed unless the device still asks what
 * was shown: a line carries no digest, so a late answer would be one to whatever is asked then. The device decides whether its
 * policy takes answers from there.
 */
export async function typeAnswer(client: Client, asked: Asked, answer: Answer, { signal }: Waits = {}): Promise<Typed> {
  if (!sameQuestion(asked, await readQuestion(client, { signal }))) return { event: 'question-over' };
  await client.link.type?.(utf8(`${CLEAR_LINE}${answer}\n`));
  for (const until = Date.now() + TAKEN_MS; ; ) {
    if (!sameQuestion(asked, await readQuestion(client, { signal }))) return { event: 'answer' };
    if (Date.now() > until) break;
    await sleep(POLL_MS / 4, signal);
  }
  // What a policy leaves out has the core's cautious default.
  const bootstrap = await readBootstrap(client, { signal });
  const channels = bootstrap && viewBootstrap(bootstrap, 'bootstrap')?.policy['consent-channels'];
  const from = Array.isArray(channels)
    ? channels.join(', ')
    : 'its own button or a line that does not deliver the package';
  return { event: 'answer-not-taken', from };
}

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

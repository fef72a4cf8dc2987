// Delivering to a third-party board, which cannot check for itself: this machine takes the verdict, with the very core that
// runs on devices, before the first byte is sent. judge() is for boards with SMP, to which this library brings the image;
// decide() for any other, which is written in the caller's own way.
//
// What is the device's own elsewhere comes from here: its ids, trusted keys and policy from a bootstrap document, approvals
// from wherever they were gathered (evidence.ts) and from the package, floors from what is remembered (guard-memory.ts).
// What the policy would ask the user of the device, it asks the person whom the caller reaches (`ask`), and only a yes in
// time counts. Before the image is sent, and before it is marked to start, the verdict is taken again over what may have
// changed: an approval may have been revoked meanwhile, here or by another guard with the same memory, or have expired. A
// decision that refuses has no way to deliver, and no image: whoever holds one cannot send by mistake.

import type { Core, Judgement } from '../core.js';
import type { OwnComponent } from '../core-components.js';
import { CountersignError } from '../errors.js';
import { type BootstrapView, viewBootstrap } from '../formats/bootstrap.js';
import { type ByteSource, type Bytes, sha256Of } from '../formats/byte-source.js';
import { hex, same } from '../formats/bytes.js';
import { componentText } from '../formats/components.js';
import type { Answer } from '../formats/consent.js';
import { type Member, openEnvelope, payloadsIn } from '../formats/envelope.js';
import { reasonOf, reasons } from '../reasons.js';
import type { Client } from '../smp/client.js';
import { orAbort, throwIfAborted } from '../wait.js';
import type { Gathered } from './evidence.js';
import type { Steps } from './follow.js';
import { type GuardMemory, type GuardStore, remember } from './guard-memory.js';
import type { Waits } from './identity.js';
import {
  type Bootable,
  bootable,
  deliverToThirdParty,
  type Ending,
  type Reached,
  runningImage,
  type ThirdPartyOutcome,
} from './third-party.js';

const PROMPT_SECONDS = 300; // the core's own default (assembly/policy/policy.ts)

export interface GuardOptions {
  /** Of the board, as it would have it: its ids, whom it trusts, its policy. */
  bootstrap: Uint8Array;
  memory: GuardStore;
  /** Sequence number that the board runs, as far as the caller knows. */
  installed?: bigint | undefined;
  /** Its components, if it has several; without them it takes packages of one. */
  components?: readonly OwnComponent[];
}

/** The device that this machine stands in for: the core with that bootstrap document, and what is remembered. */
export interface Guard {
  /** False: nobody knows which sequence number the board runs, so an older package is not noticed. */
  readonly knowsInstalled: boolean;
  /** Of a board with SMP. Throws PayloadMissing or NotBootable if it may pass, and is nothing that the board could start. */
  judge(offer: Offer): Promise<Decision>;
  /** Of a board that is written in another way. Throws PayloadMissing if it may pass, and there is nothing to write. */
  decide(offer: Offer): Promise<WayDecision>;
}

export interface Offer {
  /** Gives the same bytes each time or fails: what is sent is what was judged. */
  file: ByteSource;
  /** For messages. */
  name: string;
  gathered: readonly Gathered[];
}

type Refused = { kind: 'refused'; judgement: Judgement; reason: number };
interface Passed {
  /** `ask`: a person is asked before anything is sent. */
  kind: 'approved' | 'ask';
  judgement: Judgement;
}

export type Decision = Refused | (Passed & { deliver(client: Client, how: GuardedDelivery): Steps<GuardedOutcome> });
export type WayDecision = Refused | (Passed & { deliver<T>(way: Way<T>, how: Asking): Steps<T | Unanswered> });

/** The image of a component; of a package of one, the image. */
export interface GuardedImage {
  bytes: Bytes;
  digest: Uint8Array;
}

/** How the images get into a board. */
export interface Way<T> {
  /** For messages: where the image is when the last look refuses it. */
  reached(reached: Reached): string;
  /** The version that the board runs, if it says. */
  running?: (() => Promise<string | undefined>) | undefined;
  /** Version of the image, where the package names none. */
  version?: string | undefined;
  /** Brings them there, one for each component. `last` throws if it may not be started after all: it is called before anything is written, at least. */
  write(images: readonly GuardedImage[], last: (reached: Reached) => Promise<void>): Steps<T>;
  /** The board runs the package from now on, or was written: an older one is a step back. */
  isKept(outcome: T): boolean;
}

/** What the person is shown: the package's own signed words, and its digest. */
export interface GuardQuestion {
  device: Uint8Array;
  name: string | undefined;
  version: string | undefined;
  from: string | undefined; // version that runs now, if the board says
  vendor: { kid: Uint8Array; name: string | undefined } | undefined;
  digest: Uint8Array | undefined;
  reason: number;
  /** How long the answer is waited for. */
  seconds: number;
}

export interface Asking extends Waits {
  /** Called only for a decision that asks. The signal ends the question; undefined: there is nobody to ask. */
  ask(question: GuardQuestion, signal: AbortSignal): Promise<Answer | undefined>;
  /** Gathers again what may have changed since; undefined: what was gathered is judged again, by time and memory. */
  again?: (() => Promise<readonly Gathered[]>) | undefined;
}

export interface GuardedDelivery extends Asking {
  ending?: Ending;
  installMs?: number;
}

/** Nothing was sent, because no yes was there. */
export type Unanswered =
  | { kind: 'asked'; of: 'nobody' | 'consenter' } // consenter: of whom the board cannot take an answer
  | { kind: 'deferred' } // nobody answered in time
  | { kind: 'declined' };

export type GuardedOutcome = ThirdPartyOutcome | Unanswered;

/** How far the image came when it was stopped. */
const REACHED: Record<Reached, string> = {
  nowhere: 'nothing was sent',
  staged: 'the image was sent, and not marked to start',
  'in place':
    'the image stands where the board starts it from, and the next reset starts it: deliver another one first',
};

/** After these the board runs this package from now on. */
const KEPT: readonly ThirdPartyOutcome['kind'][] = ['confirmed', 'unchanged', 'started', 'sent'];

/**
 * Each verdict names its device to the core, which others may use as well. Throws what a device would say of the bootstrap
 * document.
 */
export async function makeGuard(
  core: Core,
  { bootstrap, memory: store, installed, components = [] }: GuardOptions,
): Promise<Guard> {
  const provisioned = core.provision(bootstrap);
  if (provisioned !== 0) throw new CountersignError(provisioned, `bootstrap: ${reasonOf(provisioned).text}`);
  const view = viewBootstrap(bootstrap, 'bootstrap')!;
  const device = hex(view.device);
  const operators = view.anchors.map(({ key }) => hex(key.kid));
  let memory = await store.read();
  const keep = async (news: GuardMemory) => {
    memory = await remember(store, news);
  };

  async function verdictOn(file: ByteSource, gathered: readonly Gathered[]): Promise<Judgement> {
    memory = await store.read(); // others learn of revocations, too
    const told = installed ?? 0n;
    const known = memory.boards[device] ?? 0n;
    const judgement = await core.judge({
      bootstrap,
      envelope: file,
      evidence: gathered.map(({ evidence }) => evidence),
      facts: {
        time: BigInt(Math.floor(Date.now() / 1000)),
        installed: told > known ? told : known,
        components,
        operatorFloors: operators.map((kid) => memory.operators[kid] ?? 0n),
      },
    });
    const seen = judgement.raised.operatorFloors;
    const raised = operators.map((kid, at) => [kid, seen[at] ?? 0n] as const).filter(([, floor]) => floor > 0n);
    await keep({ operators: Object.fromEntries(raised), boards: {} });
    return judgement;
  }

  async function* deliver<T>(
    { kind, judgement, offer, images }: Passed & { offer: Offer; images: GuardedImage[] },
    way: Way<T>,
    how: Asking,
  ): Steps<T | Unanswered> {
    if (kind === 'ask') {
      const unanswered = await askPerson(view, judgement, way, how);
      if (unanswered) return unanswered;
    }
    await requireSame(images, offer.name);
    // The verdict once more: it must not have become worse than what was decided upon.
    const last = async (reached: Reached) => {
      const lasting = offer.gathered.filter((one) => one.lasting);
      const now = await verdictOn(offer.file, how.again ? [...lasting, ...(await how.again())] : offer.gathered);
      const reason = whyNot(now) ?? worse(judgement, now);
      if (reason === undefined) return;
      const { text } = reasonOf(reason);
      throw new CountersignError(reason, `deliver: meanwhile ${text}: ${way.reached(reached)}`);
    };
    const outcome = yield* way.write(images, last);
    if (way.isKept(outcome)) await keep({ operators: {}, boards: { [device]: judgement.sequence ?? 0n } });
    return outcome;
  }

  async function decide(offer: Offer): Promise<Refused | (Passed & { offer: Offer; images: GuardedImage[] })> {
    const { file, name, gathered } = offer;
    const judgement = await verdictOn(file, gathered);
    const reason = whyNot(judgement);
    if (reason !== undefined) return { kind: 'refused', judgement, reason };
    if (!judgement.payload) throw new CountersignError('PayloadMissing', `deliver: ${name} holds no firmware to send`);
    const images = imagesOf(judgement, payloadsIn(await openEnvelope(file, name)), name);
    return { kind: judgement.verdict === 'ask' ? 'ask' : 'approved', judgement, offer, images };
  }

  return {
    knowsInstalled: installed !== undefined || memory.boards[device] !== undefined,
    async judge(offer) {
      const passed = await decide(offer);
      if (passed.kind === 'refused') return passed;
      const image = await bootable(passed.images[0]!.bytes, offer.name);
      const { kind, judgement } = passed;
      return { kind, judgement, deliver: (client, how) => deliver(passed, smpWay(client, image, how), how) };
    },
    async decide(offer) {
      const passed = await decide(offer);
      if (passed.kind === 'refused') return passed;
      const { kind, judgement } = passed;
      return { kind, judgement, deliver: (way, how) => deliver(passed, way, how) };
    },
  };
}

/** By SMP, to whatever server answers there. */
const smpWay = (
  client: Client,
  { version }: Bootable,
  { ending, installMs, signal }: GuardedDelivery,
): Way<ThirdPartyOutcome> => ({
  version,
  running: async () => (await runningImage(client, { signal }))?.version,
  reached: (reached) => REACHED[reached],
  write: ([image], last) =>
    deliverToThirdParty(client, {
      ...{ image: image!.bytes, last, signal },
      ...(ending !== undefined && { ending }),
      ...(installMs !== undefined && { installMs }),
    }),
  isKept: ({ kind }) => KEPT.includes(kind),
});

/** Why not a byte may be sent; undefined: the policy lets it pass, or leaves it to a person. */
function whyNot({ verdict, reason, payload }: Judgement): number | undefined {
  const damaged = payload && payload.reason !== 0 ? payload.reason : undefined;
  return damaged ?? (verdict === 'reject' ? reason : undefined);
}

/** Why a verdict that lets it pass is not the one that was decided upon: a person was not asked, or not about this. */
function worse(decided: Judgement, now: Judgement): number | undefined {
  if (hex(now.manifestDigest ?? new Uint8Array()) !== hex(decided.manifestDigest ?? new Uint8Array())) {
    return reasons.FileChanged.code;
  }
  if (now.verdict !== 'ask') return undefined;
  const approvedThen = decided.verdict === 'install' || decided.reason === reasons.AwaitingUser.code;
  const stillAsked = decided.verdict === 'ask' && (!approvedThen || now.reason === reasons.AwaitingUser.code);
  return stillAsked ? undefined : now.reason;
}

/** What was judged, for each component. Throws PayloadMissing if one of them has no image in the package. */
function imagesOf({ image, images }: Judgement, payloads: Member<Bytes>[], name: string): GuardedImage[] {
  if (image) return [{ bytes: payloads[0]!.value, digest: image.digest }];
  const fetched = images?.filter(({ origin }) => origin === 'fetched') ?? [];
  return (images ?? []).map(({ id, digest, origin }) => {
    const from = origin === 'loaded' ? undefined : fetched.find((one) => same(one.digest, digest));
    const payload = payloads.find(({ key }) => key === from?.uri);
    if (payload) return { bytes: payload.value, digest };
    const which = componentText(id);
    throw new CountersignError('PayloadMissing', `deliver: ${name} holds no image for component ${which}`);
  });
}

/** Throws FileChanged unless what would be sent are the images that were judged. */
async function requireSame(images: readonly GuardedImage[], name: string): Promise<void> {
  for (const { bytes, digest } of images) {
    if (same(await sha256Of(bytes), digest)) continue;
    throw new CountersignError('FileChanged', `deliver: ${name} is not what was judged any more`);
  }
  if (images.length === 0) throw new CountersignError('PayloadMissing', `deliver: ${name} holds no firmware to send`);
}

/** Undefined: yes. */
async function askPerson(
  view: BootstrapView,
  { text, reason, vendorKid, manifestDigest }: Judgement,
  { running, version }: Pick<Way<unknown>, 'running' | 'version'>,
  { ask, signal }: Asking,
): Promise<Unanswered | undefined> {
  const channels = view.policy['consent-channels'];
  if (Array.isArray(channels) && !channels.includes('local') && !channels.includes('delivering')) {
    return { kind: 'asked', of: 'consenter' };
  }
  const from = await running?.();
  const name = vendorKid && view.anchors.find(({ key }) => hex(key.kid) === hex(vendorKid))?.name;
  const limit = view.policy['prompt-timeout'];
  const seconds = typeof limit === 'number' ? limit : PROMPT_SECONDS;
  const question: GuardQuestion = {
    device: view.device,
    name: text.name,
    version: text.version ?? version,
    from,
    vendor: vendorKid && { kid: vendorKid, name },
    digest: manifestDigest,
    reason,
    seconds,
  };
  const over = AbortSignal.timeout(seconds * 1000);
  const deadline = performance.now() + seconds * 1000; // a face that keeps this thread busy keeps the signal from coming
  const deferred = () => (over.aborted || performance.now() >= deadline) && !signal?.aborted;
  try {
    const ending = signal ? AbortSignal.any([over, signal]) : over;
    const answer = await orAbort(ask(question, ending), ending);
    throwIfAborted(signal);
    if (deferred()) return { kind: 'deferred' };
    if (answer === 'yes') return undefined;
    return answer === 'no' ? { kind: 'declined' } : { kind: 'asked', of: 'nobody' };
  } catch (error) {
    if (!deferred()) throw error;
    return { kind: 'deferred' };
  }
}

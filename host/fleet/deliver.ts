// A package for one device on a broker: published once, ordered, and followed to its end by what the device says there.
//
//   the device is       then
//   online              approvals are brought to it, and the order is left; its end is followed, and the order taken away
//   offline             waited for (`waitMs`); then the order is left all the same, and stays: the device finds it when it is back
//
// An order that came to no end stays, too: the device goes on by itself. An order decides nothing; whether the package may run,
// the device decides. How the device takes the order its radio keeps to itself. So a device that shows nothing of it is given the
// same order once more by Exec, which does nothing new where the first one arrived, and answers: a refusal of the order itself,
// or an agent that cannot fetch.

import { readJudgement } from '../core.js';
import { deliver } from '../device/deliver.js';
import { INSTALL_MS_DEFAULT, ignoreSilence, isAnswerTo, newCorrelator, type Steps } from '../device/follow.js';
import { NODE, readVerdict, STATE } from '../device/identity.js';
import {
  begin,
  type Delivery,
  finished,
  lost,
  type Outcome,
  refused,
  type Session,
  untilAnswered,
} from '../device/offer.js';
import { CountersignError } from '../errors.js';
import type { Bytes } from '../formats/byte-source.js';
import { hex, same } from '../formats/bytes.js';
import { decode } from '../formats/cbor.js';
import { type Envelope, openEnvelope } from '../formats/envelope.js';
import type { FleetLine, Heard } from '../links/fleet-line.js';
import { publishPackage } from '../links/packages.js';
import { RAW } from '../links/topics.js';
import { reasons } from '../reasons.js';
import type { Client } from '../smp/client.js';
import { readAlert, treeExec } from '../smp/commands.js';
import { agentReason, isUnknownCommand } from '../smp/packet.js';
import { within } from '../wait.js';
import { type News, newsOf } from './news.js';
import { leaveOrder, type Timing, withdrawOrder } from './orders.js';
import { createPatience } from './patience.js';
import { publishing, requirePublishable } from './publishing.js';

export { openFleetLine } from '../links/fleet-line.js';

const SHOWN_MS = 2500; // a device that took the order has said something by then
const ALERT_MS = 3000; // between what a device shows of an end and its alert
const QUIET_MS = 5000; // alerts get lost where a connection breaks: then the device is asked
const SILENT_MS = 20_000; // a refusal that shows as the one before it did is found in the record of the verdict
const TICK_MS = 500;

export interface OrderedDelivery extends Delivery {
  device: string;
  timing?: Timing;
  /** How long a device that is offline is waited for, and a download; default: not at all, and an hour. */
  waitMs?: number | undefined;
  /** Whatever the device says, it ends after this time, with TimedOut; default: after that of each of its phases. */
  endMs?: number | undefined;
  /** Called when the device is there: brings what it should have before it decides. */
  bring?(): Promise<void>;
}

/** `ordered`: the order stands under `topic`, and the device was not there, or begins later. */
export type Ordered = Outcome | { kind: 'ordered'; topic: string; why: 'offline' | 'later' };

/**
 * Delivers by an order, over a line to this device and a client of the same. Yields Progress, returns what the device decided.
 * Throws CountersignError for what is no answer of the device, and what the broker throws.
 */
export async function* deliverOrdered(client: Client, line: FleetLine, delivery: OrderedDelivery): Steps<Ordered> {
  const { endMs, signal: outer } = delivery;
  if (endMs === undefined) return yield* deliverUntil(client, line, delivery);
  const signal = within(endMs, outer);
  try {
    return yield* deliverUntil(client, line, { ...delivery, signal });
  } catch (cause) {
    if (!signal.aborted || outer?.aborted) throw cause;
    const what = `deliver: ${client.link.name} did not end within ${endMs / 1000} s; its order stays, if it has one`;
    throw new CountersignError('TimedOut', what, {
      hint: 'it may still go on: `countersign devices` shows its state',
      cause,
    });
  }
}

async function* deliverUntil(client: Client, line: FleetLine, delivery: OrderedDelivery): Steps<Ordered> {
  const { device, file, bring, waitMs = 0, timing = {}, signal } = delivery;
  const envelope = await openEnvelope(file, 'package').catch(() => undefined);
  const digest = envelope && (await isWhole(envelope)) ? envelope.digest : undefined;
  if (digest === undefined) {
    // Nobody publishes that. The device itself says what is wrong.
    await bring?.();
    return yield* deliver(client, delivery);
  }
  const news = newsOf(line, device);
  const place = () => publishing((told) => publishPackage(line, digest, file, { signal, told }));
  const leave = (correlator: string) =>
    leaveOrder(line, { device }, { digest: hex(digest), encoding: RAW, correlator, ...timing });
  try {
    if (news.last()?.online === false) {
      if (waitMs > 0) yield { kind: 'note', text: `${device} is offline: waiting for it, at most ${waitMs / 1000} s` };
      if (!(await comes(news, waitMs, signal))) {
        yield* place();
        return { kind: 'ordered', topic: await leave(newCorrelator()), why: 'offline' };
      }
    }
    await bring?.();
    const begun = yield* begin(client, delivery);
    if ('kind' in begun) return begun;
    yield* place();
    const topic = await leave(begun.correlator!);
    const startMs = startOf(timing);
    if (startMs > waitMs) return { kind: 'ordered', topic, why: 'later' };
    // Nothing is sent to the device itself.
    const outcome = yield* follow({ ...begun, bytes: 0, digest }, news, delivery, startMs);
    if (outcome.kind !== 'asked' && outcome.kind !== 'link-lost')
      await withdrawOrder(line, { device }, begun.correlator!);
    return outcome;
  } finally {
    news.close();
  }
}

/** How long it takes at most until a device begins. */
export const startOf = ({ notBefore, spread = 0 }: Timing): number =>
  Math.max(0, notBefore === undefined ? 0 : Date.parse(notBefore) - Date.now()) + spread * 1000;

const isWhole = (envelope: Envelope<Bytes>): Promise<boolean> =>
  requirePublishable(envelope, 'it').then(
    () => true,
    () => false,
  );

async function comes(news: News, ms: number, signal: AbortSignal | undefined): Promise<boolean> {
  for (const end = Date.now() + ms; !news.last()?.online; ) {
    if (Date.now() >= end) return false;
    await news.next(Math.min(TICK_MS, end - Date.now()), signal);
  }
  return true;
}

async function* follow(
  session: Session & { digest: Uint8Array },
  news: News,
  { waitMs, installMs = INSTALL_MS_DEFAULT, signal }: OrderedDelivery,
  startMs: number,
): Steps<Outcome> {
  const { client, digest } = session;
  const before = shownIn(news.last());
  const began = Date.now() + startMs;
  let saidAt = Date.now();
  const patience = createPatience({ waitMs: waitMs || undefined, installMs }, startMs + installMs);
  let phase: number | undefined;
  let shown = false;
  let tried = startMs > 0; // when it begins, only the device knows
  let lookAt = began + QUIET_MS;
  for (;;) {
    const word = await news.next(TICK_MS, signal);
    if (client.gone) return lost(client.gone, 0);
    if (word !== undefined && word !== 'said' && isAnswerTo(session, word)) return finished(session, word);
    const now = Date.now();
    const { online, state: said } = news.last() ?? { online: false, state: {} };
    if (word === 'said') {
      saidAt = now;
      lookAt = now + QUIET_MS;
      shown ||= shownIn(news.last()) !== before;
      if (said.state !== phase) {
        phase = said.state;
        patience.shows(said);
        if (phase === STATE.downloading) yield { kind: 'note', text: 'the device fetches the package from the broker' };
        if (phase === STATE.updating) yield { kind: 'work', phase: 'installing', done: 0, total: 0 };
      }
    }
    if (online && said.reason?.code === reasons.AwaitingUser.code && now <= patience.end()) {
      const outcome = yield* untilAnswered(session, said.state === STATE.ready ? 'install' : 'download');
      if (outcome) return outcome;
      patience.shows(news.last()?.state ?? {}); // the person's time is not the installation's
      await news.next(ALERT_MS, signal);
      continue;
    }
    if (online && said.state !== STATE.updating && now >= began) {
      if (!tried && !shown && now > began + SHOWN_MS) {
        tried = true;
        const answer = await ordered(session, digest);
        if (answer !== undefined) return refused(session, answer, 0);
      }
      if (isRefusal(said) && shown && now > saidAt + ALERT_MS) {
        return (await ended(session)) ?? refused(session, said.reason!.code, 0);
      }
      if (now > lookAt && said.state !== STATE.downloading) {
        const end = await ended(session);
        if (end) return end;
        const reason = now > began + SILENT_MS && isRefusal(said) ? await recorded(session, digest) : undefined;
        if (reason !== undefined) return refused(session, reason, 0);
        lookAt = now + QUIET_MS;
      }
    }
    if (now > patience.end()) {
      const name = client.link.name;
      if (!online) return lost(new CountersignError('LinkLost', `deliver: ${name} went offline; its order stays`), 0);
      throw new CountersignError('TimedOut', `deliver: ${name} did not finish in time; its order stays`, {
        hint: 'it may still do so: `countersign devices` shows its state',
      });
    }
  }
}

/** What of a state tells how an update goes. */
export const shownIn = (heard: Heard | undefined): string => `${heard?.state.state} ${heard?.state.reason?.code}`;

const NO_END: number[] = [reasons.Ok.code, reasons.AwaitingUser.code, reasons.Deferred.code, reasons.WrongState.code];
/** Does what a device shows look like a refusal? */
export const isRefusal = ({ state, reason }: Heard['state']): boolean =>
  reason !== undefined && !NO_END.includes(reason.code) && state !== STATE.downloading && state !== STATE.updating;

/** The order once more, by Exec: the reason, if the device refuses it. */
async function ordered({ client, correlator, waits }: Session, hash: Uint8Array): Promise<number | undefined> {
  const answer = await treeExec(client, NODE.downloadAndUpdate, correlator, { hash, ...waits }).catch(ignoreSilence);
  if (!answer || answer.ok) return undefined;
  const reason = agentReason(answer.error);
  if (reason !== undefined) return NO_END.includes(reason) ? undefined : reason;
  if (!isUnknownCommand(answer.error)) return undefined;
  throw new CountersignError('NoAgent', `deliver: ${client.link.name} cannot fetch a package by itself`, {
    hint: 'send it to this device: add --push',
  });
}

/** The end of the order, if its alert was lost. */
async function ended(session: Session): Promise<Outcome | undefined> {
  const alert = await readAlert(session.client, session.waits).catch(ignoreSilence);
  return alert && isAnswerTo(session, alert) ? finished(session, alert) : undefined;
}

/** Of what no vendor signed the device sends no alert: the reason in its record of the last verdict. */
async function recorded({ client, waits }: Session, digest: Uint8Array): Promise<number | undefined> {
  const record = await readVerdict(client, waits).catch(ignoreSilence);
  if (!record) return undefined;
  const { reason, manifestDigest } = readJudgement(decode(record, 'verdict of the device'));
  const about = manifestDigest === undefined || same(manifestDigest, digest);
  return about && reason !== reasons.Ok.code ? reason : undefined;
}

// Brings one package to a device and stays until the device has decided, and done what it decided.
//
//   installing          only if the device is busy with an update: its end is waited for, an image on trial is left alone
//   deciding, sending   upload, from wherever the device wants to go on       ── refused ──▶ the reason; no payload moved
//                       Over a line, a device that can asks for the payload itself, a window at a time (serve.ts)
//   checking            Exec on Update: the device takes its verdict again    ── refused ──▶ the reason
//   waiting             a person is asked, on the device or wherever its policy says; never here
//   installing          swap, restart, trial; the device may be silent meanwhile
//
// Progress comes as an async iterator; what became of it is what the iterator returns. "Installed" is said only after
// the device has shown this package as installed and confirmed. Every wait has a limit.

import { sha256Of } from '../formats/byte-source.js';
import { same } from '../formats/bytes.js';
import { BLOCK_BYTES } from '../links/papers.js';
import { reasons } from '../reasons.js';
import { type Client, smpFailure } from '../smp/client.js';
import { parameters, readAlert, treeExec } from '../smp/commands.js';
import { agentReason } from '../smp/packet.js';
import { upload } from '../smp/upload.js';
import { INSTALL_MS_DEFAULT, isAnswerTo, type Steps, untilAlert } from './follow.js';
import { NODE } from './identity.js';
import { begin, type Delivery, finished, lost, type Outcome, refused, type Session, untilAnswered } from './offer.js';
import type { OldImage } from './old-image.js';
import { serveRest } from './serve.js';

export type { Delivery, Denied, Outcome } from './offer.js';

/**
 * Brings a package to a device with an agent and stays until its outcome: yields Progress, returns what the device
 * decided. A lost link is an outcome; throws CountersignError for what is no answer of the device.
 */
export async function* deliver(client: Client, delivery: Delivery): Steps<Outcome> {
  const session = yield* begin(client, delivery);
  if ('kind' in session) return session;
  let seen = false; // at work
  const steps = bring(session);
  try {
    let step = await steps.next();
    for (; !step.done; step = await steps.next()) {
      seen ||= step.value.kind === 'work' && step.value.phase === 'installing';
      yield step.value;
    }
    // A small image is swapped and started between two looks.
    if (step.value.kind === 'installed' && !seen) yield { kind: 'work', phase: 'installing', done: 0, total: 0 };
    return step.value;
  } finally {
    await steps.return(undefined as never); // whoever stopped listening ends it, too
  }
}

async function* bring(session: Session): Steps<Outcome> {
  return (yield* send(session)) ?? (yield* order(session)) ?? (yield* untilDone(session));
}

// --- Upload: an outcome only if it ends here ---

async function* send(session: Session): Steps<Outcome | undefined> {
  const { client, delivery, waits, headBytes, bytes: total } = session;
  const job = {
    file: delivery.file,
    digest: await sha256Of(delivery.file),
    parameters: await parameters(client, waits),
    ...waits,
  };
  const served = servedOf(session);
  let offset = 0;
  let asked = false;
  yield { kind: 'work', phase: 'deciding', done: 0, total: headBytes };
  for (let from = 0; ; ) {
    const steps = upload(client, { ...job, from });
    let step: Awaited<ReturnType<typeof steps.next>>;
    try {
      for (step = await steps.next(); !step.done; step = await steps.next()) {
        if (step.value > offset + job.parameters.bufferBytes) {
          yield { kind: 'note', text: `the device has ${step.value} bytes of it already: going on there` };
        }
        offset = step.value;
        yield offset < headBytes
          ? { kind: 'work', phase: 'deciding', done: offset, total: headBytes }
          : { kind: 'work', phase: 'sending', done: offset, total };
        if (served.from(offset)) break;
      }
      if (!step.done) {
        from = yield* serve(session, served, offset);
        offset = from;
        continue;
      }
    } catch (error) {
      return lost(error, Math.max(offset, served.at));
    }
    const end = step.value;
    if (end.kind === 'complete') return undefined;
    const reason = agentReason(end.error);
    if (reason === undefined) throw smpFailure(end.error, 'upload');
    // Asked before the download, once: after a yes the same bytes are offered again, and go on.
    if (reason !== reasons.AwaitingUser.code || asked) return refused(session, reason, offset);
    asked = true;
    from = 0;
    const outcome = yield* untilAnswered(session, 'download');
    if (outcome) return outcome;
  }
}

const SERVED_MIN = 4 * BLOCK_BYTES; // less is pushed as quickly
const TRIES = 2; // without progress

interface ServedPart {
  /** All but the last block: whoever pushes that hears what became of the package. */
  until: number;
  /** How far it came by that. */
  at: number;
  /** Was what it runs compared with what is at hand? */
  compared: boolean;
  /** Is the device at this offset to ask for more itself? */
  from(offset: number): boolean;
  /** It has ended: whether it came further than ever before tells if it is tried again. */
  ended(): void;
}

function servedOf({ client, digest, headBytes, bytes }: Session): ServedPart {
  const blocks = Math.max(0, Math.floor((bytes - headBytes - 1) / BLOCK_BYTES));
  const until = headBytes + blocks * BLOCK_BYTES;
  let furthest = 0;
  let tries = client.link.type && digest ? TRIES : 0; // text beside the packets: a line
  return {
    until,
    at: 0,
    compared: false,
    from: (offset) => tries > 0 && offset >= headBytes && until - offset >= SERVED_MIN,
    ended() {
      tries = this.at >= furthest + BLOCK_BYTES ? TRIES : tries - 1;
      furthest = Math.max(furthest, this.at);
    },
  };
}

/** Why blocks are not coded against what it runs. */
function noneOf(running: Uint8Array | undefined, old: readonly OldImage[]): string | undefined {
  if (!running) return 'the device names no image that it could be sent the difference from: it is sent all of it';
  if (old.some(({ digest }) => same(digest, running))) return undefined;
  return 'the device runs none of the images that were given: it is sent all of it';
}

/** Returns where the upload goes on. */
async function* serve({ client, delivery, digest, waits, bytes: total }: Session, part: ServedPart, from: number) {
  const { until } = part;
  const { file, old = [] } = delivery;
  let named: { digest: Uint8Array | undefined } | undefined;
  const running = (digest: Uint8Array | undefined) => {
    named ??= { digest };
  };
  const steps = serveRest(client, { file, old, running, digest: digest!, until, ...waits });
  part.at = from;
  let step = await steps.next();
  for (; !step.done; step = await steps.next()) {
    part.at = step.value;
    if (named && old.length > 0 && !part.compared) {
      part.compared = true;
      const text = noneOf(named.digest, old);
      if (text) yield { kind: 'note', text } as const;
    }
    yield { kind: 'work', phase: 'sending', done: part.at, total } as const;
  }
  if (step.value === 'all') part.at = until;
  part.ended();
  return part.at;
}

// --- The order to install: an outcome only if it ends here ---

async function* order(session: Session): Steps<Outcome | undefined> {
  const { client, correlator, bytes: sent } = session;
  yield { kind: 'work', phase: 'checking', done: 0, total: 0 };
  try {
    const response = await treeExec(client, NODE.update, correlator, session.waits);
    if (response.ok) return undefined;
    const reason = agentReason(response.error);
    if (reason === undefined) throw smpFailure(response.error, 'install');
    if (reason !== reasons.WrongState.code) {
      // A link that repeats may bring the order twice: what the first one came to is the answer.
      const alert = await readAlert(client, session.waits);
      return isAnswerTo(session, alert) ? finished(session, alert) : refused(session, reason, sent);
    }
    // It is being carried out: ours, whose first answer was lost, or that of somebody who brought the same package.
    session.correlator = undefined;
    return undefined;
  } catch (error) {
    return lost(error, sent);
  }
}

// --- Until the device has told the end ---

async function* untilDone(session: Session): Steps<Outcome> {
  const { delivery } = session;
  try {
    const end = yield* untilAlert(session, delivery.installMs ?? INSTALL_MS_DEFAULT, () =>
      untilAnswered(session, 'install'),
    );
    return 'alert' in end ? finished(session, end.alert) : end.ended;
  } catch (error) {
    return lost(error, session.bytes);
  }
}

// A package that is offered to a device: what all ways to bring it share, an upload (deliver.ts) as an order to fetch it
// (../fleet/deliver.ts).
//
//   begin      an update under way is waited for; a package that runs already is nothing to do
//   answered   a person is asked, on the device or wherever its policy says; never here
//   end        what the device says of the end, read back: installed, refused with its reason, or silence
//
// "Installed" is said only after the device has shown this package as installed and confirmed. Every wait has a limit.

import type { Core } from '../core.js';
import { CountersignError } from '../errors.js';
import { viewBootstrap } from '../formats/bootstrap.js';
import { type Bytes, sizeOf } from '../formats/byte-source.js';
import { hex, same } from '../formats/bytes.js';
import { headBytesOf, openEnvelope } from '../formats/envelope.js';
import { foreseeVerdict } from '../operator/foresee.js';
import { reasons } from '../reasons.js';
import type { Client } from '../smp/client.js';
import { type Alert, imageState, readAlert, readQuestion } from '../smp/commands.js';
import { sleep } from '../wait.js';
import {
  INSTALL_MS_DEFAULT,
  ignoreSilence,
  isOurs,
  isSilence,
  newCorrelator,
  type Order,
  POLL_MS,
  type Steps,
  untilSettled,
} from './follow.js';
import {
  type Installed,
  readApprovals,
  readBootstrap,
  readInstalled,
  readState,
  readVerdict,
  STATE,
  type Waits,
} from './identity.js';
import type { OldImage } from './old-image.js';

export interface Delivery extends Waits {
  file: Bytes; // the .suit; one that is opened stays so until the end, and is closed by whoever opened it
  old?: readonly OldImage[] | undefined; // images, of which the device may run one: over a line it is sent less then
  installMs?: number; // limit for swap, restart and trial
  answerMs?: number; // limit for the person; default: as long as the device itself waits
  core?: Pick<Core, 'provision' | 'judge'>; // tells whether a package that runs already is denied; without it nobody looks
}

export type Outcome =
  | { kind: 'installed'; version: string; sequence: bigint; digest: Uint8Array }
  | { kind: 'unchanged'; denied?: Denied | undefined } // exactly this package was installed already
  | { kind: 'refused'; reason: number; sent: number; verdict: Uint8Array | undefined }
  | { kind: 'deferred' } // the device waited for its user, and nobody answered
  | { kind: 'asked'; left: number } // we stopped waiting; the device goes on asking
  | { kind: 'link-lost'; offset: number; error: CountersignError };

/** An operator denies what runs: the device reports that, and goes on running it unless it can and may go back. */
export interface Denied {
  /** Of its policy. */
  whenDenied: 'report' | 'revert';
}

const ANSWER_MARGIN_MS = 5000; // after the device's own time for the answer, for what it says then
const WAITING_TOLD_MS = 30_000; // how often the person watching is told that we still wait
const LEFT_ROUNDING_MS = 1500; // the device tells whole seconds, rounded up

const HEAD_BYTES_MAX = 2048; // what a device collects before it judges

export interface Session extends Order {
  delivery: Delivery;
  digest: Uint8Array | undefined; // of the manifest, if the file can be read
  bytes: number;
  headBytes: number;
}

/** Until the device can take a package: a session, or the outcome where there is nothing to do. */
export async function* begin(client: Client, delivery: Delivery): Steps<Session | Outcome> {
  const waits = { signal: delivery.signal };
  let waited: boolean;
  try {
    waited = yield* untilFree(client, delivery);
  } catch (error) {
    if (!client.gone) throw error;
    return lost(error, 0);
  }
  const session: Session = {
    client,
    delivery,
    waits,
    bytes: sizeOf(delivery.file),
    ...(await outlineOf(delivery.file)),
    alerts: (await readAlert(client, waits)).n,
    correlator: newCorrelator(),
  };
  const installed = await installedAlready(session);
  if (installed) return waited ? { kind: 'installed', ...installed } : unchanged(session);
  return session;
}

// What the display needs to know of the file. One that is no package goes out all the same: the device says what is
// wrong.
async function outlineOf(file: Bytes): Promise<Pick<Session, 'digest' | 'headBytes'>> {
  try {
    const envelope = await openEnvelope(file, 'package');
    return { digest: envelope.digest, headBytes: headBytesOf(envelope, sizeOf(file)) };
  } catch {
    return { digest: undefined, headBytes: Math.min(sizeOf(file), HEAD_BYTES_MAX) };
  }
}

// An update is under way, somebody's or this very one of an earlier try: the device takes nothing else before its end,
// and an image on trial starts only if nobody talks. True if there was one.
async function* untilFree(client: Client, { signal, installMs = INSTALL_MS_DEFAULT }: Delivery): Steps<boolean> {
  const waits = { signal };
  if ((await readState(client, waits)) !== STATE.updating) return false;
  yield { kind: 'note', text: 'the device is busy with an update: waiting for the end of that' };
  const state = yield* untilSettled({ client, waits }, installMs);
  if (state !== STATE.successNoData) yield { kind: 'note', text: 'that update failed: the device went back' };
  return true;
}

async function installedAlready({ client, waits, digest }: Session): Promise<Installed | undefined> {
  const installed = await readInstalled(client, waits);
  if (!digest || !installed || !same(installed.digest, digest)) return undefined;
  const active = (await imageState(client, waits)).find((image) => image.active);
  if (!active?.confirmed || (await readState(client, waits)) === STATE.updating) return undefined;
  return installed;
}

// A denial that the device stores takes nothing away from a package that runs, so nobody would hear of it here.
async function unchanged({ client, waits, delivery: { core, file } }: Session): Promise<Outcome> {
  const bootstrap = core && (await readBootstrap(client, waits));
  if (bootstrap === undefined) return { kind: 'unchanged' };
  const evidence = (await readApprovals(client, waits)).map((bytes) => ({ source: 'tree', bytes }) as const);
  const facts = { time: BigInt(Math.floor(Date.now() / 1000)) };
  const about = { bootstrap, what: 'its own bootstrap document', envelope: file, evidence, facts };
  const { reason } = await foreseeVerdict(core!, about);
  if (reason !== reasons.Denied.code) return { kind: 'unchanged' };
  const whenDenied = viewBootstrap(bootstrap, 'bootstrap')?.policy['when-denied'];
  return { kind: 'unchanged', denied: { whenDenied: whenDenied === 'revert' ? 'revert' : 'report' } };
}

export async function finished(session: Session, alert: Alert): Promise<Outcome> {
  const { client, waits, digest, bytes } = session;
  if (alert.reason !== reasons.Ok.code) return refusal(session, alert.reason ?? reasons.Internal.code, bytes);
  const installed = await readInstalled(client, waits);
  const active = (await imageState(client, waits)).find((image) => image.active);
  if (installed && digest && same(installed.digest, digest) && active?.confirmed)
    return { kind: 'installed', ...installed };
  const has = installed ? `package ${hex(installed.digest)}` : 'no package';
  throw new CountersignError('WrongState', `deliver: the device reports success, but shows ${has} as installed`, {
    hint: 'somebody else may have delivered to it at the same time: see `countersign log`, and run this again',
  });
}

// --- The person ---

// Until the question is gone: an outcome, or undefined when the answer was yes. Asks nobody here and answers nothing.
export async function* untilAnswered(session: Session, about: 'download' | 'install'): Steps<Outcome | undefined> {
  const { client, waits, delivery } = session;
  const began = Date.now();
  let until: number | undefined; // when the device gives up; unknown before it was seen asking
  let toldAt = Number.NEGATIVE_INFINITY;
  for (;;) {
    let silence: unknown;
    const question = await readQuestion(client, waits).catch((error: unknown) => {
      silence = error;
      return ignoreSilence(error);
    });
    if (client.gone) return lost(client.gone, session.bytes);
    const now = Date.now();
    if (question?.pending) {
      const left = question.left ?? 0;
      until = now + left * 1000;
      if (now - toldAt >= WAITING_TOLD_MS) {
        toldAt = now;
        yield { kind: 'waiting', for: 'the user of the device', seconds: left };
      }
      if (delivery.answerMs !== undefined && now - began > delivery.answerMs) return { kind: 'asked', left };
    } else if (question) {
      const alert = await readAlert(client, waits);
      if (isOurs(session, alert)) return finished(session, alert);
      return (await nobodyAnswered(session, about, question.reason, until)) ? { kind: 'deferred' } : undefined;
    }
    if (now > (until ?? began) + ANSWER_MARGIN_MS) return lost(silence, session.bytes); // one that asks moves its end
    await sleep(POLL_MS, waits.signal);
  }
}

// The question is gone, and no alert says no. Before an installation the state tells; before a download the device says
// how the question ended. One that does not say is judged by the time: a wrong guess costs no more than another offer.
async function nobodyAnswered(
  { client, waits }: Session,
  about: 'download' | 'install',
  ended: number | undefined,
  until: number | undefined,
): Promise<boolean> {
  const state = await readState(client, waits);
  if (about === 'install') return state === STATE.ready;
  // An approval that came meanwhile ends the question, too, and it goes on by itself.
  if (state === STATE.downloading || state === STATE.updating) return false;
  if (ended !== undefined) return ended === reasons.Deferred.code;
  return until !== undefined && Date.now() >= until - LEFT_ROUNDING_MS;
}

// --- Ends ---

// Not if exactly this package runs by now: it did not when we began. The same offer came twice, or from somebody else too.
export async function refused(session: Session, reason: number, sent: number): Promise<Outcome> {
  const installed = await installedAlready(session).catch(ignoreSilence);
  if (!installed) return refusal(session, reason, sent);
  return reason === reasons.Unchanged.code ? unchanged(session) : { kind: 'installed', ...installed };
}

async function refusal({ client, waits }: Session, reason: number, sent: number): Promise<Outcome> {
  const verdict = await readVerdict(client, waits).catch(ignoreSilence);
  return { kind: 'refused', reason, sent, verdict };
}

export function lost(error: unknown, offset: number): Outcome {
  if (isSilence(error)) return { kind: 'link-lost', offset, error };
  throw error;
}

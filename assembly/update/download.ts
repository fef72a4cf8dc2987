// The download: an envelope arrives in pieces at an upload session, is judged when its head is whole, and only then
// does anything change in flash. Pages are erased one by one, each just before its first word is written.
//
//   session   None ── off 0 ──▶ Head ── judged: install, ask ──▶ Payload ── whole ──▶ None (state 50)
//                                 │ judged: reject, malformed        │ broken ──▶ None (state 20)
//                                 ▼
//                               None; the device as it was
//
// Resume. A session is named by the SHA-256 of the upload file that the client states. While the agent runs, the same
// name at offset 0 answers where to go on. After a reset the record Key.Download names the session and Key.DownloadPages
// the whole pages in flash: the head is judged again from flash, the pages are hashed again, and the offset is what that
// gave. Both carry the erase count: whoever erases the slot raises it first, so no offset survives an erase.

import { compare } from '../codec/bytes';
import { Key } from '../flash/keys';
import { headPages, imageBytesMax, Place, pageBytes, placeErase, placeRead, placeWrite } from '../flash/slots';
import { storeCommit, storeRead, storeStage, storeStageDelete } from '../flash/store';
import { HEAD, HEAD_BYTES_MAX } from '../package/head';
import { manifest } from '../package/manifest';
import {
  Phase as Offer,
  offerAccept,
  offerBegin,
  offerFault,
  offerHeadBytes,
  offerPhase,
  offerPush,
  offerResume,
} from '../package/reader';
import { policy } from '../policy/policy';
import { Verdict } from '../policy/verdict';
import { Reason } from '../reason';
import { alertStage } from './alert';
import { Event as Audit, auditStage, auditTold } from './audit';
import { wantRefusal } from './effects';
import { floorsStage } from './floors';
import { judge, verdictDigest, verdictReason } from './judgement';
import { digestOf, pack, packageDescribe, packageStage } from './packages';
import { About, ask } from './question';
import { HeadUser, headTake } from './rooms';
import { Event, State } from './state';
import { CONSENTED, Operation, status, statusMove } from './status';

const NAME_BYTES: u32 = 32; // SHA-256 of the upload file

// What Key.Download holds: the session that a reset interrupts.
@unmanaged
class Session {
  length: u32; // of the upload file
  headBytes: u32;
  eraseCount: u32;
  named: u32; // 1: `name` counts
  name: u64; // NAME_BYTES
  name1: u64;
  name2: u64;
  name3: u64;
}

// What Key.DownloadPages holds.
@unmanaged
class Progress {
  pages: u32; // payload pages that are whole
  eraseCount: u32;
}

const session = changetype<Session>(memory.data(offsetof<Session>(), 8));
const NAME: usize = changetype<usize>(session) + offsetof<Session>('name');
const stored = changetype<Session>(memory.data(offsetof<Session>(), 8));
const STORED_NAME: usize = changetype<usize>(stored) + offsetof<Session>('name');
const progress = changetype<Progress>(memory.data(offsetof<Progress>(), 4));

let active: bool = false;
let offset: u32 = 0; // of the upload file: the next byte wanted

// Payload bytes on their way to flash, less than a piece: words only, and never over the end of a page.
const BUFFER_BYTES: u32 = 64;
const BUFFER: usize = memory.data(BUFFER_BYTES, 4);
let buffered: u32 = 0;
let written: u32 = 0; // payload bytes in flash

export function downloadOffset(): u32 {
  return offset;
}

export function downloadActive(): bool {
  return active;
}

export function downloadReset(): void {
  active = false;
  offset = 0;
}

// Begins a session, or finds the one that `name` (32 bytes, or 0) means. Afterwards downloadOffset is the next byte
// wanted: not 0 when there is something to go on with.
export function downloadBegin(link: i32, length: u32, name: usize): Reason {
  if (status.state === State.Updating) return Reason.WrongState;
  if (active && name && isNamed(length, name)) {
    status.link = link;
    return Reason.Ok;
  }
  // It is on board already: a client that lost the last answer asks again.
  if (!active && name && status.state === State.Ready && offset === length && isNamed(length, name)) return Reason.Ok;
  session.length = length;
  session.headBytes = 0;
  session.named = name ? 1 : 0;
  if (name) memory.copy(NAME, name, NAME_BYTES);
  active = true;
  offset = 0;
  status.link = link;
  headTake(HeadUser.Offer);
  if (name && resume()) return Reason.Ok;
  offset = 0;
  session.headBytes = 0;
  offerBegin();
  return Reason.Ok;
}

function isNamed(length: u32, name: usize): bool {
  return session.named !== 0 && session.length === length && compare(name, NAME, NAME_BYTES) === 0;
}

// Takes bytes of the upload file at downloadOffset, all of them: a client that has sent the next ones already goes on
// without a pause. Only where the head fills nearly all of HEAD some are left, and asked for by the offset.
export function downloadPush(from: usize, length: u32): Reason {
  if (!active) return Reason.WrongState;
  if (length > session.length - offset) return end(Reason.TrailingBytes);
  if (offerPhase() !== Offer.Payload) {
    const taken = offerPush(from, length); // nothing when asked again after an answer
    offset += taken;
    if (offerPhase() === Offer.Failed) return end(offerFault());
    if (offerPhase() === Offer.Judging) {
      // A verdict uses the memory of the packet: what the chunk holds of the payload waits behind the head.
      length = min(length - taken, HEAD_BYTES_MAX - offerHeadBytes());
      memory.copy(HEAD + offerHeadBytes(), from + taken, length);
      from = HEAD + offerHeadBytes();
      const reason = decide();
      if (reason !== Reason.Ok) return reason;
    }
  }
  if (offerPhase() === Offer.Payload && length !== 0) {
    const taken = offerPush(from, length);
    offset += taken;
    if (offerPhase() === Offer.Failed) return end(offerFault());
    const reason = keep(from, taken);
    if (reason !== Reason.Ok) return end(reason);
    if (offerPhase() === Offer.Complete) return finish();
  }
  if (offset === session.length) return end(Reason.Truncated);
  return Reason.Ok;
}

// --- The verdict, before the first payload byte ---

function decide(): Reason {
  const verdict = judge();
  const digest = verdictDigest();
  if (verdict === Verdict.Reject) return refuse(verdictReason(), digest);
  if (session.length !== offerHeadBytes() + manifest.imageBytes) return refuse(Reason.PayloadSize, digest);
  if (mayStart(verdict, digest)) return accept(verdict, digest);
  const reason = ask(About.Download, digest, verdictReason());
  return reason === Reason.Ok ? Reason.AwaitingUser : reason;
}

// Does policy want a person's consent before the payload, and is it there? An approval may say that nobody is asked.
function mayStart(verdict: Verdict, digest: usize): bool {
  if (verdict === Verdict.Install || !policy.askBeforeDownload) return true;
  return status.consent !== 0 && compare(CONSENTED, digest, 32) === 0;
}

// Nothing changes but the log, and that only when a vendor's package is refused for another reason than last time, or
// when a server ordered one: whatever becomes of an order is told in an alert.
function refuse(reason: Reason, digest: usize): Reason {
  active = false;
  offset = 0;
  offerBegin();
  wantRefusal(reason);
  if (digest && (status.operation !== Operation.None || !auditTold(reason, digest))) {
    auditStage(Audit.Refused, reason, digest);
    floorsStage();
    if (status.operation !== Operation.None) alertStage(reason, Operation.Download);
    storeCommit();
  }
  return reason;
}

function accept(verdict: Verdict, digest: usize): Reason {
  session.headBytes = offerHeadBytes();
  session.eraseCount = ++status.eraseCount;
  progress.pages = 0;
  progress.eraseCount = status.eraseCount;
  const moved = statusMove(Event.Accept, verdict === Verdict.Install ? Reason.Ok : verdictReason());
  if (moved !== Reason.Ok) return refuse(moved, digest);
  storeStageDelete(Key.Staged);
  storeStageDelete(Key.Previous); // what a recall would bring back makes room
  stageProgress();
  auditStage(Audit.Accepted, status.reason, digest);
  floorsStage();
  let reason = storeCommit();
  if (reason === Reason.Ok) reason = keepHead();
  if (reason === Reason.Ok) reason = offerAccept();
  buffered = 0;
  written = 0;
  return reason === Reason.Ok ? reason : end(reason);
}

function stageProgress(): void {
  storeStage(Key.Download, changetype<usize>(session), offsetof<Session>());
  storeStage(Key.DownloadPages, changetype<usize>(progress), offsetof<Progress>());
}

function keepHead(): Reason {
  const reason = placeErase(Place.Staged, imageBytesMax(), headPages());
  if (reason !== Reason.Ok) return reason;
  return placeWrite(Place.Staged, imageBytesMax(), HEAD, (session.headBytes + 3) & ~3);
}

// --- The payload ---

// in: at most PIECE-sized packets of payload, already hashed by the reader
function keep(from: usize, length: u32): Reason {
  while (length) {
    const taken = min(length, BUFFER_BYTES - buffered);
    memory.copy(BUFFER + buffered, from, taken);
    from += taken;
    length -= taken;
    buffered += taken;
    if (buffered === BUFFER_BYTES) {
      const reason = flush();
      if (reason !== Reason.Ok) return reason;
    }
  }
  return Reason.Ok;
}

// Writes what is buffered. A page is a multiple of the buffer, so no write crosses one.
function flush(): Reason {
  if (buffered === 0) return Reason.Ok;
  if (written % pageBytes() === 0) {
    const reason = placeErase(Place.Staged, written, 1);
    if (reason !== Reason.Ok) return reason;
  }
  const words = (buffered + 3) & ~3;
  memory.fill(BUFFER + buffered, 0xff, words - buffered);
  const reason = placeWrite(Place.Staged, written, BUFFER, words);
  if (reason !== Reason.Ok) return reason;
  written += buffered;
  buffered = 0;
  if (written % pageBytes() !== 0) return Reason.Ok;
  progress.pages = written / pageBytes();
  storeStage(Key.DownloadPages, changetype<usize>(progress), offsetof<Progress>());
  return storeCommit();
}

// The payload is whole and is the one that the manifest names: 30 -> 40 -> 50.
function finish(): Reason {
  const reason = flush();
  if (reason !== Reason.Ok) return end(reason);
  active = false;
  packageDescribe(pack, verdictDigest(), session.headBytes);
  statusMove(Event.Whole, status.reason);
  statusMove(Event.Keep, status.reason);
  packageStage(pack, Key.Staged);
  storeStageDelete(Key.Download);
  storeStageDelete(Key.DownloadPages);
  auditStage(Audit.Downloaded, status.reason, digestOf(pack));
  if (status.operation === Operation.Download) alertStage(Reason.Ok, Operation.Download);
  return storeCommit();
}

// The session ends in a fault. If it had begun to change the slot, that is state 20.
function end(reason: Reason): Reason {
  active = false;
  offset = 0;
  offerBegin();
  if (session.headBytes === 0 || status.state !== State.Downloading) {
    wantRefusal(reason);
    return reason;
  }
  alertStage(reason, Operation.Download);
  statusMove(Event.Break, reason);
  storeStageDelete(Key.Download);
  storeStageDelete(Key.DownloadPages);
  auditStage(Audit.DownloadFailed, reason, verdictDigest());
  storeCommit();
  return reason;
}

// --- After a reset ---

// Tries to go on with the session in flash. On false nothing is lost but time.
function resume(): bool {
  if (status.state !== State.Downloading) return false;
  if (!storeRead(Key.Download, changetype<usize>(stored), offsetof<Session>())) return false;
  if (!storeRead(Key.DownloadPages, changetype<usize>(progress), offsetof<Progress>())) return false;
  if (!stored.named || stored.length !== session.length || compare(STORED_NAME, NAME, NAME_BYTES)) return false;
  if (stored.eraseCount !== status.eraseCount || progress.eraseCount !== status.eraseCount) return false;
  // Without a page behind it, the head's own last word may be torn and read well only now.
  if (progress.pages === 0 || stored.headBytes > HEAD_BYTES_MAX) return false;
  if (placeRead(Place.Staged, imageBytesMax(), HEAD, stored.headBytes) !== Reason.Ok) return false;
  if (offerResume(stored.headBytes) !== Reason.Ok || judge() === Verdict.Reject || offerAccept() !== Reason.Ok) {
    return false;
  }
  session.headBytes = stored.headBytes;
  session.eraseCount = stored.eraseCount;
  const wanted = progress.pages * pageBytes();
  if (wanted > manifest.imageBytes) return false;
  for (let at: u32 = 0; at < wanted; at += BUFFER_BYTES) {
    if (placeRead(Place.Staged, at, BUFFER, BUFFER_BYTES) !== Reason.Ok) return false;
    if (offerPush(BUFFER, BUFFER_BYTES) !== BUFFER_BYTES) return false;
  }
  buffered = 0;
  written = wanted;
  offset = session.headBytes + wanted;
  return true;
}

// Clears the secondary slot on demand: whatever was known of its contents is void. On an idle device, nothing to do.
export function downloadClear(): Reason {
  if (status.state === State.Updating) return Reason.WrongState;
  downloadReset();
  offerBegin();
  if (status.state === State.Idle) return Reason.Ok;
  statusMove(Event.Clear, Reason.Ok);
  status.eraseCount++;
  status.consent = 0;
  storeStageDelete(Key.Staged);
  storeStageDelete(Key.Previous);
  storeStageDelete(Key.Download);
  storeStageDelete(Key.DownloadPages);
  return storeCommit();
}

// The download: an envelope arrives in pieces at an upload session, is judged when its head is whole, and only then
// does anything change in flash: its pages are pages.ts's.
//
//   session   None ── off 0 ──▶ Head ── judged: install, ask ──▶ Payload ── whole ──▶ None (state 50)
//                                 │ judged: reject, malformed        │ broken ──▶ None (state 20)
//                                 ▼
//                               None; the device as it was
//
// Until the head is accepted the session is in memory only, and whatever is in hand stays: hand.ts. Each byte that gets
// in may come over another line; every line that delivered one is remembered with the pages, then with the package.
//
// Resume. While a session (session.ts) is active, its name at offset 0 answers where to go on. After an interruption the record in
// flash names it: the head is judged again, what stands behind it hashed again. The manifest's digest names it, or its head.

import { compare } from '../codec/bytes';
import { Unit } from '../flash/flash';
import { Key } from '../flash/keys';
import { headPages, imageBytesMax, Place, placeErase, placeHolds, placeRead, placeWrite } from '../flash/slots';
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
import { Answer, questionOpen } from '../policy/consent';
import { facts } from '../policy/facts';
import { policy } from '../policy/policy';
import { Verdict } from '../policy/verdict';
import { Reason } from '../reason';
import { alertStage } from './alert';
import { Event as Audit, auditDecision, auditStage, auditTold } from './audit';
import { restartWanted, wantRefusal } from './effects';
import { floorsStage } from './floors';
import { About, agreedTo, digestInHand, hand, handCommit, lineOf, Operation, order, question } from './hand';
import { idleBegin, idleGot, idleTaken, idleTick } from './idle';
import { judge, verdictDigest, verdictReason } from './judgement';
import { Event, move, State, updating } from './machine';
import { orderBind, orderRefuse, orderWaits } from './order';
import { digestOf, imageOf, pack, packageDescribe, packageLoad, packageStage } from './packages';
import {
  BLOCK_BYTES,
  pagesBegin,
  pagesEarly,
  pagesErase,
  pagesErased,
  pagesFeed,
  pagesFlush,
  pagesHold,
  pagesKeep,
  pagesMount,
  pagesNext,
  pagesRoom,
  pagesTake,
  pagesUnbroken,
  pagesWritten,
  progress,
} from './pages';
import { ask, asks } from './question';
import { residentCount } from './resident';
import { HeadUser, headTake } from './rooms';
import {
  session,
  sessionBegin,
  sessionIs,
  sessionIsOf,
  sessionIsStored,
  sessionLoad,
  sessionStage,
  stored,
} from './session';
import { COST_COMMIT, COST_DOWNLOAD, wearForgive, wearPay } from './wear';

let active: bool = false;
let offset: u32 = 0; // of the upload file: the next byte wanted
let lines: u32 = 0; // mask of the links that delivered a byte of this session

export function downloadTick(milliseconds: u32): void {
  if (active && idleTick(milliseconds)) downloadReset(); // as after a reset
}

export function downloadOffset(): u32 {
  return offset;
}

export function downloadActive(): bool {
  return active;
}

// A session whose head was not accepted, which holds nothing but memory, gives way to whoever needs that.
export function downloadYield(): void {
  if (offerPhase() !== Offer.Payload) downloadReset();
}

export function downloadReset(): void {
  active = false;
  offset = 0;
}

// Begins a session, or finds the one that `name` (32 bytes, or 0) means. Afterwards downloadOffset is the next byte
// wanted: not 0 when there is something to go on with.
export function downloadBegin(link: i32, length: u32, name: usize): Reason {
  if (updating() || restartWanted()) return Reason.WrongState;
  if (active && name && sessionIs(length, name)) return Reason.Ok;
  // It is on board already: a client that lost the last answer asks again.
  if (!active && name && hand.state === <u32>State.Ready && offset === length && sessionIs(length, name))
    return Reason.Ok;
  sessionBegin(length, name);
  active = true;
  offset = 0;
  lines = 0;
  idleBegin();
  headTake(HeadUser.Offer);
  const resumed = name ? resume(link) : Reason.NothingStaged;
  if (resumed !== Reason.NothingStaged) return resumed;
  offset = 0;
  session.headBytes = 0;
  offerBegin();
  return Reason.Ok;
}

// The same for the package with this manifest digest, fetched over the link `line` - 1.
export function downloadFetch(line: u32, length: u32, digest: usize): Reason {
  const reason = downloadBegin(<i32>line - 1, length, digest);
  session.line = <u16>line;
  return reason;
}

export function downloadFetches(digest: usize): bool {
  return active && session.line !== 0 && sessionIsOf(digest);
}

export function downloadLength(): u32 {
  return session.length;
}

// Takes bytes of the upload file at downloadOffset, all of them: a client that has sent the next ones already goes on
// without a pause. Only where the head fills nearly all of HEAD some are left, and asked for by the offset.
export function downloadPush(link: i32, from: usize, length: u32): Reason {
  if (!active) return Reason.WrongState;
  if (length > session.length - offset) return end(Reason.TrailingBytes);
  lines |= lineOf(link);
  idleGot(offset + length);
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
      if (reason !== Reason.Ok || !active || offset !== offerHeadBytes()) return reason; // it goes on further behind
    }
  }
  if (offerPhase() === Offer.Payload && length !== 0) {
    const taken = offerPush(from, min(length, pagesRoom()));
    offset += taken;
    if (offerPhase() === Offer.Failed) return end(offerFault());
    let reason = pagesKeep(from, taken, lines);
    if (reason === Reason.Ok && pagesRoom() === 0) reason = pagesNext(manifest.imageBytes);
    if (offerPhase() === Offer.Failed) reason = offerFault();
    if (reason !== Reason.Ok) return end(reason);
    offset = max(offset, offerHeadBytes() + pagesWritten()); // what came early
    if (offerPhase() === Offer.Complete) return finish();
  }
  if (offset === session.length) return end(Reason.Truncated);
  return Reason.Ok;
}

// --- Blocks behind the next one, of a session whose head was accepted ---

// Does `digest` name the package whose payload is taken?
export function downloadTakes(digest: usize): bool {
  return active && offerPhase() === Offer.Payload && compare(digestInHand(), digest, 32) === 0;
}

export function downloadHeadBytes(): u32 {
  return offerHeadBytes(); // of the file that comes: one in flash may be longer
}

// Erases a slice of what there has to be room for, up to `end` of the upload file; true once it is all erased.
export function downloadErase(end: u32): bool {
  const bytes = min(end - offerHeadBytes(), manifest.imageBytes);
  return endIf(pagesErase(bytes)) === Reason.Ok && pagesErased(bytes);
}

// Keeps a block that comes before the one wanted next: a whole one of the image, or its last.
export function downloadAhead(link: i32, offset: u32, from: usize, length: u32): Reason {
  const at = offset - offerHeadBytes();
  if (at % BLOCK_BYTES !== 0 || at >= manifest.imageBytes) return Reason.Ok;
  if (length !== min(BLOCK_BYTES, manifest.imageBytes - at)) return Reason.Ok;
  lines |= lineOf(link);
  const before = pagesEarly();
  const reason = pagesTake(at, from, length, lines);
  if (pagesEarly() !== before) idleTaken();
  return endIf(reason);
}

function endIf(reason: Reason): Reason {
  return reason === Reason.Ok ? reason : end(reason);
}

// --- The verdict, before the first payload byte ---

function decide(): Reason {
  const verdict = judge();
  const digest = verdictDigest();
  if (session.line !== 0 && digest !== 0 && !sessionIsOf(digest)) return refuse(Reason.OtherPackage, 0);
  if (verdict === Verdict.Reject) return refuse(verdictReason(), digest);
  // How long a fetched file is, whoever has it said: no vendor's package is refused for that.
  if (session.length !== offerHeadBytes() + manifest.imageBytes)
    return refuse(Reason.PayloadSize, session.line ? 0 : digest);
  if (holds(Key.Primary, Place.Primary, digest)) return refuse(Reason.Unchanged, digest);
  if (hand.state === <u32>State.Ready && !isBetter(verdict) && holds(Key.Staged, Place.Staged, digest))
    return onBoard();
  // A higher number than any before is news that only a vendor can make.
  if (manifest.sequence > hand.newest) wearForgive(false);
  hand.newest = max(hand.newest, manifest.sequence);
  const known = isUnderWay(verdict, digest);
  if (known) lines |= progress.lines;
  if (!mayStart(verdict, digest)) return wait(verdictReason(), digest);
  return known ? goOn(verdict) : accept(verdict, digest);
}

// Is it the package that was interrupted, with no reset since, and its head no better than the one in flash? What is unsigned
// may differ.
function isUnderWay(verdict: Verdict, digest: usize): bool {
  if (hand.state !== <u32>State.Downloading || compare(digestInHand(), digest, 32) !== 0) return false;
  if (isBetter(verdict)) return false;
  return pagesUnbroken(hand.eraseCount) && sessionLoad() && pagesMount(hand.eraseCount);
}

// Does exactly this package stand there, whole? Then there is nothing to download.
function holds(key: Key, place: Place, digest: usize): bool {
  if (!packageLoad(pack, key) || compare(digestOf(pack), digest, 32) !== 0) return false;
  return placeHolds(place, pack.imageBytes, imageOf(pack)) === Reason.Ok;
}

function onBoard(): Reason {
  downloadReset();
  offset = session.length;
  return Reason.Ok;
}

// Of the verdict that was just taken.
export function isApproved(verdict: Verdict): bool {
  return verdict === Verdict.Install || verdictReason() === Reason.AwaitingUser;
}

// Is the head that comes now approved, and what is in hand was not when it was accepted? What an operator added is in the head.
function isBetter(verdict: Verdict): bool {
  return isApproved(verdict) && !hand.approved;
}

// Does policy want a person's consent before the payload, and is it there? An approval may say that nobody is asked.
function mayStart(verdict: Verdict, digest: usize): bool {
  if (verdict === Verdict.Install || !policy.askBeforeDownload) return true;
  if (hand.state === <u32>State.Ready && compare(digestInHand(), digest, 32) === 0) return true; // it was downloaded once
  return agreedTo(About.Download, digest, lines, verdictReason()) === Answer.Yes;
}

function wait(why: Reason, digest: usize): Reason {
  const reason = ask(About.Download, digest, why, lines);
  downloadReset(); // also where it is being asked already
  return reason === Reason.Ok ? Reason.AwaitingUser : reason;
}

// Nothing changes but the log, and a question that a denial answers; and they only when a vendor's package is refused for
// another reason than last time, or when it was ordered: whatever becomes of an order is told in an alert.
function refuse(reason: Reason, digest: usize): Reason {
  downloadReset();
  offerBegin();
  wantRefusal(reason);
  if (digest === 0) return reason; // nobody can be held to it
  const known = auditTold(reason, digest);
  const ends = reason === Reason.Denied && asks(About.Download, digest); // what ends something costs nothing: wear.ts
  if (!ends && ((known && !orderWaits(digest)) || wearPay(COST_COMMIT, false) !== Reason.Ok)) return reason;
  if (!known) auditDecision(Audit.Refused, reason, digest, facts.installedSequence, manifest.sequence, null);
  if (orderWaits(digest)) orderRefuse(reason, digest);
  if (ends) move(Event.Refuse, reason, 0);
  floorsStage();
  handCommit();
  return reason;
}

function accept(verdict: Verdict, digest: usize): Reason {
  const poor = wearPay(COST_DOWNLOAD, isApproved(verdict));
  if (poor !== Reason.Ok) return refuse(poor, 0);
  const moved = move(Event.Accept, verdict === Verdict.Install ? Reason.Ok : verdictReason(), digest);
  if (moved !== Reason.Ok) return refuse(moved, 0);
  orderBind(digest);
  hand.approved = u16(isApproved(verdict));
  hand.lines = lines;
  session.headBytes = offerHeadBytes();
  session.eraseCount = ++hand.eraseCount;
  sessionStage();
  pagesBegin(hand.eraseCount, lines);
  floorsStage();
  let reason = handCommit();
  if (reason === Reason.Ok) reason = residentCount();
  if (reason === Reason.Ok) reason = keepHead();
  if (reason === Reason.Ok) reason = offerAccept();
  if (reason !== Reason.Ok) return end(reason);
  pagesHold(hand.eraseCount);
  return Reason.Ok;
}

function keepHead(): Reason {
  const reason = placeErase(Place.Staged, imageBytesMax(), headPages());
  if (reason !== Reason.Ok) return reason;
  return placeWrite(Place.Staged, imageBytesMax(), HEAD, Unit.up(session.headBytes));
}

// The payload is whole and is the one that the manifest names: 30, then 40 and 50 at once.
function finish(): Reason {
  const reason = pagesFlush();
  if (reason !== Reason.Ok) return end(reason);
  active = false;
  packageDescribe(pack, verdictDigest(), session.headBytes);
  move(Event.Whole, hand.reason, 0);
  hand.lines = lines;
  packageStage(pack, Key.Staged);
  auditStage(Audit.Downloaded, hand.reason, digestOf(pack));
  if (order.operation === <u32>Operation.Download) alertStage(order, Reason.Ok, Operation.Download);
  return handCommit();
}

// The session ends in a fault. If it had begun to change the slot, that is state 20.
function end(reason: Reason): Reason {
  const began = session.headBytes !== 0 && hand.state === <u32>State.Downloading;
  downloadReset();
  offerBegin();
  if (!began) {
    wantRefusal(reason);
    return reason;
  }
  pagesHold(0);
  auditStage(Audit.DownloadFailed, reason, digestInHand());
  move(Event.Break, reason, 0);
  handCommit();
  return reason;
}

// --- After an interruption ---

// Tries to go on with the session in flash. NothingStaged: there is none that is meant; nothing is lost but time.
function resume(link: i32): Reason {
  if (hand.state !== <u32>State.Downloading || !sessionLoad() || !pagesMount(hand.eraseCount))
    return Reason.NothingStaged;
  if (!sessionIsStored() || stored.headBytes > HEAD_BYTES_MAX) return Reason.NothingStaged;
  if (placeRead(Place.Staged, imageBytesMax(), HEAD, stored.headBytes) !== Reason.Ok) return Reason.NothingStaged;
  if (offerResume(stored.headBytes) !== Reason.Ok) return Reason.NothingStaged;
  const verdict = judge();
  if (verdictDigest() === 0 || compare(verdictDigest(), digestInHand(), 32) !== 0) return Reason.NothingStaged;
  session.headBytes = stored.headBytes;
  if (verdict === Verdict.Reject) return end(verdictReason());
  lines = progress.lines | lineOf(link);
  return mayStart(verdict, digestInHand()) ? goOn(verdict) : wait(verdictReason(), digestInHand());
}

// Goes on behind what stands in flash, of the same package, and is paid for before a page is erased again. The head was judged.
function goOn(verdict: Verdict): Reason {
  const broken = !pagesUnbroken(hand.eraseCount);
  const poor = broken ? wearPay(COST_DOWNLOAD, isApproved(verdict)) : Reason.Ok;
  if (poor !== Reason.Ok) return refuse(poor, 0);
  const asked = asks(About.Download, digestInHand());
  if (asked) move(Event.Answer, hand.reason, 0); // nobody needs to be asked any more
  const paid = broken || asked ? handCommit() : Reason.Ok;
  if (paid !== Reason.Ok) return paid;
  session.headBytes = stored.headBytes;
  session.eraseCount = stored.eraseCount;
  pagesHold(hand.eraseCount);
  if (offerAccept() !== Reason.Ok || !pagesFeed(manifest.imageBytes)) return end(Reason.FlashRead);
  if (offerPhase() === Offer.Failed) return end(offerFault());
  offset = offerHeadBytes() + pagesWritten();
  return offerPhase() === Offer.Complete ? finish() : Reason.Ok;
}

// Clears the secondary slot on demand: whatever was known of its contents is void. On an idle device, nothing to do.
export function downloadClear(): Reason {
  if (updating()) return Reason.WrongState;
  // Anybody may clear what anybody may bring; not the image that comes back if what runs is denied.
  if (hand.state === <u32>State.Successful && packageLoad(pack, Key.Previous)) return Reason.WrongState;
  downloadReset();
  offerBegin();
  if (hand.state === <u32>State.Idle && !questionOpen(question)) return Reason.Ok;
  const poor = wearPay(COST_COMMIT, false);
  if (poor !== Reason.Ok) return poor;
  move(Event.Clear, Reason.Ok, 0);
  hand.eraseCount++;
  return handCommit();
}

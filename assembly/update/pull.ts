// The pull: the device asks for the blocks of a package itself, over the line that its order came on, as it can take them.
//
//   an order that names a digest                 fetched from the first block on
//   a reset in 30, while it was being fetched    goes on behind what stands in flash, over the same line
//
//   an offer of what is being pushed             the rest of it, up to where whoever has it wants to push again
//
//   asks     the next blocks, up to a window beyond the one wanted next, and never past the last one; as long as the length of
//            the package is not known, the first block alone
//   again    what does not come: after PAUSE_MS, twice as long each time up to PAUSE_MS_MAX, and a little more by chance
//   a line   (the console) brings the head by single blocks, then, when all pages are erased, blocks that begin behind the head and
//            come back to back. Half a window before the end, the next request is sent: two are under way, and the line is never
//            idle. Blocks keep their order there, so one that comes tells which are lost: those are in the next request. After a
//            pause as the blocks had none, all that is missing is asked for. A block with less than its bytes is coded (encoded.ts)
//   waits    while somebody is asked whether it may be downloaded; a yes goes on, anything else ends it. When approvals change,
//            the head is fetched and judged again meanwhile: one that is approved now goes on without an answer
//   ends     with the order that it is for, or when the package is no longer on its way
//
// Blocks may come from anybody. They are taken as an upload takes its bytes (download.ts): in order, on this line only, and
// only what was asked for. The package has to be the one that was named. The line is kept with the session in flash.

import { compare } from '../codec/bytes';
import { PIECE } from '../flash/flash';
import { imageBytesMax } from '../flash/slots';
import { storeDamaged, storeLength, storeReadPart, storeSettle } from '../flash/store';
import { HEAD_BYTES_MAX } from '../package/head';
import { Answer, questionOpen } from '../policy/consent';
import { DELTA } from '../profile';
import { Reason } from '../reason';
import {
  downloadAhead,
  downloadErase,
  downloadFetch,
  downloadFetches,
  downloadHeadBytes,
  downloadLength,
  downloadOffset,
  downloadPush,
  downloadTakes,
} from './download';
import { NONCE } from './effects';
import { encodedBlock, runningForget } from './encoded';
import { About, agreedTo, digestInHand, hand, question } from './hand';
import { State, updating } from './machine';
import { orderWaits } from './order';
import { BLOCK_BYTES, pagesEarly, pagesWritten } from './pages';
import { asks } from './question';
import { inputIsLost } from './rooms';
import { downloadLengthLeft, downloadLineLeft } from './session';

const WINDOW_BYTES: u32 = 16_384; // 32 blocks: a bit for each
const CONSOLE: u32 = 1; // link + 1

const PAUSE_MS: u32 = 2_000;
const PAUSE_MS_MAX: u32 = 64_000;
const PAUSE_MS_MIN: u32 = 80; // on a line, and four times what lay between two blocks: a host may be busy for a moment

const DIGEST_BYTES: u32 = 32;

// Is somebody asked whether it may be downloaded?
const enum Questioned {
  No = 0,
  Waits = 1,
  Looks = 2, // while the head is judged again
}

@unmanaged
class Pull {
  line: u32; // link + 1 that the blocks come over, 0: nothing is fetched
  from: u32; // of the upload file: what the last request asks for begins here
  asked: u32; // and ends here
  quietMs: u32; // since a block was taken, or asked for again
  pauseMs: u32; // so long nothing has to come before it is asked for again
  until: u32; // of what was offered: the end; 0: an order's package, all of it
  missing: u32; // on a line, bit n: the nth block of the last request is waited for
  earlier: u32; // the same, of the request before it, whose blocks come first
  earlierFrom: u32;
  head: u32; // bytes of the head that the last request, or the offer, was made behind: blocks lie elsewhere behind another one
  questioned: Questioned;
  digest: u64; // of the manifest, DIGEST_BYTES
  digest1: u64;
  digest2: u64;
  digest3: u64;
}

const pull = changetype<Pull>(memory.data(offsetof<Pull>(), 8));
const DIGEST: usize = changetype<usize>(pull) + offsetof<Pull>('digest');
const NAMED: usize = memory.data(DIGEST_BYTES, 8);

// After a reset.
export function pullMount(): void {
  pullBegin(downloadLineLeft(), digestInHand());
}

// --- What is fetched ---

const HEX_BYTES: u32 = 64;
const RAW: u32 = 0x7761722f; // "/raw", the encoding

// The digest that the PkgURL stored under `key` names: its last segments are the digest in hex and "raw". 0: none.
export function pullNamed(key: u32): usize {
  const tail: i32 = HEX_BYTES + 4;
  const length = storeLength(key);
  if (length < tail || storeReadPart(key, length - tail, PIECE, tail) !== tail) return 0;
  if (load<u32>(PIECE, HEX_BYTES) !== RAW) return 0;
  for (let i: u32 = 0; i < DIGEST_BYTES; i++) {
    const high = digit(load<u8>(PIECE + 2 * i));
    const low = digit(load<u8>(PIECE + 2 * i + 1));
    if (max(high, low) > 15) return 0;
    store<u8>(NAMED + i, (high << 4) | low);
  }
  return NAMED;
}

function digit(character: u32): u32 {
  if (character - 0x30 < 10) return character - 0x30;
  return character - 0x61 < 6 ? character - 0x57 : 16;
}

// From now on that package is fetched; what was fetched before is not. in: link + 1 and the digest, one of them 0: nothing is
export function pullBegin(line: u32, digest: usize): void {
  memory.fill(changetype<usize>(pull), 0, offsetof<Pull>());
  if (DELTA) runningForget();
  if (line === 0 || digest === 0) return;
  pull.line = line;
  memory.copy(DIGEST, digest, DIGEST_BYTES);
}

// The same, unless exactly that is fetched already, over this line.
export function pullResume(line: u32, digest: usize): void {
  if (digest === 0 || (pull.line === line && pull.until === 0 && compare(DIGEST, digest, DIGEST_BYTES) === 0)) return;
  pullBegin(line, digest);
}

// Who pushes the package with this digest over that link has the bytes up to `until` ready to be asked for. What an order has
// fetched stays with the order.
export function pullOffered(link: i32, digest: usize, until: u32): Reason {
  if (!downloadTakes(digest) || until > downloadLength() || (pull.line !== 0 && pull.until === 0))
    return Reason.WrongState;
  pullBegin(link + 1, digest);
  pull.until = until;
  pull.head = downloadHeadBytes();
  pull.pauseMs = PAUSE_MS;
  return Reason.Ok;
}

function isOnItsWay(): bool {
  return hand.state === <u32>State.Downloading && compare(digestInHand(), DIGEST, DIGEST_BYTES) === 0;
}

function isWanted(): bool {
  if (pull.until !== 0) return downloadTakes(DIGEST) && pull.head === downloadHeadBytes();
  return pull.line !== 0 && !storeDamaged() && !updating() && (orderWaits(DIGEST) || isOnItsWay());
}

// --- Requests ---

// Time passes. The line that blocks are to be asked for on now, < 0: none; pullFrom and pullBytes say which.
export function pullTick(milliseconds: u32): i32 {
  if (!isWanted()) pullBegin(0, 0);
  if (pull.line === 0) return -1;
  if (asks(About.Download, DIGEST)) {
    // Asked before we began to fetch it: what was approved since is looked at.
    if (pull.questioned === Questioned.No) pull.questioned = pull.asked === 0 ? Questioned.Looks : Questioned.Waits;
  } else if (pull.questioned !== Questioned.No) answered();
  if (pull.questioned === Questioned.Waits || pull.line === 0) return -1;
  pull.quietMs += milliseconds;
  return isLine() ? askLine() : askWindow();
}

// Behind a head that was accepted, on a line: where nothing was offered, one that was fetched. In a file with another head, whoever
// pushed that, blocks lie elsewhere.
export function isLine(): bool {
  if (!downloadTakes(DIGEST)) return false;
  return pull.until !== 0 || (pull.line === CONSOLE && downloadFetches(DIGEST));
}

function askWindow(): i32 {
  if (pull.quietMs >= pull.pauseMs) again();
  const known = downloadFetches(DIGEST);
  const window = pull.line === CONSOLE ? BLOCK_BYTES : WINDOW_BYTES;
  const at = known ? downloadOffset() & ~(BLOCK_BYTES - 1) : 0;
  const from = max(pull.asked, at);
  const end = known ? min(at + window, (downloadLength() + BLOCK_BYTES - 1) & ~(BLOCK_BYTES - 1)) : BLOCK_BYTES;
  if (from >= end || from - at > window / 2) return -1;
  pull.from = from;
  pull.asked = end;
  return pull.line - 1;
}

const SOON: u32 = 0x1ffff; // blocks for which a request is sent: a half window and one more

// What was offered ends with a request for nothing.
function askLine(): i32 {
  if ((pull.missing | pull.earlier) !== 0 && pull.quietMs >= pull.pauseMs) pause();
  const at = downloadOffset();
  const last = pull.until !== 0 ? min(pull.until, downloadLength()) : downloadLength();
  if (at >= last) {
    const told = pull.from === last;
    if (pull.until === 0) return -1;
    if (told) pullBegin(0, 0);
    else request(last, last, 0);
    return told ? -1 : pull.line - 1;
  }
  if (pull.earlier !== 0 || !downloadErase(last)) return -1; // two are under way, or it is not erased yet, or over
  const head = downloadHeadBytes();
  const from = head + ((at - head) & ~(BLOCK_BYTES - 1));
  const end = min(from + WINDOW_BYTES, last);
  const blocks = (end - from + BLOCK_BYTES - 1) / BLOCK_BYTES;
  const gone = (from - pull.from) / BLOCK_BYTES; // from the last request's beginning
  const waited = gone < 32 ? pull.missing >>> gone : 0;
  const want = (u32.MAX_VALUE >>> (32 - blocks)) & ~pagesEarly() & ~waited;
  if ((want & SOON) === 0) return -1;
  request(from, end, want);
  return pull.line - 1;
}

function request(from: u32, end: u32, want: u32): void {
  pull.earlier = pull.missing;
  pull.earlierFrom = pull.from;
  pull.head = downloadHeadBytes();
  pull.from = from;
  pull.asked = end;
  pull.missing = want;
  pull.quietMs = 0;
}

// A yes to this package goes on, and is looked at again with its head; whatever else became of the question ends it.
function answered(): void {
  pull.questioned = Questioned.No;
  pull.pauseMs = 0;
  if (agreedTo(About.Download, DIGEST, 0, Reason.AwaitingUser) !== Answer.Yes) pullBegin(0, 0);
}

// Approvals changed.
export function pullReview(): void {
  if (pull.line === 0 || !asks(About.Download, DIGEST)) return;
  pull.questioned = Questioned.Looks;
  pull.pauseMs = 0;
}

// A fleet that lost its broker does not come back in one moment. What a byte of the next nonce gives away leaves 15.
function pause(): void {
  pull.quietMs = 0;
  pull.pauseMs = pull.pauseMs === 0 ? PAUSE_MS : min(2 * pull.pauseMs, PAUSE_MS_MAX) + ((<u32>load<u8>(NONCE)) << 2);
  pull.missing = 0;
  pull.earlier = 0;
}

function again(): void {
  pause();
  pull.asked = 0;
  // What stands in flash need not come again.
  if (isOnItsWay() && !downloadFetches(DIGEST)) {
    const reason = downloadFetch(pull.line, downloadLengthLeft(), DIGEST);
    if (pull.questioned === Questioned.Looks) looked(reason);
  }
}

export function pullDigest(): usize {
  return DIGEST;
}

export function pullFrom(): u32 {
  return pull.from;
}

export function pullBytes(): u32 {
  return pull.asked - pull.from;
}

// Bit n: the nth block from there on; 0: all of them, or nothing.
export function pullMissing(): u32 {
  return pull.missing;
}

// On a line, what a coded block may refer to: up to there the upload file is in flash.
export function pullKnown(): u32 {
  return downloadHeadBytes() + pagesWritten();
}

// Is the request before it still being answered?
export function pullFollows(): bool {
  return pull.earlier !== 0;
}

// The number of the request, and that of its first block: where an answer does not say which it is, its number does.
export function pullSequence(): u32 {
  return pull.from / BLOCK_BYTES;
}

export function pullOffsetOf(sequence: u32): u32 {
  return pull.from + <u32>(<i8>(sequence - pullSequence()) * <i32>BLOCK_BYTES); // it may be one of the request before
}

// --- Blocks ---

// A block, `bytes` of the upload file of `length` bytes from `offset` on. True if it was the one wanted next.
export function pullTake(link: i32, offset: u32, length: u32, from: usize, bytes: u32): bool {
  if (
    pull.line !== <u32>link + 1 ||
    pull.questioned === Questioned.Waits ||
    offset >= pull.asked ||
    bytes > BLOCK_BYTES
  )
    return false;
  if (isLine()) return takeLine(link, offset, from, bytes, false);
  if (length === 0 || length > imageBytesMax() + HEAD_BYTES_MAX || !isWanted() || storeSettle() !== Reason.Ok)
    return false;
  const begun = downloadFetches(DIGEST);
  if (!begun || length !== downloadLength()) {
    // Nobody signed how long the file is: what was begun with another length, by whoever, is begun anew where it stands still.
    if (begun) {
      if (pull.pauseMs <= PAUSE_MS) return false;
      pull.pauseMs = PAUSE_MS;
      pull.asked = 0;
    }
    if (downloadFetch(pull.line, length, DIGEST) !== Reason.Ok) return false;
  }
  const skipped = downloadOffset() - offset;
  if (skipped >= bytes || inputIsLost()) return false;
  const reason = push(link, skipped, from, bytes);
  if (pull.questioned === Questioned.Looks) looked(reason);
  pull.quietMs = 0;
  pull.pauseMs = PAUSE_MS;
  return true;
}

// Codes against the image that runs, of blocks that make `length` bytes of the upload file: before each but the last one stands its
// length, one byte. One that is none is lost, the others are not.
export function pullCodes(link: i32, offset: u32, length: u32, from: usize, bytes: u32): bool {
  if (pull.line !== <u32>link + 1 || pull.questioned === Questioned.Waits) return false;
  if (bytes > BLOCK_BYTES || length > WINDOW_BYTES) return false;
  const end = from + bytes;
  let taken = false;
  while (length !== 0 && offset < pull.asked && isLine()) {
    const whole = min(BLOCK_BYTES, pull.asked - offset);
    let code = <u32>(end - from);
    if (length > whole) {
      if (code === 0) break;
      code = min(code - 1, load<u8>(from++));
    }
    if (code < whole && takeLine(link, offset, from, code, true)) taken = true;
    from += code;
    offset += whole;
    length -= min(length, whole);
  }
  return taken;
}

// `delta`: as encoded.ts
function takeLine(link: i32, offset: u32, from: usize, bytes: u32, delta: bool): bool {
  const block = offset - pull.from;
  if (pull.head !== downloadHeadBytes()) return false; // it was asked for behind another head
  const whole = min(BLOCK_BYTES, pull.asked - offset);
  if (block % BLOCK_BYTES !== 0 || bytes > whole) return false;
  if (inputIsLost() || storeSettle() !== Reason.Ok) return false;
  if (bytes < whole) {
    from = encodedBlock(from, bytes, offset - downloadHeadBytes(), whole, delta);
    if (from === 0) return false; // as if it had been lost
    bytes = whole;
  }
  const earlier = (offset - pull.earlierFrom) / BLOCK_BYTES;
  const latest = block / BLOCK_BYTES;
  const isEarlier = waitedFor(pull.earlier, earlier);
  if (isEarlier || waitedFor(pull.missing, latest)) {
    if (isEarlier) pull.earlier &= behind(earlier);
    else {
      pull.earlier = 0;
      pull.missing &= behind(latest);
    }
    pull.pauseMs = min(PAUSE_MS, max(PAUSE_MS_MIN + 4 * pull.quietMs, pull.pauseMs - pull.pauseMs / 8));
    pull.quietMs = 0; // no other block puts off that what is missing is asked for again
  }
  const skipped = downloadOffset() - offset;
  if (offset > downloadOffset()) return downloadAhead(link, offset, from, bytes) === Reason.Ok;
  return skipped < bytes && push(link, skipped, from, bytes) === Reason.Ok;
}

function waitedFor(blocks: u32, block: u32): bool {
  return block < 32 && ((blocks >>> block) & 1) !== 0;
}

// A block has come: those before it are lost.
function behind(block: u32): u32 {
  return (u32.MAX_VALUE << block) << 1;
}

function push(link: i32, skipped: u32, from: usize, bytes: u32): Reason {
  return downloadPush(link, from + skipped, bytes - skipped);
}

// It was judged, and is still asked about, or is on its way. What was no head of it is asked for again.
function looked(reason: Reason): void {
  if (reason === Reason.AwaitingUser) pull.questioned = Questioned.Waits;
  else if (downloadFetches(DIGEST) && !questionOpen(question)) pull.questioned = Questioned.No;
}

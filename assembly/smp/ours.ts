// Our group (64): the management tree, the question, the log, the alert. Its numbers are Reason, in both versions.
//
//   0 get      read   {"uri", "off"?}                 {"fmt", "len", "off", "data"}
//   1 put      write  {"uri", "off", "len", "data"}   {"off": next}            "len" at off 0
//   2 delete   write  {"uri"}                         {}
//   3 exec     write  {"uri", "corr"?, "hash"?}       {}                       accepted; the result is an alert. "hash" names a
//              package by the digest of its manifest: the device fetches it (7) over the line that this came on
//   4 consent  read   {}                              {"pending", …}           write {"answer": COSE_Sign1} -> {}
//              when none is pending, "digest" and "reason" say how the last one ended
//   5 log      read   {"from"}                        {"next", "hash", "recs"}   hash of the newest record of all
//   6 alert    read   {}                              {"n", "type", "uri", "result", "reason", "corr"?}
//   7 block    read   {"digest", "off", "len"}        {"off", "len", "data"}   asked by the device: bytes off to off + len of
//              the upload file of a package; each answer is one block of 512 bytes, the last one less, "len" that of the file
//              {…, "want", "lz"}                      {"data"}                 the same over a line, blocks from off on: bit n is
//              set if block n is wanted. Its answer has the sequence number of the request, and n more
//              {…, "from"}                            {"len", "data"}          with DELTA: the digest of the image that runs, which
//              codes may refer to; such an answer gives len bytes of the file, in the codes of as many blocks (update/pull.ts)
//              {…, "n"}                               {"data"}                 with LARGE: so many blocks that follow each other may stand
//              in one answer, none of them coded
//              write  {"hash", "len"}                 {}                       whoever pushes that package has it up to len ready
//              to be asked for; where the device has all of that, it asks for 0 bytes

import { anchorAt } from '../approval/anchors';
import { identity } from '../approval/bootstrap';
import { Type, writing } from '../codec/cbor';
import { PACKET_BYTES_MAX } from '../codec/frame';
import { Key } from '../flash/keys';
import { storeLength, storeReadPart } from '../flash/store';
import { digestAsked, NONCE_BYTES, nonceAsked, questionLeftSeconds, questionOpen } from '../policy/consent';
import { DELTA, LARGE } from '../profile';
import { Reason } from '../reason';
import { putOffset, treeDelete, treeExec, treePut } from '../tree/commands';
import { Format, GET, Node, nodeAllows, nodeFind, nodeFormat } from '../tree/nodes';
import { valueBytes, valueOpen, valueRead } from '../tree/values';
import { ALERT_CORRELATOR, alert } from '../update/alert';
import { AUDIT_RECORD_BYTES_MAX, auditCount, auditHash, auditKey, auditOldest } from '../update/audit';
import { runningImage } from '../update/encoded';
import { hand, question } from '../update/hand';
import { nameBytes, nameOf, other, pack, packageLoad, versionBytes, versionOf } from '../update/packages';
import { BLOCK_BYTES } from '../update/pages';
import {
  isLine,
  pullBytes,
  pullCodes,
  pullDigest,
  pullFollows,
  pullFrom,
  pullKnown,
  pullMissing,
  pullOffered,
  pullOffsetOf,
  pullSequence,
  pullTake,
} from '../update/pull';
import { answerBySignature, questionEnded, questionPackage, questionSigner } from '../update/question';
import {
  done,
  Group,
  OK,
  ours,
  replyBytes,
  replyHead,
  replyMap,
  replyNumber,
  replyText,
  replyTruth,
  replyWord,
} from './reply';
import { addressOf, Field, has, lengthOf, numberOf } from './request';
import * as words from './words';

const DATA_BYTES_MAX: u32 = 512; // of one get; with the rest of the map it fits a packet
const RECORDS_MAX: u32 = 8; // of one log read, as far as they fit a packet
const TAIL_BYTES_MAX: u32 = 56; // next and hash, behind them
const DIGEST_BYTES: u32 = 32;

function target(): Node {
  return has(Field.Uri, Type.Text) ? nodeFind(addressOf(Field.Uri), lengthOf(Field.Uri)) : Node.None;
}

export function oursGet(): i32 {
  const node = target();
  if (node === Node.None) return ours(Reason.NoSuchNode);
  if (!nodeAllows(node, GET)) return ours(Reason.NotPermitted);
  const reason = valueOpen(node);
  if (reason !== Reason.Ok) return ours(reason);
  const off = numberOf(Field.Off, 0);
  if (off > valueBytes()) return ours(Reason.WrongOffset);
  const bytes = min(valueBytes() - off, DATA_BYTES_MAX);
  replyMap(4);
  replyWord(words.FMT);
  replyWord(formatWord(nodeFormat(node)));
  replyNumber(words.LEN, valueBytes());
  replyNumber(words.OFF, off);
  replyWord(words.DATA);
  writing.head(Type.Bytes, bytes);
  if (writing.at + bytes > writing.end) return ours(Reason.Internal);
  if (bytes && valueRead(off, writing.at, bytes) !== <i32>bytes) return ours(Reason.FlashRead);
  writing.at += bytes;
  return OK;
}

function formatWord(format: Format): u32 {
  switch (format) {
    case Format.Int:
      return words.INT;
    case Format.Chr:
      return words.CHR;
    case Format.Bin:
      return words.BIN;
    case Format.Bool:
      return words.BOOL;
    default:
      return words.NODE;
  }
}

export function oursPut(link: i32): i32 {
  const node = target();
  if (node === Node.None) return ours(Reason.NoSuchNode);
  if (!has(Field.Off, Type.Uint) || !(has(Field.Data, Type.Bytes) || has(Field.Data, Type.Text))) {
    return ours(Reason.RequestMalformed);
  }
  const off = numberOf(Field.Off, 0);
  if (off === 0 && !has(Field.Len, Type.Uint)) return ours(Reason.RequestMalformed);
  const reason = treePut(link, node, off, numberOf(Field.Len, 0), addressOf(Field.Data), lengthOf(Field.Data));
  if (reason !== Reason.Ok) return ours(reason);
  replyMap(1);
  replyNumber(words.OFF, putOffset());
  return OK;
}

export function oursDelete(): i32 {
  const node = target();
  const reason = node === Node.None ? Reason.NoSuchNode : treeDelete(node);
  return reason === Reason.Ok ? done() : ours(reason);
}

export function oursExec(link: i32): i32 {
  const node = target();
  if (node === Node.None) return ours(Reason.NoSuchNode);
  const given = has(Field.Corr, Type.Text);
  const named = has(Field.Hash, Type.Bytes) && lengthOf(Field.Hash) === DIGEST_BYTES ? addressOf(Field.Hash) : 0;
  const reason = treeExec(link, node, given ? addressOf(Field.Corr) : 0, given ? lengthOf(Field.Corr) : 0, named);
  return reason === Reason.Ok ? done() : ours(reason);
}

// --- The question ---

export function oursQuestion(): i32 {
  if (!questionOpen(question)) {
    replyMap(questionEnded() ? 3 : 1);
    replyTruth(words.PENDING, false);
    if (!questionEnded()) return OK;
    replyBytes(words.DIGEST, digestAsked(question), 32);
    replyNumber(words.REASON, hand.why);
    return OK;
  }
  questionPackage(pack);
  const running = packageLoad(other, Key.Primary);
  const signer = questionSigner();
  const signed = signer >= 0 && anchorAt(signer).kid !== 0;
  replyMap(8 + u32(running) + u32(signed));
  replyTruth(words.PENDING, true);
  replyBytes(words.DIGEST, digestAsked(question), 32);
  replyBytes(words.NONCE, nonceAsked(question), NONCE_BYTES);
  replyBytes(words.DEVICE, identity.deviceId, identity.deviceIdBytes);
  replyText(words.NAME, nameOf(pack), nameBytes(pack));
  replyText(words.VERSION, versionOf(pack), versionBytes(pack));
  if (running) {
    replyText(words.FROM, versionOf(other), versionBytes(other));
  }
  if (signed) {
    replyBytes(words.SIGNER, anchorAt(signer).kid, anchorAt(signer).kidBytes);
  }
  replyNumber(words.REASON, hand.why);
  replyNumber(words.LEFT, questionLeftSeconds(question));
  return OK;
}

export function oursAnswer(): i32 {
  if (!has(Field.Answer, Type.Bytes)) return ours(Reason.RequestMalformed);
  const reason = answerBySignature(addressOf(Field.Answer), lengthOf(Field.Answer));
  return reason === Reason.Ok ? done() : ours(reason);
}

// --- The log ---

// A record that is not there, or is none of ours, is an empty string: its neighbours are told all the same.
export function oursLog(): i32 {
  const first = max(numberOf(Field.From, 0), auditOldest());
  const end = min(auditCount(), first + RECORDS_MAX);
  let next = first;
  replyMap(3);
  replyWord(words.RECS);
  const head = writing.at;
  writing.array(0);
  const last = writing.end - AUDIT_RECORD_BYTES_MAX - TAIL_BYTES_MAX;
  for (; next < end && writing.at <= last; next++) {
    let bytes = storeLength(auditKey(next));
    if (bytes < 0 || bytes > <i32>AUDIT_RECORD_BYTES_MAX) bytes = 0;
    writing.head(Type.Bytes, bytes);
    if (bytes && storeReadPart(auditKey(next), 0, writing.at, bytes) !== bytes) return ours(Reason.FlashRead);
    writing.at += bytes;
  }
  if (next > first) store<u8>(head, 0x80 | (next - first)); // few: the head is one byte
  replyNumber(words.NEXT, next > first ? next : end);
  replyBytes(words.HASH, auditHash(), 32);
  return OK;
}

// --- The alert ---

export function oursAlert(): i32 {
  replyMap(alert.count ? (alert.correlatorBytes ? 6 : 5) : 1);
  replyNumber(words.N, alert.count);
  if (alert.count === 0) return OK;
  replyNumber(words.TYPE, alert.operation);
  replyWord(words.URI);
  replyWord(words.OBJECT);
  replyNumber(words.RESULT, alert.result);
  replyNumber(words.REASON, alert.reason);
  if (alert.correlatorBytes) {
    replyText(words.CORR, ALERT_CORRELATOR, alert.correlatorBytes);
  }
  return OK;
}

// The same as a packet of its own, op write: sent unasked when there is a result. Returns its length.
export function alertPacket(): u32 {
  oursAlert();
  return replyHead(0x0a, writing.written(), Group.Ours, alert.count, 6);
}

// --- Blocks that the device asks for ---

export const BLOCK: u32 = 7;
const PACKET_BLOCKS: u32 = PACKET_BYTES_MAX / BLOCK_BYTES; // what is left takes header and heads

// The request, version 2, op read, and its length. One that follows another that is being answered is about the same package.
export function blockRequest(): u32 {
  const follows = pullFollows();
  const running: usize = DELTA && !follows && pullMissing() ? runningImage() : 0;
  replyMap((pullMissing() ? (LARGE ? 6 : 5) : 3) - <u32>follows + u32(running !== 0));
  if (!follows) {
    replyBytes(words.DIGEST, pullDigest(), 32);
  }
  replyNumber(words.OFF, pullFrom());
  replyNumber(words.LEN, pullBytes());
  if (pullMissing()) {
    replyNumber(words.WANT, pullMissing());
    replyNumber(words.LZ, pullKnown());
    if (DELTA && running) {
      replyBytes(words.FROM, running, 32);
    }
    if (LARGE) replyNumber(words.N, PACKET_BLOCKS);
  }
  return replyHead(0x08, writing.written(), Group.Ours, pullSequence(), BLOCK);
}

// One of the answers to it. True if it was taken.
export function oursBlock(link: i32, sequence: u32): bool {
  if (!has(Field.Data, Type.Bytes)) return false;
  const offset = numberOf(Field.Off, pullOffsetOf(sequence));
  if (DELTA && has(Field.Len, Type.Uint) && !has(Field.Off, Type.Uint))
    return pullCodes(link, offset, numberOf(Field.Len, 0), addressOf(Field.Data), lengthOf(Field.Data));
  if (LARGE && isLine() && lengthOf(Field.Data) > BLOCK_BYTES) return eachBlock(link, offset);
  return pullTake(link, offset, numberOf(Field.Len, 0), addressOf(Field.Data), lengthOf(Field.Data));
}

// Blocks that follow each other, uncoded. True if one of them was the one wanted next.
function eachBlock(link: i32, offset: u32): bool {
  const bytes = lengthOf(Field.Data);
  let taken = false;
  for (let at: u32 = 0; at < bytes; at += BLOCK_BYTES)
    if (pullTake(link, offset + at, 0, addressOf(Field.Data) + at, min(BLOCK_BYTES, bytes - at))) taken = true;
  return taken;
}

export function oursOffer(link: i32): i32 {
  if (!has(Field.Hash, Type.Bytes) || lengthOf(Field.Hash) !== DIGEST_BYTES || numberOf(Field.Len, 0) === 0)
    return ours(Reason.RequestMalformed);
  const reason = pullOffered(link, addressOf(Field.Hash), numberOf(Field.Len, 0));
  return reason === Reason.Ok ? done() : ours(reason);
}

// Our group (64): the management tree, the question, the log, the alert. Its numbers are Reason, in both versions.
//
//   0 get      read   {"uri", "off"?}                 {"fmt", "len", "off", "data"}
//   1 put      write  {"uri", "off", "len", "data"}   {"off": next}            "len" at off 0
//   2 delete   write  {"uri"}                         {}
//   3 exec     write  {"uri", "corr"?: text}          {}                       accepted; the result is an alert
//   4 consent  read   {}                              {"pending", …}           write {"answer": COSE_Sign1} -> {}
//              when none is pending, "digest" and "reason" say how the last one ended
//   5 log      read   {"from"}                        {"next", "hash", "recs"}   hash of the newest record of all
//   6 alert    read   {}                              {"n", "type", "uri", "result", "reason", "corr"?}

import { anchorAt } from '../approval/anchors';
import { identity } from '../approval/bootstrap';
import { Type } from '../codec/cbor';
import { Key } from '../flash/keys';
import { storeLength, storeReadPart } from '../flash/store';
import { NONCE_BYTES, questionDigest, questionLeftSeconds, questionNonce, questionPending } from '../policy/consent';
import { Reason } from '../reason';
import { putOffset, treeDelete, treeExec, treePut } from '../tree/commands';
import { Format, GET, Node, nodeAllows, nodeFind, nodeFormat } from '../tree/nodes';
import { valueBytes, valueOpen, valueRead } from '../tree/values';
import { ALERT_CORRELATOR, alert } from '../update/alert';
import { answerBySignature } from '../update/answer';
import { AUDIT_RECORD_BYTES_MAX, auditCount, auditHash, auditKey, auditOldest } from '../update/audit';
import {
  NAME_BYTES_MAX,
  nameOf,
  other,
  pack,
  packageLoad,
  textBytes,
  VERSION_BYTES_MAX,
  versionOf,
} from '../update/packages';
import { questionEnded, questionPackage, questionSigner, questionSubject, questionWhy } from '../update/question';
import { done, Group, HEADER_BYTES, OK, ours, REPLY, replyMap, writer } from './reply';
import { addressOf, Field, has, lengthOf, numberOf } from './request';
import * as words from './words';

const DATA_BYTES_MAX: u32 = 512; // of one get; with the rest of the map it fits a packet
const RECORDS_MAX: u32 = 5; // of one log read: with AUDIT_RECORD_BYTES_MAX each they fit a packet

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
  const map = replyMap(4);
  map.word(words.FMT);
  map.word(formatWord(nodeFormat(node)));
  map.word(words.LEN);
  map.uint(valueBytes());
  map.word(words.OFF);
  map.uint(off);
  map.word(words.DATA);
  map.head(Type.Bytes, bytes);
  if (map.at + bytes > map.end) return ours(Reason.Internal);
  if (bytes && valueRead(off, map.at, bytes) !== <i32>bytes) return ours(Reason.FlashRead);
  map.at += bytes;
  return OK;
}

function formatWord(format: Format): u64 {
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
  const map = replyMap(1);
  map.word(words.OFF);
  map.uint(putOffset());
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
  const reason = treeExec(link, node, given ? addressOf(Field.Corr) : 0, given ? lengthOf(Field.Corr) : 0);
  return reason === Reason.Ok ? done() : ours(reason);
}

// --- The question ---

export function oursQuestion(): i32 {
  if (!questionPending()) {
    const map = replyMap(questionEnded() ? 3 : 1);
    map.word(words.PENDING);
    map.boolean(false);
    if (!questionEnded()) return OK;
    map.word(words.DIGEST);
    map.bytes(questionSubject(), 32);
    map.word(words.REASON);
    map.uint(questionWhy());
    return OK;
  }
  questionPackage(pack);
  const running = packageLoad(other, Key.Primary);
  const signer = questionSigner();
  const signed = signer >= 0 && anchorAt(signer).kid !== 0;
  const map = replyMap(8 + u32(running) + u32(signed));
  map.word(words.PENDING);
  map.boolean(true);
  map.word(words.DIGEST);
  map.bytes(questionDigest(), 32);
  map.word(words.NONCE);
  map.bytes(questionNonce(), NONCE_BYTES);
  map.word(words.DEVICE);
  map.bytes(identity.deviceId, identity.deviceIdBytes);
  map.word(words.NAME);
  map.text(nameOf(pack), textBytes(nameOf(pack), NAME_BYTES_MAX));
  map.word(words.VERSION);
  map.text(versionOf(pack), textBytes(versionOf(pack), VERSION_BYTES_MAX));
  if (running) {
    map.word(words.FROM);
    map.text(versionOf(other), textBytes(versionOf(other), VERSION_BYTES_MAX));
  }
  if (signed) {
    map.word(words.SIGNER);
    map.bytes(anchorAt(signer).kid, anchorAt(signer).kidBytes);
  }
  map.word(words.REASON);
  map.uint(questionWhy());
  map.word(words.LEFT);
  map.uint(questionLeftSeconds());
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
  const count = first < end ? end - first : 0;
  const map = replyMap(3);
  map.word(words.NEXT);
  map.uint(first + count);
  map.word(words.HASH);
  map.bytes(auditHash(), 32);
  map.word(words.RECS);
  map.array(count);
  for (let number = first; number < end; number++) {
    let bytes = storeLength(auditKey(number));
    if (bytes < 0 || bytes > <i32>AUDIT_RECORD_BYTES_MAX) bytes = 0;
    map.head(Type.Bytes, bytes);
    if (bytes && storeReadPart(auditKey(number), 0, map.at, bytes) !== bytes) return ours(Reason.FlashRead);
    map.at += bytes;
  }
  return OK;
}

// --- The alert ---

export function oursAlert(): i32 {
  const map = replyMap(alert.count ? (alert.correlatorBytes ? 6 : 5) : 1);
  map.word(words.N);
  map.uint(alert.count);
  if (alert.count === 0) return OK;
  map.word(words.TYPE);
  map.uint(alert.operation);
  map.word(words.URI);
  map.word(words.OBJECT);
  map.word(words.RESULT);
  map.uint(alert.result);
  map.word(words.REASON);
  map.uint(alert.reason);
  if (alert.correlatorBytes) {
    map.word(words.CORR);
    map.text(ALERT_CORRELATOR, alert.correlatorBytes);
  }
  return OK;
}

// The same as a packet of its own, version 2, op write: sent unasked when there is a result. Returns its length.
export function alertPacket(): u32 {
  oursAlert();
  const body = writer.written();
  store<u8>(REPLY, 0x0a);
  store<u8>(REPLY, 0, 1);
  store<u8>(REPLY, body >>> 8, 2);
  store<u8>(REPLY, body, 3);
  store<u8>(REPLY, 0, 4);
  store<u8>(REPLY, Group.Ours, 5);
  store<u8>(REPLY, alert.count, 6);
  store<u8>(REPLY, 6, 7);
  return HEADER_BYTES + body;
}

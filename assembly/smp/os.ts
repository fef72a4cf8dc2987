// OS group (0): what any SMP client asks first.
//
//   0 echo             read, write   {"d": text}          {"r": text}
//   5 reset            write         {}                   {}, then a reset
//   6 parameters       read          {}                   {"buf_size", "buf_count"}
//   7 information      read          {"format"?: text}    {"output": text}
//   8 bootloader       read          {"query"?: "mode"}   {"bootloader": text} | {"mode": 3, "no-downgrade": true}

import { Type, writing } from '../codec/cbor';
import { PACKET_BYTES_MAX, PACKETS_MAX } from '../codec/frame';
import { SCRATCH } from '../scratch';
import { wantRestart } from '../update/effects';
import { installBusy } from '../update/install';
import { done, failure, Group, OK, Rc, replyMap, replyNumber, replyText, replyWord } from './reply';
import { addressOf, Field, has, lengthOf } from './request';
import {
  BOOTLOADER,
  BUF_COUNT,
  BUF_SIZE,
  COUNTERSIGN,
  MODE,
  NO_DOWNGRADE,
  OUTPUT,
  OWN_VERSION,
  R,
  WASM,
  wordSpell,
} from './words';

const enum Os {
  InvalidFormat = 2,
  NoAnswer = 3,
}

const MODE_SWAP_WITHOUT_SCRATCH: u32 = 3;
const text: usize = SCRATCH + 1024; // behind the answer

export function osEcho(): i32 {
  if (!has(Field.D, Type.Text)) return failure(Group.None, Rc.Invalid);
  replyMap(1);
  replyText(R, addressOf(Field.D), lengthOf(Field.D));
  return OK;
}

export function osParameters(): i32 {
  replyMap(2);
  replyNumber(BUF_SIZE, PACKET_BYTES_MAX);
  replyWord(BUF_COUNT);
  writing.uint(PACKETS_MAX);
  return OK;
}

// Reset into the agent, behind the answer.
export function osReset(): i32 {
  if (installBusy()) return failure(Group.None, Rc.Busy); // it resets by itself; each reset on the way costs an erase
  wantRestart();
  return done();
}

export function osInformation(): i32 {
  // The letters of uname: s kernel name, r release, v version, m machine, p processor, o operating system, a all.
  let length: u32 = 0;
  const letters: u32 = has(Field.Format, Type.Text) ? lengthOf(Field.Format) : 0;
  if (letters > 4) return failure(Group.Os, Os.InvalidFormat);
  if (letters === 0) length = appendName(length);
  for (let i: u32 = 0; i < letters; i++) {
    const letter = load<u8>(addressOf(Field.Format) + i);
    if (letter === 0x73 || letter === 0x6f) length = appendName(length);
    else if (letter === 0x72 || letter === 0x76) length = appendVersion(length);
    else if (letter === 0x6d || letter === 0x70) length = append(length, WASM);
    else if (letter === 0x61 && letters === 1) length = append(appendVersion(appendName(0)), WASM);
    else return failure(Group.Os, Os.InvalidFormat);
  }
  replyMap(1);
  replyText(OUTPUT, text, length);
  return OK;
}

function appendName(length: u32): u32 {
  return append(length, COUNTERSIGN);
}

function appendVersion(length: u32): u32 {
  return append(length, OWN_VERSION);
}

// Appends a word, behind a space if something stands there.
function append(length: u32, word: u32): u32 {
  if (length) store<u8>(text + length++, 0x20);
  return length + wordSpell(word, text + length);
}

export function osBootloader(): i32 {
  if (has(Field.Query, Type.Text)) {
    // "mode" is the only question we can answer.
    if (lengthOf(Field.Query) !== 4 || load<u8>(addressOf(Field.Query)) !== 0x6d) {
      return failure(Group.Os, Os.NoAnswer);
    }
    replyMap(2);
    replyNumber(MODE, MODE_SWAP_WITHOUT_SCRATCH);
    replyWord(NO_DOWNGRADE);
    writing.boolean(true);
    return OK;
  }
  replyMap(1);
  replyWord(BOOTLOADER);
  replyWord(COUNTERSIGN);
  return OK;
}

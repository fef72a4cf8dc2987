// The lines that people read on the console: the question, and where the update stands. And the line that they type.
//
// Text is written as bytes, because a microcontroller has no memory for it; tests/agent/words.test.ts holds each row against
// the text beside it.

import { anchorAt } from '../approval/anchors';
import { PIECE } from '../flash/flash';
import { Key } from '../flash/keys';
import { digestAsked } from '../policy/consent';
import { question } from '../update/hand';
import { decimal, nameBytes, nameOf, pack, packageLoad, versionBytes, versionOf } from '../update/packages';
import { questionPackage, questionSigner } from '../update/question';

const FINGERPRINT_BYTES: u32 = 8;
const KID_BYTES_SHOWN: u32 = 8;
// About 60 letters of our own, a name and a version fit, and so does a line of a frame. No flash moves meanwhile.
export const NOTICE: usize = PIECE;

let length: u32 = 0;

// Texts, each behind its length; a constant is where one begins.
const PACKAGE: u32 = 0;
const KEY: u32 = 9;
const OVER: u32 = 16;
const INSTALL: u32 = 23;
const REASON: u32 = 32;
const YES_NO: u32 = 42;
const STATE: u32 = 53;
const END: u32 = 60;
const CONSONANTS: u32 = 63;
const VOWELS: u32 = 80;

function byteAt(at: u32): u32 {
  // biome-ignore format: a text a line
  const table = memory.data<u8>([
    8, 0x50, 0x61, 0x63, 0x6b, 0x61, 0x67, 0x65, 0x20, // PACKAGE: "Package "
    6, 0x2c, 0x20, 0x6b, 0x65, 0x79, 0x20, // KEY: ", key "
    6, 0x20, 0x6f, 0x76, 0x65, 0x72, 0x20, // OVER: " over "
    8, 0x49, 0x6e, 0x73, 0x74, 0x61, 0x6c, 0x6c, 0x20, // INSTALL: "Install "
    9, 0x2c, 0x20, 0x72, 0x65, 0x61, 0x73, 0x6f, 0x6e, 0x20, // REASON: ", reason "
    10, 0x3f, 0x20, 0x79, 0x65, 0x73, 0x2f, 0x6e, 0x6f, 0x0d, 0x0a, // YES_NO: "? yes/no\r\n"
    6, 0x73, 0x74, 0x61, 0x74, 0x65, 0x20, // STATE: "state "
    2, 0x0d, 0x0a, // END: "\r\n"
    16, 0x62, 0x64, 0x66, 0x67, 0x68, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x70, 0x72, 0x73, 0x74, 0x76, 0x7a, // CONSONANTS: "bdfghjklmnprstvz"
    4, 0x61, 0x69, 0x6f, 0x75, // VOWELS: "aiou"
  ]);
  return load<u8>(at, table);
}

function put(letter: u32): void {
  store<u8>(NOTICE + length++, letter);
}

function say(text: u32): void {
  for (let left = byteAt(text); left !== 0; left--) put(byteAt(++text));
}

// What is shown to a person must not steer the terminal: only printable ASCII passes.
function sayText(from: usize, bytes: u32): void {
  for (let i: u32 = 0; i < bytes; i++) {
    const letter = load<u8>(from + i);
    put(letter >= 0x20 && letter < 0x7f ? letter : 0x3f);
  }
}

function sayNumber(number: u32): void {
  length += decimal(NOTICE + length, number);
}

// What the question is about, as two people compare it: the first four words of the digest as proquints (arXiv
// 0901.4016; host/formats/fingerprint.ts says the same), the key that signed, and the version that it would replace.
// "Package lusab-babad-gutih-tugad, key 0011223344556677 over 1.0.0", and its length.
export function noticePackage(): u32 {
  length = 0;
  say(PACKAGE);
  for (let i: u32 = 0; i < FINGERPRINT_BYTES; i += 2) {
    if (i) put(0x2d); // "-"
    sayProquint(((<u32>load<u8>(digestAsked(question) + i)) << 8) | load<u8>(digestAsked(question) + i + 1));
  }
  const signer = questionSigner();
  if (signer >= 0 && anchorAt(signer).kid) {
    say(KEY);
    for (let i: u32 = 0; i < min(anchorAt(signer).kidBytes, KID_BYTES_SHOWN); i++) {
      sayDigit(load<u8>(anchorAt(signer).kid + i) >>> 4);
      sayDigit(load<u8>(anchorAt(signer).kid + i) & 15);
    }
  }
  if (packageLoad(pack, Key.Primary)) {
    say(OVER);
    sayText(versionOf(pack), versionBytes(pack));
  }
  say(END);
  return length;
}

function sayDigit(digit: u32): void {
  put(digit + (digit < 10 ? 0x30 : 0x57));
}

function sayProquint(bits: u32): void {
  sayConsonant(bits >>> 12);
  sayVowel(bits >>> 10);
  sayConsonant(bits >>> 6);
  sayVowel(bits >>> 4);
  sayConsonant(bits);
}

function sayConsonant(bits: u32): void {
  put(byteAt(CONSONANTS + 1 + (bits & 15)));
}

function sayVowel(bits: u32): void {
  put(byteAt(VOWELS + 1 + (bits & 3)));
}

// "Install NAME VERSION, reason N? yes/no", and its length; a package need not have a name.
export function noticeQuestion(reason: u32): u32 {
  length = 0;
  questionPackage(pack);
  say(INSTALL);
  sayText(nameOf(pack), nameBytes(pack));
  if (nameBytes(pack) !== 0) put(0x20); // " "
  sayText(versionOf(pack), versionBytes(pack));
  say(REASON);
  sayNumber(reason);
  say(YES_NO);
  return length;
}

// "state N, reason N", and its length.
export function noticeState(state: u32, reason: u32): u32 {
  length = 0;
  say(STATE);
  sayNumber(state);
  say(REASON);
  sayNumber(reason);
  say(END);
  return length;
}

// --- What is typed ---

export const enum Typed {
  Nothing,
  Yes,
  No,
}

const ANSWER_BYTES_MAX: u32 = 4; // longer lines are no answers, and need not be kept
let line: u32 = 0;
let lineBytes: u32 = 0;

// Takes one character; at the end of a line says whether it was exactly "yes" or "no", in any case.
export function typed(character: u32): Typed {
  if (character === 0x0d || character === 0x0a) {
    const word = lineBytes <= ANSWER_BYTES_MAX ? line : 0;
    typedForget();
    if (word === 0x736579) return Typed.Yes; // yes
    return word === 0x6f6e ? Typed.No : Typed.Nothing; // no
  }
  if (lineBytes < ANSWER_BYTES_MAX) line |= (character | 0x20) << (8 * lineBytes);
  if (lineBytes <= ANSWER_BYTES_MAX) lineBytes++;
  return Typed.Nothing;
}

// What was typed before a question was shown is no part of an answer to it.
export function typedForget(): void {
  line = 0;
  lineBytes = 0;
}

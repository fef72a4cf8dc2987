// The lines that people read on the console: the question, and where the update stands. And the line that they type.
//
// Text is written from code, eight letters to a number, because a microcontroller has no memory for it;
// tests/agent/words.test.ts holds each number against the word beside it.

import { anchorAt } from '../approval/anchors';
import { PIECE } from '../flash/flash';
import { Key } from '../flash/keys';
import { digestAsked } from '../policy/consent';
import { question } from '../update/hand';
import { decimal, nameBytes, nameOf, pack, packageLoad, versionBytes, versionOf } from '../update/packages';
import { questionPackage, questionSigner } from '../update/question';

const FINGERPRINT_BYTES: u32 = 8;
const KID_BYTES_SHOWN: u32 = 8;
const CONSONANTS_0 = <u64>0x6c6b6a6867666462; // bdfghjkl
const CONSONANTS_8 = <u64>0x7a76747372706e6d; // mnprstvz
const VOWELS = <u32>0x756f6961; // aiou

// About 60 letters of our own, a name and a version fit, and so does a line of a frame. No flash moves meanwhile.
export const NOTICE: usize = PIECE;

let length: u32 = 0;

function say(letters: u64): void {
  for (; letters; letters >>= 8) store<u8>(NOTICE + length++, <u8>letters);
}

// What is shown to a person must not steer the terminal: only printable ASCII passes.
function sayText(from: usize, bytes: u32): void {
  for (let i: u32 = 0; i < bytes; i++) {
    const letter = load<u8>(from + i);
    store<u8>(NOTICE + length++, letter >= 0x20 && letter < 0x7f ? letter : 0x3f);
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
  say(0x206567616b636150); // "Package "
  for (let i: u32 = 0; i < FINGERPRINT_BYTES; i += 2) {
    if (i) say(0x2d); // "-"
    sayProquint(((<u32>load<u8>(digestAsked(question) + i)) << 8) | load<u8>(digestAsked(question) + i + 1));
  }
  const signer = questionSigner();
  if (signer >= 0 && anchorAt(signer).kid) {
    say(0x2079656b202c); // ", key "
    for (let i: u32 = 0; i < min(anchorAt(signer).kidBytes, KID_BYTES_SHOWN); i++) {
      sayDigit(load<u8>(anchorAt(signer).kid + i) >>> 4);
      sayDigit(load<u8>(anchorAt(signer).kid + i) & 15);
    }
  }
  if (packageLoad(pack, Key.Primary)) {
    say(0x207265766f20); // " over "
    sayText(versionOf(pack), versionBytes(pack));
  }
  say(0x0a0d); // "\r\n"
  return length;
}

function sayDigit(digit: u32): void {
  say(digit + (digit < 10 ? 0x30 : 0x57));
}

function sayProquint(bits: u32): void {
  sayConsonant(bits >>> 12);
  sayVowel(bits >>> 10);
  sayConsonant(bits >>> 6);
  sayVowel(bits >>> 4);
  sayConsonant(bits);
}

function sayConsonant(bits: u32): void {
  say(((bits & 8 ? CONSONANTS_8 : CONSONANTS_0) >> ((bits & 7) << 3)) & 0xff);
}

function sayVowel(bits: u32): void {
  say((VOWELS >>> ((bits & 3) << 3)) & 0xff);
}

// "Install NAME VERSION, reason N? yes/no", and its length; a package need not have a name.
export function noticeQuestion(reason: u32): u32 {
  length = 0;
  questionPackage(pack);
  say(0x206c6c6174736e49); // "Install "
  sayText(nameOf(pack), nameBytes(pack));
  if (nameBytes(pack) !== 0) say(0x20); // " "
  sayText(versionOf(pack), versionBytes(pack));
  say(0x6e6f73616572202c); // ", reason"
  say(0x20); // " "
  sayNumber(reason);
  say(0x6f6e2f736579203f); // "? yes/no"
  say(0x0a0d); // "\r\n"
  return length;
}

// "state N, reason N", and its length.
export function noticeState(state: u32, reason: u32): u32 {
  length = 0;
  say(0x206574617473); // "state "
  sayNumber(state);
  say(0x6e6f73616572202c); // ", reason"
  say(0x20); // " "
  sayNumber(reason);
  say(0x0a0d); // "\r\n"
  return length;
}

// --- What is typed ---

export const enum Typed {
  Nothing,
  Yes,
  No,
}

const ANSWER_BYTES_MAX: u32 = 4; // longer lines are no answers, and need not be kept
let line: u64 = 0;
let lineBytes: u32 = 0;

// Takes one character; at the end of a line says whether it was exactly "yes" or "no", in any case.
export function typed(character: u32): Typed {
  if (character === 0x0d || character === 0x0a) {
    const word = lineBytes <= ANSWER_BYTES_MAX ? line : 0;
    typedForget();
    if (word === 0x736579) return Typed.Yes; // yes
    return word === 0x6f6e ? Typed.No : Typed.Nothing; // no
  }
  if (lineBytes < ANSWER_BYTES_MAX) line |= (<u64>(character | 0x20)) << (8 * lineBytes);
  if (lineBytes <= ANSWER_BYTES_MAX) lineBytes++;
  return Typed.Nothing;
}

// What was typed before a question was shown is no part of an answer to it.
export function typedForget(): void {
  line = 0;
  lineBytes = 0;
}

// The question to the user, and what counts as an answer.
//
//   nothing asked --ask--> open --valid yes or no--> answered --drop--> nothing asked
//                           | ----time is up-------------------------> nothing asked (Deferred)
//
// A question is a record of the caller's: it is bound to one manifest digest, to this device, to a nonce that was never
// used before, and to the lines that delivered the package. Its answer counts once. An unsigned answer comes from the
// device itself, or, if policy says that a person sits there, over a line that delivered. A signed one may come by any
// way: COSE_Sign1_Tagged by a consenter anchor over
//   {1: 1 yes | 2 no, 2: manifest digest, 3: device id, 4: nonce}
// No answer, a late one and a faulty one install nothing.

import { anchorFirst, anchorSigner, Role } from '../approval/anchors';
import { identity } from '../approval/bootstrap';
import { compare } from '../codec/bytes';
import { reading } from '../codec/cbor';
import { message, PROVEN, sign1Open } from '../codec/cose';
import { DIGEST_BYTES } from '../package/digest';
import { Reason } from '../reason';
import { facts } from './facts';
import { policy } from './policy';

// Codes that do not lie about in a register: where a glitch leaves out the instruction that hands one on, what stood there before
// is no answer.
export const enum Answer {
  None = 0,
  Yes = 0x6a,
  No = 0xd4,
}

const SHIFTED: u32 = 0x35; // no code itself, nor what any number becomes when it is shifted for a no

// Of the word of a button or a document: 1 yes, 2 no; 0, nothing, is no code either. Without the shift, or what is shifted, a no is
// no yes: a factor that is left out would make it one.
export function answerOf(word: u32): Answer {
  return SHIFTED << word;
}

const NO: u32 = 2; // of the words

// Where an answer came from: the bits of policy.channels.
export const enum Channel {
  Local = 1, // button or panel, or a console that is not a line that delivered the package
  Signed = 2,
  Delivering = 4, // a line that delivered the package
}

export const NONCE_BYTES: u32 = 16;
const CONSENT_BYTES_MAX: u32 = 256; // a signed answer with room for a long kid
// How often a question's time is written down. A reset loses what ran since, so it counts as a whole one of these: who
// resets a device again and again makes a question shorter, never longer.
const STEPS: u32 = 4;

const enum State {
  Nothing = 0,
  Open = 1,
  Answered = 2,
}

@unmanaged
export class Question {
  digest: u64; // of the manifest, DIGEST_BYTES; it stays when the question is over
  digest1: u64;
  digest2: u64;
  digest3: u64;
  nonce: u64; // NONCE_BYTES
  nonce1: u64;
  until: u64; // by the trusted clock, Unix seconds; 0: there was none
  state: u32;
  leftMs: u32; // time left to answer
  lines: u32; // mask of those that delivered the package
  answer: Answer; // and who gave it:
  channel: Channel;
  line: u32; // mask: the line it was typed on, 0 for a button or a signature
  consenter: u32; // index of the anchor that signed
  unused: u32;
}

export function digestAsked(question: Question): usize {
  return changetype<usize>(question) + offsetof<Question>('digest');
}

export function nonceAsked(question: Question): usize {
  return changetype<usize>(question) + offsetof<Question>('nonce');
}

// `digest` 32 bytes, `nonce` 16 unpredictable ones, `lines` that delivered so far. An earlier question is dropped.
export function questionAsk(question: Question, digest: usize, nonce: usize, lines: u32): void {
  memory.copy(digestAsked(question), digest, DIGEST_BYTES);
  memory.copy(nonceAsked(question), nonce, NONCE_BYTES);
  question.until = facts.trustedTime ? facts.trustedTime + policy.timeoutSeconds : 0;
  question.leftMs = policy.timeoutSeconds * 1000;
  question.lines = lines;
  question.answer = Answer.None;
  question.state = State.Open;
}

export function questionOpen(question: Question): bool {
  return question.state === State.Open;
}

export function questionLeftSeconds(question: Question): u32 {
  return (question.leftMs + 999) / 1000;
}

// What it was about stays readable; nothing answers it any more.
export function questionDrop(question: Question): void {
  question.state = State.Nothing;
  question.answer = Answer.None;
  question.leftMs = 0;
  question.lines = 0;
  memory.fill(nonceAsked(question), 0, NONCE_BYTES);
}

function stepMs(): u32 {
  return policy.timeoutSeconds * (1000 / STEPS);
}

// Time passes. Deferred: it is up. AwaitingUser: enough passed since the last such answer that it is to be written down.
export function questionTick(question: Question, milliseconds: u32): Reason {
  if (milliseconds >= question.leftMs) return Reason.Deferred;
  const before = (question.leftMs - 1) / stepMs();
  question.leftMs -= milliseconds;
  return (question.leftMs - 1) / stepMs() !== before ? Reason.AwaitingUser : Reason.Ok;
}

// After a reset: what the clock says has passed, if there is one, and a whole step in any case. As questionTick.
export function questionResume(question: Question): Reason {
  if (question.until && facts.trustedTime >= question.until) return Reason.Deferred;
  return questionTick(question, min(stepMs(), question.leftMs));
}

// An answer without signature; `line` is the mask of the line it was typed on, 0 for a button. Ok: it counts.
export function answerLocal(question: Question, answer: Answer, line: u32): Reason {
  if (question.state !== State.Open) return Reason.NothingAsked;
  const channel = line & question.lines ? Channel.Delivering : Channel.Local;
  if ((policy.channels & channel) === 0) return Reason.ConsentChannel;
  return take(question, answer, channel, line);
}

function take(question: Question, answer: Answer, channel: Channel, line: u32): Reason {
  if (answer !== Answer.Yes && answer !== Answer.No) return Reason.OutOfRange;
  question.answer = answer;
  question.channel = channel;
  question.line = line;
  question.state = State.Answered;
  return Reason.Ok;
}

// A signed answer. Ok: it counts. Anything else leaves the question as it was.
export function answerSigned(question: Question, from: usize, length: u32): Reason {
  if (question.state !== State.Open) return Reason.NothingAsked;
  if ((policy.channels & Channel.Signed) === 0) return Reason.ConsentChannel;
  if (length > CONSENT_BYTES_MAX) return Reason.TooLarge;
  const fault = sign1Open(message, from, length);
  if (fault !== Reason.Ok) return fault;
  if (message.payload === 0) return Reason.PayloadPlace;
  const signer = anchorSigner(message, Role.Consenter, message.payload, message.payloadBytes);
  if (signer === 0) return Reason.ConsentInvalid;
  // Twice, so that one instruction left out makes no yes to this question of an answer to another, or of anybody's.
  const answer = readAnswer(question);
  if (answer < 0) return -answer;
  if (readAnswer(question) !== answer || message.proof !== PROVEN) return Reason.Internal;
  question.consenter = anchorFirst(signer);
  return take(question, answerOf(answer), Channel.Signed, 0);
}

// The word of the answer, or -Reason.
function readAnswer(question: Question): i32 {
  reading.open(message.payload, message.payloadBytes);
  let answer: u32 = 0;
  let required = 0;
  let other = false;
  let stale = false;
  let previous: usize = 0;
  for (let left = reading.map(); reading.more(left); left--, required++) {
    previous = reading.ordered(previous);
    switch (reading.label()) {
      case 1:
        answer = reading.upTo(NO);
        break;
      case 2:
        if (compare(reading.bytesOf(DIGEST_BYTES), digestAsked(question), reading.length) !== 0) other = true;
        break;
      case 3:
        reading.bytes();
        if (reading.length !== identity.deviceIdBytes) other = true;
        else if (compare(reading.from, identity.deviceId, reading.length) !== 0) other = true;
        break;
      case 4:
        if (compare(reading.bytesOf(NONCE_BYTES), nonceAsked(question), reading.length) !== 0) stale = true;
        break;
      default:
        reading.fail(Reason.UnknownMember);
    }
  }
  if (reading.close() !== Reason.Ok) return -reading.fault;
  if (required !== 4) return -Reason.MissingMember;
  if (other) return -Reason.ConsentOther;
  if (stale) return -Reason.ConsentNonce;
  return answer;
}

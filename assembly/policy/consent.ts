// The question to the user, and what counts as an answer.
//
//   nothing asked --ask--> pending --valid yes--> answered yes   --drop--> nothing asked
//                             | ----valid no----> answered no
//                             | ---time is up---> nothing asked (Deferred)
//
// A question is bound to one manifest digest, this device and a nonce that was never used before; its answer counts
// once. An unsigned answer comes from the device itself, or, if policy says that a person sits there, over the line
// that delivers the package. A signed one may come by any way: COSE_Sign1_Tagged by a consenter anchor over
//   {1: 1 yes | 2 no, 2: manifest digest, 3: device id, 4: nonce}
// No answer, a late one and a faulty one install nothing.

import { anchorSigner, Role } from '../approval/anchors';
import { identity } from '../approval/bootstrap';
import { compare } from '../codec/bytes';
import { reading } from '../codec/cbor';
import { message, sign1Open } from '../codec/cose';
import { DIGEST_BYTES } from '../package/digest';
import { Reason } from '../reason';
import { policy } from './policy';

export const enum Answer {
  None = 0,
  Yes = 1,
  No = 2,
}

// Where an answer came from: the bits of policy.channels.
export const enum Channel {
  Local = 1, // button or panel, or a console that is not the line that delivers the package
  Signed = 2,
  Delivering = 4, // the line that delivers the package
}

export const NONCE_BYTES: u32 = 16;
const CONSENT_BYTES_MAX: u32 = 256; // a signed answer with room for a long kid

const enum State {
  Nothing = 0,
  Pending = 1,
  Answered = 2,
}

// One record, so that it can be stored and put back as it is.
@unmanaged
export class Question {
  state: u32;
  answer: Answer;
  leftMs: u32; // time left to answer
}

// Question | manifest digest 32 | nonce 16
export const QUESTION_BYTES: u32 = 60;
export const QUESTION: usize = memory.data(60, 4);
const DIGEST: usize = QUESTION + 12;
const NONCE: usize = QUESTION + 44;
const question = changetype<Question>(QUESTION);

// `digest` 32 bytes, `nonce` 16 unpredictable ones. An earlier question is dropped.
export function questionAsk(digest: usize, nonce: usize): void {
  memory.copy(DIGEST, digest, DIGEST_BYTES);
  memory.copy(NONCE, nonce, NONCE_BYTES);
  question.answer = Answer.None;
  question.leftMs = policy.timeoutSeconds * 1000;
  question.state = State.Pending;
}

export function questionPending(): bool {
  return question.state === State.Pending;
}

export function questionDigest(): usize {
  return DIGEST;
}

export function questionNonce(): usize {
  return NONCE;
}

export function questionLeftSeconds(): u32 {
  return (question.leftMs + 999) / 1000;
}

export function questionDrop(): void {
  memory.fill(QUESTION, 0, QUESTION_BYTES);
}

// The answer that counted, until the question is dropped or another is asked.
export function answerGiven(): Answer {
  return question.state === State.Answered ? question.answer : Answer.None;
}

// Time passes. Deferred, once, when nobody answered in time.
export function questionTick(milliseconds: u32): Reason {
  if (question.state !== State.Pending) return Reason.Ok;
  if (milliseconds < question.leftMs) {
    question.leftMs -= milliseconds;
    return Reason.Ok;
  }
  questionDrop();
  return Reason.Deferred;
}

// An answer without signature, from Channel.Local or Channel.Delivering. Ok: it counts.
export function answerLocal(answer: Answer, channel: Channel): Reason {
  if (question.state !== State.Pending) return Reason.NothingAsked;
  if (channel === Channel.Signed || (policy.channels & channel) === 0) return Reason.ConsentChannel;
  return take(answer);
}

function take(answer: Answer): Reason {
  if (answer !== Answer.Yes && answer !== Answer.No) return Reason.OutOfRange;
  question.answer = answer;
  question.state = State.Answered;
  return Reason.Ok;
}

// A signed answer. Ok: it counts. Anything else leaves the question as it was.
export function answerSigned(from: usize, length: u32): Reason {
  if (question.state !== State.Pending) return Reason.NothingAsked;
  if ((policy.channels & Channel.Signed) === 0) return Reason.ConsentChannel;
  if (length > CONSENT_BYTES_MAX) return Reason.TooLarge;
  const fault = sign1Open(message, from, length);
  if (fault !== Reason.Ok) return fault;
  if (message.payload === 0) return Reason.PayloadPlace;
  if (anchorSigner(message, Role.Consenter, message.payload, message.payloadBytes) < 0) return Reason.ConsentInvalid;
  return readAnswer();
}

function readAnswer(): Reason {
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
        answer = reading.upTo(Answer.No);
        break;
      case 2:
        if (compare(reading.bytesOf(DIGEST_BYTES), DIGEST, reading.length) !== 0) other = true;
        break;
      case 3:
        reading.bytes();
        if (reading.length !== identity.deviceIdBytes) other = true;
        else if (compare(reading.from, identity.deviceId, reading.length) !== 0) other = true;
        break;
      case 4:
        if (compare(reading.bytesOf(NONCE_BYTES), NONCE, reading.length) !== 0) stale = true;
        break;
      default:
        reading.fail(Reason.UnknownMember);
    }
  }
  if (reading.close() !== Reason.Ok) return reading.fault;
  if (required !== 4) return Reason.MissingMember;
  if (other) return Reason.ConsentOther;
  return stale ? Reason.ConsentNonce : take(answer);
}

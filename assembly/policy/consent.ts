// stub
import { Reason } from '../reason';

export const enum Answer {
  None = 0,
  Yes = 1,
  No = 2,
}

/** Where an unsigned answer came from. */
export const enum Channel {
  Local = 1, // button or panel, or a console that is not the line that delivers the package
  Delivering = 4, // the line that delivers the package
}

/** The pending question; may be stored and put back as these bytes. */
@unmanaged
export class Question {
  pending: bool;
  leftMs: u32; // time left to answer
  digest: u64; // 32 bytes from here
}

export const NONCE_BYTES: u32 = 16;

export function questionAsk(_digest: usize, _nonce: usize): i32 {
  return Reason.Internal;
}
export function questionPending(): bool {
  return false;
}
export function questionDrop(): void {}
/** Time passes; Reason.Deferred once when nobody answered in time, else Ok. */
export function questionTick(_milliseconds: u32): i32 {
  return Reason.Internal;
}
/** An answer without signature. Ok: the answer counts and the question is closed. */
export function answerLocal(_answer: i32, _channel: i32): i32 {
  return Reason.Internal;
}
/** COSE_Sign1_Tagged of a consenter anchor. Ok: `answerGiven` says which. */
export function answerSigned(_from: usize, _length: u32): i32 {
  return Reason.Internal;
}
export function answerGiven(): i32 {
  return Answer.None;
}

// The question and its answers: bound to package, device and nonce, once, in time, and over a channel that policy takes.

import {
  Answer,
  answerGiven,
  answerLocal,
  answerSigned,
  Channel,
  QUESTION,
  QUESTION_BYTES,
  questionAsk,
  questionDigest,
  questionDrop,
  questionLeftSeconds,
  questionNonce,
  questionPending,
  questionTick,
} from '../../../assembly/policy/consent';
import { policy } from '../../../assembly/policy/policy';
import { provision } from '../../../assembly/policy/provision';
import { Reason } from '../../../assembly/reason';
import { clear, lay, repeat, sizeOf, toHex } from '../support/bytes';
import * as documents from '../support/documents';

const DIGEST = repeat('aa', 32);
const NONCE = repeat('bb', 16);
const KID_LABEL: u32 = 7; // d2 84 43 a10132 a1 04: where the unprotected header names its one label

function ask(): void {
  clear();
  provision(lay(documents.BOOTSTRAP), sizeOf(documents.BOOTSTRAP)); // all channels, 60 s
  questionAsk(lay(DIGEST), lay(NONCE));
}

function signed(hex: string): i32 {
  return answerSigned(lay(hex), sizeOf(hex));
}

describe('a question', () => {
  it('shows what it is about', () => {
    ask();
    expect(questionPending()).toBe(true);
    expect(toHex(questionDigest(), 32)).toBe(DIGEST);
    expect(toHex(questionNonce(), 16)).toBe(NONCE);
    expect(questionLeftSeconds()).toBe(60);
    expect(answerGiven()).toBe(Answer.None);
  });

  it('ends when its time is up, and says so once', () => {
    ask();
    expect(questionTick(59999)).toBe(Reason.Ok);
    expect(questionPending()).toBe(true);
    expect(questionLeftSeconds()).toBe(1);
    expect(questionTick(1)).toBe(Reason.Deferred);
    expect(questionPending()).toBe(false);
    expect(questionTick(1)).toBe(Reason.Ok);
    expect(answerLocal(Answer.Yes, Channel.Local)).toBe(Reason.NothingAsked);
    expect(signed(documents.YES)).toBe(Reason.NothingAsked);
    expect(answerGiven()).toBe(Answer.None);
  });

  it('survives as its bytes', () => {
    ask();
    questionTick(1000);
    const kept = lay(toHex(QUESTION, QUESTION_BYTES));
    questionDrop();
    expect(questionPending()).toBe(false);
    memory.copy(QUESTION, kept, QUESTION_BYTES);
    expect(questionPending()).toBe(true);
    expect(questionLeftSeconds()).toBe(59);
    expect(signed(documents.YES)).toBe(Reason.Ok);
  });
});

describe('an answer at the device', () => {
  it('counts once', () => {
    ask();
    expect(answerLocal(Answer.Yes, Channel.Local)).toBe(Reason.Ok);
    expect(answerGiven()).toBe(Answer.Yes);
    expect(answerLocal(Answer.No, Channel.Local)).toBe(Reason.NothingAsked);
    expect(answerGiven()).toBe(Answer.Yes);
    questionAsk(lay(DIGEST), lay(NONCE));
    expect(answerGiven()).toBe(Answer.None);
    expect(answerLocal(Answer.No, Channel.Local)).toBe(Reason.Ok);
    expect(answerGiven()).toBe(Answer.No);
    questionDrop();
    expect(answerGiven()).toBe(Answer.None);
  });

  it('is yes or no', () => {
    ask();
    const neither: Answer[] = [0, 3, -1, 256];
    for (let i = 0; i < 4; i++) expect(answerLocal(neither[i], Channel.Local)).toBe(Reason.OutOfRange);
    expect(questionPending()).toBe(true);
  });

  it('needs a channel that policy takes', () => {
    for (let channels: u32 = 0; channels <= 7; channels++) {
      ask();
      policy.channels = channels;
      expect(answerLocal(Answer.Yes, Channel.Signed)).toBe(Reason.ConsentChannel); // unsigned is not signed
      expect(answerLocal(Answer.Yes, Channel.Delivering)).toBe((channels & 4) != 0 ? Reason.Ok : Reason.ConsentChannel);
      ask();
      policy.channels = channels;
      expect(answerLocal(Answer.Yes, Channel.Local)).toBe((channels & 1) != 0 ? Reason.Ok : Reason.ConsentChannel);
      ask();
      policy.channels = channels;
      expect(signed(documents.YES)).toBe((channels & 2) != 0 ? Reason.Ok : Reason.ConsentChannel);
    }
  });
});

describe('a signed answer', () => {
  it('counts once, yes or no', () => {
    ask();
    expect(signed(documents.YES)).toBe(Reason.Ok);
    expect(answerGiven()).toBe(Answer.Yes);
    expect(signed(documents.YES)).toBe(Reason.NothingAsked);
    ask();
    expect(signed(documents.NO)).toBe(Reason.Ok);
    expect(answerGiven()).toBe(Answer.No);
  });

  it('is of a consenter, for this device, package and nonce', () => {
    ask();
    expect(signed(documents.YES_BY_OPERATOR)).toBe(Reason.ConsentInvalid);
    expect(signed(documents.YES_ELSEWHERE)).toBe(Reason.ConsentOther);
    expect(signed(documents.YES_OTHER_PACKAGE)).toBe(Reason.ConsentOther);
    expect(signed(documents.YES_OLD_NONCE)).toBe(Reason.ConsentNonce);
    expect(signed(documents.A1_APPROVES)).toBe(Reason.ConsentInvalid); // roles do not mix
    expect(questionPending()).toBe(true);
    expect(answerGiven()).toBe(Answer.None);
  });

  it('is nothing when it is damaged anywhere', () => {
    const bytes = sizeOf(documents.YES);
    const kidBytes = <u32>load<u8>(lay(documents.YES) + KID_LABEL + 1) & 0x1f; // behind the label, a string's head
    for (let i: u32 = 0; i < bytes; i++) {
      ask();
      const at = lay(documents.YES);
      store<u8>(at + i, load<u8>(at + i) ^ 1);
      const reason = answerSigned(at, bytes);
      if (i == KID_LABEL || (i > KID_LABEL + 1 && i <= KID_LABEL + 1 + kidBytes)) {
        expect(reason).toBe(Reason.Ok); // no kid, or another: it is unsigned and only a hint, the signature still holds
        continue;
      }
      expect(reason).not.toBe(Reason.Ok, `byte ${i}`);
      expect(answerSigned(at, i)).not.toBe(Reason.Ok, `cut at ${i}`);
      expect(questionPending()).toBe(true);
    }
  });
});

// The question and its answers: bound to package, device and nonce, once, in time, and over a channel that policy takes.

import {
  Answer,
  answerLocal,
  answerSigned,
  digestAsked,
  nonceAsked,
  Question,
  questionAsk,
  questionDrop,
  questionLeftSeconds,
  questionOpen,
  questionResume,
  questionTick,
} from '../../../assembly/policy/consent';
import { facts } from '../../../assembly/policy/facts';
import { policy } from '../../../assembly/policy/policy';
import { provision } from '../../../assembly/policy/provision';
import { Reason } from '../../../assembly/reason';
import { clear, lay, repeat, sizeOf, toHex } from '../support/bytes';
import * as documents from '../support/documents';

const DIGEST = repeat('aa', 32);
const NONCE = repeat('bb', 16);
const LINE: u32 = 1 << 2; // that delivered
const OTHER_LINE: u32 = 1;
const question = changetype<Question>(memory.data(offsetof<Question>(), 8));
const KID_LABEL: u32 = 7; // d2 84 43 a10132 a1 04: where the unprotected header names its one label

function ask(): void {
  clear();
  provision(lay(documents.BOOTSTRAP), sizeOf(documents.BOOTSTRAP)); // all channels, 60 s
  facts.trustedTime = 0;
  questionAsk(question, lay(DIGEST), lay(NONCE), LINE);
}

function signed(hex: string): i32 {
  return answerSigned(question, lay(hex), sizeOf(hex));
}

describe('a question', () => {
  it('shows what it is about', () => {
    ask();
    expect(questionOpen(question)).toBe(true);
    expect(toHex(digestAsked(question), 32)).toBe(DIGEST);
    expect(toHex(nonceAsked(question), 16)).toBe(NONCE);
    expect(questionLeftSeconds(question)).toBe(60);
    expect(question.answer).toBe(Answer.None);
  });

  it('ends when its time is up, and tells when a quarter of it has passed', () => {
    ask();
    expect(questionTick(question, 14_999)).toBe(Reason.Ok);
    expect(questionTick(question, 1)).toBe(Reason.AwaitingUser);
    expect(questionTick(question, 44_999)).toBe(Reason.AwaitingUser);
    expect(questionOpen(question)).toBe(true);
    expect(questionLeftSeconds(question)).toBe(1);
    expect(questionTick(question, 1)).toBe(Reason.Deferred);
    questionDrop(question);
    expect(questionOpen(question)).toBe(false);
    expect(toHex(digestAsked(question), 32)).toBe(DIGEST);
    expect(answerLocal(question, Answer.Yes, 0)).toBe(Reason.NothingAsked);
    expect(signed(documents.YES)).toBe(Reason.NothingAsked);
    expect(question.answer).toBe(Answer.None);
  });

  it('loses a quarter of its time with every reset, and all of it when the clock says so', () => {
    ask();
    for (let left: u32 = 45; left > 0; left -= 15) {
      expect(questionResume(question)).not.toBe(Reason.Deferred);
      expect(questionLeftSeconds(question)).toBe(left);
    }
    expect(questionResume(question)).toBe(Reason.Deferred);
    ask();
    facts.trustedTime = 1_800_000_000;
    questionAsk(question, lay(DIGEST), lay(NONCE), LINE);
    facts.trustedTime += 59;
    expect(questionResume(question)).not.toBe(Reason.Deferred);
    facts.trustedTime += 1;
    expect(questionResume(question)).toBe(Reason.Deferred);
    facts.trustedTime = 0;
  });
});

describe('an answer at the device', () => {
  it('counts once', () => {
    ask();
    expect(answerLocal(question, Answer.Yes, 0)).toBe(Reason.Ok);
    expect(question.answer).toBe(Answer.Yes);
    expect(answerLocal(question, Answer.No, 0)).toBe(Reason.NothingAsked);
    expect(question.answer).toBe(Answer.Yes);
    questionAsk(question, lay(DIGEST), lay(NONCE), LINE);
    expect(question.answer).toBe(Answer.None);
    expect(answerLocal(question, Answer.No, 0)).toBe(Reason.Ok);
    expect(question.answer).toBe(Answer.No);
    questionDrop(question);
    expect(question.answer).toBe(Answer.None);
  });

  it('is yes or no', () => {
    ask();
    const neither: Answer[] = [0, 3, -1, 256];
    for (let i = 0; i < 4; i++) expect(answerLocal(question, neither[i], 0)).toBe(Reason.OutOfRange);
    expect(questionOpen(question)).toBe(true);
  });

  it('needs a channel that policy takes', () => {
    for (let channels: u32 = 0; channels <= 7; channels++) {
      ask();
      policy.channels = channels;
      expect(answerLocal(question, Answer.Yes, LINE | OTHER_LINE)).toBe(
        (channels & 4) != 0 ? Reason.Ok : Reason.ConsentChannel,
      );
      ask();
      policy.channels = channels;
      expect(answerLocal(question, Answer.Yes, 0)).toBe((channels & 1) != 0 ? Reason.Ok : Reason.ConsentChannel);
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
    expect(question.answer).toBe(Answer.Yes);
    expect(signed(documents.YES)).toBe(Reason.NothingAsked);
    ask();
    expect(signed(documents.NO)).toBe(Reason.Ok);
    expect(question.answer).toBe(Answer.No);
  });

  it('is of a consenter, for this device, package and nonce', () => {
    ask();
    expect(signed(documents.YES_BY_OPERATOR)).toBe(Reason.ConsentInvalid);
    expect(signed(documents.YES_ELSEWHERE)).toBe(Reason.ConsentOther);
    expect(signed(documents.YES_OTHER_PACKAGE)).toBe(Reason.ConsentOther);
    expect(signed(documents.YES_OLD_NONCE)).toBe(Reason.ConsentNonce);
    expect(signed(documents.A1_APPROVES)).toBe(Reason.ConsentInvalid); // roles do not mix
    expect(questionOpen(question)).toBe(true);
    expect(question.answer).toBe(Answer.None);
  });

  it('is nothing when it is damaged anywhere', () => {
    const bytes = sizeOf(documents.YES);
    const kidBytes = <u32>load<u8>(lay(documents.YES) + KID_LABEL + 1) & 0x1f; // behind the label, a string's head
    for (let i: u32 = 0; i < bytes; i++) {
      ask();
      const at = lay(documents.YES);
      store<u8>(at + i, load<u8>(at + i) ^ 1);
      const reason = answerSigned(question, at, bytes);
      if (i == KID_LABEL || (i > KID_LABEL + 1 && i <= KID_LABEL + 1 + kidBytes)) {
        expect(reason).toBe(Reason.Ok); // no kid, or another: it is unsigned and only a hint, the signature still holds
        continue;
      }
      expect(reason).not.toBe(Reason.Ok, `byte ${i}`);
      expect(answerSigned(question, at, i)).not.toBe(Reason.Ok, `cut at ${i}`);
      expect(questionOpen(question)).toBe(true);
    }
  });
});

// The question to the person at the device: put, kept over a reset, and dropped. policy/consent.ts says which answers
// count; update/answer.ts what follows from them.
//
// There is one question at a time, bound to a manifest digest and a nonce. After a reset it is the same question, about
// the same words of the manifest, with its full time to answer: how long the device was off, nobody knows, and no answer
// never means yes. How the last one ended is kept too: a deferred download leaves no other trace.

import { anchorCount, anchorFirst } from '../approval/anchors';
import { subject } from '../approval/entries';
import { compare } from '../codec/bytes';
import { Key } from '../flash/keys';
import { storeCommit, storeRead, storeSettle, storeStage, storeStageDelete } from '../flash/store';
import {
  QUESTION,
  QUESTION_BYTES,
  questionAsk,
  questionDigest,
  questionDrop,
  questionPending,
} from '../policy/consent';
import { Reason } from '../reason';
import { Event as Audit, auditStage } from './audit';
import { NONCE, nonceSpend, wantAnnouncement } from './effects';
import { Package, pack, packageDescribe, packageLoad, packageStage } from './packages';
import { seatOf } from './seats';
import { status, statusStage } from './status';

export const enum About {
  Download = 1, // may it be downloaded?
  Install = 2, // may it be installed?
}

// What Key.Question holds, and what stands behind it: the question of policy/consent.ts.
@unmanaged
class Kept {
  about: u32; // About; 0: there never was one
  why: u32; // Reason to ask; once it is over, how it ended: Ok for yes, UserRefused, Deferred
  signer: u32; // seat of the vendor anchor that signed the package
  question: u32; // QUESTION_BYTES; its first word is 0 when it is over
}

const HEAD_BYTES: u32 = 12;
const KEPT_BYTES: u32 = HEAD_BYTES + QUESTION_BYTES;
const KEPT: usize = memory.data(KEPT_BYTES, 4);
const kept = changetype<Kept>(KEPT);

export function questionAbout(): About {
  return kept.about;
}

// A question that is found is made certain before the device shows it to the person beside it: they must find the same
// one after the next reset, and a record whose last word was torn may not read well again.
export function questionMount(): Reason {
  if (!storeRead(Key.Question, KEPT, KEPT_BYTES)) return Reason.Ok;
  memory.copy(QUESTION, KEPT + HEAD_BYTES, QUESTION_BYTES);
  if (!questionPending()) return Reason.Ok;
  wantAnnouncement();
  return storeSettle();
}

// Why it is asked; of one that is over, how it ended.
export function questionWhy(): Reason {
  return kept.why;
}

// Was there a question, which is over now?
export function questionEnded(): bool {
  return kept.about !== 0 && !questionPending();
}

// The manifest digest of the question, also when it is over.
export function questionSubject(): usize {
  return KEPT + HEAD_BYTES + (questionDigest() - QUESTION);
}

// Index of the vendor anchor that signed the package, -1 when it is an anchor no more.
export function questionSigner(): i32 {
  for (let i: u32 = 0; i < anchorCount(); i++) if (seatOf(i) === kept.signer) return i;
  return -1;
}

// Asks, unless exactly this is being asked already. Ok: the question is put.
export function ask(what: About, digest: usize, reason: Reason): Reason {
  if (questionPending() && kept.about === what && compare(questionDigest(), digest, 32) === 0) return Reason.Ok;
  questionAsk(digest, NONCE);
  nonceSpend();
  kept.about = what;
  kept.why = reason;
  kept.signer = seatOf(anchorFirst(subject.vendors));
  memory.copy(KEPT + HEAD_BYTES, QUESTION, QUESTION_BYTES);
  storeStage(Key.Question, KEPT, KEPT_BYTES);
  if (what === About.Download) {
    packageDescribe(pack, digest, 0);
    packageStage(pack, Key.Offered);
  }
  status.reason = Reason.AwaitingUser;
  statusStage();
  auditStage(Audit.Asked, Reason.AwaitingUser, digest);
  const stored = storeCommit();
  if (stored === Reason.Ok) wantAnnouncement();
  else questionDrop();
  return stored;
}

// What it is about, for people.
export function questionPackage(pack: Package): void {
  packageLoad(pack, kept.about === About.Install ? Key.Staged : Key.Offered);
}

// Stages that there is no question any more, and how it ended.
export function questionStageEnd(how: Reason): void {
  questionDrop();
  kept.why = how;
  kept.question = 0;
  storeStage(Key.Question, KEPT, KEPT_BYTES);
  storeStageDelete(Key.Offered);
}

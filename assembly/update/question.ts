// The question to the person at the device: put, kept over a reset, and dropped. policy/consent.ts says which answers
// count; update/answer.ts what follows from them.
//
// There is one question at a time, bound to a manifest digest and a nonce. After a reset it is the same question, with
// its full time to answer: how long the device was off, nobody knows, and no answer never means yes.

import { Key } from '../flash/keys';
import { storeCommit, storeRead, storeStage, storeStageDelete } from '../flash/store';
import { manifest } from '../package/manifest';
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
import { downloadActive } from './download';
import { NONCE, nonceSpend, wantAnnouncement } from './effects';
import { Package, packageDescribe, packageLoad } from './packages';
import { status, statusStage } from './status';

export const enum About {
  Download = 1, // may it be downloaded?
  Install = 2, // may it be installed?
}

// What Key.Question holds: u32 About, u32 why (Reason), the question.
const KEPT_BYTES: u32 = 8 + QUESTION_BYTES;
const KEPT: usize = memory.data(KEPT_BYTES, 4);

let about: About = About.Install;
let why: Reason = Reason.AwaitingUser; // the verdict's reason to ask

export function questionAbout(): About {
  return about;
}

export function questionMount(): void {
  if (!storeRead(Key.Question, KEPT, KEPT_BYTES)) return;
  about = load<u32>(KEPT);
  why = load<u32>(KEPT, 4);
  memory.copy(QUESTION, KEPT + 8, QUESTION_BYTES);
  if (questionPending()) wantAnnouncement();
}

export function questionWhy(): Reason {
  return why;
}

// Asks, unless exactly this is being asked already. Ok: the question is put.
export function ask(what: About, digest: usize, reason: Reason): Reason {
  if (questionPending() && about === what && memory.compare(questionDigest(), digest, 32) === 0) return Reason.Ok;
  questionAsk(digest, NONCE);
  nonceSpend();
  about = what;
  why = reason;
  store<u32>(KEPT, what);
  store<u32>(KEPT, reason, 4);
  memory.copy(KEPT + 8, QUESTION, QUESTION_BYTES);
  storeStage(Key.Question, KEPT, KEPT_BYTES);
  status.reason = Reason.AwaitingUser;
  statusStage();
  auditStage(Audit.Asked, Reason.AwaitingUser, digest);
  const stored = storeCommit();
  if (stored === Reason.Ok) wantAnnouncement();
  else questionDrop();
  return stored;
}

// What it is about, for people; zeros when the offer was lost in a reset.
export function questionPackage(pack: Package): void {
  if (about === About.Install) packageLoad(pack, Key.Staged);
  else if (manifest.read && downloadActive()) packageDescribe(pack, questionDigest(), 0);
  else packageLoad(pack, Key.None);
}

// Stages that there is no question any more.
export function questionStageEnd(): void {
  questionDrop();
  storeStageDelete(Key.Question);
}

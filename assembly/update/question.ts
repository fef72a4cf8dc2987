// The question to the person at the device: put, kept over a reset, answered, or left. policy/consent.ts says which
// answers count, machine.ts what ends a question.
//
//   about     yes                                  no                                     nobody in time
//   Download  the download of this package goes    the offer is dropped (401)             dropped; nothing changed
//             on when it is offered again
//   Install   verdict again, then the swap         the package is dropped: 80 (401)       stays 50, asked again at
//                                                                                         the next Exec
//
// There is one question at a time, bound to a manifest digest, a nonce and the lines that delivered. After a reset it is
// the same question with the time that was left. How the last one ended is kept too: a deferred download leaves no
// other trace.

import { anchorCount, anchorFirst } from '../approval/anchors';
import { subject } from '../approval/entries';
import { compare } from '../codec/bytes';
import { Key } from '../flash/keys';
import { storeDetached, storeSettle } from '../flash/store';
import {
  Answer,
  answerLocal,
  answerSigned,
  digestAsked,
  questionAsk,
  questionOpen,
  questionResume,
  questionTick,
} from '../policy/consent';
import { Reason } from '../reason';
import { Event as Audit, auditStage } from './audit';
import { downloadReset } from './download';
import { NONCE, nonceSpend, Show, setShow } from './effects';
import { About, consent, consentEnd, digestAgreed, hand, handCommit, lineOf, order, orderEnd, question } from './hand';
import { installBegin, installDrop } from './install';
import { Event, move } from './machine';
import { orderRefuse } from './order';
import { Package, pack, packageDescribe, packageLoad, packageStage } from './packages';
import { seatOf } from './seats';
import { COST_COMMIT, COST_QUESTION, wearForgive, wearPay } from './wear';

// --- Put, and kept ---

// Asks, unless exactly this is being asked already, and to install it for this reason. Before the download the reason is that of
// the head which comes, and who has no key takes a countersignature out of it: that voids no answer on its way. Once a head came
// that is approved, the answer is about that. Ok: it is put.
// in: the verdict was just taken; `lines` that delivered the package
export function ask(what: About, digest: usize, reason: Reason, lines: u32): Reason {
  const open = questionOpen(question);
  if (asks(what, digest)) {
    lines |= question.lines;
    if (hand.why === <u32>reason || what === About.Download) {
      const why = reason === Reason.AwaitingUser ? reason : hand.why;
      if (question.lines === lines && hand.why === <u32>why) return Reason.Ok;
      question.lines = lines; // one more line delivers what is asked about
      hand.why = why;
      return handCommit();
    }
  }
  if (storeDetached()) return Reason.ApplicationRuns; // the person is asked by the boot agent
  // Approved, and asked all the same: the reserve is for that, too.
  const poor = wearPay(COST_QUESTION, reason === Reason.AwaitingUser);
  if (poor !== Reason.Ok) return poor;
  const moved = move(Event.Ask, Reason.AwaitingUser, digest);
  if (moved !== Reason.Ok) return moved;
  if (open) auditStage(Audit.Refused, Reason.Deferred, digestAsked(question));
  // As when nobody answers in time: its order must not fire once the other one is answered, and end the yes to that.
  if (open && hand.about === <u32>About.Install && what === About.Download) orderEnd(order);
  questionAsk(question, digest, NONCE, lines);
  nonceSpend();
  hand.about = what;
  hand.why = reason;
  hand.signer = seatOf(anchorFirst(subject.vendors));
  if (what === About.Download) {
    packageDescribe(pack, digest, 0);
    packageStage(pack, Key.Offered);
  }
  setShow(Show.New);
  return handCommit();
}

// Is exactly this being asked?
export function asks(what: About, digest: usize): bool {
  return questionOpen(question) && hand.about === <u32>what && compare(digestAsked(question), digest, 32) === 0;
}

// A question that is found is made certain before the device shows it to the person beside it: they must find the same
// one after the next reset, and a record whose last word was torn may not read well again.
export function questionMount(): Reason {
  if (!questionOpen(question)) return Reason.Ok;
  if (questionResume(question) === Reason.Deferred) return defer();
  if (wearPay(COST_COMMIT, hand.why === <u32>Reason.AwaitingUser) !== Reason.Ok) return defer();
  setShow(Show.New);
  const stored = handCommit();
  return stored === Reason.Ok ? storeSettle() : stored;
}

// Was there a question, which is over now?
export function questionEnded(): bool {
  return hand.about !== <u32>About.Nothing && !questionOpen(question);
}

// Index of the vendor anchor that signed the package, -1 when it is an anchor no more.
export function questionSigner(): i32 {
  for (let i: u32 = 0; i < anchorCount(); i++) if (seatOf(i) === hand.signer) return i;
  return -1;
}

// What it is about, for people.
export function questionPackage(pack: Package): void {
  packageLoad(pack, hand.about === <u32>About.Install ? Key.Staged : Key.Offered);
}

// --- Answered, or left ---

// An answer without signature, from the button or panel of the device (`link` < 0) or typed on a link.
export function answerFrom(link: i32, answer: Answer): Reason {
  const reason = answerLocal(question, answer, lineOf(link));
  return reason === Reason.Ok ? act() : reason;
}

// A consent document signed by a consenter anchor, over whichever link.
export function answerBySignature(from: usize, length: u32): Reason {
  const reason = answerSigned(question, from, length);
  return reason === Reason.Ok ? act() : reason;
}

// The question is answered: that, and what follows from it, is one commit.
function act(): Reason {
  if (question.line === 0) wearForgive(false); // what is typed may come from anybody who has a line
  return question.answer === Answer.Yes ? agree() : refuse();
}

function agree(): Reason {
  const about = hand.about;
  memory.copy(digestAgreed(consent), digestAsked(question), 32);
  consent.channel = question.channel;
  consent.line = question.line;
  consent.why = hand.why;
  consent.consenter = seatOf(question.consenter);
  // Looked at again, so that one instruction which a glitch leaves out makes no yes of a no.
  hand.agreed = question.answer === Answer.Yes ? about : About.Nothing;
  const began = about === <u32>About.Install ? installBegin() : Reason.Ok;
  if (question.answer === Answer.None) return began; // it ended with what came of it
  move(Event.Answer, began, 0);
  if (about === <u32>About.Install) consentEnd(); // it was for this once
  const stored = handCommit();
  return stored === Reason.Ok ? began : stored;
}

function refuse(): Reason {
  if (hand.about === <u32>About.Install && packageLoad(pack, Key.Staged)) {
    installDrop(pack, Reason.UserRefused);
    return Reason.Ok;
  }
  downloadReset();
  move(Event.Refuse, Reason.UserRefused, 0);
  orderRefuse(Reason.UserRefused, digestAsked(question)); // the order that waited for a package; one about what is in hand goes on
  auditStage(Audit.Refused, Reason.UserRefused, digestAsked(question));
  return handCommit();
}

export function questionPass(milliseconds: u32): void {
  if (!questionOpen(question)) return;
  const passed = questionTick(question, milliseconds);
  if (passed === Reason.Deferred) defer();
  else if (passed === Reason.AwaitingUser) handCommit(); // the time that is left
}

// Nobody answered in time. An old order must not fire later.
function defer(): Reason {
  move(Event.Defer, Reason.Deferred, 0);
  auditStage(Audit.Refused, Reason.Deferred, digestAsked(question));
  return handCommit();
}

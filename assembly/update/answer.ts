// What follows from an answer to the question, or from none.
//
//   about     yes                                  no                                     nobody in time
//   Download  the download of this package goes    the offer is dropped (401)             dropped; nothing changed
//             on when it is offered again
//   Install   verdict again, then the swap         the package is dropped: 80 (401)       stays 50, asked again at
//                                                                                         the next Exec
import { Key } from '../flash/keys';
import { storeCommit } from '../flash/store';
import {
  Answer,
  answerGiven,
  answerLocal,
  answerSigned,
  Channel,
  questionDigest,
  questionPending,
  questionTick,
} from '../policy/consent';
import { Reason } from '../reason';
import { alertStage } from './alert';
import { Event as Audit, auditStage } from './audit';
import { downloadReset } from './download';
import { drop, installBegin } from './install';
import { pack, packageLoad } from './packages';
import { About, questionAbout, questionStageEnd } from './question';
import { CONSENTED, Operation, status, statusStage } from './status';

// An answer without signature, from the button or panel of the device (`link` < 0) or typed on a link.
export function answerFrom(link: i32, answer: Answer): Reason {
  if (!questionPending()) return Reason.NothingAsked;
  const delivering = link >= 0 && link === <i32>status.link;
  const reason = answerLocal(answer, delivering ? Channel.Delivering : Channel.Local);
  return reason === Reason.Ok ? act(answer) : reason;
}

// A consent document signed by a consenter anchor, over whichever link.
export function answerBySignature(from: usize, length: u32): Reason {
  if (!questionPending()) return Reason.NothingAsked;
  const reason = answerSigned(from, length);
  return reason === Reason.Ok ? act(answerGiven()) : reason;
}

export function answerTick(milliseconds: u32): void {
  if (!questionPending() || questionTick(milliseconds) !== Reason.Deferred) return;
  status.operation = Operation.None; // an old order must not fire later
  status.reason = Reason.Deferred;
  close(Reason.Deferred);
  storeCommit();
}

// Stages the end of the question and the record of how it was answered.
function close(reason: Reason): void {
  auditStage(Audit.Answered, reason, questionDigest());
  questionStageEnd(reason);
  statusStage();
}

function act(answer: Answer): Reason {
  const yes = answer === Answer.Yes;
  if (questionAbout() === About.Download) {
    if (yes) {
      status.consent = 1;
      memory.copy(CONSENTED, questionDigest(), 32);
    } else {
      downloadReset();
      alertStage(Reason.UserRefused, Operation.Download);
      status.reason = Reason.UserRefused;
    }
    close(yes ? Reason.Ok : Reason.UserRefused);
    return storeCommit();
  }
  close(yes ? Reason.Ok : Reason.UserRefused);
  const stored = storeCommit();
  if (stored !== Reason.Ok) return stored;
  if (yes) return installBegin(true);
  if (!packageLoad(pack, Key.Staged)) return Reason.Ok;
  drop(Reason.UserRefused);
  return Reason.Ok;
}

// Installation: the verdict again, the swap, the trial, and how it ends.
//
//   50, 70 ── installBegin: verdict, hash ──▶ 60 In ── swap, hash ──▶ 60 Trial ── confirmed ──▶ 100
//                    │ ask: a question, stays 50           │ damaged      │ not confirmed in its boots
//                    │ no: 70                              ▼              ▼
//                    ▼                                  60 Out ── swap back ──▶ 80
//                   done
//
//   100 ── recall: what runs was denied, the image before it is still there ──▶ 60 Out
//
// The old image stays in the secondary slot (Key.Previous) until the new one is confirmed; until then nobody may touch
// that slot. Where policy brings it back after a denial, it stays on until the slot is wanted for the next download.
// Every arrow is one commit of the store.

import { compare } from '../codec/bytes';
import { Key } from '../flash/keys';
import { Place, placeHolds } from '../flash/slots';
import { storeCommit, storeStageDelete } from '../flash/store';
import { Direction, swapDone, swapGo, swapRunning, swapStageBegin, swapStageEnd, swapStep } from '../flash/swap';
import { questionPending } from '../policy/consent';
import { facts } from '../policy/facts';
import { policy } from '../policy/policy';
import { Verdict } from '../policy/verdict';
import { Reason } from '../reason';
import { alertStage } from './alert';
import { Event as Audit, auditStage } from './audit';
import { downloadReset } from './download';
import { wantRestart } from './effects';
import { floorsStage } from './floors';
import { judgePlace, verdictDigest, verdictReason } from './judgement';
import { digestOf, imageOf, other, pack, packageLoad, packageStage } from './packages';
import { About, ask, questionStageEnd } from './question';
import { Event, State } from './state';
import { CONSENTED, Operation, Phase, status, statusMove, statusStage } from './status';

let broken: bool = false; // flash failed under the swap: no further step before a reset

// --- 50 -> 60 ---

// Installs what is staged if the verdict says so, or asks. `consented`: a person has just agreed to exactly this
// package. Ok: it is under way (60), or the question is put (50). Otherwise why not.
export function installBegin(consented: bool): Reason {
  if (status.state === State.Updating) return Reason.WrongState;
  if (status.state !== State.Ready && status.state !== State.FailedHaveData) return Reason.NothingStaged;
  if (!packageLoad(pack, Key.Staged)) return Reason.NothingStaged;
  downloadReset();
  const verdict = judgePlace(Place.Staged, pack.headBytes);
  if (verdict === Verdict.Reject) return reject(verdictReason());
  if (verdictDigest() === 0 || compare(verdictDigest(), digestOf(pack), 32) !== 0) return drop(Reason.ImageDamaged);
  const whole = placeHolds(Place.Staged, pack.imageBytes, imageOf(pack));
  if (whole !== Reason.Ok) return drop(whole);
  if (verdict === Verdict.Ask && !consented && !agreedAtDownload()) {
    return ask(About.Install, digestOf(pack), verdictReason());
  }
  return swapIn();
}

// Whoever opted in to the download of an approved package has answered; an unapproved one is a question of its own.
function agreedAtDownload(): bool {
  if (verdictReason() !== Reason.AwaitingUser) return false;
  return status.consent !== 0 && compare(CONSENTED, digestOf(pack), 32) === 0;
}

// Refused now, but kept: an approval may still come, and another Exec.
function reject(reason: Reason): Reason {
  alertStage(reason, Operation.Update);
  statusMove(Event.Reject, reason);
  auditStage(Audit.Refused, reason, digestOf(pack));
  floorsStage();
  const stored = storeCommit();
  return stored === Reason.Ok ? reason : stored;
}

// Given up: what is staged will not be installed any more.
export function drop(reason: Reason): Reason {
  alertStage(reason, Operation.Update);
  statusMove(Event.Drop, reason);
  storeStageDelete(Key.Staged);
  auditStage(Audit.Refused, reason, digestOf(pack));
  const stored = storeCommit();
  return stored === Reason.Ok ? reason : stored;
}

function swapIn(): Reason {
  packageLoad(other, Key.Primary);
  // Approved while somebody was still being asked: nobody has to answer any more, and nothing waits for them.
  if (questionPending()) questionStageEnd(Reason.Deferred);
  status.phase = Phase.In;
  status.consent = 0;
  statusMove(Event.Install, Reason.Ok);
  swapStageBegin(Direction.Forward, max(pack.imageBytes, other.imageBytes));
  auditStage(Audit.Installing, Reason.Ok, digestOf(pack));
  floorsStage();
  const stored = storeCommit();
  if (stored === Reason.Ok) wantRestart();
  return stored;
}

// --- 60, after the reset ---

export function installBusy(): bool {
  return swapRunning() && !broken;
}

// A piece of the swap; to be called as long as installBusy.
export function installStep(): void {
  const reason = !swapDone() ? swapStep() : status.phase === Phase.Out ? finishOut() : finishIn();
  if (reason !== Reason.Ok) {
    broken = true;
    status.reason = reason;
  }
}

function finishIn(): Reason {
  packageLoad(pack, Key.Staged);
  const whole = placeHolds(Place.Primary, pack.imageBytes, imageOf(pack));
  if (whole === Reason.ImageDamaged) return swapOut(whole);
  if (whole !== Reason.Ok) return whole;
  if (packageLoad(other, Key.Primary)) packageStage(other, Key.Previous);
  packageStage(pack, Key.Primary);
  storeStageDelete(Key.Staged);
  swapStageEnd();
  status.phase = Phase.Trial;
  status.trialBoots = policy.trialBoots;
  if (policy.trialBoots === 0) stageConfirmed();
  else statusStage();
  return storeCommit();
}

// Back to the image before; whatever is in the primary slot now will not be started any more.
function swapOut(reason: Reason): Reason {
  const arrived = status.phase !== Phase.In;
  packageLoad(other, arrived ? Key.Previous : Key.Primary);
  if (arrived) packageLoad(pack, Key.Primary);
  // From here on Key.Previous names the image that comes back, wherever the swap was turned round.
  if (other.imageBytes) packageStage(other, Key.Previous);
  storeStageDelete(Key.Staged);
  storeStageDelete(Key.Primary);
  swapStageBegin(Direction.Backward, max(pack.imageBytes, other.imageBytes));
  status.phase = Phase.Out;
  status.reason = reason;
  statusStage();
  const stored = storeCommit();
  if (stored === Reason.Ok) swapGo();
  return stored;
}

function finishOut(): Reason {
  const reason = status.reason;
  if (packageLoad(other, Key.Previous)) packageStage(other, Key.Primary);
  storeStageDelete(Key.Previous);
  swapStageEnd();
  alertStage(reason, Operation.Update);
  status.phase = Phase.None;
  statusMove(Event.Revert, reason);
  auditStage(Audit.Reverted, reason, 0);
  return storeCommit();
}

// --- The trial ---

export function onTrial(): bool {
  return status.phase === Phase.Trial;
}

// The running image is well: by the application's word, by SMP, or by policy.
export function confirm(): Reason {
  if (!onTrial() || !packageLoad(pack, Key.Primary)) return Reason.WrongState;
  stageConfirmed();
  return storeCommit();
}

// in: pack is the image in the primary slot
function stageConfirmed(): void {
  facts.installedSequence = max(facts.installedSequence, pack.sequence);
  floorsStage();
  if (!policy.revertDenied) storeStageDelete(Key.Previous);
  alertStage(Reason.Ok, Operation.Update);
  status.phase = Phase.None;
  statusMove(Event.Confirm, Reason.Ok);
  auditStage(Audit.Installed, Reason.Ok, digestOf(pack));
}

// One start of an image on trial is used up: Ok and it may start; otherwise it had its chance and goes back.
export function trialStart(): Reason {
  if (status.trialBoots === 0) {
    const reason = swapOut(Reason.RevertedNotConfirmed);
    return reason === Reason.Ok ? Reason.RevertedNotConfirmed : reason;
  }
  status.trialBoots--;
  statusStage();
  return storeCommit();
}

// The image on trial does not read as it was installed: back, without a start.
export function trialDamaged(): Reason {
  return swapOut(Reason.ImageDamaged);
}

// --- 100 -> 60: what runs was denied ---

// Brings the image before it back. in: Key.Previous is whole and may run; the caller staged what the log says of it
export function recall(): Reason {
  const moved = statusMove(Event.Recall, Reason.Denied);
  return moved === Reason.Ok ? swapOut(Reason.Denied) : moved;
}

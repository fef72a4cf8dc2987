// Installation: the verdict again, the swap, the trial, and how it ends. The states are those of machine.ts.
//
//   50, 70 ── installBegin: verdict, hash ──▶ 60 in ── swap, hash ──▶ 60 trial ── confirmed ──▶ 100
//                    │ ask: a question, stays 50           │ damaged      │ not confirmed in its boots
//                    │ no: 70                              ▼              ▼
//                    ▼                                  60 out ── swap back ──▶ 80
//                   done
//
//   60 trial, 100 ── recall: what runs was denied, the image before it is still there ──▶ 60 out
//
// The old image stays in the secondary slot (Key.Previous) until the new one is confirmed; until then nobody may touch
// that slot. Where policy brings it back after a denial, it stays on until the slot is wanted for the next download.
// Every arrow is one commit of the store.

import { compare } from '../codec/bytes';
import { Key } from '../flash/keys';
import { overwrites, Place, placeHolds } from '../flash/slots';
import { storeDetached, storeStageDelete } from '../flash/store';
import { Direction, swapDone, swapGo, swapRunning, swapStageBegin, swapStageEnd, swapStep } from '../flash/swap';
import { Answer } from '../policy/consent';
import { facts } from '../policy/facts';
import { judgeAgain } from '../policy/judge';
import { policy } from '../policy/policy';
import { Verdict } from '../policy/verdict';
import { SECTORS } from '../profile';
import { Reason } from '../reason';
import { Event as Audit, auditDecision, auditStage } from './audit';
import { downloadReset } from './download';
import { wantRestart } from './effects';
import { floorsStage } from './floors';
import { About, agreedTo, Consent, consent, digestAgreed, digestInHand, hand, handCommit } from './hand';
import { judgePlace, verdictDigest, verdictReason } from './judgement';
import { Event, move, State, swapping, updating } from './machine';
import { digestOf, imageOf, other, Package, pack, packageLoad, packageStage } from './packages';
import { ask, asks } from './question';
import { residentLeave } from './resident';
import { COST_COMMIT, wearPay, wearPayInstallation } from './wear';

let broken: Reason = 0; // Ok; flash failed under the swap, and so: no further step before a reset

// --- 50 -> 60 ---

// Installs what is staged if the verdict says so or somebody agreed, else asks. Ok: it is under way (60), or the question
// is put (50). Otherwise why not.
export function installBegin(): Reason {
  if (updating()) return Reason.WrongState;
  if (hand.state !== <u32>State.Ready && hand.state !== <u32>State.FailedHaveData) return Reason.NothingStaged;
  if (storeDetached()) return residentLeave();
  if (!packageLoad(pack, Key.Staged)) return Reason.NothingStaged;
  downloadReset();
  const verdict = judgePlace(Place.Staged, pack.headBytes);
  // Each verdict by its own number: what is none of the three is a no.
  if (verdict !== Verdict.Install && verdict !== Verdict.Ask) return reject(pack, verdictReason());
  if (!isInHand(pack)) return installDrop(pack, Reason.ImageDamaged);
  const whole = placeHolds(Place.Staged, pack.imageBytes, imageOf(pack));
  if (whole !== Reason.Ok) return installDrop(pack, whole);
  if (verdict === Verdict.Install) return swapIn(pack, null);
  if (agreed(digestOf(pack)) === Answer.Yes) return swapIn(pack, consent);
  return ask(About.Install, digestOf(pack), verdictReason(), hand.lines);
}

// What was judged, what is described and what is in hand are one package.
function isInHand(pack: Package): bool {
  if (verdictDigest() === 0 || compare(verdictDigest(), digestOf(pack), 32) !== 0) return false;
  return compare(digestInHand(), digestOf(pack), 32) === 0;
}

// Whoever opted in to the download of an approved package has answered, and so has who agreed to install it.
function agreed(digest: usize): Answer {
  const about =
    consent.why === <u32>Reason.AwaitingUser && hand.agreed === <u32>About.Download ? About.Download : About.Install;
  return agreedTo(about, digest, hand.lines, verdictReason());
}

// Refused now, but kept: an approval may still come, and another Exec. Who asks again and again is told, not written down. What
// ends a question costs nothing: wear.ts.
function reject(pack: Package, reason: Reason): Reason {
  if (!asks(About.Install, digestOf(pack)) && wearPay(COST_COMMIT, false) !== Reason.Ok) return reason;
  auditDecision(Audit.Refused, reason, digestOf(pack), facts.installedSequence, pack.sequence, null);
  move(Event.Reject, reason, 0);
  floorsStage();
  const stored = handCommit();
  return stored === Reason.Ok ? reason : stored;
}

// Given up: what is staged will not be installed any more.
export function installDrop(pack: Package, reason: Reason): Reason {
  auditStage(Audit.Refused, reason, digestOf(pack));
  move(Event.Drop, reason, 0);
  const stored = handCommit();
  return stored === Reason.Ok ? reason : stored;
}

// in: `pack` was judged just now and its image hashed; the verdict says so, or `answer` is the yes to exactly it. Both are
// looked at again by what they were made of, so that one instruction which a glitch leaves out does not install.
function swapIn(pack: Package, answer: Consent | null): Reason {
  if (judgeAgain() > (answer ? Verdict.Ask : Verdict.Install)) return Reason.Internal;
  if (answer && compare(digestAgreed(answer), digestOf(pack), 32) !== 0) return Reason.Internal;
  const poor = answer ? Reason.Ok : wearPayInstallation();
  if (poor !== Reason.Ok) return poor;
  packageLoad(other, Key.Primary);
  auditDecision(Audit.Installing, Reason.Ok, digestOf(pack), other.sequence, pack.sequence, answer);
  const moved = move(Event.Install, Reason.Ok, 0);
  if (moved !== Reason.Ok) return moved;
  swapStageBegin(Direction.Forward, max(pack.imageBytes, other.imageBytes));
  floorsStage();
  const stored = handCommit();
  if (stored === Reason.Ok) wantRestart();
  return stored;
}

// --- 60, after the reset ---

// The state is another record of the same commits: no page is moved on the word of one alone.
export function installBusy(): bool {
  return swapRunning() && swapping() && broken === Reason.Ok;
}

// A piece of the swap; to be called as long as installBusy.
export function installStep(): void {
  broken = !swapDone() ? swapStep() : hand.state === <u32>State.SwapOut ? finishOut() : finishIn();
}

// Why the swap is stuck until a reset, or Ok.
export function installBroken(): Reason {
  return broken;
}

function finishIn(): Reason {
  packageLoad(pack, Key.Staged);
  const whole = placeHolds(Place.Primary, pack.imageBytes, imageOf(pack));
  const forGood = SECTORS && overwrites();
  if (whole === Reason.ImageDamaged) return forGood ? lose() : swapOut(whole);
  if (whole !== Reason.Ok) return whole;
  if (!forGood && packageLoad(other, Key.Primary)) packageStage(other, Key.Previous);
  packageStage(pack, Key.Primary);
  swapStageEnd();
  move(Event.Arrive, Reason.Ok, 0);
  hand.trialBoots = forGood ? 0 : policy.trialBoots;
  if (forGood || policy.trialBoots === 0) stageConfirmed(pack);
  return handCommit();
}

// What ran is written over, and what came is not whole: the agent stays, and takes another package.
function lose(): Reason {
  storeStageDelete(Key.Primary);
  swapStageEnd();
  move(Event.Turn, Reason.ImageDamaged, 0);
  move(Event.Back, Reason.ImageDamaged, 0);
  auditStage(Audit.Damaged, Reason.ImageDamaged, digestOf(pack));
  return handCommit();
}

// Back to the image before; whatever is in the primary slot now will not be started any more.
function swapOut(reason: Reason): Reason {
  // What was confirmed goes back when it was denied, and for nothing else: looked at again, as in swapIn.
  if (hand.state === <u32>State.Successful && reason !== Reason.Denied) return Reason.WrongState;
  const arrived = hand.state !== <u32>State.SwapIn;
  packageLoad(other, arrived ? Key.Previous : Key.Primary);
  packageLoad(pack, arrived ? Key.Primary : Key.Staged);
  // From here on Key.Previous names the image that comes back, wherever the swap was turned round.
  if (other.imageBytes) packageStage(other, Key.Previous);
  storeStageDelete(Key.Primary);
  const moved = move(Event.Turn, reason, 0);
  if (moved !== Reason.Ok) return moved;
  swapStageBegin(Direction.Backward, max(pack.imageBytes, other.imageBytes));
  const stored = handCommit();
  if (stored === Reason.Ok) swapGo();
  return stored;
}

function finishOut(): Reason {
  const reason = hand.reason;
  if (packageLoad(other, Key.Previous)) packageStage(other, Key.Primary);
  swapStageEnd();
  move(Event.Back, reason, 0);
  hand.review = 1; // what is back may have been denied meanwhile
  auditStage(Audit.Reverted, reason, other.imageBytes ? digestOf(other) : 0);
  return handCommit();
}

// --- The trial ---

export function onTrial(): bool {
  return hand.state === <u32>State.Trial;
}

// The running image is well: by the application's word (the mailbox).
export function confirm(): Reason {
  if (!onTrial() || !packageLoad(pack, Key.Primary)) return Reason.WrongState;
  stageConfirmed(pack);
  return handCommit();
}

// The same by a command, which anybody may send: not before the image was started once.
export function confirmFromAfar(): Reason {
  return hand.trialBoots < policy.trialBoots ? confirm() : Reason.WrongState;
}

// in: `pack` is the image in the primary slot
function stageConfirmed(pack: Package): void {
  if (hand.reason === <u32>Reason.Denied) hand.review = 1; // found while it was on trial: told now
  facts.installedSequence = max(facts.installedSequence, pack.sequence);
  floorsStage();
  move(Event.Confirm, Reason.Ok, 0);
  auditStage(Audit.Installed, Reason.Ok, digestOf(pack));
}

// One start of an image on trial is used up: Ok and it may start; otherwise it had its chance and goes back.
export function trialStart(): Reason {
  if (hand.trialBoots === 0) {
    const reason = swapOut(Reason.RevertedNotConfirmed);
    return reason === Reason.Ok ? Reason.RevertedNotConfirmed : reason;
  }
  hand.trialBoots--;
  return handCommit();
}

// The image on trial does not read as it was installed: back, without a start.
export function trialDamaged(): Reason {
  return swapOut(Reason.ImageDamaged);
}

// --- What runs was denied ---

// Brings the image before it back. in: Key.Previous is whole and may run; the caller staged what the log says of it
export function recall(): Reason {
  return swapOut(Reason.Denied);
}

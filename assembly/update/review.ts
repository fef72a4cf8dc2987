// When approval data changed: does what runs still have no operator against it? If one denies it, policy 7 says what
// then: report it, or bring the image back that ran before (which reports it, too). And what a person is being asked about is
// judged again.
//
// That image comes back if it is still there, whole, its vendor still an anchor, and no operator against it either. Its
// approval is not asked for anew: a document that denies a package often replaces the one that approved the package
// before. Its lower sequence number does not count here: an operator asked for it, and the floor stays where it is.

import { compare } from '../codec/bytes';
import { Key } from '../flash/keys';
import { Place, placeHolds } from '../flash/slots';
import { questionOpen } from '../policy/consent';
import { facts } from '../policy/facts';
import { policy } from '../policy/policy';
import { Verdict } from '../policy/verdict';
import { Reason } from '../reason';
import { alertStage } from './alert';
import { Event as Audit, auditStage } from './audit';
import { downloadActive, downloadYield } from './download';
import { About, hand, handCommit, Operation, order, question } from './hand';
import { installBegin, recall } from './install';
import { judgePlace, verdictDigest, verdictReason } from './judgement';
import { State, updating } from './machine';
import { digestOf, imageOf, other, Package, pack, packageLoad } from './packages';
import { pullReview } from './pull';

// Does a wanted review when the memory for a head is free. It is wanted until its outcome is in flash.
export function reviewTick(): void {
  if (!hand.review || (updating() && hand.state !== <u32>State.Trial)) return;
  downloadYield();
  if (downloadActive()) return;
  const found = packageLoad(pack, Key.Primary) && denied(Place.Primary, pack);
  // What is on trial was not installed yet: it goes back whatever policy says of what is.
  const trial = hand.state === <u32>State.Trial;
  const back = found && (trial || policy.revertDenied) && mayGoBack() && previousMayRun();
  hand.review = 0;
  if (found) auditStage(Audit.Denied, Reason.Denied, digestOf(pack));
  if (back) {
    recall();
    return;
  }
  // On trial the order is still open: what becomes of it is told by how the trial ends.
  if (found && !trial) alertStage(order, Reason.Denied, Operation.Update);
  if (found) hand.reason = Reason.Denied;
  handCommit();
  if (isDecided()) installBegin();
  pullReview();
}

// Is a person being asked what nobody needs to be asked any more: is it approved, or denied? Otherwise the question stays as it
// is, whatever its reason would be now: an answer may be on its way.
function isDecided(): bool {
  if (!questionOpen(question) || hand.about !== <u32>About.Install || !packageLoad(pack, Key.Staged)) return false;
  return judgePlace(Place.Staged, pack.headBytes) !== Verdict.Ask;
}

// A package on board is not given up for it: it may be what the operator wants instead.
function mayGoBack(): bool {
  return hand.state === <u32>State.Trial || hand.state === <u32>State.Successful;
}

// Does an operator deny what stands there? It may be older than the newest that ever ran: nobody offers it now.
function denied(place: Place, pack: Package): bool {
  const floor = facts.installedSequence;
  facts.installedSequence = pack.sequence;
  judgePlace(place, pack.headBytes);
  facts.installedSequence = floor;
  return verdictReason() === Reason.Denied;
}

function previousMayRun(): bool {
  if (!packageLoad(other, Key.Previous) || denied(Place.Previous, other)) return false;
  if (verdictDigest() === 0 || compare(verdictDigest(), digestOf(other), 32) !== 0) return false;
  return placeHolds(Place.Previous, other.imageBytes, imageOf(other)) === Reason.Ok;
}

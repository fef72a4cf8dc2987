// When approval data changed: does what runs still have no operator against it? If one denies it, policy 7 says what
// then: report it, or bring the image back that ran before (which reports it, too).
//
// That image comes back if it is still there, whole, its vendor still an anchor, and no operator against it either. Its
// approval is not asked for anew: a document that denies a package often replaces the one that approved the package
// before. Its lower sequence number does not count here: an operator asked for it, and the floor stays where it is.

import { compare } from '../codec/bytes';
import { Key } from '../flash/keys';
import { Place, placeHolds } from '../flash/slots';
import { storeCommit } from '../flash/store';
import { questionPending } from '../policy/consent';
import { facts } from '../policy/facts';
import { policy } from '../policy/policy';
import { Reason } from '../reason';
import { alertStage } from './alert';
import { Event as Audit, auditStage } from './audit';
import { downloadActive } from './download';
import { recall } from './install';
import { judgePlace, verdictDigest, verdictReason } from './judgement';
import { digestOf, imageOf, other, Package, pack, packageLoad } from './packages';
import { questionStageEnd } from './question';
import { Operation, Phase, status, statusStage } from './status';

// Does a wanted review when the memory for a head is free. It is wanted until its outcome is in flash.
export function reviewTick(): void {
  if (!status.review || downloadActive() || status.phase !== Phase.None) return;
  const found = packageLoad(pack, Key.Primary) && denied(Place.Primary, pack);
  const back = found && policy.revertDenied && previousMayRun();
  status.review = 0;
  if (found) auditStage(Audit.Denied, Reason.Denied, digestOf(pack));
  if (back) {
    if (questionPending()) questionStageEnd(Reason.Deferred); // what it is about may not come before this
    recall();
    return;
  }
  if (found) {
    alertStage(Reason.Denied, Operation.Update);
    status.reason = Reason.Denied;
  }
  statusStage();
  storeCommit();
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

// When approval data changed: does what runs now still have no operator against it? Policy 7 asks for a report; the
// previous image is gone once the new one was confirmed, so there is nothing to go back to, and a report it is.

import { Key } from '../flash/keys';
import { imageBytesMax, Place, placeRead } from '../flash/slots';
import { storeCommit } from '../flash/store';
import { HEAD, HEAD_BYTES_MAX } from '../package/head';
import { offerBegin, offerResume } from '../package/reader';
import { Reason } from '../reason';
import { alertStage } from './alert';
import { Event as Audit, auditStage } from './audit';
import { downloadActive } from './download';
import { judge, verdictReason } from './judgement';
import { digestOf, pack, packageLoad } from './packages';
import { HeadUser, headTake } from './rooms';
import { Operation, Phase, status, statusStage } from './status';

let wanted: bool = false;

export function wantReview(): void {
  wanted = true;
}

// Does a wanted review when the memory for a head is free.
export function reviewTick(): void {
  if (!wanted || downloadActive() || status.phase !== Phase.None) return;
  wanted = false;
  if (!packageLoad(pack, Key.Primary)) return;
  const bytes = min(pack.headBytes, HEAD_BYTES_MAX);
  headTake(HeadUser.Offer);
  if (placeRead(Place.Primary, imageBytesMax(), HEAD, bytes) !== Reason.Ok) return;
  if (offerResume(bytes) === Reason.Ok) judge();
  offerBegin();
  if (verdictReason() !== Reason.Denied) return;
  alertStage(Reason.Denied, Operation.Update);
  status.reason = Reason.Denied;
  statusStage();
  auditStage(Audit.Denied, Reason.Denied, digestOf(pack));
  storeCommit();
}

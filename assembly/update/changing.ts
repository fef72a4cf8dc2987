// A change of anchors, policy or groups, taken by a provisioned device: verified, put into force and into flash in one commit.
//
//   sequence of the change      answer
//   above the floor             in force from now on; the floor rises to it
//   the floor itself            Ok if the device stands as the change wants it (the answer was lost), else superseded
//   below                       ChangeSuperseded
//
// What goes with it: an operator who is an anchor no more takes its approval document along, its floor stays (seats.ts).
// Documents of those who stay, a staged package and a pending question stay too: the next verdict is by the new rules.
// On a damaged store (flash/store.ts) a change ends the damage: it has a number above all others (floors.ts), what runs is
// noted anew, and nothing else of the update is believed: no package on board, no question, no approval document.
//
// On any fault the device stands as before: memory is read back from flash.

import { BOOTSTRAP, bootstrapBytes } from '../approval/bootstrap';
import { Key } from '../flash/keys';
import { storeDamaged, storeLength, storeRenew, storeStage, storeStageDelete } from '../flash/store';
import { offerBegin } from '../package/reader';
import { change, changeApply, changeInForce, changeOpen } from '../policy/change';
import { facts } from '../policy/facts';
import { provisioned } from '../policy/provision';
import { Reason } from '../reason';
import { Event as Audit, auditStage } from './audit';
import { Image, primaryImage } from './boot';
import { downloadActive, downloadYield } from './download';
import { changeFloor, floorsCollect, floorsMount, floorsRenew, floorsReseat } from './floors';
import { hand, handCommit, handForget, handMount } from './hand';
import { pack, packageStage } from './packages';
import { provisionMount } from './provisioning';
import { HeadUser, headTake } from './rooms';
import { SEATS_MAX, seatsBegin, seatTaken } from './seats';
import { wearForgive } from './wear';

export function changePut(from: usize, length: u32): Reason {
  if (!provisioned()) return Reason.NotProvisioned;
  downloadYield();
  if (downloadActive()) return Reason.WrongState; // the memory for it is in use
  const fault = changeOpen(from, length);
  if (fault !== Reason.Ok) return fault;
  if (change.sequence <= changeFloor()) {
    return change.sequence === changeFloor() && changeInForce() ? Reason.Ok : Reason.ChangeSuperseded;
  }
  offerBegin();
  headTake(HeadUser.Put);
  const reason = enforce();
  if (reason !== Reason.Ok) putBack();
  return reason;
}

function enforce(): Reason {
  floorsCollect();
  seatsBegin();
  const refused = changeApply();
  if (refused !== Reason.Ok) return refused;
  facts.timeFloor = max(facts.timeFloor, change.issuedAt);
  const damaged = storeDamaged();
  if (damaged) renew();
  floorsReseat(change.sequence);
  storeStage(Key.Bootstrap, BOOTSTRAP, bootstrapBytes());
  for (let seat: u32 = 0; seat < SEATS_MAX; seat++) {
    const key = Key.Approval | (seat << 8);
    if (!seatTaken(seat) && storeLength(key) > 0) storeStageDelete(key);
  }
  hand.review = 1; // once the change counts, so does this
  wearForgive(true);
  auditStage(Audit.Changed, damaged ? Reason.StoreDamaged : Reason.Ok, 0);
  return handCommit();
}

function renew(): void {
  floorsRenew(change.issuedAt);
  if (primaryImage() === Image.Whole) {
    facts.installedSequence = max(facts.installedSequence, pack.sequence);
    packageStage(pack, Key.Primary);
  }
  handForget();
  storeRenew();
}

function putBack(): void {
  handMount();
  provisionMount();
  floorsMount();
}

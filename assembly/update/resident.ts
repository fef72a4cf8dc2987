// The resident agent: this agent, called by an application that runs (boards/port/service.h). It downloads while the
// application works, and decides nothing that counts.
//
//   keeps nothing    commits are forgotten with the next reset (flash/store.ts, storeDetach); what somebody would be promised
//                    is refused (ApplicationRuns): documents, changes, a confirmation, a question
//   writes           the secondary slot alone, which its port holds it to
//   leaves a note    in the spare page of that slot, when what stands there is to be installed; then it resets
//
// The boot agent believes of the slot and the note what any stranger may say: that this may be a package, and that somebody ordered
// it. It takes the verdict by its own records, hashes the image and asks, as if every line had delivered it. So an application
// that writes over the memory of the resident agent gains nothing that it could not have sent.
//
//   spare page   │ a word for each download that was accepted: the erase count of the slot, one more each │ note │
//
// The words tell the boot agent that what it knew of the slot is void, and what strangers have spent (wear.ts).

import { PIECE, Unit } from '../flash/flash';
import { Key } from '../flash/keys';
import { overwrites, Place, placeErase, placeHolds, placeRead, placeWrite } from '../flash/slots';
import { storeDamaged, storeDetached } from '../flash/store';
import { SECTORS } from '../profile';
import { Reason } from '../reason';
import { Event as Audit, auditStage } from './audit';
import { isApproved } from './download';
import { restartWanted, wantRestart } from './effects';
import { CORRELATOR_BYTES_MAX, hand, handCommit, Operation, Order, order } from './hand';
import { judgePlace, verdictDigest } from './judgement';
import { Event, move, updating } from './machine';
import { orderFire } from './order';
import { digestOf, imageOf, pack, packageDescribe, packageLoad, packageStage } from './packages';
import { sessionLoad, stored } from './session';
import { COST_COMMIT, COST_DOWNLOAD, wearForgive, wearOwe, wearPay } from './wear';

const COUNTS: u32 = 16;
const NOTE_BYTES: u32 = 8 + offsetof<Order>(); // the erase count, how long the head is, the order

let counted: u32 = 0; // words written in this life

// --- The resident agent ---

// The slot is about to be erased for another package: said in flash first. Nothing to do for the boot agent, which commits it.
export function residentCount(): Reason {
  if (!storeDetached()) return Reason.Ok;
  if (SECTORS && overwrites()) return Reason.ApplicationRuns; // no spare page
  if (counted === COUNTS * Unit.bytes()) return Reason.TooOften;
  let reason = counted === 0 ? placeErase(Place.Previous, 0, 1) : Reason.Ok;
  store<u32>(PIECE, hand.eraseCount);
  if (reason === Reason.Ok) reason = placeWrite(Place.Previous, counted, PIECE, Unit.bytes());
  counted += Unit.bytes();
  return reason;
}

// What is on board is to be installed: the boot agent is told, by the next reset. Paid for here: that one commits it in any case.
export function residentLeave(): Reason {
  if (restartWanted()) return Reason.WrongState; // a note stands there already, and is written once
  const poor = wearPay(COST_COMMIT, hand.approved !== 0);
  if (poor !== Reason.Ok) return poor;
  const headBytes = sessionLoad() ? stored.headBytes : 0; // 0: what the boot agent knows already
  hand.eraseCount++;
  let reason = residentCount();
  store<u32>(PIECE, hand.eraseCount);
  store<u32>(PIECE, headBytes, 4);
  memory.copy(PIECE + 8, changetype<usize>(order), offsetof<Order>());
  if (reason === Reason.Ok) reason = placeWrite(Place.Previous, COUNTS * Unit.bytes(), PIECE, Unit.up(NOTE_BYTES));
  if (reason === Reason.Ok) wantRestart();
  return reason;
}

// --- The boot agent ---

// Once after a reset: what a resident agent did to the slot, and what it left there.
export function residentTake(): void {
  if (storeDamaged() || updating() || (SECTORS && overwrites())) return;
  let count = hand.eraseCount;
  for (let at: u32 = 0; at < COUNTS * Unit.bytes() && wordAt(at) === count + 1; at += Unit.bytes()) count++;
  if (count === hand.eraseCount) return;
  const noted = u32(wordAt(COUNTS * Unit.bytes()) === count); // the last word stands for the note
  wearOwe(COST_COMMIT + COST_DOWNLOAD * (count - hand.eraseCount - noted));
  // The note counts until what it orders is in flash, too: the second commit, or that of the swap or question, ends it.
  if (noted !== 0 && adopt(wordAt(COUNTS * Unit.bytes() + 4))) {
    if (handCommit() !== Reason.Ok) return;
    hand.eraseCount = count;
    orderFire();
    return;
  }
  hand.eraseCount = count;
  move(Event.Clear, Reason.Ok, 0);
  handCommit();
}

function wordAt(at: u32): u32 {
  return placeRead(Place.Previous, at, PIECE, 4) === Reason.Ok ? load<u32>(PIECE) : 0;
}

// Stages what stands in the slot as a package that came over every line, and its order. False: nobody can be held to it, or it is
// not whole.
function adopt(headBytes: u32): bool {
  if (headBytes !== 0) {
    hand.approved = u16(isApproved(judgePlace(Place.Staged, headBytes)));
    if (verdictDigest() === 0) return false;
    packageDescribe(pack, verdictDigest(), headBytes);
    if (placeHolds(Place.Staged, pack.imageBytes, imageOf(pack)) !== Reason.Ok) return false;
    if (pack.sequence > hand.newest) wearForgive(false); // download.ts could not
    hand.newest = max(hand.newest, pack.sequence);
    move(Event.Accept, Reason.Ok, digestOf(pack));
    packageStage(pack, Key.Staged);
    move(Event.Whole, Reason.Ok, 0);
    auditStage(Audit.Downloaded, Reason.Ok, digestOf(pack));
  } else if (!packageLoad(pack, Key.Staged)) return false;
  hand.lines = u32.MAX_VALUE;
  placeRead(Place.Previous, COUNTS * Unit.bytes() + 8, changetype<usize>(order), offsetof<Order>());
  order.operation = max(order.operation, <u32>Operation.Update);
  order.correlatorBytes = min(order.correlatorBytes, CORRELATOR_BYTES_MAX);
  return true;
}

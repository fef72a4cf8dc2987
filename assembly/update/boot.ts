// From reset to the start of an image: what is mounted, how long the agent stays, and when it leaves.
//
//   after a reset                    stays WINDOW_MS, then starts the primary image if it is whole
//   the mailbox says stay            stays STAY_MS
//   a valid packet arrived           STAY_MS from then
//   swap under way, question open    stays until that is over; an image on trial then starts at once
//   no image, or a damaged one       stays for ever: recovery over the links
//
// The image is hashed right before it starts. On a board that runs a copy, the copy is hashed, and nothing reads flash again.
//
// On a damaged store (flash/store.ts) there is neither swap nor question nor trial: nothing can be committed. The image in
// the primary slot is started if it is one that the device once verified, by whatever record of it can be read: only an
// approved swap brings one there.

import { compare } from '../codec/bytes';
import { Key } from '../flash/keys';
import { Place, placeHolds } from '../flash/slots';
import { storeDamaged, storeMount } from '../flash/store';
import { swapMount, swapRunning } from '../flash/swap';
import { questionOpen } from '../policy/consent';
import { SECTORS } from '../profile';
import { Reason } from '../reason';
import { HASHED } from '../scratch';
import { alertMount, alertStage } from './alert';
import { Event as Audit, auditMount, auditStage } from './audit';
import { downloadActive, downloadReset } from './download';
import { floorsMount } from './floors';
import { hand, handCommit, handMount, Operation, order, question } from './hand';
import { confirm, installBroken, onTrial, trialDamaged, trialStart } from './install';
import { digestOf, imageOf, pack, packageLoad } from './packages';
import { provisionMount } from './provisioning';
import { pullMount } from './pull';
import { questionMount } from './question';

const WINDOW_MS: u32 = 1_000; // long enough for a client that resets the board and knocks at once
const STAY_MS: u32 = 10_000;

// The mailbox word, as hal.ts has it.
const STAY: i32 = 1;
const CONFIRM: i32 = 2;

export const enum Image {
  None,
  Whole,
  Damaged,
}

let leftMs: u32 = 0;
let unsound: bool = false; // at this start, what is kept could not all be read, or not be mended

export function bootMount(mailbox: i32): void {
  const reason = storeMount();
  handMount();
  provisionMount();
  floorsMount();
  auditMount();
  alertMount();
  pullMount();
  const asked = storeDamaged() ? Reason.StoreDamaged : questionMount();
  const swap = swapMount();
  unsound = reason !== Reason.Ok || asked !== Reason.Ok || swap !== Reason.Ok;
  if (storeDamaged()) alertStage(order, Reason.StoreDamaged, Operation.None);
  if (mailbox & CONFIRM && onTrial()) confirm();
  leftMs = mailbox & STAY ? STAY_MS : WINDOW_MS;
}

// Why the update stands where it stands: what is wrong in this life, which is never stored, or how the last one ended.
export function reasonToTell(): u32 {
  const broken = installBroken();
  if (broken !== Reason.Ok) return broken;
  return unsound || storeDamaged() ? Reason.StoreDamaged : hand.reason;
}

export function bootStay(): void {
  leftMs = STAY_MS;
}

// Is the image in the primary slot the one that was installed there? Hashes all of it.
// Fills `pack`.
export function primaryImage(): Image {
  const image = primaryIs(Key.Primary);
  if (image === Image.Whole || !storeDamaged()) return image;
  if (primaryIs(Key.Staged) === Image.Whole || primaryIs(Key.Previous) === Image.Whole) return Image.Whole;
  return image;
}

function primaryIs(key: Key): Image {
  if (!packageLoad(pack, key)) return Image.None;
  const place = SECTORS ? Place.Running : Place.Primary;
  return placeHolds(place, pack.imageBytes, imageOf(pack)) === Reason.Ok ? Image.Whole : Image.Damaged;
}

// Time passes. True when the image in the primary slot is to be started now. `arrived`: it was swapped in and hashed just now,
// and if it is on trial, whoever follows the update waits for nothing but its start.
export function bootTick(milliseconds: u32, arrived: bool): bool {
  if (swapRunning() || questionOpen(question)) return false;
  if (arrived && onTrial() && !hand.review) {
    if (!SECTORS) return trialStart() === Reason.Ok;
    leftMs = 0; // that was its place in flash: what runs may be a copy, which is made and hashed below
  }
  leftMs = leftMs > milliseconds ? leftMs - milliseconds : 0;
  if (leftMs !== 0) return false;
  leftMs = STAY_MS; // looked at again then, should we stay
  // Nothing is started whose review is wanted: a session that nobody feeds any more does not hold it up.
  if (hand.review && downloadActive()) {
    downloadReset();
    leftMs = 1;
    return false;
  }
  switch (primaryImage()) {
    case Image.None:
      return false;
    case Image.Damaged:
      if (onTrial()) trialDamaged();
      else reportDamage();
      return false;
    default:
      // Looked at again, so that one instruction which a glitch leaves out starts no copy of something else.
      if (SECTORS && compare(HASHED, imageOf(pack), 32) !== 0) return false;
      return !onTrial() || storeDamaged() || trialStart() === Reason.Ok;
  }
}

function reportDamage(): void {
  if (hand.reason === <u32>Reason.ImageDamaged) return;
  hand.reason = Reason.ImageDamaged;
  auditStage(Audit.Damaged, Reason.ImageDamaged, digestOf(pack));
  handCommit();
}

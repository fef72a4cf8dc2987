// What a device is told about whom to believe: the bootstrap document, once, and the newest approval document of each
// operator. Everything is verified before it is kept, and in force only when it is in flash.

import { BOOTSTRAP, BOOTSTRAP_BYTES_MAX, bootstrapBytes, bootstrapForget } from '../approval/bootstrap';
import { document, documentOpen } from '../approval/document';
import { operatorFloor, setOperatorFloor } from '../approval/evidence';
import { Key } from '../flash/keys';
import { storeHolds, storeLength, storeReadPart, storeStage } from '../flash/store';
import { HEAD } from '../package/head';
import { facts } from '../policy/facts';
import { provision, provisioned } from '../policy/provision';
import { Reason } from '../reason';
import { Event as Audit, auditStage } from './audit';
import { floorsStage } from './floors';
import { hand, handCommit } from './hand';
import { seatOf } from './seats';
import { wearForgive } from './wear';

// After a reset. A device without a document, or with one that does not read any more, is blank: it installs nothing.
export function provisionMount(): Reason {
  const bytes = storeReadPart(Key.Bootstrap, 0, HEAD, BOOTSTRAP_BYTES_MAX);
  return bytes > 0 ? provision(HEAD, bytes) : Reason.NotProvisioned;
}

// The bootstrap document of a blank device; afterwards it is locked.
export function bootstrapPut(from: usize, length: u32): Reason {
  if (provisioned() || storeLength(Key.Bootstrap) > 0) return Reason.BootstrapLocked;
  const reason = provision(from, length);
  if (reason !== Reason.Ok) return reason;
  wearForgive(true);
  storeStage(Key.Bootstrap, BOOTSTRAP, bootstrapBytes());
  auditStage(Audit.Provisioned, Reason.Ok, 0);
  const stored = handCommit();
  if (stored !== Reason.Ok) bootstrapForget();
  return stored;
}

// An approval document: kept if it is authentic and newer than what its operator was ever seen to have issued.
//
//   sequence        stored document of the operator    answer
//   above floor     any                                kept
//   = floor         none                               kept (it was seen in a package before)
//   = floor         the same bytes                     Ok, nothing to do
//   = floor, below  another                            Superseded
export function approvalPut(from: usize, length: u32): Reason {
  if (!provisioned()) return Reason.NotProvisioned;
  const reason = documentOpen(from, length);
  if (reason !== Reason.Ok) return reason;
  const key = Key.Approval | (seatOf(document.signer) << 8);
  const floor = operatorFloor(document.signer);
  const kept = storeLength(key) > 0;
  if (document.sequence < floor || (document.sequence === floor && kept)) {
    return document.sequence === floor && storeHolds(key, from, length) ? Reason.Ok : Reason.Superseded;
  }
  setOperatorFloor(document.signer, document.sequence);
  facts.timeFloor = max(facts.timeFloor, document.issuedAt);
  storeStage(key, from, length);
  floorsStage();
  hand.review = 1; // once the new approval data counts, so does this
  wearForgive(true);
  auditStage(Audit.ApprovalStored, Reason.Ok, 0);
  const stored = handCommit();
  return stored === Reason.StoreFull ? Reason.ApprovalsFull : stored;
}

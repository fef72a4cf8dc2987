// One verdict: the head in HEAD, every approval that this device has, the policy. Taken when a head is whole, and again
// before installation, because an approval may have been revoked meanwhile.
//
// Approvals come from the package itself and the bootstrap document (policy/judge.ts looks there), from the tree (each
// operator's newest document in the store) and from the smart card, read into DOCUMENT one after the other.

import { anchorCount } from '../approval/anchors';
import { DOCUMENT_BYTES_MAX } from '../approval/document';
import { Source } from '../approval/evidence';
import { CARD_ROOM, CARD_UNREACHABLE, cardRead } from '../flash/card';
import { Key } from '../flash/keys';
import { imageBytesMax, Place, placeRead } from '../flash/slots';
import { storeLength, storeReadPart } from '../flash/store';
import { HEAD, HEAD_BYTES_MAX } from '../package/head';
import { offerBegin, offerResume } from '../package/reader';
import { facts } from '../policy/facts';
import { judgeConsider, judgeDecide, judgedDigest, judgeHead, judgeReason, judgeUnreachable } from '../policy/judge';
import { Verdict } from '../policy/verdict';
import { Reason } from '../reason';
import { DOCUMENT, documentTake, HeadUser, headTake } from './rooms';
import { seatOf } from './seats';

let verdict: Verdict = Verdict.Reject;
let reason: Reason = Reason.Internal;

// The verdict over the head in HEAD (package/reader.ts in Phase.Judging or later). Why: verdictReason.
export function judge(): Verdict {
  facts.slotBytes = imageBytesMax();
  const fit = judgeHead() === Reason.Ok;
  for (let anchor: u32 = 0; fit && anchor < anchorCount(); anchor++) {
    const key = Key.Approval | (seatOf(anchor) << 8);
    const bytes = storeLength(key);
    if (bytes <= 0 || bytes > <i32>DOCUMENT_BYTES_MAX) continue;
    documentTake();
    if (storeReadPart(key, 0, DOCUMENT, bytes) !== bytes) continue;
    judgeConsider(Source.Tree, DOCUMENT, bytes);
  }
  if (fit) considerCard();
  verdict = judgeDecide();
  reason = judgeReason();
  return verdict;
}

// The verdict over the package in a slot, by the head that stands behind its image. An offer under way is forgotten.
export function judgePlace(place: Place, headBytes: u32): Verdict {
  const bytes = min(headBytes, HEAD_BYTES_MAX);
  headTake(HeadUser.Offer);
  if (placeRead(place, imageBytesMax(), HEAD, bytes) === Reason.Ok) offerResume(bytes);
  else offerBegin();
  judge();
  offerBegin(); // the head in memory was borrowed
  return verdict;
}

function considerCard(): void {
  documentTake();
  const bytes = cardRead(DOCUMENT, DOCUMENT_BYTES_MAX + CARD_ROOM);
  if (bytes > 0) judgeConsider(Source.Card, DOCUMENT, bytes);
  else if (bytes === CARD_UNREACHABLE) judgeUnreachable(Source.Card);
}

export function verdictReason(): Reason {
  return reason;
}

// The digest of the manifest that was judged, 0 when it is not authentic.
export function verdictDigest(): usize {
  return judgedDigest();
}

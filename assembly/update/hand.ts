// The package in hand: all that is known of it, in one record that lives and dies with it, and survives every reset.
//
// No fact about a package stands anywhere else, and every fact carries the digest it is about. What ends a package, or
// puts another in its place, is a row of machine.ts, and the row ends what was asked, agreed and ordered about it.
// Memory and flash never differ for longer than a call: what changes is staged and committed, and a commit that fails
// reads the record back. (What strangers spent or earned, wear.ts, goes with the next commit.)
//
//   which            `digest`
//   who delivered    `lines`: every line that a byte in the secondary slot came over
//   who ordered      `order`: the operation, its correlator, the line for the alert
//   what is asked    `about`, `why`, `signer`, `question` (policy/consent.ts) with its digest, nonce, time and lines
//   what was agreed  `agreed`, `consent`: one yes, for one digest, for one thing; it counts once
//
// The offer that is being collected is no package yet (download.ts); neither is an order that waits for one (order.ts).

import { compare } from '../codec/bytes';
import { Key } from '../flash/keys';
import { storeCommit, storeRead, storeReadPart, storeStage } from '../flash/store';
import { Answer, Channel, Question } from '../policy/consent';
import { policy } from '../policy/policy';
import { Reason } from '../reason';
import { floorsTakeBack } from './floors';

// What the DM server asked for, as FUMO's alert types name it.
export const enum Operation {
  None = 0,
  Download = 1,
  Update = 2,
  DownloadAndUpdate = 3,
}

// What a question, or the yes to it, is about.
export const enum About {
  Nothing = 0,
  Download = 1, // may it be downloaded?
  Install = 2, // may it be installed?
}

export const CORRELATOR_BYTES_MAX: u32 = 32;

@unmanaged
export class Order {
  operation: u32; // Operation
  line: u32; // link + 1 that the alert is for, 0: it was ordered by no command of ours, and is not told unasked
  correlatorBytes: u32;
  named: u32; // 1: it names its package, which is in hand, or else beside it (order.ts)
  correlator: u64; // CORRELATOR_BYTES_MAX
  correlator1: u64;
  correlator2: u64;
  correlator3: u64;
}

export function correlatorOf(order: Order): usize {
  return changetype<usize>(order) + offsetof<Order>('correlator');
}

// A yes. `line` 0: by button or signature, which no line can have forged.
@unmanaged
export class Consent {
  digest: u64; // of the manifest that it is about
  digest1: u64;
  digest2: u64;
  digest3: u64;
  channel: Channel;
  line: u32; // mask of the line that it was typed on
  consenter: u32; // seat of the anchor that signed it
  why: u32; // Reason that was shown with the question
}

export function digestAgreed(consent: Consent): usize {
  return changetype<usize>(consent) + offsetof<Consent>('digest');
}

@unmanaged
export class Hand {
  state: u32; // State, machine.ts
  reason: u32; // Reason of the last result
  trialBoots: u32; // starts left before the image must have confirmed itself
  eraseCount: u32; // rises before the secondary slot is erased: what was known of its contents is void
  review: u16; // 1: what runs is to be judged again, see review.ts
  approved: u16; // 1: by its operators, when what is on its way was accepted: its head, and what else there was then
  spent: u32; // by strangers, see wear.ts
  hour: u32; // of the trusted clock, since 1970, that this was told at
  lines: u32;
  newest: u64; // highest sequence number of a manifest that was ever taken
  digest: u64; // 32 bytes, of the manifest of what stands or arrives in the secondary slot
  digest1: u64;
  digest2: u64;
  digest3: u64;
  about: u32; // About; of the last question, also when it is over; Nothing: there never was one
  why: u32; // Reason to ask; once it is over, how it ended: Ok for yes, UserRefused, Deferred
  signer: u32; // seat of the vendor anchor that signed the package asked about
  agreed: u32; // About
  // Order, Consent and Question follow.
}

const ORDER: usize = offsetof<Hand>();
const CONSENT: usize = ORDER + offsetof<Order>();
const QUESTION: usize = CONSENT + offsetof<Consent>();
const HAND_BYTES: usize = QUESTION + offsetof<Question>();
const HAND: usize = memory.data(<i32>HAND_BYTES, 8);

export const hand = changetype<Hand>(HAND);
export const order = changetype<Order>(HAND + ORDER);
export const consent = changetype<Consent>(HAND + CONSENT);
export const question = changetype<Question>(HAND + QUESTION);

export function handMount(): void {
  storeRead(Key.Update, HAND, <u32>HAND_BYTES);
}

// Nothing is in hand: after a damage nothing that was said of a package is believed.
export function handForget(): void {
  memory.fill(HAND, 0, HAND_BYTES);
}

// The order as flash has it: what was filled in and came to nothing is forgotten.
export function orderMount(): void {
  storeReadPart(Key.Update, <u32>ORDER, changetype<usize>(order), offsetof<Order>());
}

export function handStage(): void {
  storeStage(Key.Update, HAND, <u32>HAND_BYTES);
}

// Commits all that is staged, the record with it. When that fails, all that is kept in memory is again what flash says:
// the record and the counters here, what else was staged by the store (storeStageMirror).
export function handCommit(): Reason {
  handStage();
  const stored = storeCommit();
  if (stored === Reason.Ok) return stored;
  handMount();
  floorsTakeBack();
  return stored;
}

export function digestInHand(): usize {
  return HAND + offsetof<Hand>('digest');
}

// The mask of a link, 0 for what is none (a button).
export function lineOf(link: i32): u32 {
  return link < 0 ? 0 : (<u32>1) << min(<u32>link, 31);
}

export function orderEnd(order: Order): void {
  memory.fill(changetype<usize>(order), 0, offsetof<Order>());
}

export function consentEnd(): void {
  hand.agreed = About.Nothing;
  memory.fill(changetype<usize>(consent), 0, offsetof<Consent>());
}

// Did somebody agree to this, about exactly this package, and over no line that delivered it where policy forbids that? A yes to
// what its operators approved is none to what they do not, or no longer: that is a question of its own.
// in: `lines` that delivered; `why` the verdict that was just taken would ask
// Yes, or None: no truth value, which whatever stands in a register would be when a glitch leaves out the return.
export function agreedTo(about: About, digest: usize, lines: u32, why: Reason): Answer {
  if (consent.why === <u32>Reason.AwaitingUser && why !== Reason.AwaitingUser) return Answer.None;
  if (hand.agreed !== <u32>about || compare(digestAgreed(consent), digest, 32) !== 0) return Answer.None;
  const elsewhere = (consent.line & lines) === 0;
  return elsewhere || (policy.channels & Channel.Delivering) !== 0 ? Answer.Yes : Answer.None;
}

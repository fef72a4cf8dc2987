// Where the update stands: FUMO's states (OMA-TS-DM-FUMO section 5.1) with the three that 60 has for us, and one table
// of all that can happen. Each row says from where, to where, and what ends with it; `move` does exactly that, for every
// event, so that no caller can forget a part.
//
//                        ┌────────────── Accept ──────────────┐
//   10 idle ── Accept ──▶ 30 progressing ── Whole ──▶ 50 ready ── Install ──▶ 60 in ── Arrive ──▶ 60 trial
//                              │ Break                  │ │ ▲                   │ Turn        Turn │    │ Confirm
//                              ▼                 Reject │ │ │ Install           ▼                  │    ▼
//                         20 download failed            ▼ │ │              60 out ◀───────────────┘   100 success
//                                              70 failed, ┘ │                   │ Back                  │
//                                              have data ── Drop ──▶ 80 failed, no data ◀──┘            │ Turn
//                                                                                  60 out ◀────────────┘
//
//   event     what happened                        from       to     ends
//                                                                    question consent staged previous session order
//   Accept    a package was judged and may come    ¬60        30     x        others' x      x        x       others'
//   Whole     all of it is in flash (40, then 50)  30         50                                      x
//   Break     the download ended in an error       30         20     x        x                       x       x
//   Ask       a question is put                    ¬60        same   x        x
//   Answer    a yes before the download            ¬60        same   x
//   Refuse    a no before the download             ¬60        same   x        x
//   Defer     nobody answered in time              ¬60        same   x        x                               untold
//   Install   the swap begins                      50 70      60 in  x        x
//   Reject    the verdict was no; it is kept       50 70      70     x        x                               x
//   Drop      it is given up: a no, damage         50 70      80     x        x       x                       x
//   Arrive    the swap is done, the image is whole 60 in      trial                   x
//   Confirm   the new image is confirmed           60 trial   100                            unless           x
//   Turn      the image before is to come back     60 100     out    x        x       x
//   Back      it is back                           60 out     80                             x                x
//   Clear     the slot was cleared on demand       ¬60        10     x        x       x      x        x       x
//
//   question   an open one ends as deferred, unless its answer is what happened; the board hears "not asking" before
//              anything else is asked (agent.ts)
//   consent    none is left
//   order      its result is staged as the alert, with the reason of the event
//   others'    only if it is about another package than the one that is accepted
//   untold     it is over, and nothing is final: no alert
//   unless     the image before stays where policy brings it back after a denial
//
// Uploads, answers and orders that meet 60 are refused (WrongState). A reset changes no state: what goes on after one is
// read off the state (boot.ts). What happens in which order within a tick is a table of its own (agent.ts).

import { compare } from '../codec/bytes';
import { Key } from '../flash/keys';
import { storeStageDelete } from '../flash/store';
import { Answer, questionDrop, questionOpen } from '../policy/consent';
import { policy } from '../policy/policy';
import { Reason } from '../reason';
import { alertStage } from './alert';
import {
  consent,
  consentEnd,
  digestAgreed,
  digestInHand,
  hand,
  handStage,
  Operation,
  order,
  orderEnd,
  question,
} from './hand';

// Permanent numbers: they stand in flash. 0 is a device that never stored one.
export const enum State {
  Idle = 0,
  DownloadFailed = 1,
  Downloading = 2,
  Ready = 3,
  SwapIn = 4, // the swap brings the new image
  Trial = 5, // it is in place and has to be confirmed
  SwapOut = 6, // the swap brings the image before back
  FailedHaveData = 7,
  FailedNoData = 8,
  Successful = 9,
}

export const enum Event {
  Accept,
  Whole,
  Break,
  Ask,
  Answer,
  Refuse,
  Defer,
  Install,
  Reject,
  Drop,
  Arrive,
  Confirm,
  Turn,
  Back,
  Clear,
}

// What a row ends.
const QUESTION: u32 = 1;
const CONSENT: u32 = 2;
const OTHERS: u32 = 4; // consent and order about another package
const STAGED: u32 = 8;
const PREVIOUS: u32 = 16;
const UNLESS: u32 = 32; // the previous image, unless policy may want it back
const SESSION: u32 = 64;
const ORDER: u32 = 128;
const UNTOLD: u32 = 256;

// Sets of states, from where an event may come.
const IN: u32 = 1 << State.SwapIn;
const TRIAL: u32 = 1 << State.Trial;
const OUT: u32 = 1 << State.SwapOut;
const SIXTY: u32 = IN | TRIAL | OUT;
const ANY: u32 = (1 << (State.Successful + 1)) - 1;
const LOADING: u32 = 1 << State.Downloading;
const HOLDS: u32 = (1 << State.Ready) | (1 << State.FailedHaveData);
const SAME: u32 = 15; // as a state: it stays

//   row = ends << 16 | to << 12 | from, in the order of Event; read at a constant offset: on a microcontroller it lies in flash
function rowOf(event: Event): u32 {
  const table = memory.data<u32>([
    ((QUESTION | OTHERS | STAGED | PREVIOUS | SESSION) << 16) | (State.Downloading << 12) | (ANY & ~SIXTY), // Accept
    (SESSION << 16) | (State.Ready << 12) | LOADING, // Whole
    ((QUESTION | CONSENT | SESSION | ORDER) << 16) | (State.DownloadFailed << 12) | LOADING, // Break
    ((QUESTION | CONSENT) << 16) | (SAME << 12) | (ANY & ~SIXTY), // Ask
    (QUESTION << 16) | (SAME << 12) | (ANY & ~SIXTY), // Answer
    ((QUESTION | CONSENT) << 16) | (SAME << 12) | (ANY & ~SIXTY), // Refuse
    ((QUESTION | CONSENT | UNTOLD) << 16) | (SAME << 12) | (ANY & ~SIXTY), // Defer
    ((QUESTION | CONSENT) << 16) | (State.SwapIn << 12) | HOLDS, // Install
    ((QUESTION | CONSENT | ORDER) << 16) | (State.FailedHaveData << 12) | HOLDS, // Reject
    ((QUESTION | CONSENT | STAGED | ORDER) << 16) | (State.FailedNoData << 12) | HOLDS, // Drop
    (STAGED << 16) | (State.Trial << 12) | IN, // Arrive
    ((UNLESS | ORDER) << 16) | (State.Successful << 12) | TRIAL, // Confirm
    ((QUESTION | CONSENT | STAGED) << 16) | (State.SwapOut << 12) | (IN | TRIAL | (1 << State.Successful)), // Turn
    ((PREVIOUS | ORDER) << 16) | (State.FailedNoData << 12) | OUT, // Back
    ((QUESTION | CONSENT | STAGED | PREVIOUS | SESSION | ORDER) << 16) | (State.Idle << 12) | (ANY & ~SIXTY), // Clear
  ]);
  return load<u32>(event << 2, table);
}

// May `event` happen in this state? For the test that draws the table again, and for `move`.
export function allows(state: State, event: Event): bool {
  return ((rowOf(event) >>> state) & 1) !== 0;
}

export function stateAfter(state: State, event: Event): State {
  const to = (rowOf(event) >>> 12) & 15;
  return to === SAME ? state : to;
}

// FUMO's number.
export function fumoState(state: State): u32 {
  switch (state) {
    case State.SwapIn:
    case State.Trial:
    case State.SwapOut:
      return 60;
    case State.Successful:
      return 100;
    case State.Ready:
      return 50;
    default:
      return state < State.Ready ? 10 + 10 * <u32>state : 10 * <u32>state;
  }
}

// Is the secondary slot, and what runs, being exchanged or on trial? Then nothing may touch it.
export function updating(): bool {
  return ((SIXTY >>> hand.state) & 1) !== 0;
}

// Is an image on its way between the slots? Every commit that begins or ends a swap says so.
export function swapping(): bool {
  return (((IN | OUT) >>> hand.state) & 1) !== 0;
}

// The one way to change the state. Does all that the row says and stages it; the caller commits, together with what else
// becomes true. `reason`: that of the event; `digest` (32 bytes, or 0): the package that it brings.
// WrongState, and nothing is staged, where the table has no such row.
export function move(event: Event, reason: Reason, digest: usize): Reason {
  if (!allows(hand.state, event)) return Reason.WrongState;
  const ends = rowOf(event) >>> 16;
  hand.state = stateAfter(hand.state, event);
  hand.reason = reason;
  if (ends & QUESTION) endQuestion();
  if (ends & CONSENT) consentEnd();
  if (ends & OTHERS) endOthers(digest);
  if (ends & STAGED) storeStageDelete(Key.Staged);
  if (ends & PREVIOUS || (ends & UNLESS && !policy.revertDenied)) storeStageDelete(Key.Previous);
  if (ends & SESSION) {
    storeStageDelete(Key.Download);
    storeStageDelete(Key.DownloadPages);
  }
  if (ends & ORDER) endOrder(event, reason);
  if (ends & UNTOLD) orderEnd(order);
  handStage();
  return Reason.Ok;
}

// An answer that was given ended it; whatever else happened leaves it deferred.
function endQuestion(): void {
  const answered = question.answer !== Answer.None;
  if (!questionOpen(question) && !answered) return;
  hand.why = !answered ? Reason.Deferred : question.answer === Answer.Yes ? Reason.Ok : Reason.UserRefused;
  questionDrop(question);
  storeStageDelete(Key.Offered);
}

function endOthers(digest: usize): void {
  if (compare(digestAgreed(consent), digest, 32) !== 0) consentEnd();
  if (compare(digestInHand(), digest, 32) === 0) return;
  if (order.operation !== Operation.None) alertStage(order, Reason.NothingDelivered, Operation.None);
  memory.copy(digestInHand(), digest, 32);
}

// Nobody is told that the slot was cleared, but whoever ordered what stood there.
function endOrder(event: Event, reason: Reason): void {
  if (event !== Event.Clear) alertStage(order, reason, event === Event.Break ? Operation.Download : Operation.Update);
  else if (order.operation !== Operation.None) alertStage(order, Reason.NothingDelivered, Operation.None);
}

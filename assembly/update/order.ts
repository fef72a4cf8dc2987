// What the DM server orders by Exec, and how long an order waits for its package.
//
//   operation           no package on board          30: one is on its way        50           70            60
//   Update              NothingStaged                NothingStaged                now          now           WrongState
//   DownloadAndUpdate   waits; then as soon as whole it is noted; as soon as      now          waits         WrongState
//   Download            waits; then answered           whole, or answered         waits        waits         WrongState
//
//   now   verdict again, then the swap or a question
//
// Where the PkgURL names a digest, the device fetches that package (pull.ts) and the order is about nothing else:
//
//   it runs already                                                        Unchanged
//   it is on board, 50 or 70, and DownloadAndUpdate is ordered             now
//   it is on its way                                                       goes on, over the line of this order
//   otherwise, also where another package is on board or on its way        fetched
//
// Whoever asks twice, because an answer was lost, has ordered once: an order with the correlator of the one under way is
// Ok, and so is one whose installation has just ended well. A package that a vendor signed ends a waiting order, also when
// it is refused: the alert says why. One that nobody can be held to (malformed, not authentic) leaves it waiting.
//
// An order that waits is in memory only: it is forgotten by a reset and by the next order. After ORDER_MS it is over, and
// the alert says so: what nobody delivered then must not fire on a package that somebody brings much later.

import { compare } from '../codec/bytes';
import { Key } from '../flash/keys';
import { questionOpen } from '../policy/consent';
import { Reason } from '../reason';
import { alertAnswers, alertStage } from './alert';
import {
  CORRELATOR_BYTES_MAX,
  correlatorOf,
  digestInHand,
  hand,
  handCommit,
  Operation,
  Order,
  order,
  orderEnd,
  orderMount,
  question,
} from './hand';
import { installBegin } from './install';
import { State, updating } from './machine';
import { digestOf, pack, packageLoad } from './packages';
import { pullBegin, pullResume } from './pull';
import { COST_COMMIT, wearPay } from './wear';

const ORDER_MS: u32 = 600_000;
const DIGEST_BYTES: u32 = 32;

const waiting = changetype<Order>(memory.data(offsetof<Order>(), 8)); // for a package
const WANTED: usize = memory.data(DIGEST_BYTES, 8); // that package, if it is named
let leftMs: u32 = 0; // of it

// `line` is link + 1 of the line that is to hear the alert, 0 for none. `correlator` of `length` bytes, which may be 0. `named`
// is the digest of the manifest that is to be fetched over that line, or 0.
export function orderTake(operation: Operation, line: u32, correlator: usize, length: u32, named: usize): Reason {
  if (length > CORRELATOR_BYTES_MAX) return Reason.ValueTooLarge;
  const other = named !== 0 && compare(digestInHand(), named, DIGEST_BYTES) !== 0;
  if (!other && isOf(order, operation, correlator, length)) {
    pullResume(line, named); // what somebody else had fetched meanwhile
    return Reason.Ok;
  }
  if (updating()) return Reason.WrongState;
  if (hand.state === <u32>State.Successful && alertAnswers(correlator, length, Reason.Ok)) return Reason.Ok;
  if (named && packageLoad(pack, Key.Primary) && compare(digestOf(pack), named, DIGEST_BYTES) === 0)
    return Reason.Unchanged;
  if (operation !== Operation.Update && (other || !isOnBoard(operation, named))) {
    if (!other && hand.state === <u32>State.Downloading) {
      pullResume(line, named);
      return note(operation, line, correlator, length);
    }
    fill(waiting, operation, line, correlator, length);
    waiting.named = u32(named !== 0);
    if (named) memory.copy(WANTED, named, DIGEST_BYTES);
    leftMs = ORDER_MS;
    pullBegin(line, named);
    return Reason.Ok;
  }
  if (hand.state !== <u32>State.Ready && hand.state !== <u32>State.FailedHaveData) return Reason.NothingStaged;
  const asked = questionOpen(question);
  fill(order, operation, line, correlator, length);
  let reason = installBegin();
  // Asked already: nothing was written down but this order.
  if (reason === Reason.Ok && asked && questionOpen(question)) reason = keep();
  if (reason !== Reason.Ok) orderMount();
  return reason;
}

// Is what is ordered there already, so that it can be installed? What was refused may be tried again if it was named.
function isOnBoard(operation: Operation, named: usize): bool {
  if (operation === Operation.Download) return false;
  return hand.state === <u32>State.Ready || (named !== 0 && hand.state === <u32>State.FailedHaveData);
}

function keep(): Reason {
  const poor = wearPay(COST_COMMIT, false);
  return poor === Reason.Ok ? handCommit() : poor;
}

// Is exactly this ordered already? Without a correlator nobody can tell.
function isOf(order: Order, operation: Operation, correlator: usize, length: u32): bool {
  if (order.operation !== <u32>operation || length === 0 || order.correlatorBytes !== length) return false;
  return compare(correlatorOf(order), correlator, length) === 0;
}

function fill(order: Order, operation: Operation, line: u32, correlator: usize, length: u32): void {
  orderEnd(order);
  order.operation = operation;
  order.line = line;
  order.correlatorBytes = length;
  memory.copy(correlatorOf(order), correlator, length);
}

// For the package that is on its way.
function note(operation: Operation, line: u32, correlator: usize, length: u32): Reason {
  fill(order, operation, line, correlator, length);
  const reason = keep();
  if (reason !== Reason.Ok) orderMount();
  return reason;
}

// A package was accepted: the order that waited for it is about it from now on. The caller stages the record.
export function orderBind(digest: usize): void {
  if (!orderWaits(digest)) return;
  memory.copy(changetype<usize>(order), changetype<usize>(waiting), offsetof<Order>());
  orderEnd(waiting);
}

// Does an order wait for this package: one that names it, or none?
export function orderWaits(digest: usize): bool {
  if (waiting.operation === Operation.None) return false;
  return waiting.named === 0 || compare(WANTED, digest, DIGEST_BYTES) === 0;
}

// This vendor's package was refused: the order that waited for it is answered, and where none waits it is told all the same. One
// that waits for another package goes on. Staged.
export function orderRefuse(reason: Reason, digest: usize): void {
  if (waiting.operation === Operation.None || orderWaits(digest)) alertStage(waiting, reason, Operation.Download);
}

// What was ordered with the download. If it comes to nothing it is over, and does not fire later.
export function orderFire(): void {
  const reason = installBegin();
  if (reason === Reason.Ok || order.operation === Operation.None) return;
  alertStage(order, reason, Operation.Update);
  handCommit();
}

export function orderTick(milliseconds: u32): void {
  if (order.operation === <u32>Operation.DownloadAndUpdate && hand.state === <u32>State.Ready) {
    if (!questionOpen(question)) orderFire();
  }
  if (waiting.operation === Operation.None) return;
  leftMs = leftMs > milliseconds ? leftMs - milliseconds : 0;
  if (leftMs) return;
  if (wearPay(COST_COMMIT, false) !== Reason.Ok) {
    orderEnd(waiting);
    return;
  }
  alertStage(waiting, Reason.NothingDelivered, Operation.Download);
  handCommit();
}

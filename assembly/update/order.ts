// What the DM server orders by Exec, and how long an order waits for its package.
//
//   Exec ./FUMO/1/Update             now: verdict again, swap or question
//   Exec ./FUMO/1/Download           the next accepted package answers this order (its correlator, its alert)
//   Exec ./FUMO/1/DownloadAndUpdate  the same, and it is installed as soon as it is whole
//
// A package that a vendor signed ends the order, also when it is refused: the alert says why. One that nobody can be held to
// (malformed, not authentic) leaves it waiting for the right one. An order that cannot even begin is answered at once.
//
// An order without a package is forgotten by a reset and by the next order. After ORDER_MS it is over, and the alert says so:
// what nobody delivered then must not fire on a package that somebody brings much later.

import { storeCommit } from '../flash/store';
import { questionPending } from '../policy/consent';
import { Reason } from '../reason';
import { alertStage } from './alert';
import { installBegin } from './install';
import { State } from './state';
import { CORRELATOR, CORRELATOR_BYTES_MAX, Operation, status } from './status';

const ORDER_MS: u32 = 600_000;

let leftMs: u32 = 0;

export function orderMount(): void {
  if (idle()) status.operation = Operation.None;
}

// Is no package under way that the order could be about?
function idle(): bool {
  return status.state !== State.Downloading && status.state !== State.Ready && status.state !== State.Updating;
}

export function order(operation: Operation, link: i32, correlator: usize, length: u32): Reason {
  if (status.state === State.Updating) return Reason.WrongState;
  if (length > CORRELATOR_BYTES_MAX) return Reason.ValueTooLarge;
  status.operation = operation;
  status.link = link;
  status.correlatorBytes = length;
  memory.copy(CORRELATOR, correlator, length);
  leftMs = ORDER_MS;
  const reason = operation === Operation.Update ? installBegin(false) : Reason.Ok;
  if (reason !== Reason.Ok) status.operation = Operation.None;
  return reason;
}

export function orderTick(milliseconds: u32): void {
  if (status.operation === Operation.None) return;
  if (idle()) {
    leftMs = leftMs > milliseconds ? leftMs - milliseconds : 0;
    if (leftMs) return;
    alertStage(Reason.NothingDelivered, status.operation);
    storeCommit();
  } else if (status.operation === Operation.DownloadAndUpdate && status.state === State.Ready && !questionPending()) {
    if (installBegin(false) !== Reason.Ok) status.operation = Operation.None;
  }
}

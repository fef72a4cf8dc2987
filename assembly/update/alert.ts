// The generic alert (OMA DM alert 1226): the final result of what the DM server asked for, kept until the next one so
// that it can be read after any reset. Also the one table from our reasons to FUMO's result codes.

import { compare } from '../codec/bytes';
import { Key } from '../flash/keys';
import { storeDamaged, storeRead, storeStage, storeStageMirror } from '../flash/store';
import { Reason } from '../reason';
import { CORRELATOR_BYTES_MAX, correlatorOf, Operation, Order, orderEnd } from './hand';

@unmanaged
export class Alert {
  count: u32; // how many there were
  operation: u32; // Operation
  result: u32; // FUMO result code
  reason: u32;
  correlatorBytes: u32;
  line: u32; // link + 1 that it is sent to, 0: it is not sent unasked
  correlator: u64; // CORRELATOR_BYTES_MAX
  correlator1: u64;
  correlator2: u64;
  correlator3: u64;
}

export const alert = changetype<Alert>(memory.data(offsetof<Alert>(), 8));
export const ALERT_CORRELATOR: usize = changetype<usize>(alert) + offsetof<Alert>('correlator');

let sent: u32 = 0; // the number of the last one that was sent, or that was there at the reset

export function alertMount(): void {
  storeRead(Key.Alert, changetype<usize>(alert), offsetof<Alert>());
  sent = alert.count;
}

// Stages the result of an order and ends it. Where nothing was ordered it is that of `otherwise`, and goes to `ourLine`.
export function alertStage(order: Order, reason: Reason, otherwise: Operation): void {
  const ordered = order.operation !== Operation.None;
  alert.count++;
  alert.operation = ordered ? order.operation : otherwise;
  alert.reason = reason;
  alert.result = fumoResult(reason);
  alert.line = ordered ? order.line : ourLine;
  alert.correlatorBytes = order.correlatorBytes;
  memory.copy(ALERT_CORRELATOR, correlatorOf(order), CORRELATOR_BYTES_MAX);
  orderEnd(order);
  // That the store is damaged stays said although it cannot be stored.
  if (storeDamaged()) storeStage(Key.Alert, changetype<usize>(alert), offsetof<Alert>());
  else storeStageMirror(Key.Alert, changetype<usize>(alert), offsetof<Alert>());
}

// Was this the result of an order with this correlator?
export function alertAnswers(correlator: usize, length: u32, reason: Reason): bool {
  return (
    length !== 0 &&
    alert.reason === <u32>reason &&
    alert.correlatorBytes === length &&
    compare(ALERT_CORRELATOR, correlator, length) === 0
  );
}

// link + 1 of the line that our group was last heard on in this life, 0: on none. Nobody else understands an alert.
let ourLine: u32 = 0;

export function alertHeard(link: i32): void {
  ourLine = link + 1;
}

// The link that a new alert is to be sent on, once; < 0: nothing is to be sent.
export function alertTakeUnsent(): i32 {
  if (sent === alert.count) return -1;
  sent = alert.count;
  return <i32>alert.line - 1;
}

// FUMO 1.0 section 5.4, with our own codes from its vendor range 450-459. The same as in host/reasons.ts.
export function fumoResult(reason: Reason): u32 {
  switch (reason) {
    case Reason.Ok:
    case Reason.Unchanged:
      return 200;
    case Reason.UserRefused:
      return 401;
    case Reason.NothingDelivered:
      return 407;
    case Reason.Internal:
      return 409;
    case Reason.StoreFull:
      return 502;
    default:
  }
  if (reason < 20) return 402; // the encoding
  if (reason < TABLE_FIRST) return 404; // COSE
  if (reason < TABLE_FIRST + TABLE_COUNT) return tabled(reason);
  return reason >= 100 && reason < 120 ? 456 : 410; // bootstrap, anchors, policy; whatever else
}

// The package, the device, and operator approval: what is above 400 of the result of each reason.
const TABLE_FIRST: i32 = 40;
const TABLE_COUNT: i32 = 54;
function tabled(reason: Reason): u32 {
  // biome-ignore format: a table
  const table = memory.data<u8>([
    5, 5, 5, 4, 2, 5, 4, 4, 4, 5, 5, 5, 5, 5, 5, 5, 5, 2, 2, 5, // 40 to 59
    5, 2, 2, 2, 2, 5, 5, 5, 5, 5, 3, 3, 5, 101, 3, 3, 3, 3, 3, 3, // 60 to 79
    50, 51, 52, 52, 53, 54, 55, 56, 52, 50, 50, 50, 51, 10, // 80 to 93
  ]);
  return 400 + <u32>load<u8>(reason - TABLE_FIRST, table);
}

// The generic alert (OMA DM alert 1226): the final result of what the DM server asked for, kept until the next one so
// that it can be read after any reset. Also the one table from our reasons to FUMO's result codes.

import { Key } from '../flash/keys';
import { storeRead, storeStage } from '../flash/store';
import { Reason } from '../reason';
import { CORRELATOR, CORRELATOR_BYTES_MAX, Operation, status } from './status';

@unmanaged
export class Alert {
  count: u32; // how many there were
  operation: u32; // Operation
  result: u32; // FUMO result code
  reason: u32;
  correlatorBytes: u32;
  unused: u32;
  correlator: u64; // CORRELATOR_BYTES_MAX
  correlator1: u64;
  correlator2: u64;
  correlator3: u64;
}

export const alert = changetype<Alert>(memory.data(offsetof<Alert>(), 8));
export const ALERT_CORRELATOR: usize = changetype<usize>(alert) + offsetof<Alert>('correlator');

let unsent: bool = false;

export function alertMount(): void {
  storeRead(Key.Alert, changetype<usize>(alert), offsetof<Alert>());
  unsent = false;
}

// Stages the result of the operation under way (or, unasked, of `otherwise`) and ends it: stage the status behind this.
export function alertStage(reason: Reason, otherwise: Operation): void {
  alert.count++;
  alert.operation = status.operation === Operation.None ? otherwise : status.operation;
  alert.reason = reason;
  alert.result = fumoResult(reason);
  alert.correlatorBytes = status.correlatorBytes;
  memory.copy(ALERT_CORRELATOR, CORRELATOR, CORRELATOR_BYTES_MAX);
  status.operation = Operation.None;
  status.correlatorBytes = 0;
  storeStage(Key.Alert, changetype<usize>(alert), offsetof<Alert>());
  unsent = true;
}

// True once after each alert: it is to be sent on the link that started the operation.
export function alertTakeUnsent(): bool {
  const was = unsent;
  unsent = false;
  return was;
}

// FUMO 1.0 section 5.4, with our own codes from its vendor range 450-459. The same as in host/reasons.ts.
//   from..to of the list of reasons   single ones that differ
export function fumoResult(reason: Reason): u32 {
  switch (reason) {
    case Reason.Ok:
      return 200;
    case Reason.UserRefused:
      return 401;
    case Reason.ManifestMissing:
    case Reason.SeveredDigest:
    case Reason.SeveredMissing:
    case Reason.PayloadMissing:
    case Reason.PayloadUnexpected:
    case Reason.PayloadSize:
    case Reason.PayloadDigest:
      return 402;
    case Reason.WrapperMissing:
    case Reason.Unsigned:
    case Reason.ManifestDigest:
    case Reason.VendorSignature:
      return 404;
    case Reason.Rollback:
      return 405;
    case Reason.SlotTooSmall:
      return 501;
    case Reason.StoreFull:
      return 502;
    case Reason.NotApproved:
    case Reason.ApprovalOtherDevice:
    case Reason.ApprovalOtherPackage:
    case Reason.SourceNotAllowed:
      return 450;
    case Reason.ApprovalInvalid:
    case Reason.ApprovalMalformed:
      return 451;
    case Reason.ApprovalExpired:
    case Reason.ApprovalNotYetValid:
    case Reason.Superseded:
      return 452;
    case Reason.Denied:
      return 453;
    case Reason.TooFewOperators:
      return 454;
    case Reason.SourceUnreachable:
      return 455;
    case Reason.NotProvisioned:
      return 456;
    case Reason.NothingDelivered:
      return 407;
    case Reason.Internal:
      return 409;
    default:
  }
  if (reason < 20) return 402; // the encoding
  if (reason < 40) return 404; // COSE
  if (reason < 70) return 405; // SUIT that we do not take
  if (reason < 80) return 403; // the device
  if (reason >= 100 && reason < 120) return 456; // bootstrap, anchors, policy
  return 410;
}

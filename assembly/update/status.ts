// The record of the update that survives every reset, and the one way to change its state.

import { Key } from '../flash/keys';
import { storeRead, storeStage } from '../flash/store';
import { Reason } from '../reason';
import { Event, nextState, State } from './state';

// What the DM server asked for, as FUMO's alert types name it.
export const enum Operation {
  None = 0,
  Download = 1,
  Update = 2,
  DownloadAndUpdate = 3,
}

// Inside state 60.
export const enum Phase {
  None = 0,
  In = 1, // the swap brings the new image
  Trial = 2, // the new image is in place and has to be confirmed
  Out = 3, // the swap brings the old image back
}

export const CORRELATOR_BYTES_MAX: u32 = 32;

@unmanaged
export class Status {
  state: u32; // State
  reason: u32; // Reason of the last result
  phase: u32; // Phase
  trialBoots: u32; // starts left before the image must have confirmed itself
  operation: u32; // Operation under way
  link: u32; // that asked for it or delivers the package
  eraseCount: u32; // rises before the secondary slot is erased: what was known of its contents is void
  consent: u32; // 1: a person agreed to the download of `digest`
  digest: u64; // 32 bytes
  digest1: u64;
  digest2: u64;
  digest3: u64;
  correlatorBytes: u32;
  review: u32; // 1: approval data changed since what runs was last judged, see review.ts
  correlator: u64; // CORRELATOR_BYTES_MAX
  correlator1: u64;
  correlator2: u64;
  correlator3: u64;
}

export const status = changetype<Status>(memory.data(offsetof<Status>(), 8));

export const CONSENTED: usize = changetype<usize>(status) + offsetof<Status>('digest');
export const CORRELATOR: usize = changetype<usize>(status) + offsetof<Status>('correlator');

export function statusMount(): void {
  if (!storeRead(Key.Update, changetype<usize>(status), offsetof<Status>())) status.state = State.Idle;
}

export function statusStage(): void {
  storeStage(Key.Update, changetype<usize>(status), offsetof<Status>());
}

// Moves on and stages the record; the caller commits, together with what else became true.
// On Internal nothing was staged: a caller asked for a transition that the table does not have.
export function statusMove(event: Event, reason: Reason): Reason {
  const next = nextState(status.state, event);
  if (next === State.None) return Reason.WrongState;
  status.state = next;
  status.reason = reason;
  statusStage();
  return Reason.Ok;
}

// Stages that what runs is to be judged again: once the new approval data counts, so does this.
export function reviewStage(): void {
  status.review = 1;
  statusStage();
}

// The record of a download that a reset interrupts, in memory and as it stands in flash: what names it, and where it was.
//
// A session is named by the SHA-256 of the upload file that the client states, or by the digest of the manifest that is fetched.
// It carries the erase count of the slot, which whoever erases that raises first.

import { compare } from '../codec/bytes';
import { Key } from '../flash/keys';
import { storeDetached, storeRead, storeStage } from '../flash/store';
import { digestInHand, hand } from './hand';
import { State } from './machine';

const NAME_BYTES: u32 = 32;

// What Key.Download holds.
@unmanaged
export class Session {
  length: u32; // of the upload file
  headBytes: u32;
  eraseCount: u32;
  named: u16; // 1: `name` counts
  line: u16; // link + 1 that the device fetches it over (pull.ts), `name` is the manifest's digest then; 0: it is pushed
  name: u64; // NAME_BYTES
  name1: u64;
  name2: u64;
  name3: u64;
}

export const session = changetype<Session>(memory.data(offsetof<Session>(), 8));
const NAME: usize = changetype<usize>(session) + offsetof<Session>('name');
export const stored = changetype<Session>(memory.data(offsetof<Session>(), 8));
const STORED_NAME: usize = changetype<usize>(stored) + offsetof<Session>('name');

// A new one. in: `name` of 32 bytes, or 0
export function sessionBegin(length: u32, name: usize): void {
  session.length = length;
  session.headBytes = 0;
  session.named = u16(name !== 0);
  session.line = 0;
  if (name) memory.copy(NAME, name, NAME_BYTES);
}

export function sessionStage(): void {
  memory.copy(changetype<usize>(stored), changetype<usize>(session), offsetof<Session>());
  storeStage(Key.Download, changetype<usize>(session), offsetof<Session>());
}

export function sessionIs(length: u32, name: usize): bool {
  return session.named !== 0 && session.length === length && sessionIsOf(name);
}

// Is it named so, however long it is?
export function sessionIsOf(digest: usize): bool {
  return compare(NAME, digest, NAME_BYTES) === 0;
}

// Is there one in flash, in `stored`, of what is in hand?
export function sessionLoad(): bool {
  // A resident agent goes on with its own alone, which it keeps in memory.
  const found = storeDetached()
    ? stored.headBytes !== 0
    : storeRead(Key.Download, changetype<usize>(stored), offsetof<Session>());
  return found && stored.eraseCount === hand.eraseCount;
}

// Is the one in memory the one in flash?
export function sessionIsStored(): bool {
  if (stored.length !== session.length) return false;
  if (sessionIsOf(digestInHand())) return true;
  return stored.named !== 0 && sessionIsOf(STORED_NAME);
}

// Of the session in flash: the length of its file, and link + 1 that it was being fetched over; 0: there is none.
export function downloadLengthLeft(): u32 {
  return hand.state === <u32>State.Downloading && sessionLoad() ? stored.length : 0;
}

export function downloadLineLeft(): u32 {
  return downloadLengthLeft() ? stored.line : 0;
}

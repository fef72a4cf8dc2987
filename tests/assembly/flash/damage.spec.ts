// The settings store on damaged flash: one flipped bit or one word that cannot be read, anywhere, changes nothing; more than
// can be mended is a state of its own. What the device does then: tests/agent/store-damage.test.ts.

import { flashMap, Map } from '../../../assembly/flash/flash';
import { Key } from '../../../assembly/flash/keys';
import {
  storeCommit,
  storeDamaged,
  storeLength,
  storeMount,
  storeRead,
  storeRenew,
  storeStage,
} from '../../../assembly/flash/store';
import { Reason } from '../../../assembly/reason';
import { back, flip, keep, unread } from '../support/flaws';

const VALUE: usize = memory.data(64, 8);
const BACK: usize = memory.data(64, 8);
const OLD: u32 = 0x11111111;
const NEW: u32 = 0x5eed5eed;

function put(key: u32, value: u32): Reason {
  for (let i: u32 = 0; i < 16; i++) store<u32>(VALUE + 4 * i, value + i);
  storeStage(key, VALUE, 64);
  return storeCommit();
}

function holds(key: u32, value: u32): bool {
  if (!storeRead(key, BACK, 64)) return false;
  for (let i: u32 = 0; i < 16; i++) if (load<u32>(BACK + 4 * i) !== value + i) return false;
  return true;
}

// Both banks in use, records behind the newer snapshot, the last of them the one that must not be lost.
function prepare(): void {
  storeMount();
  put(Key.Primary, OLD);
  put(Key.Floors, OLD);
  for (let i: u32 = 0; i < 40; i++) put(Key.Update, i);
  put(Key.Floors, NEW);
  keep();
}

function bits(): u32 {
  return 8 * flashMap(Map.StateBytes);
}

// The first bit of the words of the last record: 16 of a value of NEW.
function newest(): u32 {
  const first = 8 * flashMap(Map.StateOffset);
  let found: u32 = 0;
  for (let bit: u32 = 0; bit < bits(); bit += 32) {
    back();
    flip(first + bit);
    flip(first + bit + 1);
    if (storeMount() === Reason.StoreDamaged) found = first + bit;
  }
  back();
  return found;
}

describe('damage', () => {
  it('of any one bit changes nothing, and is mended', () => {
    prepare();
    const first = 8 * flashMap(Map.StateOffset);
    for (let bit: u32 = 0; bit < bits(); bit += 3) {
      back();
      flip(first + bit);
      if (storeMount() !== Reason.Ok || !holds(Key.Floors, NEW) || !holds(Key.Update, 39)) expect(bit).toBe(0);
      if (put(Key.Alert, OLD) !== Reason.Ok || storeMount() !== Reason.Ok || !holds(Key.Floors, NEW))
        expect(bit).toBe(0);
    }
    back();
  });

  it('of any one word that cannot be read changes nothing', () => {
    const first = flashMap(Map.StateOffset) >>> 2;
    for (let word: u32 = 0; word < bits() >>> 5; word++) {
      back();
      unread(first + word);
      if (storeMount() !== Reason.Ok || !holds(Key.Floors, NEW) || !holds(Key.Primary, OLD)) expect(word).toBe(0);
      if (put(Key.Alert, OLD) !== Reason.Ok || !holds(Key.Alert, OLD)) expect(word).toBe(0);
      if (storeMount() !== Reason.Ok || !holds(Key.Floors, NEW)) expect(word).toBe(0);
    }
    back();
  });

  it('of a word while the device runs is not taken for a setting that is absent', () => {
    const first = flashMap(Map.StateOffset) >>> 2;
    for (let word: u32 = 0; word < bits() >>> 5; word++) {
      back();
      storeMount();
      unread(first + word);
      if (!holds(Key.Floors, NEW) || storeLength(Key.Update) !== 64) expect(word).toBe(0);
    }
    back();
  });

  it('of two bits in one record is said, and nothing is committed until it is renewed', () => {
    const at = newest();
    expect(at).toBeGreaterThan(0);
    flip(at);
    flip(at + 1);
    expect(storeMount()).toBe(Reason.StoreDamaged);
    expect(storeDamaged()).toBe(true);
    expect(put(Key.Alert, OLD)).toBe(Reason.StoreDamaged);
    expect(storeLength(Key.Alert)).toBe(-1);
    expect(holds(Key.Primary, OLD)).toBe(true);
    storeRenew();
    expect(put(Key.Primary, NEW)).toBe(Reason.Ok);
    expect(storeDamaged()).toBe(false);
    expect(storeMount()).toBe(Reason.Ok);
    expect(holds(Key.Primary, NEW)).toBe(true);
    expect(storeLength(Key.Update)).toBe(-1);
    expect(put(Key.Alert, OLD)).toBe(Reason.Ok);
    back();
  });

  it('of any two bits that are neighbours never brings back what was', () => {
    const first = 8 * flashMap(Map.StateOffset);
    for (let bit: u32 = 0; bit < bits() - 1; bit += 7) {
      back();
      flip(first + bit);
      flip(first + bit + 1);
      const reason = storeMount();
      if (reason === Reason.Ok ? !holds(Key.Floors, NEW) : reason !== Reason.StoreDamaged) expect(bit).toBe(0);
    }
    back();
  });
});

describe('room', () => {
  it('for settings of bounded size is not taken by others', () => {
    storeMount();
    // These banks are smaller than what they would need together.
    expect(put(Key.Approval, OLD)).toBe(Reason.StoreFull);
    expect(put(Key.Alert, OLD)).toBe(Reason.Ok);
  });
});

// The swap, to the end and turned round, in one life and with a new mount before every step.

import { Place, pageBytes, placeErase, placeHolds, placeRead, placeWrite } from '../../../assembly/flash/slots';
import { storeCommit, storeMount } from '../../../assembly/flash/store';
import {
  Direction,
  swapDone,
  swapGo,
  swapMount,
  swapRunning,
  swapStageBegin,
  swapStageEnd,
  swapStep,
  swapSteps,
} from '../../../assembly/flash/swap';
import { Reason } from '../../../assembly/reason';

const PAGES: u32 = 3;
const DATA: usize = memory.data(1024, 8);

function fill(place: Place, seed: u32): void {
  for (let page: u32 = 0; page < PAGES; page++) {
    memory.fill(DATA, <u8>(seed + page), pageBytes());
    placeErase(place, page * pageBytes(), 1);
    placeWrite(place, page * pageBytes(), DATA, pageBytes());
  }
}

function holds(place: Place, seed: u32): bool {
  for (let page: u32 = 0; page < PAGES; page++) {
    placeRead(place, page * pageBytes(), DATA, pageBytes());
    for (let i: u32 = 0; i < pageBytes(); i++) if (load<u8>(DATA + i) != <u8>(seed + page)) return false;
  }
  return true;
}

function run(direction: Direction, mounts: bool): void {
  swapStageBegin(direction, PAGES * pageBytes() - 5);
  expect(storeCommit()).toBe(Reason.Ok);
  swapGo();
  let steps: u32 = 0;
  while (!swapDone()) {
    if (mounts) {
      storeMount();
      expect(swapMount()).toBe(Reason.Ok);
      expect(swapRunning()).toBe(true);
    }
    expect(swapStep()).toBe(Reason.Ok);
    steps++;
  }
  expect(steps).toBe(swapSteps());
  swapStageEnd();
  expect(storeCommit()).toBe(Reason.Ok);
  storeMount();
  swapMount();
  expect(swapRunning()).toBe(false);
}

describe('the swap', () => {
  it('brings what is staged, and puts aside what ran', () => {
    storeMount();
    fill(Place.Primary, 0x10);
    fill(Place.Staged, 0x20);
    run(Direction.Forward, false);
    expect(holds(Place.Primary, 0x20)).toBe(true);
    expect(holds(Place.Previous, 0x10)).toBe(true);
  });

  it('and back', () => {
    run(Direction.Backward, true);
    expect(holds(Place.Primary, 0x10)).toBe(true);
    expect(holds(Place.Staged, 0x20)).toBe(true);
    run(Direction.Forward, true);
    expect(holds(Place.Primary, 0x20)).toBe(true);
    expect(holds(Place.Previous, 0x10)).toBe(true);
  });

  it('an image is held by its hash only', () => {
    memory.fill(DATA, 0, 32);
    expect(placeHolds(Place.Primary, 100, DATA)).toBe(Reason.ImageDamaged);
    expect(placeHolds(Place.Primary, 0x7fffffff, DATA)).toBe(Reason.ImageDamaged);
  });
});

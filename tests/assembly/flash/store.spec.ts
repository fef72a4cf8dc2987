// The settings store: newest wins, all or nothing, and what a new mount finds. Power cuts: tests/agent/powercut.test.ts.

import {
  ABSENT,
  COMMIT_ENTRIES_MAX,
  storeCommit,
  storeLength,
  storeMount,
  storeRead,
  storeReadPart,
  storeSettle,
  storeStage,
  storeStageDelete,
  storeStageMirror,
} from '../../../assembly/flash/store';
import { Reason } from '../../../assembly/reason';

const VALUE: usize = memory.data(1024, 8);
const BACK: usize = memory.data(1024, 8);

function put(key: u32, value: u32): Reason {
  store<u32>(VALUE, value);
  storeStage(key, VALUE, 4);
  return storeCommit();
}

function get(key: u32): u32 {
  return storeRead(key, BACK, 4) ? load<u32>(BACK) : u32.MAX_VALUE;
}

describe('the store', () => {
  it('starts empty on flash that was never erased', () => {
    expect(storeMount()).toBe(Reason.Ok);
    expect(storeLength(1)).toBe(ABSENT);
  });

  it('the newest value wins, before and after a mount', () => {
    for (let i: u32 = 0; i < 100; i++) expect(put(7, i)).toBe(Reason.Ok);
    expect(get(7)).toBe(99);
    storeMount();
    expect(get(7)).toBe(99);
  });

  it('commits several settings at once, of any length and alignment', () => {
    for (let i = 0; i < 64; i++) store<u8>(VALUE + i, <u8>i);
    storeStage(8, VALUE + 1, 13);
    storeStage(9 | (3 << 8), VALUE + 3, 1);
    storeStageDelete(7);
    expect(storeCommit()).toBe(Reason.Ok);
    expect(storeLength(8)).toBe(13);
    expect(storeLength(9)).toBe(ABSENT);
    expect(storeLength(7)).toBe(ABSENT);
    expect(storeReadPart(8, 5, BACK, 100)).toBe(8);
    expect(memory.compare(BACK, VALUE + 6, 8)).toBe(0);
    expect(storeReadPart(9 | (3 << 8), 0, BACK, 4)).toBe(1);
    expect(storeReadPart(8, 13, BACK, 4)).toBe(0);
  });

  it('reads only values of the length that is asked for', () => {
    expect(storeRead(8, BACK, 12)).toBe(false);
    expect(load<u64>(BACK)).toBe(0);
    expect(storeRead(8, BACK, 13)).toBe(true);
  });

  it('moves to the other bank as often as needed and keeps what lives', () => {
    put(20, 4711);
    for (let i: u32 = 0; i < 2000; i++) if (put(21, i) != Reason.Ok) expect(i).toBe(0);
    expect(get(20)).toBe(4711);
    expect(get(21)).toBe(1999);
    storeMount();
    expect(get(20)).toBe(4711);
    expect(get(21)).toBe(1999);
    expect(storeLength(8)).toBe(13);
  });

  it('settles what the last mount found, once', () => {
    storeMount();
    expect(storeSettle()).toBe(Reason.Ok);
    expect(storeSettle()).toBe(Reason.Ok);
    expect(get(20)).toBe(4711);
    storeMount();
    expect(get(20)).toBe(4711);
  });

  it('says when it is full, and stays as it was', () => {
    storeStage(30, VALUE, 1000);
    expect(storeCommit()).toBe(Reason.Ok);
    storeStage(31, VALUE, 1000);
    storeStage(20, VALUE, 4);
    expect(storeCommit()).toBe(Reason.StoreFull);
    expect(storeLength(31)).toBe(ABSENT);
    expect(get(20)).toBe(4711);
    storeStageDelete(30);
    expect(storeCommit()).toBe(Reason.Ok);
    storeStage(31, VALUE, 1000);
    expect(storeCommit()).toBe(Reason.Ok);
    expect(get(20)).toBe(4711);
  });

  it('reads back what is mirrored in memory when it is not committed', () => {
    store<u32>(VALUE, 1);
    storeStageMirror(22, VALUE, 4);
    expect(storeCommit()).toBe(Reason.Ok);
    store<u32>(VALUE, 2);
    storeStageMirror(22, VALUE, 4);
    storeStage(32, BACK, 1000);
    expect(storeCommit()).toBe(Reason.StoreFull);
    expect(load<u32>(VALUE)).toBe(1);
    storeMount();
    store<u32>(VALUE, 3);
    storeStageMirror(22, VALUE, 4);
    expect(storeSettle()).toBe(Reason.Ok);
    expect(load<u32>(VALUE)).toBe(1);
    store<u32>(VALUE, 4);
    storeStageMirror(22, VALUE, 4);
    expect(storeCommit()).toBe(Reason.Ok);
    expect(load<u32>(VALUE)).toBe(4);
    expect(get(22)).toBe(4);
  });

  it('refuses a commit of too many settings whole', () => {
    for (let i: u32 = 0; i <= COMMIT_ENTRIES_MAX; i++) storeStage(40 + i, VALUE, 4);
    expect(storeCommit()).toBe(Reason.Internal);
    expect(storeLength(40)).toBe(ABSENT);
    expect(storeCommit()).toBe(Reason.Ok);
  });
});

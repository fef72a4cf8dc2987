// The audit log after somebody wrote to the flash of the device: what the host says of it.

import { expect, it } from 'vitest';
import { type Mark, type RawLog, verifyLog } from '../../host/device/log.js';
import { expectOk, packageOf, provisionedBoard, upload } from '../support/agent-world.js';
import { type Board, benchFlash, MAP } from '../support/bench-hal.js';
import * as smp from '../support/smp.js';
import { crcOf, decoded, generationIn, HEADER_BYTES, proofOf } from '../support/store-format.js';

const BANK_BYTES = MAP.stateBytes / 2;
const UNUSED_KEY = 0x3f;

function read(board: Board): RawLog {
  const { recs, hash } = expectOk(smp.ask(board, { group: 64, id: 5, body: { from: 0 } }));
  return { first: 0, records: recs as Uint8Array[], end: hash as Uint8Array };
}
const told = (log: RawLog, mark?: Mark) => verifyLog(log, mark).faults.map(({ number, what }) => `${number} ${what}`);

// Four records; then `change` is given the state region and where record 2 stands in it.
function world(change: (state: Buffer, at: number) => void): { log: RawLog; mark: Mark | undefined } {
  const flash = benchFlash();
  const board = provisionedBoard({}, flash);
  for (const sequence of [1, 2, 3]) upload(board, packageOf(sequence).bytes); // each refused: a record
  const before = read(board);
  expect(before.records).toHaveLength(4);
  const { faults, newest } = verifyLog(before);
  expect(faults).toEqual([]);
  const state = Buffer.from(flash.bytes.buffer, MAP.state, MAP.stateBytes);
  const at = state.indexOf(Buffer.from(before.records[2]!));
  expect(at).toBeGreaterThan(0);
  change(state, at);
  board.reboot();
  return { log: read(board), mark: newest };
}

// The store's own sums over the record that holds `at`, made right again.
function mend(state: Buffer, at: number): void {
  const bank = at - (at % BANK_BYTES);
  const generation = generationIn((offset) => state.readUInt32LE(bank + offset))!;
  for (let head = bank + HEADER_BYTES, end = 0; ; head = end + 8) {
    end = head + 4 + 4 * decoded(state.readUInt32LE(head))!;
    if (end < at) continue;
    state.writeUInt32LE(crcOf(generation, state.subarray(head + 4, end)), end);
    state.writeUInt32LE(proofOf(generation, state.subarray(head + 4, end)), end + 4);
    return;
  }
}

it('a record that was written over, checksum and all, is named', () => {
  const { log } = world((state, at) => {
    state[at + 39]! ^= 1; // its time
    mend(state, at);
  });
  expect(told(log)).toEqual(['2 altered']);
});

it('a record that was taken away is named, and its neighbours are told all the same', () => {
  const { log } = world((state, at) => {
    state.writeUInt16LE(UNUSED_KEY, at - 4);
    mend(state, at);
  });
  expect(log.records.map(({ length }) => length > 0)).toEqual([true, true, false, true]);
  expect(told(log)).toEqual(['1 unconfirmed', '2 missing']);
});

it('a bit that flipped is mended: the log is whole', () => {
  const { log, mark } = world((state, at) => {
    state[at + 40]! ^= 1;
  });
  expect(told(log, mark)).toEqual([]);
});

it('two bits that flipped in one record: it is named, and the log is not cut back', () => {
  const { log, mark } = world((state, at) => {
    state[at + 40]! ^= 3;
  });
  expect(told(log, mark)).toEqual(['1 unconfirmed', '2 missing']);
});

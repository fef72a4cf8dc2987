// A board that runs a copy of its image: the copy is hashed, whatever flash answers to another reading.

import { describe, expect, it } from 'vitest';
import {
  approvalOf,
  bootstrapDocument,
  exec,
  expectOk,
  imageOf,
  install,
  knock,
  NODE,
  packageOf,
  put,
  upload,
} from '../support/agent-world.js';
import { agentModule, type Board, bench } from '../support/bench-hal.js';
import { createFlash } from '../support/flash.js';
import { GEOMETRIES } from '../support/geometries.js';
import type { Package } from '../support/make.js';

const AGENT = new URL('../../build/agent-large.wasm', import.meta.url);
const RUNS = packageOf(1, { image: imageOf(1500, 1) });
const NEXT = packageOf(2, { image: imageOf(1700, 2) });
const EVIL = 0xe7;

const same = ({ copy }: Board, { image }: Package) => Buffer.compare(copy.subarray(0, image.length), image) === 0;

function board(trialBoots: number): Board {
  const board = bench(createFlash(GEOMETRIES['emcraft-sf2']), { module: agentModule(AGENT), copies: true });
  expectOk(put(board, NODE.bootstrap, bootstrapDocument({ trialBoots })));
  install(board, RUNS, 1);
  board.run(20_000);
  expect([board.running, same(board, RUNS)]).toEqual(['image', true]);
  return board;
}

/** From its reading of this number on, each word of the primary slot reads as something else. Returns how often the first one was read. */
function lie({ flash }: Board, from: number): () => number {
  const honest = flash.read;
  const readings = new Map<number, number>();
  flash.read = (offset, to, at, length) => {
    const failed = honest(offset, to, at, length);
    for (let i = 0; i < length; i += 1) {
      const cell = offset + i;
      if (cell < flash.map.primary || cell >= flash.map.primary + flash.map.slotBytes) continue;
      const count = (readings.get(cell) ?? 0) + 1;
      readings.set(cell, count);
      if (count >= from) to[at + i] = EVIL;
    }
    return failed;
  };
  return () => {
    flash.read = honest;
    return readings.get(flash.map.primary) ?? 0;
  };
}

describe('flash that answers something else from one reading on', () => {
  it.each([1, 2, 3, 4, 5])(
    'the image at rest, from reading %i: what starts is what was approved, or nothing',
    (from) => {
      const device = board(0);
      knock(device);
      device.copy.fill(0);
      const readings = lie(device, from);
      device.run(20_000);
      const whole = from > 1;
      expect([device.running, same(device, RUNS)]).toEqual([whole ? 'image' : 'agent', whole]);
      expect(readings()).toBe(1 + Number(!whole)); // read once, and that was it; a damaged one is looked at again
    },
  );

  it.each([1, 2, 3, 4, 5])('an image that was swapped in just now, from reading %i of its place', (from) => {
    const device = board(3);
    knock(device);
    expectOk(put(device, NODE.approvals, approvalOf(NEXT.digest, 2)));
    expectOk(upload(device, NEXT.bytes));
    expectOk(exec(device, NODE.update));
    device.run(1000);
    expect(device.running).toBe('off');
    device.copy.fill(0);
    lie(device, from);
    device.reboot();
    device.settle();
    // Read for the swap, then to see whether it is whole there, then for the copy.
    const whole = from > 3;
    expect([device.running, same(device, NEXT)]).toEqual([whole ? 'image' : 'agent', whole]);
  });
});

it('a reset in the middle leaves half a copy, and the next start makes it anew', () => {
  const device = board(0);
  device.copy.fill(EVIL);
  device.reboot();
  device.settle();
  expect([device.running, same(device, RUNS)]).toEqual(['image', true]);
});

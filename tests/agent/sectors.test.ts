// The agent of boards whose flash is not pages of words (PROFILE_SECTORS), where that changes more than how the store writes:
// beside an application, and where an image is written over the one that runs. Power cuts: tests/powercut/geometries.

import { describe, expect, it } from 'vitest';
import {
  alert,
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
  rc,
  state,
  upload,
  vendor,
} from '../support/agent-world.js';
import { agentModule, type Board, bench } from '../support/bench-hal.js';
import { createFlash } from '../support/flash.js';
import { GEOMETRIES } from '../support/geometries.js';
import { makeApproval, makeBootstrap, makeKey, type Package, ROLE } from '../support/make.js';

const AGENT = new URL('../../build/agent-large.wasm', import.meta.url);
const STORE_FULL = 93;
const STORE_DAMAGED = 150;
const APPLICATION_RUNS = 161;
const IMAGE_DAMAGED = 152;

const RUNS = packageOf(1, { image: imageOf(2100, 1) });
const NEXT = packageOf(2, { image: imageOf(3000, 2) });

const runs = ({ flash }: Board, { image }: Package) =>
  Buffer.compare(flash.bytes.subarray(flash.map.primary, flash.map.primary + image.length), image) === 0;

/** A device that runs RUNS, whose operator has approved NEXT as well. */
function board(geometry: keyof typeof GEOMETRIES, trialBoots = 0): Board {
  const board = bench(createFlash(GEOMETRIES[geometry]), { module: agentModule(AGENT) });
  expectOk(put(board, NODE.bootstrap, bootstrapDocument({ trialBoots })));
  install(board, RUNS, 1);
  knock(board);
  expectOk(put(board, NODE.approvals, approvalOf(NEXT.digest, 2)));
  return board;
}

describe('beside an application', () => {
  it.each(['stm32l4', 'stm32h7', 'rp2040'] as const)('the words and the note are whole units: %s', (geometry) => {
    const device = board(geometry);
    device.run(20_000);
    device.reside();
    expectOk(upload(device, NEXT.bytes));
    expectOk(exec(device, NODE.update, 'order-1'));
    device.run(1000);
    device.reboot();
    device.settle();
    expect([device.running, runs(device, NEXT)]).toEqual(['image', true]);
    knock(device);
    expect(alert(device)).toMatchObject({ result: 200, corr: 'order-1' });
  });

  it('there is nowhere to leave a note where images are written over: the client resets the device, and goes on', () => {
    const device = board('stm32f4, written over');
    device.run(20_000);
    device.reside();
    device.flash.forget();
    expect(rc(upload(device, NEXT.bytes))).toBe(APPLICATION_RUNS);
    expect(device.flash.erases).toEqual([]);
    device.reboot();
    expectOk(upload(device, NEXT.bytes));
    expectOk(exec(device, NODE.update));
    device.settle();
    expect(runs(device, NEXT)).toBe(true);
  });
});

describe('an image that is written over the one that runs', () => {
  it('is installed for good: no trial, and nothing to go back to', () => {
    const device = board('stm32f4, written over', 3);
    expectOk(upload(device, NEXT.bytes));
    expectOk(exec(device, NODE.update));
    device.settle();
    expect([device.running, runs(device, NEXT)]).toEqual(['image', true]);
    knock(device, 1);
    expect([state(device), device.watchdog]).toEqual([100, 0]);
  });

  it('and is not whole then: the agent stays, says so, and takes another package', () => {
    const device = board('stm32f4, written over');
    expectOk(upload(device, NEXT.bytes));
    expectOk(exec(device, NODE.update, 'order-2'));
    device.run(1000);
    expect(device.running).toBe('off');
    device.flash.flip((device.flash.map.secondary + 1000) * 8);
    device.reboot();
    device.settle();
    expect([device.running, state(device)]).toEqual(['agent', 80]);
    expect(alert(device)).toMatchObject({ reason: IMAGE_DAMAGED, corr: 'order-2' });
    device.reboot();
    device.settle();
    expect(device.running).toBe('agent');
    expectOk(upload(device, NEXT.bytes));
    expectOk(exec(device, NODE.update));
    device.settle();
    expect([device.running, runs(device, NEXT)]).toEqual(['image', true]);
  });
});

describe('a unit that cannot be read', () => {
  const map = GEOMETRIES.stm32l4;
  it.each([
    [
      'of the secondary slot behind the image that comes, as a cut download leaves it',
      map.secondary + 2 * map.page + 512,
    ],
    ['of the image that runs', map.primary + map.page + 64],
  ])('%s holds no installation up', (_, at) => {
    const device = bench(createFlash(map), { module: agentModule(AGENT) });
    expectOk(put(device, NODE.bootstrap, bootstrapDocument({ trialBoots: 0 })));
    install(device, packageOf(1, { image: imageOf(2 * map.page + 100, 1) }), 1);
    knock(device);
    const small = packageOf(2, { image: imageOf(300, 2) });
    expectOk(put(device, NODE.approvals, approvalOf(small.digest, 2)));
    expectOk(upload(device, small.bytes));
    device.flash.unreadable.add(at >>> 2).add((at >>> 2) + 1);
    expectOk(exec(device, NODE.update));
    device.settle();
    expect([device.running, runs(device, small)]).toEqual(['image', true]);
  });

  // A step that is counted no more would be done once more, from a page that the next one has erased.
  it.each(['stm32h7', 'rp2040'] as const)(
    'of the newest record: the store is damaged, and nothing moves: %s',
    (geometry) => {
      const device = board(geometry);
      expectOk(upload(device, NEXT.bytes));
      expectOk(exec(device, NODE.update));
      device.run(1000);
      device.reboot();
      device.tick(0); // the first step is done, and counted
      const { flash } = device;
      const { unit } = GEOMETRIES[geometry] as { unit: number };
      const record = flash.writes.filter(({ offset }) => offset >= flash.map.state).at(-2)!.offset;
      for (let at = record; at < record + unit; at += 4) flash.unreadable.add(at >>> 2);
      device.reboot();
      flash.forget();
      expect(alert(device)).toMatchObject({ reason: STORE_DAMAGED });
      device.run(500);
      expect(flash.erases).toEqual([]);
    },
  );
});

it.each(['stm32f4', 'stm32h7'] as const)(
  'documents leave room for the rest in a half larger than a snapshot: %s',
  (geometry) => {
    const operators = [1, 2, 3, 4, 5, 6, 7].map((n) => makeKey('ed25519', `operator-${n}`));
    const anchors = [{ role: ROLE.vendor, key: vendor }, ...operators.map((key) => ({ role: ROLE.operator, key }))];
    const device = bench(createFlash(GEOMETRIES[geometry]), { module: agentModule(AGENT) });
    expectOk(put(device, NODE.bootstrap, makeBootstrap({ anchors, policy: { trialBoots: 0 } })));
    const document = (n: number, sequence: number) =>
      makeApproval({
        key: operators[n]!,
        issuer: 'x'.repeat(280),
        sequence,
        entries: Array.from({ length: 16 }, () => ({ verdict: 1, digest: RUNS.digest })),
      });
    const answers = [1, 2, 3, 4].flatMap((sequence) =>
      operators.map((_, n) => rc(put(device, NODE.approvals, document(n, sequence)))),
    );
    expect(new Set(answers)).toEqual(new Set([undefined, STORE_FULL]));
    device.reboot();
    expectOk(upload(device, RUNS.bytes));
    expectOk(exec(device, NODE.update));
    device.settle();
    expect([device.running, runs(device, RUNS)]).toEqual(['image', true]);
  },
);

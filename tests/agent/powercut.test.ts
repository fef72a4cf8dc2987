// Power may fail at any flash operation: every scenario is cut at each operation, in each way a cut can look, and the
// device must come up whole, run only what was approved (or what ran before), and finish the scenario then.
import { describe, expect, it } from 'vitest';
import {
  alert,
  approvalOf,
  bootstrapDocument,
  exec,
  expectOk,
  failed,
  get,
  imageOf,
  images,
  install,
  knock,
  NODE,
  packageOf,
  put,
  state,
  text,
  upload,
} from '../support/agent-world.js';
import { type BenchFlash, type Board, bench, benchFlash, type Cut, MAP, PowerCut } from '../support/bench-hal.js';

const first = packageOf(1, { image: imageOf(2 * MAP.page + 100, 1) });
const second = packageOf(2, { image: imageOf(3 * MAP.page + 8, 2) });
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const RUNS = new Map([first, second].map((item) => [hex(item.digest), item]));

interface Scenario {
  name: string;
  // Brings a fresh device to where the scenario begins.
  prepare(board: Board): void;
  // The steps that are cut. Must be repeatable: after a cut it is played again from its start.
  play(board: Board): void;
  // What must hold when it has been played to its end.
  done(board: Board): void;
}

const provision = (board: Board) => {
  const answer = put(board, NODE.bootstrap, bootstrapDocument({ trialBoots: 1 }));
  if (failed(answer)?.rc !== 101) expectOk(answer); // locked: it was stored before the cut
};
const runningDigest = (board: Board) => {
  const slot = images(board).find((item) => item.slot === 0);
  return slot ? hex(slot.hash as Uint8Array) : undefined;
};

const scenarios: Scenario[] = [
  {
    name: 'bootstrap',
    prepare: () => {},
    play: provision,
    done: (board) => expect(text(board, './FUMO/1/Ext/Countersign/DeviceId')).toBe('device-1'),
  },
  {
    name: 'approvals, one after the other',
    prepare: provision,
    play: (board) => {
      for (let sequence = 1; sequence <= 3; sequence++) {
        const answer = put(board, NODE.approvals, approvalOf(second.digest, sequence));
        if (failed(answer)?.rc !== 88) expectOk(answer); // superseded: a newer one was stored before the cut
      }
    },
    done: (board) => expect(get(board, `${NODE.approvals}/1`)).toEqual(Buffer.from(approvalOf(second.digest, 3))),
  },
  {
    name: 'install over a running image, confirmed',
    prepare: (board) => {
      provision(board);
      install(board, first, 1);
      knock(board);
      expectOk(put(board, NODE.approvals, approvalOf(second.digest, 2)));
    },
    play: (board) => {
      if (runningDigest(board) !== hex(second.digest) && state(board) !== 60) {
        if (state(board) !== 50) expectOk(upload(board, second.bytes));
        expectOk(exec(board, NODE.update));
      }
      board.settle();
      expect(board.running).toBe('image');
      knock(board);
    },
    done: (board) => {
      // A cut during the trial takes its one boot away: then the old image is back, and that is right too.
      if (runningDigest(board) === hex(second.digest)) expect(state(board)).toBe(100);
      else expect(alert(board)).toMatchObject({ reason: 153 });
    },
  },
  {
    name: 'revert of an image that does not confirm itself',
    prepare: (board) => {
      provision(board);
      install(board, first, 1);
      knock(board);
      install(board, second, 2);
    },
    play: (board) => {
      board.reboot();
      board.settle();
      expect(board.running).toBe('image');
      knock(board, 1);
    },
    done: (board) => {
      expect(runningDigest(board)).toBe(hex(first.digest));
      expect(state(board)).toBe(80);
    },
  },
];

// Whatever happened: the device boots, and what it starts is whole and one that was approved.
function checkWhole(board: Board, what: string): void {
  if (board.running !== 'image') return;
  const primary = board.flash.bytes.subarray(MAP.primary);
  const whole = [...RUNS.values()].some((item) => hex(primary.subarray(0, item.image.length)) === hex(item.image));
  expect(whole, `${what}: the primary slot holds an approved image`).toBe(true);
}

function check(claim: () => void, what: string): void {
  try {
    claim();
  } catch (error) {
    throw new Error(`${what}: ${(error as Error).message}`, { cause: error });
  }
}

// Plays until the end, however often the power fails.
function playOn(board: Board, scenario: Scenario, what: string): boolean {
  try {
    scenario.play(board);
    return true;
  } catch (error) {
    if (!(error instanceof PowerCut)) throw new Error(`${what}: ${(error as Error).message}`, { cause: error });
    return false;
  }
}

// The numbers of the operations to cut at. All of them takes minutes: COUNTERSIGN_POWERCUT=full. Otherwise the first
// and the last word of every call of the HAL, every page that is erased, and each STRIDEth of the words between.
const FULL = process.env.COUNTERSIGN_POWERCUT === 'full';
const STRIDE = 37;

function cutsOf(flash: BenchFlash, operations: number): number[] {
  const all = Array.from({ length: operations }, (_, i) => i + 1);
  if (FULL) return all;
  const edges = new Set(flash.edges);
  return all.filter((at) => edges.has(at) || at % STRIDE === 0);
}

describe('power cuts', () => {
  for (const scenario of scenarios) {
    it(`${scenario.name}: at every operation, in every way`, { timeout: FULL ? 1_200_000 : 120_000 }, () => {
      const flash = benchFlash();
      scenario.prepare(bench(flash));
      const begin = flash.copy();
      flash.arm();
      const board = bench(flash);
      scenario.play(board);
      scenario.done(board);
      const operations = flash.operations;
      const cuts = cutsOf(flash, operations);
      let cases = 0;
      for (const cut of ['before', 'torn', 'after'] as Cut[]) {
        for (const at of cuts) {
          const what = `${scenario.name}, cut ${cut} operation ${at}`;
          flash.restore(begin);
          flash.arm(at, cut);
          try {
            playOn(bench(flash), scenario, what);
          } catch (error) {
            if (!(error instanceof PowerCut)) throw error;
          }
          flash.arm();
          const revived = bench(flash);
          revived.settle(2000);
          checkWhole(revived, what);
          if (revived.running === 'image') knock(revived);
          expect(playOn(revived, scenario, what)).toBe(true);
          check(() => scenario.done(revived), what);
          cases++;
        }
      }
      console.log(`power cuts, ${scenario.name}: ${operations} operations, ${cases} cases`);
    });
  }
});

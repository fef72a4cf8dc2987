// What a device goes through while its power fails. Each scenario can be played again from its start after any cut: it
// looks where the device stands, as a client does, and goes on from there.
//
//   prepare   brings a blank device to where the scenario begins; nothing is cut there
//   play      what is cut; tells whenever the device has acknowledged something that has to last
//   done      throws unless the scenario has come to its end as it should

import { strict as assert } from 'node:assert';
import {
  alert,
  approvalOf,
  bootstrapDocument,
  DENIED,
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
  press,
  put,
  question,
  state,
  upload,
} from '../support/agent-world.js';
import { type Board, MAP } from '../support/bench-hal.js';
import type { FlashMap, Untouched } from '../support/flash.js';
import { GEOMETRIES } from '../support/geometries.js';
import { type Package, type PolicyOptions, sha256 } from '../support/make.js';
import { ask, type Body } from '../support/smp.js';
import { fetchedByDevice } from './fetched.js';
import { anchorRotation } from './rotation.js';

/** Few operations, so that pairs of cuts can be tried. */
export const SMALL_MAP: FlashMap = {
  page: 256,
  primary: 0,
  slotBytes: 12 * 256,
  secondary: 12 * 256,
  secondaryBytes: 13 * 256,
  state: 25 * 256,
  stateBytes: 44 * 256,
};
export const MAPS = { small: SMALL_MAP, microbit: MAP, ...GEOMETRIES } as const;
export type MapName = keyof typeof MAPS;

export interface Tell {
  /** The device has said that what it was asked to do is done; for an upload, that it wants `offset` next. */
  acked(offset?: number): void;
  /** From here on this image may run too: a person has said yes to it. */
  allow(wanted: Package): void;
  /** The download that was acknowledged is about to be given up. */
  giveUp(): void;
}

export interface Scenario {
  name: string;
  untouched?: Untouched;
  /** Another scenario that this is but for what its flash holds: the fast subset cuts this one more thinly. */
  like?: string;
  prepare(board: Board): void;
  play(board: Board, tell: Tell): void;
  done(board: Board): void;
  /** Packages that may run from the start, the one that ran before the scenario first; with `ran` there was one. */
  may: readonly Package[];
  ran: boolean;
  /** Approval documents of operator 1, oldest first: a later one never gives way to an earlier one. */
  documents: readonly Uint8Array[];
  /** What does not fit together in what the device says of itself, at any time. */
  unsound?(board: Board): string | undefined;
  /** The upload whose progress has to last. */
  download?: Package;
}

export const R = { Rollback: 72, Denied: 84, Superseded: 88, Locked: 101, Reverted: 153, Deferred: 122 } as const;
const OPERATOR = `${NODE.approvals}/1`;
const TRIALS = 9; // more boots than cuts can cost: an image on trial outlives them

const first = packageOf(1, { image: imageOf(2 * 256 + 100, 1) });
const second = packageOf(2, { image: imageOf(3 * 256 - 20, 2) });
const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
// --- Steps ---

const provision = (policy: PolicyOptions = {}) => {
  const document = bootstrapDocument({ trialBoots: TRIALS, ...policy });
  return (board: Board) => {
    const answer = put(board, NODE.bootstrap, document);
    if (failed(answer)?.rc !== R.Locked) expectOk(answer); // locked: it was stored before the cut
  };
};

function putDocument(board: Board, document: Uint8Array): void {
  const answer = put(board, NODE.approvals, document);
  if (failed(answer)?.rc !== R.Superseded) expectOk(answer); // superseded: a newer one was stored before the cut
}

const slot = (board: Board, number: number): Body | undefined => images(board).find((item) => item.slot === number);
const holds = (board: Board, number: number, wanted: Package): boolean => {
  const found = slot(board, number);
  return found !== undefined && hexOf(found.hash as Uint8Array) === hexOf(wanted.digest);
};
const isConfirmed = (board: Board, wanted: Package) =>
  holds(board, 0, wanted) && slot(board, 0)?.confirmed === true && state(board) !== 60;
/** Into the agent, whatever runs, without confirming it. */
function enter(board: Board): void {
  if (board.running === 'image') knock(board, 1);
}

/** Until `wanted` runs and has confirmed itself, from wherever the device stands. */
function bring(board: Board, wanted: Package, tell: Tell, answer?: (board: Board, tell: Tell) => void): void {
  enter(board);
  if (isConfirmed(board, wanted)) return;
  if (state(board) !== 60) {
    if (!holds(board, 1, wanted)) deliver(board, wanted, tell);
    if (question(board).pending !== true) {
      expectOk(exec(board, NODE.update));
      tell.acked();
    }
    answer?.(board, tell);
  }
  board.settle();
  assert.equal(board.running, 'image', 'the new image is started');
  knock(board);
  tell.acked();
}

const NOBODY: Tell = { acked() {}, allow() {}, giveUp() {} };
function deliver(board: Board, wanted: Package, tell: Tell): void {
  expectOk(upload(board, wanted.bytes, { piece: 200, acked: tell.acked }));
}

function refusedAs(board: Board, wanted: Package, rc: number): void {
  assert.equal(failed(upload(board, wanted.bytes))?.rc, rc);
}

// The person looks again after a reset, and is asked the same; or, as each reset takes a quarter of the time to answer
// (assembly/policy/consent.ts), nothing any more after several: then the order is given again, and the new question answered.
function pressYes(board: Board, tell: Tell): void {
  const asked = question(board);
  if (asked.pending !== true) return;
  board.reboot();
  const left = question(board);
  if (left.pending === true) assert.deepEqual(left.nonce, asked.nonce, 'the question stays');
  else {
    assert.equal(left.reason, R.Deferred, 'the question stays until its time is up');
    tell.acked();
    expectOk(exec(board, NODE.update));
    tell.acked();
  }
  tell.allow(second);
  press(board, 1);
}

/** A device that runs the first package. */
function running(policy: PolicyOptions = {}, ...documents: Uint8Array[]) {
  return (board: Board) => {
    provision(policy)(board);
    install(board, first, 1);
    knock(board);
    for (const document of documents) expectOk(put(board, NODE.approvals, document));
    board.run(50); // what was put has been reviewed: nothing is left over that would be committed on the way
  };
}

const approvals = [1, 2, 3, 4].map((sequence) => approvalOf(second.digest, sequence));
const approvalOfFirst = approvalOf(first.digest, 1);
const both = [approvalOfFirst, approvals[1]!];
const denial = approvalOf(second.digest, 3, DENIED);
const many = Array.from({ length: 29 }, (_, i) => approvalOf(second.digest, 2 + i)); // a record of the log each

// --- Scenarios ---

const NOISE = 'never erased, reads noise';
const firstInstall = (name: string, untouched: Untouched, more: Partial<Scenario> = {}): Scenario => ({
  name,
  untouched,
  ...more,
  prepare: () => {},
  play: (board, tell) => {
    enter(board);
    provision()(board);
    tell.acked();
    putDocument(board, approvalOfFirst);
    tell.acked();
    bring(board, first, tell);
  },
  done: (board) => assert(isConfirmed(board, first)),
  may: [first],
  ran: false,
  documents: [approvalOfFirst],
  download: first,
});

export const PACKAGES: readonly Package[] = [first, second];

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'bootstrap',
    prepare: () => {},
    play: (board, tell) => {
      provision()(board);
      tell.acked();
    },
    done: (board) => assert.equal(get(board, './FUMO/1/Ext/Countersign/DeviceId').toString(), 'device-1'),
    may: [],
    ran: false,
    documents: [],
  },
  firstInstall('never erased, reads 00', 'zero', { like: NOISE }),
  firstInstall('never erased, reads ff', 'ones', { like: NOISE }),
  firstInstall(NOISE, 'noise'),
  {
    name: 'approval update',
    prepare: provision(),
    play: (board, tell) => {
      for (const document of approvals) {
        putDocument(board, document);
        tell.acked();
      }
    },
    done: (board) => {
      assert.deepEqual(get(board, OPERATOR), Buffer.from(approvals.at(-1)!));
      assert.equal(failed(put(board, NODE.approvals, approvals[0]!))?.rc, R.Superseded);
    },
    may: [],
    ran: false,
    documents: approvals,
  },
  anchorRotation(second),
  {
    name: 'install',
    prepare: running({}, approvals[1]!),
    play: (board, tell) => bring(board, second, tell),
    done: (board) => {
      assert(isConfirmed(board, second));
      assert.equal(state(board), 100);
      refusedAs(board, first, R.Rollback);
    },
    may: [first, second],
    ran: true,
    documents: both,
    download: second,
  },
  fetchedByDevice({ prepare: running({}, approvals[1]!), enter, isConfirmed }, first, second, both),
  {
    name: 'install with prompt',
    prepare: running({ unapproved: 1 }),
    play: (board, tell) => bring(board, second, tell, pressYes),
    done: (board) => assert(isConfirmed(board, second)),
    may: [first],
    ran: true,
    documents: [approvalOfFirst],
    download: second,
  },
  {
    name: 'revert',
    prepare: (board) => {
      running({ trialBoots: 1 }, approvals[1]!)(board);
      deliver(board, second, NOBODY);
      expectOk(exec(board, NODE.update));
    },
    play: (board, tell) => {
      board.settle();
      knock(board, 1);
      if (state(board) === 60) {
        board.reboot();
        board.settle();
        knock(board, 1);
      }
      tell.acked();
    },
    done: (board) => {
      assert(isConfirmed(board, first));
      assert.equal(state(board), 80);
      assert.equal(alert(board).reason, R.Reverted);
    },
    may: [first, second],
    ran: true,
    documents: both,
  },
  {
    name: 'denied while staged',
    prepare: (board) => {
      running({}, approvals[1]!)(board);
      deliver(board, second, NOBODY);
    },
    play: (board, tell) => {
      enter(board);
      putDocument(board, denial);
      tell.acked();
      if (state(board) === 70) return;
      assert.equal(failed(exec(board, NODE.update))?.rc, R.Denied);
      tell.acked();
    },
    done: (board) => {
      assert(isConfirmed(board, first));
      assert.equal(state(board), 70);
      assert.equal(failed(exec(board, NODE.update))?.rc, R.Denied);
    },
    may: [first],
    ran: true,
    documents: [approvalOfFirst, approvals[1]!, denial],
  },
  {
    name: 'denied once installed',
    prepare: (board) => {
      running({ denied: 1 }, approvals[1]!)(board);
      bring(board, second, NOBODY);
      board.settle(); // what was put so far has been reviewed
    },
    play: (board, tell) => {
      enter(board);
      putDocument(board, denial);
      tell.acked();
      board.settle();
    },
    done: (board) => {
      enter(board);
      assert(isConfirmed(board, first));
      assert.deepEqual([state(board), alert(board).reason], [80, R.Denied]);
    },
    may: [first, second],
    ran: true,
    documents: [approvalOfFirst, approvals[1]!, denial],
  },
  {
    name: 'log wrap',
    prepare: (board) => {
      running()(board);
      for (const document of many.slice(0, 22)) expectOk(put(board, NODE.approvals, document));
      board.run(50);
    },
    play: (board, tell) => {
      enter(board);
      tell.acked(); // who reads the log before anything else remembers what it said
      for (const document of many.slice(22)) {
        putDocument(board, document);
        tell.acked();
      }
    },
    done: (board) => assert.equal(state(board), 100),
    may: [first],
    ran: true,
    documents: [approvalOfFirst, ...many],
  },
  {
    name: 'download with resume',
    prepare: running({}, approvals[1]!),
    play: (board, tell) => {
      enter(board);
      if (holds(board, 1, second)) return;
      upload(board, second.bytes, { piece: 100, until: second.head.length + 300, acked: tell.acked });
      upload(board, second.bytes, { piece: 100, until: second.head.length + 520, link: 2, acked: tell.acked });
      board.reboot();
      expectOk(upload(board, second.bytes, { piece: 100, link: 1, acked: tell.acked }));
    },
    done: (board) => {
      assert.equal(state(board), 50);
      assert(holds(board, 1, second));
    },
    may: [first],
    ran: true,
    documents: both,
    download: second,
  },
  {
    name: 'download, erased, and again',
    prepare: running({}, approvals[1]!),
    play: (board, tell) => {
      enter(board);
      if (holds(board, 1, second)) return;
      tell.giveUp(); // of what came before the cut, if this is after one
      // Once: each download is paid for (update/wear.ts), and so is clearing the slot.
      if (state(board) === 100) expectOk(upload(board, second.bytes, { piece: 100, until: second.head.length + 560 }));
      tell.giveUp();
      expectOk(ask(board, { group: 1, id: 5, write: true }));
      tell.acked(0);
      deliver(board, second, tell);
    },
    done: (board) => {
      assert.equal(state(board), 50);
      assert(holds(board, 1, second));
    },
    may: [first],
    ran: true,
    documents: both,
    download: second,
  },
];

/** Where the device would go on with an upload: the next byte wanted. Nothing is written by asking. */
export function resumesAt(board: Board, wanted: Package): number {
  const body = { off: 0, image: 0, len: wanted.bytes.length, sha: sha256(wanted.bytes), data: new Uint8Array() };
  return expectOk(ask(board, { group: 1, id: 1, write: true, body })).off as number;
}

// What every boot loader with the gate in it must do, whichever it is: told as scenes of one device's life, run by
// tests/port/mcuboot.test.ts. The first law is in each of them: what nobody approved never starts.

import { expect } from 'vitest';
import { reasons } from '../../../host/reasons.js';
import { concat, flipBit } from '../../support/make.js';
import { Board, SECTOR, TLV } from './board.js';
import {
  approve,
  approved,
  bring,
  decided,
  deny,
  holds,
  type Kind,
  release,
  type Scene,
  says,
  stranger,
} from './device.js';

type Play = (scene: Scene, fresh: () => Scene) => void;

export const SCENES: [name: string, play: Play, only?: (kind: Kind) => boolean][] = [
  [
    'an approved image is installed, and confirmed',
    (scene) => {
      approved(scene);
      expect(scene.board.boot()).toMatchObject({ boots: 2 });
      scene.board.flash.confirm();
      expect(scene.board.boot()).toMatchObject({ boots: 2 });
      expect(scene.board.boot()).toMatchObject({ boots: 2, operations: 0 });
    },
  ],
  [
    'what is not approved yet waits whole, and is installed once it is',
    (scene) => {
      const next = release(2);
      bring(scene, next);
      scene.board.flash.secondary(next);
      for (let i = 0; i < 3; i++) expect(scene.board.boot()).toMatchObject({ boots: 1 });
      expect(holds(scene, next)).toBe(true);
      approve(scene, release(1), next);
      scene.board.flash.secondary(next);
      expect(scene.board.boot()).toMatchObject({ boots: 2 });
    },
  ],
  [
    'an image without a package waits for its head',
    (scene) => {
      const next = release(2);
      approve(scene, release(1), next);
      scene.board.flash.secondary(next);
      expect(decided(scene.board.boot())).toEqual(['waits', reasons.NotApproved.code]);
      bring(scene, next);
      scene.board.flash.secondary(next);
      expect(scene.board.boot()).toMatchObject({ boots: 2 });
    },
    ({ suit }) => suit,
  ],
  [
    'who makes images alone, or approves them alone, installs nothing',
    (scene) => {
      const foreign = release(2, { key: stranger });
      bring(scene, foreign);
      approve(scene, release(1), foreign);
      scene.board.flash.secondary(foreign);
      expect(scene.board.boot()).toMatchObject({ boots: 1 }); // approved, and not the maker's
      const next = release(3);
      bring(scene, next);
      scene.board.approval(says(1, scene.kind, [next], stranger));
      scene.board.flash.secondary(next);
      expect(scene.board.boot()).toMatchObject({ boots: 1 }); // the maker's, and approved by nobody of ours
    },
  ],
  [
    'what an operator has denied is refused, and erased',
    (scene) => {
      const next = release(2);
      bring(scene, next);
      deny(scene, next);
      scene.board.flash.secondary(next);
      const outcome = scene.board.boot();
      expect([outcome.boots, decided(outcome)]).toEqual([1, ['refused', reasons.Denied.code]]);
      expect(holds(scene, next)).toBe(false);
    },
  ],
  [
    'a device starts nothing that was never approved, also at its first start',
    ({ kind, board }) => {
      const empty = new Board(board.run, board.file, kind.mode);
      const first = release(1);
      empty.flash.primary(first);
      expect(empty.boot()).toMatchObject({ boots: undefined });
      bring({ kind, board: empty }, first);
      expect(empty.boot()).toMatchObject({ boots: undefined });
      approve({ kind, board: empty }, first);
      expect(empty.boot()).toMatchObject({ boots: 1 });
    },
  ],
  [
    'an image that was not confirmed goes, also when nothing that was said of the earlier one is left',
    (scene) => {
      approved(scene);
      expect(scene.board.boot()).toMatchObject({ boots: 2 });
      scene.board.flash.documents.fill(0xff);
      expect(scene.board.boot()).toMatchObject({ boots: 1 });
      expect(scene.board.boot()).toMatchObject({ boots: 1, operations: 0 });
    },
    ({ mode }) => mode !== 'overwrite',
  ],
  [
    'a way back that MCUboot has written down as a new swap is a way back',
    (scene) => {
      approved(scene);
      expect(scene.board.boot()).toMatchObject({ boots: 2 });
      scene.board.flash.documents.fill(0xff);
      scene.board.flash.secondary(release(1), 'perm');
      expect(scene.board.boot()).toMatchObject({ boots: 1 });
    },
    ({ mode }) => mode !== 'overwrite',
  ],
  [
    'recovery writes into the slot that runs: only what is approved starts, and nothing older than what ran',
    (scene) => {
      const next = release(2);
      scene.board.flash.primary(next);
      bring(scene, next);
      expect(scene.board.boot()).toMatchObject({ boots: undefined });
      approve(scene, release(1), next);
      expect(scene.board.boot()).toMatchObject({ boots: 2 });
      scene.board.flash.primary(release(1));
      const outcome = scene.board.boot();
      expect([outcome.boots, decided(outcome, 'primary')]).toEqual([undefined, ['refused', reasons.Rollback.code]]);
    },
  ],
  [
    'a swap that was asked for by a forged trailer brings nothing that was not let in',
    (scene) => {
      const next = release(2);
      bring(scene, next);
      scene.board.flash.secondary(next, 'none', 0).forgeRevert();
      for (let i = 0; i < 3; i++) expect(scene.board.boot()).toMatchObject({ boots: 1 });
    },
    ({ mode }) => mode !== 'overwrite',
  ],
  [
    'another image put under a swap that lost power does not start',
    (scene, fresh) => {
      const [next, other] = [release(2), release(3)];
      for (let cut = 1; ; cut++) {
        const { board, kind } = fresh();
        bring({ board, kind }, next);
        approve({ board, kind }, release(1), next);
        board.flash.secondary(next);
        if (!board.boot('--cut', `${cut}`).cut) break;
        for (const at of kind.mode === 'offset' ? [0, SECTOR] : [0]) {
          board.flash.slot('secondary').set(other.bytes, at);
        }
        for (let i = 0; i < 3; i++) expect(board.boot().boots, `cut ${cut}`).not.toBe(3);
      }
      expect(scene.kind).toBeDefined();
    },
  ],
  [
    'of two images in one slot, both must be let in',
    (scene) => {
      const [small, other] = [release(2, { bytes: 500 }), release(3)];
      bring(scene, small);
      bring(scene, other);
      approve(scene, release(1), small);
      const { flash } = scene.board;
      flash.secondary(small, 'perm');
      expect(scene.board.boot()).toMatchObject({ boots: 2 });
      for (const mark of ['none', 'test'] as const) {
        flash.secondary(other, mark);
        flash.slot('secondary').set(small.bytes, 0);
        if (mark === 'none') flash.forgeRevert();
        const outcome = scene.board.boot();
        expect([outcome.boots, mark === 'none' && decided(outcome)?.[0]]).toEqual([2, mark === 'none' && 'refused']);
        expect(scene.board.boot()).toMatchObject({ boots: 2 });
      }
    },
    ({ mode }) => mode === 'offset',
  ],
  [
    'a hash that stands twice, or another hash, opens nothing',
    (scene) => {
      const good = release(2);
      const bad = release(3, { first: [[TLV.sha256, good.hash]] });
      bring(scene, good);
      bring(scene, bad);
      approve(scene, release(1), good);
      for (const image of [bad, release(4, { more: [[TLV.sha256, good.hash]] })]) {
        scene.board.flash.secondary(image);
        expect(decided(scene.board.boot())?.[0]).toBe('refused');
        expect(scene.board.boot()).toMatchObject({ boots: 1 });
        scene.board.flash.primary(image);
        expect(scene.board.boot()).toMatchObject({ boots: undefined });
        scene.board.flash.primary(release(1));
      }
      const altered = { bytes: flipBit(good.bytes, 8 * 100) };
      scene.board.flash.secondary(altered);
      expect(scene.board.boot()).toMatchObject({ boots: 1 });
    },
  ],
  [
    'what was let in once and denied since does not start',
    (scene) => {
      const next = approved(scene);
      // Cut right after the decision is written down: erase and write of a page, twice.
      const { cut } = scene.board.boot('--cut', '5');
      expect(cut).toBe(true);
      deny(scene, next);
      scene.board.flash.primary(release(1)).secondary(next);
      // Cut as MCUboot erases what is refused: the slot that runs is not looked at any more.
      expect(scene.board.boot('--cut', '5').cut).toBe(true);
      scene.board.flash.primary(next);
      expect(scene.board.boot()).toMatchObject({ boots: undefined });
    },
  ],
  [
    'after a trial that failed, the image has to be judged again',
    (scene) => {
      const next = approved(scene);
      expect(scene.board.boot()).toMatchObject({ boots: 2 });
      expect(scene.board.boot()).toMatchObject({ boots: 1 });
      scene.board.boot();
      deny(scene, next);
      scene.board.flash.primary(next);
      expect(scene.board.boot()).toMatchObject({ boots: undefined });
    },
    ({ mode }) => mode !== 'overwrite',
  ],
  [
    'the number of what was confirmed is a floor: older ones are refused, approved or not',
    (scene) => {
      const [second, old] = [release(5), release(3)];
      bring(scene, second);
      bring(scene, old);
      approve(scene, release(1), second, old);
      scene.board.flash.secondary(second, 'perm');
      expect(scene.board.boot()).toMatchObject({ boots: 5 });
      scene.board.flash.secondary(old);
      const outcome = scene.board.boot();
      expect([outcome.boots, decided(outcome)]).toEqual([5, ['refused', reasons.Rollback.code]]);
    },
  ],
  [
    'an older document of the operator does not count again',
    (scene) => {
      const next = release(2);
      const old = says(1, scene.kind, [next]);
      approve(scene, release(1));
      bring(scene, next);
      scene.board.flash.secondary(next);
      scene.board.boot(); // sees the newer one
      scene.board.flash.documents.fill(0xff);
      bring(scene, next);
      scene.board.approval(old);
      scene.board.flash.secondary(next);
      const outcome = scene.board.boot();
      expect([outcome.boots, decided(outcome)]).toEqual([1, ['waits', reasons.Superseded.code]]);
    },
  ],
  [
    'one bit of the state that flips, wherever it stands, brings back no older document, and no older number',
    (scene, fresh) => {
      const [next, second, old] = [release(2), release(5), release(3)];
      for (const half of [0, SECTOR])
        for (const bit of [3, 40, 100, 64 * 8 + 1, 191 * 8]) {
          const flip = ({ flash }: Board) => {
            flash.state[half + (bit >> 3)]! ^= 1 << (bit & 7);
          };
          const one = fresh();
          const first = says(1, scene.kind, [next]);
          bring(one, next);
          deny(one, next);
          one.board.flash.secondary(next);
          expect(decided(one.board.boot())?.[0]).toBe('refused');
          flip(one.board);
          one.board.flash.documents.fill(0xff);
          bring(one, next);
          one.board.approval(first);
          one.board.flash.secondary(next);
          const outcome = one.board.boot();
          expect([outcome.boots, decided(outcome)]).toEqual([1, ['waits', reasons.Superseded.code]]);
          expect(one.board.boot(), `half ${half} bit ${bit}`).toMatchObject({ boots: 1, operations: 0 }); // mended
          const two = fresh();
          for (const each of [second, old]) bring(two, each);
          approve(two, release(1), second, old);
          two.board.flash.secondary(second, 'perm');
          expect(two.board.boot()).toMatchObject({ boots: 5 });
          flip(two.board);
          two.board.flash.secondary(old);
          expect(decided(two.board.boot())).toEqual(['refused', reasons.Rollback.code]);
        }
    },
  ],
  [
    'damage to both halves of the state lets nothing in, and stops nothing that is approved',
    (scene) => {
      const next = release(2);
      bring(scene, next);
      approve(scene, release(1), next);
      scene.board.flash.state[SECTOR + 20]! ^= 1;
      scene.board.flash.state.copyWithin(0, SECTOR);
      scene.board.flash.secondary(next);
      const outcome = scene.board.boot();
      expect([outcome.boots, decided(outcome)]).toEqual([1, ['waits', reasons.StoreDamaged.code]]);
      scene.board.flash.primary(release(4));
      expect(scene.board.boot()).toMatchObject({ boots: undefined });
    },
  ],
  [
    'a state area that cannot be written any more lets nothing in, and stops nothing that is approved',
    (scene) => {
      const next = approved(scene);
      const outcome = scene.board.boot('--worn');
      expect([outcome.boots, decided(outcome)]).toEqual([1, ['waits', reasons.FlashWrite.code]]);
      scene.board.flash.primary(next);
      expect(scene.board.boot('--worn')).toMatchObject({ boots: 2 });
      scene.board.flash.primary(release(3));
      expect(scene.board.boot('--worn')).toMatchObject({ boots: undefined });
    },
  ],
  [
    'a signature in any other shape than DER, and padding, is none',
    (scene) => {
      const next = release(2);
      bring(scene, next);
      approve(scene, release(1), next);
      const altered =
        (...changes: [at: number, value: number][]) =>
        (signature: Uint8Array) => {
          const bytes = signature.slice();
          for (const [at, value] of changes) bytes[at] = value;
          return bytes;
        };
      const shapes: ((signature: Uint8Array) => Uint8Array)[] = [
        () => new Uint8Array(),
        ...[1, 2, 7, 8, 30].map((length) => (signature: Uint8Array) => signature.slice(0, length)),
        () => new Uint8Array(72),
        () => new Uint8Array(127).fill(0x30),
        altered([0, 0x31]),
        altered([1, 0x7f]),
        altered([1, 0x81]),
        altered([2, 0x03]),
        ...[0, 1, 34, 64, 127, 128, 255].map((length) => altered([3, length])),
        altered([4, 0xff]),
        (signature) => concat(signature.subarray(0, signature.length - 1), Uint8Array.of(signature.at(-1)! ^ 1)),
      ];
      for (const [i, signature] of shapes.entries()) {
        scene.board.flash.secondary(release(2, { signature }));
        expect(scene.board.boot(), `shape ${i}`).toMatchObject({ boots: 1 });
      }
      scene.board.flash.secondary(release(2, { signature: (signature) => concat(signature, new Uint8Array(2)) }));
      expect(scene.board.boot()).toMatchObject({ boots: 2 });
    },
  ],
  [
    'the documents area takes no end of documents, and the newest are there',
    (scene) => {
      const next = release(2);
      bring(scene, next);
      for (let i = 0; i < 60; i++) approve(scene, ...Array.from({ length: 1 + (i % 7) }, (_, k) => release(10 + k)));
      bring(scene, next);
      approve(scene, release(1), next);
      scene.board.flash.secondary(next);
      expect(scene.board.boot()).toMatchObject({ boots: 2 });
    },
  ],
  [
    'power is cut as a document is written: the next one is written, and counts',
    (scene, fresh) => {
      const next = release(2);
      for (let cut = 1; ; cut++) {
        const { board, kind } = fresh();
        bring({ board, kind }, next);
        const last = !board.approval(says(1, kind, [release(1)]), '--cut', `${cut}`).cut;
        approve({ board, kind }, release(1), next);
        bring({ board, kind }, next);
        board.flash.secondary(next);
        expect(board.boot(), `cut ${cut}`).toMatchObject({ boots: 2 });
        if (last) break;
      }
      expect(scene.kind).toBeDefined();
    },
  ],
];

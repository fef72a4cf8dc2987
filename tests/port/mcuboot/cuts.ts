// Power is cut at every erase and write, of an installation and of the way back: what starts is one of the two images that were let
// in, and in the end the one that should.

import { expect } from 'vitest';
import { approve, bring, release, type Scene } from './device.js';

/** Power is cut at every erase and write of an installation: what starts is always one of the two, and in the end the new one. */
export function cuts(fresh: () => Scene, approved: boolean): number {
  const next = release(2);
  for (let cut = 1; ; cut++) {
    const scene = fresh();
    bring(scene, next);
    if (approved) approve(scene, release(1), next);
    scene.board.flash.secondary(next, 'perm');
    const first = scene.board.boot('--cut', `${cut}`);
    if (!first.cut) {
      expect(first.boots).toBe(approved ? 2 : 1);
      return cut - 1;
    }
    // A second cut in what follows, then none.
    scene.board.boot('--cut', `${1 + (cut % 7)}`);
    const last = scene.board.boot();
    expect(last.boots, `cut ${cut}`).toBe(approved ? 2 : 1);
    expect(scene.board.boot(), `after cut ${cut}`).toMatchObject({ boots: last.boots });
  }
}

/** The same for the way back. */
export function revertCuts(fresh: () => Scene): number {
  const next = release(2);
  for (let cut = 1; ; cut++) {
    const scene = fresh();
    bring(scene, next);
    approve(scene, release(1), next);
    scene.board.flash.secondary(next);
    expect(scene.board.boot()).toMatchObject({ boots: 2 });
    scene.board.flash.documents.fill(0xff);
    if (!scene.board.boot('--cut', `${cut}`).cut) return cut - 1;
    expect(scene.board.boot(), `cut ${cut}`).toMatchObject({ boots: 1 });
    expect(scene.board.boot(), `after cut ${cut}`).toMatchObject({ boots: 1 });
  }
}

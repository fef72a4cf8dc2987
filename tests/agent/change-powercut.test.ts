// A change of anchors while the power fails: at every operation, in every way.
import { describe, expect, it } from 'vitest';
import { expectOk, get, NODE, operator, packageOf, put, stranger, text } from '../support/agent-world.js';
import { bench, benchFlash } from '../support/bench-hal.js';
import { anchorsOf, by, lastChange, refusal, second } from '../support/changing.js';
import { PowerCut } from '../support/flash.js';
import { makeBootstrap, makeChange } from '../support/make.js';

describe('a change under a power cut', () => {
  it('at every operation: the device stands as before or as after, and its documents with it', {
    timeout: 120_000,
  }, () => {
    const flash = benchFlash();
    const prepared = bench(flash);
    const old = makeBootstrap({ anchors: anchorsOf(operator, second) });
    expectOk(put(prepared, NODE.bootstrap, old));
    const wanted = packageOf(1);
    expectOk(put(prepared, NODE.approvals, by(operator, wanted.digest, 6)));
    expectOk(put(prepared, NODE.approvals, by(second, wanted.digest, 8)));
    const change = makeChange({ signers: [operator], sequence: 3, anchors: anchorsOf(stranger, second) });
    const changed = makeBootstrap({ anchors: anchorsOf(stranger, second) });
    const begin = flash.snapshot();
    const play = () => {
      const board = bench(flash);
      try {
        expectOk(put(board, NODE.change, change));
      } catch (error) {
        if (!(error instanceof Error && (error instanceof PowerCut || /no answer/.test(error.message)))) throw error;
      }
    };
    flash.arm();
    play();
    const operations = flash.operations;
    const seen = { before: 0, after: 0 };
    for (const cut of ['before', 'bits', 'after'] as const) {
      for (let at = 1; at <= operations; at += at < 20 || at > operations - 20 ? 1 : 11) {
        flash.restore(begin);
        flash.arm(at, cut);
        play();
        flash.arm();
        const board = bench(flash);
        const stands = Buffer.compare(get(board, NODE.bootstrap), changed) === 0 ? 'after' : 'before';
        seen[stands]++;
        if (stands === 'before') expect(get(board, NODE.bootstrap), `${cut} ${at}`).toEqual(Buffer.from(old));
        expect(text(board, NODE.approvals), `${cut} ${at}`).toBe(stands === 'before' ? '1/2' : '2');
        expect(lastChange(board)).toBe(stands === 'before' ? 0 : 3);
        expect(get(board, `${NODE.approvals}/2`)).toEqual(Buffer.from(by(second, wanted.digest, 8)));
        // Its signer is no operator any more once it is in force.
        expect(refusal(put(board, NODE.change, change))).toBe(stands === 'before' ? 'Ok' : 'SignerUnknown');
        expect(refusal(put(board, NODE.approvals, by(second, wanted.digest, 7)))).toBe('Superseded');
      }
    }
    expect(seen.before).toBeGreaterThan(10);
    expect(seen.after).toBeGreaterThan(0);
  });
});

// Which package an order names where it does not say so itself: the PkgURL beside it does, and each of the two nodes has its own.

import { describe, expect, it } from 'vitest';
import { expectOk, NODE, packageOf, provisionedBoard, put } from '../support/agent-world.js';
import { urlOf, wanted } from '../support/blocks.js';
import { ask } from '../support/smp.js';

const ONE = packageOf(1);
const TWO = packageOf(2);
const DOWNLOAD = './FUMO/1/Download';
const DIGEST_BYTES = 32;

const urls = () => {
  const board = provisionedBoard();
  expectOk(put(board, `${DOWNLOAD}/PkgURL`, Buffer.from(urlOf(ONE.digest))));
  expectOk(put(board, `${NODE.downloadAndUpdate}/PkgURL`, Buffer.from(urlOf(TWO.digest))));
  return board;
};

describe('an order', () => {
  it.each([
    [DOWNLOAD, ONE],
    [NODE.downloadAndUpdate, TWO],
  ])('of %s is for what its own PkgURL names', (uri, { digest }) => {
    const board = urls();
    expectOk(ask(board, { group: 64, id: 3, write: true, body: { uri } }));
    board.tick(20);
    const [request] = wanted(board);
    expect(Buffer.from(request!.digest).toString('hex')).toBe(Buffer.from(digest).toString('hex'));
    expect(request!.digest.length).toBe(DIGEST_BYTES);
  });

  it('that names a package itself is for that one, whatever the PkgURL says', () => {
    const board = urls();
    expectOk(ask(board, { group: 64, id: 3, write: true, body: { uri: NODE.downloadAndUpdate, hash: ONE.digest } }));
    board.tick(20);
    expect(Buffer.from(wanted(board)[0]!.digest).equals(Buffer.from(ONE.digest))).toBe(true);
  });
});

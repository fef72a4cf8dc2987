// The device fetches for itself: it asks for blocks over the line that its order came on, as it can take them.
import { describe, expect, it } from 'vitest';
import {
  APPROVED,
  alert,
  approvalOf,
  DENIED,
  exec,
  expectOk,
  imageOf,
  install,
  knock,
  NODE,
  packageOf,
  press,
  provisionedBoard,
  put,
  question,
  rc,
  runs,
  state,
  stranger,
  upload,
} from '../support/agent-world.js';
import { type Board, MAP } from '../support/bench-hal.js';
import {
  approvedBoard,
  BLOCK_BYTES,
  block,
  blocksOf,
  give,
  inOrder,
  largePackage,
  order,
  serve,
  serveFor,
  urlOf,
  wanted,
} from '../support/blocks.js';

describe('an order that names a digest', () => {
  it('by the URL beside it is as good as by a member of its own', () => {
    const { board, one } = approvedBoard();
    expectOk(put(board, `${NODE.downloadAndUpdate}/PkgURL`, Buffer.from(urlOf(one.digest))));
    expectOk(exec(board, NODE.downloadAndUpdate, 'order-1'));
    serve(board, one.bytes);
    board.settle();
    expect(runs(board, one)).toBe(true);
  });

  it('costs no write to the flash, whoever gives it: strangers cannot spend what it would need', () => {
    const { board, one } = approvedBoard();
    for (let n = 0; n < 40; n++) put(board, `${NODE.downloadAndUpdate}/PkgURL`, Buffer.from(`cs:${n}`));
    expect(rc(put(board, `${NODE.downloadAndUpdate}/PkgURL`, Buffer.from('cs:no')))).toBe(159);
    expectOk(order(board, one.digest));
    serve(board, one.bytes);
    board.settle();
    expect(runs(board, one)).toBe(true);
  });

  it('fetches each block once, in order, none past the last, and installs', () => {
    const { board, one } = approvedBoard();
    expectOk(order(board, one.digest));
    expect(serve(board, one.bytes)).toEqual(inOrder(blocksOf(one.bytes)));
    board.settle();
    expect(runs(board, one)).toBe(true);
    knock(board);
    expect(alert(board)).toMatchObject({ result: 200, corr: 'order-1' });
  });

  it('asks for one block before anything is known, and then for a window that slides', () => {
    const { board, one } = approvedBoard();
    expectOk(order(board, one.digest));
    board.tick(50);
    expect(wanted(board)).toEqual([{ digest: expect.anything(), off: 0, len: BLOCK_BYTES, sequence: 0 }]);
    give(board, block(one.bytes, 0));
    board.tick(50);
    expect(wanted(board)).toMatchObject([{ off: BLOCK_BYTES, len: 16_384 }]);
    for (const off of inOrder(16, 1)) give(board, block(one.bytes, off));
    board.tick(50);
    expect(wanted(board)).toMatchObject([{ off: 16_384 + BLOCK_BYTES, len: 8192 }]);
  });

  it.each([
    ['no URL', '', 0],
    ['a URL of another kind', 'https://example.org/firmware.suit', 0],
    ['an encoding that it does not know', urlOf(largePackage().digest, 'lzz'), 0],
    ['a digest cut short', urlOf(largePackage().digest).replace('cs:/p/', '').slice(2), 0],
    ['a digest in capital letters', urlOf(largePackage().digest).toUpperCase().replace('/RAW', '/raw'), 0],
    ['a digest and nothing else', urlOf(largePackage().digest).slice('cs:/p/'.length), 1],
  ])('with %s waits for somebody who pushes', (_what, url, asks) => {
    const { board } = approvedBoard();
    if (url) expectOk(put(board, `${NODE.downloadAndUpdate}/PkgURL`, Buffer.from(url)));
    expectOk(exec(board, NODE.downloadAndUpdate));
    board.tick(50);
    expect(wanted(board).length).toBe(asks);
  });

  it('of Download fetches, and installs nothing', () => {
    const { board, one } = approvedBoard();
    expectOk(put(board, './FUMO/1/Download/PkgURL', Buffer.from(urlOf(one.digest))));
    expectOk(exec(board, './FUMO/1/Download', 'order-2'));
    serve(board, one.bytes);
    board.run(2000);
    expect(state(board)).toBe(50);
    expect(alert(board)).toMatchObject({ type: 1, result: 200, corr: 'order-2' });
  });

  it('of what runs already is answered at once', () => {
    const { board, one } = approvedBoard();
    install(board, one, 2);
    knock(board);
    board.flash.forget();
    expect(rc(order(board, one.digest))).toBe(158);
    board.tick(50);
    expect(wanted(board)).toEqual([]);
  });

  it('of what is on board installs it, also after a refusal that no longer holds', () => {
    const one = largePackage();
    const board = provisionedBoard({ unapproved: 1 });
    expectOk(upload(board, one.bytes));
    const other = packageOf(3, { image: imageOf(40_000, 3) });
    expectOk(put(board, NODE.approvals, approvalOf(other.digest, 1)));
    expect(state(board)).toBe(50);
    expectOk(put(board, NODE.approvals, approvalOf(one.digest, 2)));
    expectOk(order(board, one.digest));
    board.settle();
    expect(runs(board, one)).toBe(true);
  });

  it('of another package than the one on board fetches that one', () => {
    const { board, one } = approvedBoard();
    expectOk(upload(board, one.bytes));
    const next = largePackage(2, 2);
    expectOk(put(board, NODE.approvals, approvalOf(next.digest, 2)));
    expectOk(order(board, next.digest));
    serve(board, next.bytes);
    board.settle();
    expect(runs(board, next)).toBe(true);
  });
});

describe('what comes instead', () => {
  const notApproved = largePackage(9, 9);

  it('of a package that nobody approved is asked for no further than its head', () => {
    const board = provisionedBoard();
    expectOk(order(board, notApproved.digest));
    const asked = serve(board, notApproved.bytes);
    expect(asked.length * BLOCK_BYTES).toBeLessThan(notApproved.head.length + BLOCK_BYTES + 16_384);
    expect(alert(board)).toMatchObject({ result: 450, reason: 80, corr: 'order-1' });
    board.run(70_000);
    expect(wanted(board)).toEqual([]);
  });

  it('another approved package than the one ordered is not taken, and the order goes on', () => {
    const { board, one } = approvedBoard();
    const named = largePackage(2, 2);
    expectOk(order(board, named.digest));
    serve(board, one.bytes);
    expect(state(board)).toBe(10);
    expect(board.flash.erases.filter(({ offset }) => offset < MAP.state)).toEqual([]);
    expectOk(put(board, NODE.approvals, approvalOf(named.digest, 2)));
    serveFor(board, 70_000, named.bytes);
    expect(runs(board, named)).toBe(true);
  });

  it('damaged, cut, giant, shifted, unasked and foreign blocks change nothing, and the right ones go on', () => {
    const { board, one } = approvedBoard();
    expectOk(order(board, one.digest));
    const bad = (packet: Uint8Array, off: number): Uint8Array[] => [
      block(one.bytes, off, { len: one.bytes.length + 1 }),
      block(one.bytes, off, { data: one.bytes.slice(off, off + 513) }),
      block(one.bytes, off, { data: new Uint8Array() }),
      block(one.bytes, off, { off: off + 512 }),
      block(one.bytes, off, { off: 0xffff_fe00 }),
      block(one.bytes, off, { off: 'x' }),
      block(one.bytes, off, { data: 'text' }),
      packet.slice(0, -1),
      packet,
      packet,
    ];
    // The first block fixes the length that is believed: here the right one comes first.
    serve(board, one.bytes, { way: (packet, off) => (off === 0 ? [packet] : bad(packet, off)) });
    board.settle();
    expect(runs(board, one)).toBe(true);
  });

  it('on another line is not taken', () => {
    const { board, one } = approvedBoard();
    expectOk(order(board, one.digest));
    board.tick(50);
    for (const off of inOrder(blocksOf(one.bytes))) give(board, block(one.bytes, off), 2);
    expect(state(board)).toBe(10);
    give(board, block(one.bytes, 0), 1);
    board.tick(50);
    expect(wanted(board).length).toBeGreaterThan(0);
  });

  it('nothing was asked for: a block is answered by nobody and changes nothing', () => {
    const { board, one } = approvedBoard();
    board.takeSent(1);
    for (const off of inOrder(4)) give(board, block(one.bytes, off));
    expect(board.takeSent(1).length).toBe(0);
    expect(state(board)).toBe(10);
  });
});

describe('a question before the download', () => {
  const policy = { unapproved: 1, askBeforeDownload: 1 } as const;

  it('waits for the answer, and a yes goes on by itself', () => {
    const board = provisionedBoard(policy);
    const one = largePackage();
    expectOk(order(board, one.digest));
    serve(board, one.bytes);
    expect(board.flash.erases.filter(({ offset }) => offset < MAP.state)).toEqual([]);
    board.run(5000);
    expect(wanted(board)).toEqual([]);
    press(board, 1);
    serve(board, one.bytes);
    expect(state(board)).toBe(50); // and asks whether to install
    press(board, 1);
    board.settle();
    expect(runs(board, one)).toBe(true);
  });

  it.each([
    ['a no', (board: Board) => press(board, 2)],
    ['nobody', (board: Board) => board.run(700_000)],
  ])('ends it with %s', (_what, end) => {
    const board = provisionedBoard({ ...policy, timeout: 30 });
    const one = largePackage();
    expectOk(order(board, one.digest));
    serve(board, one.bytes);
    end(board);
    board.sent = [];
    for (let at = 0; at < 200; at++) board.tick(100);
    expect(wanted(board)).toEqual([]);
    expect(runs(board, one)).toBe(false);
  });

  it('is judged again when approvals change: what is approved meanwhile needs no answer', () => {
    const board = provisionedBoard(policy);
    const [one, other] = [largePackage(), largePackage(2, 2)];
    expectOk(order(board, one.digest));
    serve(board, one.bytes);
    const { nonce } = question(board);
    expectOk(put(board, NODE.approvals, approvalOf(other.digest))); // of another package: it is looked at, and the question stays
    expect(serve(board, one.bytes).length).toBeGreaterThan(0);
    expect(question(board)).toMatchObject({ pending: true, nonce });
    board.run(5000);
    expect(wanted(board)).toEqual([]);
    const entries = [{ verdict: APPROVED, digest: one.digest, confirm: 0 }]; // nobody is to be asked
    expectOk(put(board, NODE.approvals, approvalOf(one.digest, 2, APPROVED, { entries })));
    serve(board, one.bytes);
    board.settle();
    expect(runs(board, one)).toBe(true);
  });

  it('a denial that comes meanwhile ends it, and no yes counts any more', () => {
    const board = provisionedBoard(policy);
    const one = largePackage();
    expectOk(order(board, one.digest));
    serve(board, one.bytes);
    expectOk(put(board, NODE.approvals, approvalOf(one.digest, 1, DENIED)));
    serve(board, one.bytes);
    expect(alert(board)).toMatchObject({ corr: 'order-1', reason: 84 });
    expect(question(board).pending).toBe(false);
    press(board, 1);
    serveFor(board, 10_000, one.bytes);
    expect(runs(board, one)).toBe(false);
  });

  it('a yes while it is looked at again is a yes', () => {
    const board = provisionedBoard(policy);
    const one = largePackage();
    expectOk(order(board, one.digest));
    serve(board, one.bytes);
    expectOk(put(board, NODE.approvals, approvalOf(one.digest)));
    board.tick(50); // asks for the head
    press(board, 1);
    serve(board, one.bytes);
    expect(state(board)).toBe(50);
  });

  it('of somebody else over another line ends it, and his package does not come in its place', () => {
    const board = provisionedBoard(policy);
    const one = largePackage();
    const other = largePackage(2, 2);
    expectOk(order(board, one.digest));
    serve(board, one.bytes);
    expect(rc(upload(board, other.bytes, { link: 2 }))).toBe(120);
    press(board, 1);
    serve(board, other.bytes);
    expect(runs(board, one) || runs(board, other)).toBe(false);
    expect(state(board)).not.toBe(50);
  });
});

describe('the line that blocks come over', () => {
  const policy = { unapproved: 1, channels: 1 } as const; // local answers count, but not over a line that delivers

  it.each([
    [0, false],
    [1, true],
  ])('%i: is a yes typed on the console one? %s', (link, counts) => {
    const board = provisionedBoard(policy);
    const one = largePackage();
    expectOk(order(board, one.digest, 'order-1', link));
    serve(board, one.bytes, { link });
    board.run(3000);
    expect(question(board).pending).toBe(true);
    board.receive(0, Buffer.from('yes\r'));
    board.settle();
    expect(runs(board, one)).toBe(counts);
  });

  it('counts after a reset, too, and for every line that delivered a part', () => {
    const board = provisionedBoard(policy);
    const one = largePackage();
    expectOk(order(board, one.digest, 'order-1', 0));
    serve(board, one.bytes, { link: 0, until: 40 });
    board.reboot();
    expectOk(order(board, one.digest, 'order-2', 1));
    serve(board, one.bytes);
    board.run(3000);
    expect(question(board).pending).toBe(true);
    board.receive(0, Buffer.from('yes\r'));
    board.settle();
    expect(runs(board, one)).toBe(false);
  });
});

describe('somebody who is not trusted', () => {
  it('cannot make the device write more than its account allows by orders', () => {
    const board = provisionedBoard();
    let erases = 0;
    for (let round = 0; round < 300; round++) {
      const one = packageOf(1, { image: imageOf(1000, round + 5), signers: [stranger] });
      put(board, `${NODE.downloadAndUpdate}/PkgURL`, Buffer.from(urlOf(one.digest))); // refused when that is too often
      order(board, one.digest, `order-${round}`);
      serve(board, one.bytes);
      board.run(1000);
      if (board.running !== 'agent') board.reboot();
      erases = board.flash.erases.length;
    }
    const pages = new Map<number, number>();
    for (const { offset } of board.flash.erases) pages.set(offset, (pages.get(offset) ?? 0) + 1);
    expect(erases).toBeGreaterThan(0);
    expect(Math.max(...pages.values())).toBeLessThanOrEqual(24);
  });
});

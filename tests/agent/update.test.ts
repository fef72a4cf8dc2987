// The main job against build/agent.wasm: a device that refuses, asks, installs, confirms and reverts.
import { decode } from 'cborg';
import { describe, expect, it } from 'vitest';
import {
  alert,
  answer,
  approvalOf,
  bootstrapDocument,
  consenter,
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
  operator,
  packageOf,
  press,
  provisionedBoard,
  put,
  question,
  state,
  stranger,
  text,
  upload,
} from '../support/agent-world.js';
import { bench, MAP } from '../support/bench-hal.js';
import { makeConsent } from '../support/make.js';
import * as smp from '../support/smp.js';

const IN_SLOTS = ({ offset }: { offset: number }) => offset < MAP.state;
const R = {
  UserRefused: 121,
  NotApproved: 80,
  Denied: 84,
  NotProvisioned: 87,
  VendorSignature: 48,
  Rollback: 72,
  PayloadDigest: 64,
  BootstrapLocked: 101,
  Superseded: 88,
  AwaitingUser: 120,
  Deferred: 122,
  ConsentNonce: 123,
  NothingStaged: 151,
  RevertedNotConfirmed: 153,
} as const;
const ours = (rc: number) => ({ group: 64, rc });

describe('a blank device', () => {
  it('installs nothing', () => {
    const board = bench();
    expect(failed(upload(board, packageOf(1).bytes))).toEqual(ours(R.NotProvisioned));
    expect(state(board)).toBe(10);
  });

  it('takes one bootstrap document, survives a reset with it, and locks', () => {
    const board = bench();
    const document = bootstrapDocument();
    expectOk(put(board, NODE.bootstrap, document, 100));
    expect(get(board, NODE.bootstrap)).toEqual(Buffer.from(document));
    board.reboot();
    expect(get(board, NODE.bootstrap)).toEqual(Buffer.from(document));
    expect(failed(put(board, NODE.bootstrap, document))).toEqual(ours(R.BootstrapLocked));
    expect(text(board, './FUMO/1/Ext/Countersign/DeviceId')).toBe('device-1');
  });
});

describe('a package that nobody approved', () => {
  it('is refused under policy reject: nothing erased, nothing written to a slot, one line of log', () => {
    const board = provisionedBoard();
    const wanted = packageOf(1, { image: imageOf(5000) });
    board.flash.forget();
    expect(failed(upload(board, wanted.bytes))).toEqual(ours(R.NotApproved));
    expect(board.flash.erases).toEqual([]);
    expect(board.flash.writes.filter(IN_SLOTS)).toEqual([]);
    expect(state(board)).toBe(10);
    const told = board.flash.writes.length;
    expect(told).toBeGreaterThan(0);
    for (let i = 0; i < 10; i++) upload(board, wanted.bytes);
    expect(board.flash.writes.length).toBe(told);
    const record = decode(get(board, NODE.verdict), { useMaps: true }) as Map<number, unknown>;
    expect([record.get(1), record.get(2)]).toEqual([3, R.NotApproved]);
  });

  it('costs no flash operation at all when not even a vendor signed it', () => {
    const board = provisionedBoard();
    board.flash.forget();
    expect(failed(upload(board, packageOf(1, { signers: [stranger] }).bytes))).toEqual(ours(R.VendorSignature));
    expect([board.flash.erases, board.flash.writes]).toEqual([[], []]);
  });

  it('is asked about under policy prompt; a press of the button installs it', () => {
    const board = provisionedBoard({ unapproved: 1 });
    const wanted = packageOf(1, { image: imageOf(5000) });
    expectOk(upload(board, wanted.bytes));
    expect(state(board)).toBe(50);
    expectOk(exec(board, NODE.update, 'job 7'));
    expect(state(board)).toBe(50);
    expect(board.asking).toBe(0);
    board.tick(10); // shown: until then nothing answers it
    expect(board.asking).toBe(0);
    board.tick(10);
    expect(board.asking).toBe(1);
    expect(question(board)).toMatchObject({ pending: true, reason: R.NotApproved });
    press(board, 1);
    board.settle();
    expect(board.running).toBe('image');
    expect(board.flash.bytes.slice(MAP.primary, MAP.primary + 5000)).toEqual(wanted.image);
    knock(board);
    expect(state(board)).toBe(100);
    expect(alert(board)).toMatchObject({ n: 1, type: 2, result: 200, reason: 0, corr: 'job 7', uri: './FUMO/1' });
  });

  it('a no is final until it is offered anew', () => {
    const board = provisionedBoard({ unapproved: 1 });
    const wanted = packageOf(1);
    expectOk(upload(board, wanted.bytes));
    expectOk(exec(board, NODE.update));
    press(board, 2);
    board.run(200);
    expect(state(board)).toBe(80);
    expect(alert(board)).toMatchObject({ result: 401, reason: R.UserRefused });
    expect(failed(exec(board, NODE.update))).toEqual(ours(R.NothingStaged));
    expectOk(upload(board, wanted.bytes));
    expect(state(board)).toBe(50);
  });

  it('no answer in time is deferred: stays ready, and is asked again at the next Exec', () => {
    const board = provisionedBoard({ unapproved: 1, timeout: 30 });
    expectOk(upload(board, packageOf(1).bytes));
    expectOk(exec(board, NODE.update));
    const first = question(board);
    board.run(29_000);
    expect(question(board).pending).toBe(true);
    board.run(2_000);
    expect(question(board)).toMatchObject({ pending: false, reason: R.Deferred, digest: first.digest });
    press(board, 1);
    board.run(500);
    expect(state(board)).toBe(50);
    expect(board.running).toBe('agent');
    expectOk(exec(board, NODE.update));
    expect(question(board).nonce).not.toEqual(first.nonce);
  });

  it('an approval that comes while it is asked: installed, and the question is gone', () => {
    const board = provisionedBoard({ unapproved: 1 });
    const wanted = packageOf(1);
    expectOk(upload(board, wanted.bytes));
    expectOk(exec(board, NODE.update));
    expect(question(board).pending).toBe(true);
    expectOk(put(board, NODE.approvals, approvalOf(wanted.digest)));
    expectOk(exec(board, NODE.update));
    expect(question(board)).toMatchObject({ pending: false, reason: R.Deferred });
    board.settle();
    expect(board.running).toBe('image');
  });

  it('keeps the question over a reset', () => {
    const board = provisionedBoard({ unapproved: 1 });
    expectOk(upload(board, packageOf(1).bytes));
    expectOk(exec(board, NODE.update));
    const before = question(board);
    board.reboot();
    const { left: _, ...after } = question(board);
    expect(before).toMatchObject(after);
    press(board, 1);
    board.settle();
    expect(board.running).toBe('image');
  });

  it('takes a typed answer from the console, but not over the link that delivers', () => {
    for (const [link, channels, accepted] of [
      [1, 1, true],
      [0, 1, false],
      [0, 4, true],
      [1, 2, false],
    ] as const) {
      const board = provisionedBoard({ unapproved: 1, channels });
      expectOk(upload(board, packageOf(1).bytes, { link, piece: 200 }));
      expectOk(exec0(board, link));
      board.tick(10);
      board.receive(0, Buffer.from('maybe\nyesss\n\nYES\r\n'));
      expect(question(board).pending, `link ${link}, channels ${channels}`).toBe(!accepted);
    }
  });

  it('takes a signed answer once, and only to this question', () => {
    const board = provisionedBoard({ unapproved: 1, channels: 2 });
    const wanted = packageOf(1);
    expectOk(upload(board, wanted.bytes));
    expectOk(exec(board, NODE.update));
    const nonce = question(board).nonce as Uint8Array;
    const signed = (more: object) => makeConsent({ key: consenter, answer: 1, digest: wanted.digest, nonce, ...more });
    expect(failed(answer(board, signed({ nonce: Buffer.alloc(16) })))).toEqual(ours(R.ConsentNonce));
    expect(failed(answer(board, signed({ key: operator })))?.group).toBe(64);
    press(board, 1); // the button is not allowed here
    board.run(100);
    expect(question(board).pending).toBe(true);
    expectOk(answer(board, signed({})));
    board.settle();
    expect(board.running).toBe('image');
  });

  const exec0 = (board: Parameters<typeof exec>[0], link: number) => {
    return smp.ask(board, { group: 64, id: 3, write: true, body: { uri: NODE.update } }, link);
  };
});

describe('an approved package', () => {
  it('is installed without a question, tried, confirmed by the application, and read back', () => {
    const board = provisionedBoard();
    const first = packageOf(1, { image: imageOf(3000, 1) });
    const second = packageOf(2, { image: imageOf(9000, 2) });
    install(board, first, 1);
    knock(board);
    expect(images(board)).toMatchObject([{ slot: 0, version: '1.1.0', active: true, confirmed: true }]);
    install(board, second, 2);
    expect(board.flash.bytes.slice(MAP.primary, MAP.primary + 9000)).toEqual(second.image);
    knock(board, 1);
    expect(images(board)).toMatchObject([
      { slot: 0, version: '1.2.0', active: true, confirmed: false },
      { slot: 1, version: '1.1.0' },
    ]);
    expect(state(board)).toBe(60);
    expectOk(smp.ask(board, { group: 1, id: 0, write: true, body: { confirm: true } }));
    expect(state(board)).toBe(100);
    expect(failed(upload(board, packageOf(1).bytes))).toEqual(ours(R.Rollback));
  });

  it('goes back when it does not confirm itself', () => {
    const board = provisionedBoard();
    const first = packageOf(1, { image: imageOf(3000, 1) });
    const second = packageOf(2, { image: imageOf(9000, 2) });
    install(board, first, 1);
    knock(board);
    install(board, second, 2);
    expect(board.flash.bytes.slice(MAP.primary, MAP.primary + 9000)).toEqual(second.image);
    board.reboot();
    board.settle();
    expect(board.running).toBe('image');
    expect(board.flash.bytes.slice(MAP.primary, MAP.primary + 3000)).toEqual(first.image);
    knock(board, 1);
    expect(state(board)).toBe(80);
    expect(alert(board)).toMatchObject({ result: 410, reason: R.RevertedNotConfirmed });
    expect(images(board)).toMatchObject([{ slot: 0, version: '1.1.0', confirmed: true }]);
  });

  it('goes back when it hangs: the watchdog runs on trial, and only then', () => {
    const board = provisionedBoard();
    const first = packageOf(1, { image: imageOf(3000, 1) });
    install(board, first, 1);
    board.hang(29);
    expect(board.running).toBe('image');
    knock(board);
    board.settle();
    board.hang(3600);
    expect(board.running).toBe('image');
    knock(board, 1);
    install(board, packageOf(2, { image: imageOf(9000, 2) }), 2);
    board.hang(30);
    expect(board.running).toBe('agent');
    board.settle();
    expect(board.flash.bytes.slice(MAP.primary, MAP.primary + 3000)).toEqual(first.image);
    board.hang(3600);
    expect([board.running, board.watchdog]).toEqual(['image', 0]);
    knock(board, 1);
    expect(alert(board)).toMatchObject({ result: 410, reason: R.RevertedNotConfirmed });
  });

  it('is confirmed at once under trial boots 0', () => {
    const board = provisionedBoard({ trialBoots: 0 });
    install(board, packageOf(1), 1);
    board.reboot();
    expect(state(board)).toBe(100);
  });

  it('is not installed when it was denied meanwhile, and can be approved again', () => {
    const board = provisionedBoard();
    const wanted = packageOf(1);
    expectOk(put(board, NODE.approvals, approvalOf(wanted.digest, 1)));
    expectOk(upload(board, wanted.bytes));
    expectOk(put(board, NODE.approvals, approvalOf(wanted.digest, 2, DENIED)));
    expect(failed(exec(board, NODE.update, 'x'))).toEqual(ours(R.Denied));
    expect(state(board)).toBe(70);
    expect(alert(board)).toMatchObject({ result: 453, reason: R.Denied, corr: 'x' });
    expect(failed(put(board, NODE.approvals, approvalOf(wanted.digest, 1)))).toEqual(ours(R.Superseded));
    expectOk(put(board, NODE.approvals, approvalOf(wanted.digest, 3)));
    expectOk(exec(board, NODE.update));
    board.settle();
    expect(board.running).toBe('image');
  });

  it('is reported when it is denied after it was installed', () => {
    const board = provisionedBoard();
    const wanted = packageOf(1);
    install(board, wanted, 1);
    knock(board);
    expectOk(put(board, NODE.approvals, approvalOf(wanted.digest, 2, DENIED)));
    board.run(100);
    expect(alert(board)).toMatchObject({ n: 2, result: 453, reason: R.Denied });
  });

  it('with a damaged payload ends in state 20 and is never installed', () => {
    const board = provisionedBoard();
    const wanted = packageOf(1, { image: imageOf(3000) });
    expectOk(put(board, NODE.approvals, approvalOf(wanted.digest)));
    const damaged = wanted.bytes.slice();
    damaged[damaged.length - 100]! ^= 1;
    expect(failed(upload(board, damaged))).toEqual(ours(R.PayloadDigest));
    expect(state(board)).toBe(20);
    expect(alert(board)).toMatchObject({ type: 1, result: 402 });
    expect(failed(exec(board, NODE.update))).toEqual(ours(R.NothingStaged));
    expectOk(upload(board, wanted.bytes));
    expect(state(board)).toBe(50);
  });

  it('is installed by DownloadAndUpdate as soon as it is whole', () => {
    const board = provisionedBoard();
    const wanted = packageOf(1, { image: imageOf(3000) });
    expectOk(put(board, NODE.approvals, approvalOf(wanted.digest)));
    expectOk(exec(board, NODE.downloadAndUpdate, 'both'));
    expectOk(upload(board, wanted.bytes));
    board.settle();
    expect(board.running).toBe('image');
    knock(board);
    expect(alert(board)).toMatchObject({ type: 3, result: 200, corr: 'both' });
  });

  it('an old DownloadAndUpdate does not fire on a package that comes much later', () => {
    const board = provisionedBoard();
    const wanted = packageOf(1);
    expectOk(put(board, NODE.approvals, approvalOf(wanted.digest)));
    expectOk(exec(board, NODE.downloadAndUpdate));
    board.run(601_000);
    expectOk(upload(board, wanted.bytes));
    board.run(1000);
    expect(state(board)).toBe(50);
  });
});

describe('the question before the download', () => {
  it('comes before the payload; yes lets the next offer of this package through', () => {
    const board = provisionedBoard({ askBeforeDownload: 1 });
    const wanted = packageOf(1, { image: imageOf(3000) });
    expectOk(put(board, NODE.approvals, approvalOf(wanted.digest)));
    board.flash.forget();
    expect(failed(upload(board, wanted.bytes))).toEqual(ours(R.AwaitingUser));
    expect(board.flash.writes.filter(IN_SLOTS)).toEqual([]);
    expect(question(board)).toMatchObject({ pending: true, version: '1.1.0' });
    expect(failed(upload(board, wanted.bytes))).toEqual(ours(R.AwaitingUser));
    press(board, 1);
    board.run(100);
    expectOk(upload(board, wanted.bytes));
    expectOk(exec(board, NODE.update));
    board.settle();
    expect(board.running).toBe('image');
  });
});

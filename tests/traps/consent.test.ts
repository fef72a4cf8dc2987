// The traps of the field that concern questions and their answers: what is asked, of whom, and what an answer is worth.

import { decode } from 'cborg';
import { describe, expect, it } from 'vitest';
import { fingerprint } from '../../host/formats/fingerprint.js';
import { reasonOf } from '../../host/reasons.js';
import {
  alert,
  answer,
  approvalOf,
  bootstrapDocument,
  consenter,
  exec,
  expectOk,
  failed,
  get,
  imageOf,
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
  vendor,
} from '../support/agent-world.js';
import { type Board, bench } from '../support/bench-hal.js';
import { makeConsent, type PolicyOptions, utf8 } from '../support/make.js';

const refusal = (body: ReturnType<typeof upload>) => reasonOf(failed(body)?.rc ?? 0).name;
const asking = (policy: PolicyOptions = {}, wanted = packageOf(1)): Board => {
  const board = provisionedBoard({ unapproved: 1, ...policy });
  expectOk(upload(board, wanted.bytes));
  expectOk(exec(board, NODE.update, 'order'));
  return board;
};
const said = (board: Board) => Buffer.from(board.takeSent(0)).toString();
const consent = (board: Board, digest: Uint8Array, more: object = {}) =>
  makeConsent({ key: consenter, answer: 1, digest, nonce: question(board).nonce as Uint8Array, ...more });
const before = { unapproved: 0, askBeforeDownload: 1 };
const offeredBefore = (policy: PolicyOptions, wanted = packageOf(1)): Board => {
  const board = provisionedBoard({ ...before, ...policy });
  expectOk(put(board, NODE.approvals, approvalOf(wanted.digest)));
  expect(refusal(upload(board, wanted.bytes))).toBe('AwaitingUser');
  return board;
};

describe('the question shows authentic bytes only', () => {
  const named = (sequence: number) =>
    packageOf(sequence, { text: { name: 'Blinky', version: `2.${sequence}.0` }, image: imageOf(300, sequence) });
  it('name, version from and to, who signed, and words of the digest: on the console and over SMP', () => {
    const board = provisionedBoard({ unapproved: 1 });
    install(board, named(1), 1);
    knock(board);
    said(board);
    expectOk(upload(board, named(2).bytes));
    expectOk(exec(board, NODE.update));
    expect(question(board)).toMatchObject({
      ...{ name: 'Blinky', version: '2.2.0', from: '2.1.0' },
      ...{ signer: vendor.kid, digest: named(2).digest, device: utf8('device-1') },
    });
    board.tick(10);
    const key = Buffer.from(vendor.kid!.slice(0, 8)).toString('hex');
    const shown = said(board);
    expect(shown).toContain(`Package ${fingerprint(named(2).digest)}, key ${key} over 2.1.0\r\n`);
    expect(shown).toContain('Install Blinky 2.2.0, reason 90? yes/no\r\n');
  });
  it('nothing in it can steer a terminal, and long text is cut', () => {
    const text = { name: `a\x1b[2J\r\nyes${'n'.repeat(100)}`, version: '\x07'.repeat(40) };
    const board = asking({}, packageOf(1, { text }));
    board.tick(10);
    const shown = said(board).split('Install')[1]!;
    expect(shown).toMatch(/^ a\?\[2J\?\?yesn+ \?+, reason 80\? yes\/no\r\n$/);
    expect(shown.length).toBeLessThan(110);
  });
  it('words that the vendor did not sign are refused before anything is asked', () => {
    const wanted = packageOf(1, { text: { name: 'lamp', version: '1.0.0' } });
    const at = Buffer.from(wanted.bytes).indexOf('lamp');
    const board = provisionedBoard({ unapproved: 1 });
    expect(refusal(upload(board, wanted.bytes.with(at, 0x4c)))).toBe('SeveredDigest');
    expect(question(board)).toEqual({ pending: false });
  });
  it('before a download it is the same after a reset: same words, same nonce', () => {
    const board = offeredBefore({}, named(1));
    const { left: _, ...asked } = question(board);
    expect(asked).toMatchObject({ name: 'Blinky', version: '2.1.0', digest: named(1).digest, signer: vendor.kid });
    said(board);
    board.reboot();
    expect(question(board)).toMatchObject(asked);
    board.tick(1000);
    expect(said(board)).toContain('Install Blinky 2.1.0, reason 120');
    board.press = 1;
    board.run(100);
    expectOk(upload(board, named(1).bytes));
  });
});

describe('trap 2: a refusal lasts for one read only', () => {
  it('a no before the download holds until the package is offered anew, and then it is a new question', () => {
    const wanted = packageOf(1);
    const board = offeredBefore({});
    const { nonce } = question(board);
    press(board, 2);
    expect(question(board)).toEqual({ pending: false, digest: new Uint8Array(wanted.digest), reason: 121 });
    board.reboot();
    expect(question(board)).toMatchObject({ pending: false, reason: 121 });
    expect(refusal(upload(board, wanted.bytes))).toBe('AwaitingUser');
    expect(question(board).nonce).not.toEqual(nonce);
    expect(state(board)).toBe(10);
  });
});

describe('trap 3: a yes that is not bound to what was asked', () => {
  const wanted = packageOf(1);
  const refused: [name: string, reason: string, more: (board: Board) => object][] = [
    ['another package', 'ConsentOther', () => ({ digest: packageOf(2).digest })],
    ['another device', 'ConsentOther', () => ({ deviceId: utf8('device-2') })],
    ['an id that this one begins with', 'ConsentOther', () => ({ deviceId: utf8('device') })],
    ['another question', 'ConsentNonce', () => ({ nonce: new Uint8Array(16) })],
    ['a stranger', 'ConsentInvalid', () => ({ key: stranger })],
    ['an operator', 'ConsentInvalid', () => ({ key: operator })],
    ['the vendor', 'ConsentInvalid', () => ({ key: vendor })],
    ['neither yes nor no', 'OutOfRange', () => ({ answer: 3 })],
  ];
  it.each(refused)('an answer of or for %s counts for nothing: %s', (_, reason, more) => {
    const board = asking({ channels: 2 });
    expect(refusal(answer(board, consent(board, wanted.digest, more(board))))).toBe(reason);
    expect(question(board).pending).toBe(true);
    expectOk(answer(board, consent(board, wanted.digest)));
  });
  it('replayed: the answer to an earlier question about the same package', () => {
    const board = asking({ channels: 2, timeout: 5 });
    const old = consent(board, wanted.digest);
    board.run(6000);
    expect(refusal(answer(board, old))).toBe('NothingAsked');
    expectOk(exec(board, NODE.update));
    expect(refusal(answer(board, old))).toBe('ConsentNonce');
    expect(state(board)).toBe(50);
  });
  it('early: an answer before the question, by every way', () => {
    const board = provisionedBoard({ unapproved: 1, channels: 7 });
    const forged = makeConsent({ key: consenter, answer: 1, digest: wanted.digest, nonce: new Uint8Array(16) });
    expectOk(upload(board, wanted.bytes));
    expect(refusal(answer(board, forged))).toBe('NothingAsked');
    board.press = 1;
    board.run(100);
    board.receive(0, Buffer.from('yes\r\n'));
    expectOk(exec(board, NODE.update));
    board.run(500);
    expect([question(board).pending, state(board)]).toEqual([true, 50]);
  });
  it('late: the device has given up, and says so', () => {
    const board = asking({ channels: 3, timeout: 5 });
    const late = consent(board, wanted.digest);
    board.run(6000);
    expect(question(board)).toMatchObject({ pending: false, reason: 122 });
    expect(refusal(answer(board, late))).toBe('NothingAsked');
    board.press = 1;
    board.receive(0, Buffer.from('yes\r\n'));
    board.run(500);
    expect([state(board), board.running]).toEqual([50, 'agent']);
  });
  it('a yes to the download of one package is none to another', () => {
    const board = offeredBefore({});
    press(board, 1);
    const next = packageOf(2);
    expectOk(put(board, NODE.approvals, approvalOf(next.digest, 2)));
    expect(refusal(upload(board, next.bytes))).toBe('AwaitingUser');
  });
});

describe('no answer', () => {
  it('before a download is deferred: the device says which package and why, over a reset too', () => {
    const wanted = packageOf(1);
    const board = offeredBefore({ timeout: 5 });
    board.run(6000);
    const ended = { pending: false, digest: new Uint8Array(wanted.digest), reason: 122 };
    expect(question(board)).toEqual(ended);
    board.reboot();
    expect(question(board)).toEqual(ended);
    expect(text(board, './FUMO/1/Ext/Countersign/Consent')).toBe('false');
    expect([state(board), alert(board).n]).toEqual([10, 0]);
  });
});

describe('trap 10: a consent feature that somebody relies on is gone', () => {
  // Every setting that promises a question, and the ways in which it may be answered.
  const questions: [name: string, policy: PolicyOptions, confirm: number | undefined][] = [
    ['unapproved: prompt', { unapproved: 1 }, undefined],
    ['ask before download', before, undefined],
    ['an approval that wants the user asked', {}, 1],
  ];
  const ways: [channels: number, button: boolean, console: boolean, signed: boolean][] = [
    [0, false, false, false],
    [1, true, true, false],
    [2, false, false, true],
    [4, false, false, false],
    [7, true, true, true],
  ];
  for (const [name, policy, confirm] of questions) {
    it.each(ways)(`${name}, channels %i: button %s, console %s, signed %s`, (channels, ...counted) => {
      const wanted = packageOf(1);
      const given = (['button', 'console', 'signed'] as const).map((way) => {
        const board = provisionedBoard({ ...policy, channels });
        const entries = [{ verdict: 1, digest: wanted.digest, ...(confirm === undefined ? {} : { confirm }) }];
        if (name !== 'unapproved: prompt')
          expectOk(put(board, NODE.approvals, approvalOf(wanted.digest, 1, 1, { entries })));
        if (refusal(upload(board, wanted.bytes)) === 'Ok') expectOk(exec(board, NODE.update));
        expect(question(board).pending, 'it asks').toBe(true);
        board.tick(10);
        if (way === 'button') press(board, 1);
        if (way === 'console') board.receive(0, Buffer.from('yes\r\n'));
        if (way === 'signed') answer(board, consent(board, wanted.digest));
        board.tick(10);
        return !question0(board);
      });
      expect(given).toEqual(counted);
    });
  }
  const question0 = (board: Board) => board.running === 'agent' && question(board).pending === true;
});

describe('trap 11: something left over from earlier fires later', () => {
  it('an order whose question nobody answered is over: a later yes to a new question is its own', () => {
    const board = asking({ timeout: 5 });
    board.run(6000);
    expect(alert(board).n).toBe(0);
    expectOk(exec(board, NODE.update));
    press(board, 1);
    board.settle();
    knock(board);
    expect(alert(board)).toMatchObject({ n: 1, result: 200 });
    expect(alert(board).corr).toBeUndefined();
  });
  it('a button that was pressed before the question does not answer it', () => {
    const board = provisionedBoard({ unapproved: 1 });
    board.press = 1;
    board.tick(10);
    expectOk(upload(board, packageOf(1).bytes));
    expectOk(exec(board, NODE.update));
    board.run(1000);
    expect(question(board).pending).toBe(true);
  });
});

describe('trap 15: a command says done when it was not', () => {
  it('Exec is accepted, not done: the one final alert comes when the image is confirmed', () => {
    const wanted = packageOf(1, { image: imageOf(2000) });
    const board = provisionedBoard();
    expectOk(put(board, NODE.approvals, approvalOf(wanted.digest)));
    expectOk(upload(board, wanted.bytes));
    expectOk(exec(board, NODE.update, 'job'));
    expect(alert(board).n).toBe(0);
    board.settle();
    board.mailbox = 1;
    board.reboot();
    expect([state(board), alert(board).n]).toEqual([60, 0]);
    knock(board);
    expect(alert(board)).toMatchObject({ n: 1, type: 2, uri: './FUMO/1', result: 200, corr: 'job' });
    knock(board);
    expect(alert(board).n).toBe(1);
  });
});

describe('trap 19: a prompt that is promised but not shown on an empty device', () => {
  it('with nothing installed the question is shown all the same: light, console, SMP', () => {
    const board = asking();
    expect(get(board, './FUMO/1/Ext/Countersign/Installed')).toHaveLength(0);
    board.tick(10);
    board.tick(10);
    expect(board.asking).toBe(1);
    expect(said(board)).toContain('Install 1.1.0, reason 80? yes/no');
    const shown = question(board);
    expect(shown).toMatchObject({ pending: true, version: '1.1.0' });
    expect(shown.from).toBeUndefined();
  });
  it('and one that nobody owns asks nobody', () => {
    const board = bench();
    expect(refusal(upload(board, packageOf(1).bytes))).toBe('NotProvisioned');
    board.tick(10);
    expect([board.asking, question(board)]).toEqual([0, { pending: false }]);
  });
});

describe('one approval document, byte for byte the same', () => {
  const wanted = packageOf(1);
  const document = approvalOf(wanted.digest);
  const approving = (board: Board) => {
    const record = decode(get(board, NODE.verdict), { useMaps: true }) as Map<number, unknown>;
    const findings = record.get(5) as [source: number, reason: number][];
    return [
      record.get(1),
      record.get(8),
      findings
        .filter(([, reason]) => reason === 0)
        .map(([source]) => source)
        .sort(),
    ];
  };
  const blank = (approvals: Uint8Array[] = []) => {
    const board = bench();
    expectOk(put(board, NODE.bootstrap, bootstrapDocument({}, approvals)));
    return board;
  };
  it('in the bootstrap document, in the tree, in the package: the same verdict, the source named', () => {
    const [inBootstrap, inTree, inPackage] = [blank([document]), blank(), blank()];
    expectOk(put(inTree, NODE.approvals, document));
    expectOk(upload(inBootstrap, wanted.bytes));
    expectOk(upload(inTree, wanted.bytes));
    expectOk(upload(inPackage, packageOf(1, { approvals: [document] }).bytes));
    expect([inBootstrap, inTree, inPackage].map(approving)).toEqual([
      [1, 1, [3]],
      [1, 1, [4]],
      [1, 1, [1]],
    ]);
  });
});

describe('a yes to what the operator approved, and has withdrawn before the yes', () => {
  const withdrawn = (policy: PolicyOptions) => {
    const wanted = packageOf(1);
    const board = provisionedBoard({ ...policy });
    const entries = [{ verdict: 1, digest: wanted.digest, confirm: 1 }];
    expectOk(put(board, NODE.approvals, approvalOf(wanted.digest, 1, 1, { entries })));
    expectOk(upload(board, wanted.bytes));
    expectOk(exec(board, NODE.update));
    expect(reasonOf(question(board).reason as number).name).toBe('AwaitingUser');
    expectOk(put(board, NODE.approvals, approvalOf(packageOf(2).digest, 2)));
    press(board, 1);
    board.settle();
    return board;
  };
  it('is no yes to what is not approved: that is a question of its own, where policy has one', () => {
    const board = withdrawn({ unapproved: 1 });
    expect([board.running, state(board)]).toEqual(['agent', 50]);
    expect(reasonOf(question(board).reason as number).name).toBe('ApprovalOtherPackage');
    press(board, 1);
    board.settle();
    expect(board.running).toBe('image');
  });
  it('and installs nothing where policy has none', () => {
    const board = withdrawn({ unapproved: 0 });
    expect([board.running, question(board).pending]).toEqual(['agent', false]);
  });
});

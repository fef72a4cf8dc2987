// Operators alter the anchors and the policy of a device in the field: who may, in which order, and what goes with it.
import { decode } from 'cborg';
import { describe, expect, it } from 'vitest';
import {
  answer,
  approvalOf,
  consenter,
  DENIED,
  exec,
  expectOk,
  get,
  imageOf,
  install,
  knock,
  NODE,
  operator,
  packageOf,
  put,
  question,
  stranger,
  text,
  upload,
  vendor,
} from '../support/agent-world.js';
import { bench } from '../support/bench-hal.js';
import { anchorsOf, by, deviceOf, give, kids, lastChange, offered, refusal, second } from '../support/changing.js';
import {
  type ChangeOptions,
  cbor,
  DEVICE_ID,
  flipBit,
  makeApproval,
  makeBootstrap,
  makeChange,
  makeConsent,
  makeKey,
  NOW,
  ROLE,
  type TestKey,
  utf8,
} from '../support/make.js';

const newVendor = makeKey('ed25519', 'new vendor');

describe('a change of anchors', () => {
  it('is the way back from a document with the highest number of all: the next key counts anew', () => {
    const board = deviceOf();
    const wanted = packageOf(1);
    expectOk(
      put(
        board,
        NODE.approvals,
        makeApproval({ key: operator, sequence: 2n ** 64n - 1n, entries: [{ verdict: 1, digest: wanted.digest }] }),
      ),
    );
    expect(refusal(put(board, NODE.approvals, approvalOf(wanted.digest, 5)))).toBe('Superseded');
    expectOk(give(board, { sequence: 7, anchors: anchorsOf(second) }));
    expectOk(put(board, NODE.approvals, by(second, wanted.digest, 1)));
    expectOk(upload(board, wanted.bytes));
  });

  it('counts an operator who stands first among the anchors as one of two', () => {
    const operators = [operator, second].map((key) => ({ role: ROLE.operator, key }));
    const board = deviceOf([...operators, { role: ROLE.vendor, key: vendor }], { threshold: 2 });
    expectOk(give(board, { sequence: 7, signers: [operator, second], anchors: anchorsOf(second), policy: {} }));
    expect(lastChange(board)).toBe(7);
  });

  it('rotates an operator: the old one approves nothing any more, the new one does, over a reset', () => {
    const board = deviceOf();
    const wanted = packageOf(1);
    expectOk(put(board, NODE.approvals, approvalOf(wanted.digest, 5)));
    expectOk(give(board, { sequence: 7, anchors: anchorsOf(second) }));
    for (const life of ['this', 'the next'] as const) {
      expect(kids(board), life).toEqual(['vendor', 'second', 'consenter']);
      expect(lastChange(board)).toBe(7);
      expect(text(board, NODE.approvals)).toBe('');
      expect(offered(board)).toBe('NotApproved');
      expect(refusal(put(board, NODE.approvals, approvalOf(wanted.digest, 9)))).toBe('SignerUnknown');
      board.reboot();
    }
    expectOk(put(board, NODE.approvals, by(second, wanted.digest, 1)));
    expectOk(upload(board, wanted.bytes));
  });

  it('leaves the rest of the bootstrap document as it was, byte for byte', () => {
    const policy = { unapproved: 1, timeout: 70 };
    const approvals = [approvalOf(packageOf(3).digest, 1)];
    const board = bench();
    expectOk(put(board, NODE.bootstrap, makeBootstrap({ anchors: anchorsOf(operator), policy, approvals })));
    expectOk(give(board, { sequence: 1, anchors: anchorsOf(operator, second) }));
    const wanted = makeBootstrap({ anchors: anchorsOf(operator, second), policy, approvals });
    expect(get(board, NODE.bootstrap)).toEqual(Buffer.from(wanted));
    expectOk(give(board, { sequence: 2, policy: { threshold: 2 } }));
    const then = makeBootstrap({ anchors: anchorsOf(operator, second), policy: { threshold: 2 }, approvals });
    expect(get(board, NODE.bootstrap)).toEqual(Buffer.from(then));
    board.reboot();
    expect(get(board, NODE.bootstrap)).toEqual(Buffer.from(then));
    expect(get(board, NODE.policy)).toEqual(Buffer.from([0xa1, 4, 2]));
  });

  it('keeps the documents and denials of those who stay, wherever they stand in the new list', () => {
    const board = deviceOf(anchorsOf(operator, second));
    const wanted = packageOf(1);
    expectOk(put(board, NODE.approvals, by(operator, wanted.digest, 4)));
    expectOk(put(board, NODE.approvals, by(second, wanted.digest, 3, DENIED)));
    const shuffled = [...anchorsOf(stranger, second, operator)].reverse();
    expectOk(give(board, { sequence: 1, anchors: shuffled }));
    for (let life = 0; life < 2; life++) {
      expect(text(board, NODE.approvals)).toBe('1/2');
      expect(get(board, `${NODE.approvals}/1`)).toEqual(Buffer.from(by(operator, wanted.digest, 4)));
      expect(offered(board)).toBe('Denied');
      expect(refusal(put(board, NODE.approvals, by(second, wanted.digest, 2)))).toBe('Superseded');
      board.reboot();
    }
    expectOk(put(board, NODE.approvals, by(second, wanted.digest, 5)));
    expectOk(upload(board, wanted.bytes));
  });

  it('does not forget the number of an operator who leaves and comes back', () => {
    const board = deviceOf(anchorsOf(operator, second));
    const wanted = packageOf(1);
    expectOk(put(board, NODE.approvals, by(second, wanted.digest, 40)));
    expectOk(give(board, { sequence: 1, anchors: anchorsOf(operator) }));
    board.reboot();
    expectOk(give(board, { sequence: 2, anchors: anchorsOf(second, operator) }));
    expect(text(board, NODE.approvals)).toBe('');
    expect(refusal(put(board, NODE.approvals, by(second, wanted.digest, 39)))).toBe('Superseded');
    expectOk(put(board, NODE.approvals, by(second, wanted.digest, 41)));
  });

  it('of so many that one is forgotten, the next new one starts no lower', () => {
    const board = deviceOf(anchorsOf(operator, second));
    const wanted = packageOf(1);
    expectOk(put(board, NODE.approvals, by(second, wanted.digest, 1000)));
    let sequence = 1;
    for (let round = 0; round < 14; round++) {
      const guest = makeKey('ed25519', `guest ${round}`);
      expectOk(give(board, { sequence: sequence++, anchors: anchorsOf(operator, guest) }));
      expectOk(put(board, NODE.approvals, by(guest, wanted.digest, 2000 + round)));
      if (round % 5 === 0) board.reboot();
    }
    // 17 keys and 16 seats: the one with the least number, second, is not told from a newcomer any more.
    expectOk(give(board, { sequence: sequence++, anchors: anchorsOf(operator, second, stranger) }));
    board.reboot();
    expect(refusal(put(board, NODE.approvals, by(second, wanted.digest, 999)))).toBe('Superseded');
    expect(refusal(put(board, NODE.approvals, by(stranger, wanted.digest, 999)))).toBe('Superseded');
    expectOk(put(board, NODE.approvals, by(stranger, wanted.digest, 3000)));
  });

  it('replaces the vendor too: what the old one signed is not installed, what runs goes on', () => {
    const board = deviceOf();
    const wanted = packageOf(1);
    install(board, wanted, 1);
    knock(board);
    const anchors = anchorsOf(operator).map((one) => (one.role === ROLE.vendor ? { ...one, key: newVendor } : one));
    expectOk(give(board, { sequence: 1, anchors }));
    const rule = makeApproval({ key: operator, sequence: 9, entries: [{ verdict: 1, vendorKid: newVendor.kid! }] });
    expectOk(put(board, NODE.approvals, rule));
    expect(offered(board, packageOf(2))).toBe('VendorSignature');
    expectOk(upload(board, packageOf(2, { signers: [newVendor] }).bytes));
    board.mailbox = 0;
    board.reboot();
    board.settle();
    expect(board.running).toBe('image');
  });

  it('is judged anew before an installation that was staged by the old rules', () => {
    const board = deviceOf();
    const wanted = packageOf(1);
    expectOk(put(board, NODE.approvals, approvalOf(wanted.digest)));
    expectOk(upload(board, wanted.bytes));
    expectOk(give(board, { sequence: 1, anchors: anchorsOf(second) }));
    expect(refusal(exec(board, NODE.update))).toBe('NotApproved');
  });

  it('leaves a question that is pending pending; the consenters of now answer it', () => {
    const board = deviceOf(anchorsOf(operator), { unapproved: 1, channels: 2 });
    const wanted = packageOf(1);
    expectOk(upload(board, wanted.bytes));
    expectOk(exec(board, NODE.update));
    const { nonce } = question(board) as { nonce: Uint8Array };
    const anchors = anchorsOf(operator).map((one) => (one.role === ROLE.consenter ? { ...one, key: second } : one));
    expectOk(give(board, { sequence: 1, anchors }));
    const consent = (key: TestKey) => makeConsent({ key, answer: 1, digest: wanted.digest, nonce });
    expect(refusal(answer(board, consent(consenter)))).toBe('ConsentInvalid');
    expectOk(answer(board, consent(second)));
  });
});

describe('who may change anchors and policy', () => {
  const anchors = anchorsOf(stranger);
  const refused: [name: string, reason: string, options: Partial<ChangeOptions>][] = [
    ['nobody signed', 'SignerUnknown', { signers: [] }],
    ['a stranger', 'SignerUnknown', { signers: [stranger] }],
    ['the vendor', 'SignerUnknown', { signers: [vendor] }],
    ['a consenter', 'SignerUnknown', { signers: [consenter] }],
    ['whom it would make operator', 'SignerUnknown', { signers: [stranger], anchors }],
    ['a stranger with the kid of an operator', 'SignatureInvalid', { signers: [{ ...stranger, kid: operator.kid! }] }],
    ['one of two', 'TooFewOperators', {}],
    ['one of two, twice', 'TooFewOperators', { signers: [operator, operator] }],
    ['one of two, twice, without kid', 'TooFewOperators', { signers: [operator, { ...operator, kid: undefined! }] }],
    ['one of two and a stranger', 'TooFewOperators', { signers: [operator, stranger] }],
    ['one of two and the vendor', 'TooFewOperators', { signers: [operator, vendor] }],
  ];
  it.each(refused)('not %s: %s', (_, reason, options) => {
    const board = deviceOf(anchorsOf(operator, second), { threshold: 2 });
    const before = get(board, NODE.bootstrap);
    board.flash.forget();
    expect(refusal(give(board, { policy: {}, ...options }))).toBe(reason);
    expect([board.flash.writes, board.flash.erases]).toEqual([[], []]);
    expect(get(board, NODE.bootstrap)).toEqual(before);
  });
  it('as many operators as it takes to approve a package, beside whom it does not know', () => {
    const board = deviceOf(anchorsOf(operator, second), { threshold: 2 });
    expectOk(give(board, { signers: [stranger, operator, second], policy: { threshold: 1 } }));
    expectOk(give(board, { sequence: 2, anchors }));
    expect(kids(board)).toEqual(['vendor', 'stranger', 'consenter']);
  });
  it('not an operator over something else: no signature of theirs fits here, and no change fits elsewhere', () => {
    const board = deviceOf(anchorsOf(operator), { unapproved: 1, channels: 3 });
    const wanted = packageOf(1);
    const change = makeChange({ signers: [operator], policy: { unapproved: 0 } });
    const approval = approvalOf(wanted.digest, 3);
    const [payload, block] = decode(change) as Uint8Array[];
    const signed = decode(block!.slice(1), { useMaps: true }) as unknown[];
    const attached = Buffer.concat([Buffer.from([0xd2]), cbor([signed[0], new Map(), payload, signed[3]])]);
    // The claims of an approval with its own signature, as a change.
    const claims = decode(approval.slice(1), { useMaps: true }) as Uint8Array[];
    const detached = Buffer.concat([Buffer.from([0xd2]), cbor([claims[0], new Map(), null, claims[3]])]);
    expect(refusal(put(board, NODE.change, cbor([claims[2], detached])))).toBe('ChangeMalformed');
    expect(refusal(put(board, NODE.change, approval))).toBe('WrongType');
    expect(refusal(put(board, NODE.approvals, change))).toBe('CoseTag');
    expect(refusal(put(board, NODE.approvals, attached))).toBe('ApprovalMalformed');
    // In a package it neither approves nor supersedes what the operator said.
    expectOk(put(board, NODE.approvals, approval));
    expectOk(upload(board, packageOf(1, { approvals: [attached] }).bytes));
    expect(refusal(exec(board, NODE.update))).toBe('Ok');
    expect(refusal(answer(board, attached))).not.toBe('Ok');
  });
});

describe('the number of a change', () => {
  it('only grows, over resets, and whoever signed', () => {
    const board = deviceOf(anchorsOf(operator, second));
    const first = { sequence: 10, policy: { unapproved: 1 } };
    expectOk(give(board, first));
    expectOk(give(board, { sequence: 11, policy: {}, signers: [second] }));
    for (let life = 0; life < 2; life++) {
      expect(refusal(give(board, first))).toBe('ChangeSuperseded');
      expect(refusal(give(board, { ...first, sequence: 11 }))).toBe('ChangeSuperseded');
      expect(lastChange(board)).toBe(11);
      board.reboot();
    }
  });
  it('the same change again is no error, and costs no flash', () => {
    const board = deviceOf();
    expectOk(give(board, { sequence: 10, policy: { unapproved: 1 } }));
    board.flash.forget();
    expectOk(give(board, { sequence: 10, policy: { unapproved: 1 } }));
    expect(board.flash.writes).toEqual([]);
  });
  it('is not spent by a change that is refused', () => {
    const board = deviceOf();
    expect(refusal(give(board, { sequence: 99, anchors: [] }))).toBe('AnchorsTooFew');
    expectOk(give(board, { sequence: 1, policy: {} }));
  });
  it('raises the floor of time, as every authentic document does', () => {
    const board = deviceOf();
    const wanted = packageOf(1);
    const expiring = makeApproval({
      key: operator,
      expires: NOW + 60,
      entries: [{ verdict: 1, digest: wanted.digest }],
    });
    expectOk(put(board, NODE.approvals, expiring));
    expectOk(give(board, { issuedAt: NOW + 60, policy: {} }));
    board.reboot();
    expect(offered(board)).toBe('ApprovalExpired');
  });
});

describe('a change that would leave a device without owner, or is unsound', () => {
  const many = Array.from({ length: 8 }, (_, i) => makeKey('p256', `operator ${i}`));
  const refused: [name: string, reason: string, options: Partial<ChangeOptions>][] = [
    ['no anchors', 'AnchorsTooFew', { anchors: [] }],
    ['no vendor', 'AnchorsTooFew', { anchors: anchorsOf(second).slice(1) }],
    ['no operator', 'AnchorsTooFew', { anchors: anchorsOf() }],
    ['fewer operators than the threshold', 'AnchorsTooFew', { policy: { threshold: 2 } }],
    ['both, which do not go together', 'AnchorsTooFew', { anchors: anchorsOf(second), policy: { threshold: 2 } }],
    ['one key twice', 'AnchorDuplicate', { anchors: anchorsOf(second, second) }],
    ['more anchors than there is room for', 'AnchorsTooMany', { anchors: anchorsOf(...many) }],
    ['an unknown role', 'AnchorRole', { anchors: [...anchorsOf(second), { role: 4, key: stranger }] }],
    ['a policy with a member that nobody knows', 'PolicyMalformed', { policy: { more: [[9, 1]] } }],
    ['anchors that are none', 'WrongType', { members: [[5, 1]] }],
    ['nothing to change', 'ChangeMalformed', { policy: undefined! }],
    ['no number', 'ChangeMalformed', { members: [[1, undefined]] }],
    ['number 0', 'ChangeMalformed', { sequence: 0 }],
    ['no time', 'ChangeMalformed', { members: [[2, undefined]] }],
    ['an empty list of devices', 'ChangeMalformed', { devices: [] }],
    ['a member that nobody knows', 'ChangeMalformed', { members: [[7, 1]] }],
    ['another name', 'ChangeMalformed', { name: 'changes' }],
    ['other devices', 'ChangeOtherDevice', { devices: [utf8('device-2')] }],
    [
      'a document that would be too large',
      'TooLarge',
      { anchors: many.slice(0, 7).map((key) => ({ role: 2, key, name: 'x'.repeat(64) })) },
    ],
  ];
  it.each(refused)('%s: %s, and the device stands as before', (_, reason, options) => {
    const board = deviceOf();
    const wanted = packageOf(1);
    expectOk(put(board, NODE.approvals, approvalOf(wanted.digest, 4)));
    const nodes = [NODE.bootstrap, NODE.anchors, NODE.policy, NODE.change, NODE.approvals];
    const stands = () => nodes.map((uri) => get(board, uri).toString());
    const before = stands();
    expect(refusal(give(board, { policy: { unapproved: 1 }, ...options }))).toBe(reason);
    expect(stands()).toEqual(before);
    expect(refusal(put(board, NODE.approvals, approvalOf(wanted.digest, 3)))).toBe('Superseded');
    board.reboot();
    expect(stands()).toEqual(before);
    expectOk(upload(board, wanted.bytes));
  });
  it('one that lists this device among others is for it', () => {
    const board = deviceOf();
    expectOk(give(board, { devices: [utf8('device-2'), DEVICE_ID], policy: { unapproved: 1 } }));
  });
  it('spoiled at any byte, it changes nothing', { timeout: 120_000 }, () => {
    const board = deviceOf();
    const before = get(board, NODE.bootstrap);
    // Without a kid, a hint that nobody vouches for: there is not a byte that means nothing.
    const change = makeChange({ signers: [{ ...operator, kid: undefined! }], policy: { unapproved: 1 } });
    board.flash.forget();
    for (let at = 0; at < change.length; at++) {
      expect(refusal(put(board, NODE.change, flipBit(change, 8 * at + (at % 8)))), `byte ${at}`).not.toBe('Ok');
      if (at > 0) expect(refusal(put(board, NODE.change, change.slice(0, at))), `cut at ${at}`).not.toBe('Ok');
    }
    expect(board.flash.writes).toEqual([]);
    expect(get(board, NODE.bootstrap)).toEqual(before);
    expectOk(put(board, NODE.change, change));
  });
  it('comes at the wrong time: a blank device, and one that is downloading', () => {
    expect(refusal(give(bench(), { policy: {} }))).toBe('NotProvisioned');
    const board = deviceOf();
    const wanted = packageOf(1, { image: imageOf(900) });
    expectOk(put(board, NODE.approvals, approvalOf(wanted.digest)));
    expectOk(upload(board, wanted.bytes, { until: wanted.head.length + 8, piece: 100 }));
    expect(refusal(give(board, { policy: {} }))).toBe('WrongState');
    expectOk(upload(board, wanted.bytes));
    expectOk(give(board, { policy: {} }));
  });
});

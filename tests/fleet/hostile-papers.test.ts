// What strangers with write access to approvals/+ and changes/+, or to a device's state, may leave there to keep a denial from it: it is
// taken all the same, and nobody who looks is told that it was before it was. Each was a hole once.

import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { startVirtualBoard } from '../../boards/virtual/board.js';
import { newDocumentId, signApproval } from '../../host/formats/approval.js';
import { encodeBootstrap } from '../../host/formats/bootstrap.js';
import { classIdOf, hex, same, utf8, vendorIdOf } from '../../host/formats/bytes.js';
import { signChange } from '../../host/formats/change.js';
import type { SigningKey } from '../../host/formats/keys.js';
import { generateKey } from '../../host/keys/read.js';
import { stateDocument, topicsOf } from '../../host/links/topics.js';
import { createDocuments, type Documents, type Paper } from '../../host/radio/documents.js';
import { saysThatItHolds } from '../../host/radio/sieve.js';
import { reasons } from '../../host/reasons.js';
import { createClient } from '../../host/smp/client.js';
import { createListeners } from '../../host/smp/link.js';
import { decodePacket, encodePacket, OP } from '../../host/smp/packet.js';
import { have } from '../support/need.js';
import { everything, FLEET, only, startFleet } from './fleet.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const [vendor, operator, stranger] = [generateKey('ed25519'), generateKey('p256'), generateKey('p256')];
const VENDOR_ID = vendorIdOf('vendor.example');
const BOOTSTRAP = encodeBootstrap({
  ...{ device: utf8('one'), vendorId: VENDOR_ID, classId: classIdOf(VENDOR_ID, 'virtual') },
  anchors: [
    { role: 'vendor', key: vendor.public },
    { role: 'operator', key: operator.public },
  ],
  ...{ policy: {}, approvals: [] },
});
const ISSUED = 1_800_000_000;
const document = (sequence: number, key: SigningKey = operator): Uint8Array =>
  signApproval(key, {
    ...{ issuer: 'acme', issuedAt: ISSUED, id: newDocumentId(), sequence: BigInt(sequence) },
    entries: [{ verdict: 'approve', digest: new Uint8Array(32) }],
  });
const change = (sequence: number, key: SigningKey = operator): Uint8Array =>
  signChange(key, { sequence: BigInt(sequence), issuedAt: ISSUED, policy: { unapproved: 'prompt' } });
/** Signed by somebody else in the name of the operator. */
const forged = (make: typeof document, sequence: number) =>
  make(sequence, { ...stranger, public: { ...stranger.public, kid: operator.public.kid } });

/** Papers for an agent with these anchors, which keeps the operator's and refuses all others, and what was put to it. */
function papers(held: { approval?: number; change?: number } = {}) {
  const { emit, listen, closed, end } = createListeners();
  const put: Uint8Array[] = [];
  const client = createClient({
    ...{ name: 'agent', framingBytes: 0, listen, closed },
    async send(bytes) {
      const packet = decodePacket(bytes);
      const answer = (body: typeof packet.body) =>
        emit.packet(encodePacket({ ...packet, op: (packet.op + 1) as 1, body }));
      if (packet.group === 0) return answer({ buf_size: 4096, buf_count: 1 });
      if (packet.op === OP.read) return answer({ off: 0, len: BOOTSTRAP.length, fmt: 'bin', data: BOOTSTRAP });
      const data = packet.body.data as Uint8Array;
      put.push(data);
      answer({ err: { group: 64, rc: reasons.SignerUnknown.code } });
    },
    close: async () => end(),
  });
  const state = {
    ...(held.approval !== undefined && {
      approvals: [{ kid: hex(operator.public.kid), sequence: `${held.approval}` }],
    }),
    ...(held.change !== undefined && { change: `${held.change}` }),
  };
  const kept = new Map<string, Paper>();
  const made: Documents = createDocuments({
    papers: kept,
    ...{ client, away: () => false, taken: () => undefined },
    holds: (kind, word) => saysThatItHolds(state, kind, word),
  });
  cleanups.push(() => made.close());
  const wasPut = async (bytes: Uint8Array, ms = 1500): Promise<boolean> => {
    for (const until = Date.now() + ms; Date.now() < until; await sleep(20))
      if (put.some((one) => same(one, bytes))) return true;
    return false;
  };
  return { ...made, put, wasPut, kept };
}

const KINDS = [
  ['approval', document],
  ['change', change],
] as const;

describe.each(KINDS)('a new %s is put to the agent', (kind, make) => {
  const name = (at: number) => (kind === 'change' ? `${at + 1}` : `evil-${at}`);

  it('behind as many old genuine ones as there is room for, which it would never take', async () => {
    const { heard, started, put, wasPut } = papers({ [kind]: 500 });
    for (let at = 0; at < 64; at++) heard(kind, name(at), make(at + 1));
    started();
    await sleep(300);
    expect(put).toEqual([]);
    const denial = make(501);
    for (let at = 0; at < 64; at++) heard(kind, name(at), make(at + 1));
    heard(kind, 'acme', denial);
    expect(await wasPut(denial)).toBe(true);
  });

  it('behind any number of forged ones in the name of its operator, at once', async () => {
    const { heard, started, put, wasPut, kept } = papers();
    for (let at = 0; at < 100; at++) heard(kind, name(at), forged(make as typeof document, 1000 + at));
    expect(kept.size).toBe(64);
    started();
    await sleep(500);
    expect(put.length).toBeGreaterThanOrEqual(32); // no more than that for now
    const denial = make(7);
    heard(kind, '99999', denial);
    for (let at = 0; at < 100; at++) heard(kind, name(at), forged(make as typeof document, 2000 + at));
    expect(await wasPut(denial)).toBe(true);
    expect(put.length).toBeLessThanOrEqual(34);
    expect(kept.size).toBe(65);
  });

  it('when it is taken away, or written over, before it was put', async () => {
    const { heard, started, wasPut } = papers();
    started();
    heard(kind, 'first', forged(make as typeof document, 1)); // by now it is known whom the device trusts
    await sleep(400);
    const denial = make(7);
    heard(kind, 'acme', denial);
    heard(kind, 'acme', forged(make as typeof document, 9));
    heard(kind, 'acme', new Uint8Array());
    expect(await wasPut(denial)).toBe(true);
  });

  it('and once, under however many names it is kept', async () => {
    const { heard, started, put, wasPut } = papers();
    started();
    const one = make(7);
    for (let at = 0; at < 100; at++) heard(kind, name(at), one);
    expect(await wasPut(one)).toBe(true);
    for (let at = 0; at < 100; at++) heard(kind, name(at), one);
    await sleep(500);
    expect(put.length).toBe(1);
  });
});

describe.skipIf(!have('mosquitto'))('a state that a stranger left', () => {
  it('keeps no denial from a device that was switched off, which takes it at its first start', async () => {
    const here = await startFleet();
    cleanups.push(() => here.close());
    const flash = here.world.path('kept.flash');
    const board = await here.board('one', { 'when-denied': 'revert' }, { flash });
    await here.approve(1, [everything('approve')]);
    await here.until(([one]) => one?.approvals?.length === 1);
    const [first, second] = [here.world.package('first', 1n), here.world.package('second', 2n)];
    expect([await here.deliver('one', first), await here.deliver('one', second)]).toEqual(['installed', 'installed']);
    await here.until(([one]) => one?.firmwareVersion === '1.2.0');
    await board.close();
    const kid = hex(here.world.keys.operator.public.kid);
    const lie = stateDocument({ state: 100, approvals: [{ kid, sequence: '18446744073709551615' }] });
    await here.publish(topicsOf(FLEET, 'one').state, lie);
    const again = await startVirtualBoard({ flash, broker: here.url, fleet: FLEET, name: 'one' });
    cleanups.push(() => again.close());
    // What it says of itself is there at once, and its application is not held up for that.
    await here.until(([one]) => one?.approvals?.[0]?.sequence === '1' && one.firmwareVersion === '1.2.0', 3000);
    for (let wait = 0; again.running !== 'application' && wait < 40; wait++) await sleep(100);
    expect(again.running).toBe('application');
    await here.approve(2, [only('deny', second)]);
    await here.until(([one]) => one?.firmwareVersion === '1.1.0' && one.approvals?.[0]?.sequence === '2');
  });
});

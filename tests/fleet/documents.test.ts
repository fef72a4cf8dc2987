// What operators keep on a broker reaches every device by itself: nobody brings it, and nobody asks for it.

import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { signChange } from '../../host/formats/change.js';
import { generateKey } from '../../host/keys/read.js';
import { connectRadio, type Radio } from '../../host/radio/radio.js';
import { reasons } from '../../host/reasons.js';
import { decodePacket, encodePacket, OP, type Packet } from '../../host/smp/packet.js';
import { have } from '../support/need.js';
import { everything, type Fleet, only, startFleet } from './fleet.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});
async function fleet(): Promise<Fleet> {
  const started = await startFleet();
  cleanups.push(() => started.close());
  return started;
}

describe.skipIf(!have('mosquitto'))('documents on a broker', () => {
  it('a revocation, published once, reaches five devices, and each goes back', async () => {
    const here = await fleet();
    const names = ['one', 'two', 'three', 'four', 'five'];
    for (const name of names) await here.board(name, { 'when-denied': 'revert' });
    await here.approve(1, [everything('approve')]);
    await here.until((all) => all.length === 5 && all.every(({ approvals }) => approvals?.[0]?.sequence === '1'));
    const [first, second] = [here.world.package('first', 1n), here.world.package('second', 2n)];
    for (const name of names) {
      expect([await here.deliver(name, first), await here.deliver(name, second)]).toEqual(['installed', 'installed']);
    }
    await here.until((all) => all.every(({ firmwareVersion }) => firmwareVersion === '1.2.0'));
    await here.approve(2, [only('deny', second)]);
    await here.until((all) =>
      all.every(({ firmwareVersion, approvals }) => firmwareVersion === '1.1.0' && approvals?.[0]?.sequence === '2'),
    );
  });

  it('one that was published while a device was away is there when it comes', async () => {
    const here = await fleet();
    const board = await here.board('one', {});
    await board.close();
    await here.approve(7, [everything('approve')]);
    await here.board('two', {});
    const kid = Buffer.from(here.world.keys.operator.public.kid).toString('hex');
    await here.until((all) => all.some(({ approvals }) => approvals?.[0]?.sequence === '7'));
    expect((await here.seen()).find(({ approvals }) => approvals?.length)?.approvals).toEqual([{ kid, sequence: '7' }]);
  });

  it('an application that runs is woken by a new one, and by none twice', async () => {
    const here = await fleet();
    const board = await here.board('one', {});
    await here.approve(1, [everything('approve')]);
    await here.until(([one]) => one?.approvals?.length === 1);
    expect(await here.deliver('one', here.world.package('first', 1n))).toBe('installed');
    const rests = async () => {
      for (let wait = 0; board.running !== 'application' && wait < 900; wait++) await sleep(100);
      expect(board.running).toBe('application');
    };
    await rests();
    const document = await here.approve(2, [everything('approve')]);
    await here.until(([one]) => one?.approvals?.[0]?.sequence === '2');
    await rests();
    const old = Uint8Array.from(document);
    old[old.length - 1]! ^= 1;
    const stranger = generateKey('p256');
    const asOperator = { ...stranger, public: { ...stranger.public, kid: here.world.keys.operator.public.kid } };
    const forged = await here.approve(3, [everything('approve')], 'elsewhere', asOperator);
    await sleep(1500);
    expect(board.running).toBe('agent');
    await rests();
    for (const [name, bytes] of [
      ['acme', document],
      ['forged', old], // it would not be taken, whoever made it
      ['acme', new Uint8Array()],
      ['large', new Uint8Array(1025)],
    ] as const) {
      await here.publish(`cs/plant/approvals/${name}`, bytes);
      await sleep(300);
      expect([name, board.running]).toEqual([name, 'application']);
    }
    await here.publish('cs/plant/approvals/elsewhere', forged);
    await sleep(300);
    expect(board.running).toBe('application');
  });

  it('changes go in by their numbers, and an approval of a new operator counts behind them', async () => {
    const here = await fleet();
    const { vendor, operator } = here.world.keys;
    const [next, last] = [generateKey('ed25519'), generateKey('ed25519')];
    const to = (sequence: number, by: typeof operator, key: typeof operator) =>
      signChange(by, {
        sequence: BigInt(sequence),
        issuedAt: 1_800_000_000,
        anchors: [
          { role: 'vendor', key: vendor.public },
          { role: 'operator', key: key.public },
        ],
      });
    await here.approve(1, [everything('approve')], 'last', last);
    await here.change(10, to(10, next, last));
    await here.change(9, to(9, operator, next));
    await here.board('one', {});
    const kid = Buffer.from(last.public.kid).toString('hex');
    await here.until(([one]) => one?.change === '10' && one.approvals?.[0]?.kid === kid);
  });

  it('are handed in changes first, by number; refused ones again when the device stands otherwise', async () => {
    const here = await fleet();
    for (const number of [10, 9, 100]) await here.change(number, Uint8Array.of(0x81, number));
    await here.publish('cs/plant/approvals/a', Uint8Array.of(1));
    await here.publish('cs/plant/changes/none', Uint8Array.of(0x81, 1));
    const put: number[] = [];
    const radio: Radio = await connectRadio(
      { url: here.url, fleet: 'plant', device: 'scripted' },
      {
        away: false,
        receive(bytes) {
          const packet = decodePacket(bytes);
          const answer = (body: Packet['body']) =>
            radio.send(encodePacket({ ...packet, op: (packet.op + 1) as 1, body }));
          if (packet.group === 0) return answer({ buf_size: 640, buf_count: 1 });
          if (packet.op === OP.read) return answer({ err: { group: 64, rc: reasons.NotProvisioned.code } });
          put.push((packet.body.data as Uint8Array).at(-1)!);
          answer({ err: { group: 64, rc: reasons.SignerUnknown.code } });
        },
      },
      undefined,
    );
    cleanups.push(() => radio.close());
    await sleep(300);
    expect(put).toEqual([]); // the agent has not started
    radio.started('agent');
    await sleep(500);
    expect(put.splice(0)).toEqual([9, 10, 100, 1, 1]);
    radio.show({ device: '0a' });
    radio.started('agent');
    await sleep(500);
    expect(put).toEqual([]);
    radio.show({ change: '3' });
    await sleep(500);
    expect(put.splice(0)).toEqual([9, 10, 100, 1, 1]);
    radio.show({ change: '3', state: 10 });
    await sleep(300);
    expect(put).toEqual([]);
  });

  it.each(['approvals', 'changes'])(
    'a flood of %s is handed in a little at a time, and keeps nothing out',
    async (kind) => {
      const here = await fleet();
      let put = 0;
      const MINE = 0xee;
      let mine = 0;
      const radio: Radio = await connectRadio(
        { url: here.url, fleet: 'plant', device: 'scripted' },
        {
          away: false,
          receive(bytes) {
            const packet = decodePacket(bytes);
            put += packet.op === OP.write ? 1 : 0;
            if (packet.op === OP.write && (packet.body.data as Uint8Array)[0] === MINE) mine++;
            const body = packet.group === 64 ? { err: { group: 64, rc: 27 } } : { buf_size: 640, buf_count: 1 };
            radio.send(encodePacket({ ...packet, op: (packet.op + 1) as 1, body }));
          },
        },
        undefined,
      );
      cleanups.push(() => radio.close());
      radio.started('agent');
      const began = Date.now();
      for (let turn = 0; turn < 300; turn++) {
        await here.publish(`cs/plant/${kind}/${turn % 200}`, Uint8Array.of(0x81, turn, turn >> 8));
      }
      await here.publish('cs/plant/approvals/operator', Uint8Array.of(MINE));
      await sleep(1000);
      expect(put).toBeGreaterThanOrEqual(32);
      expect(put).toBeLessThanOrEqual(33 + (Date.now() - began) / 10_000); // one more every ten seconds
      if (kind === 'approvals') return; // it takes its turn among them
      await sleep(21_000);
      expect(mine).toBe(1);
    },
  );

  it('a denial ends a question, and a yes comes to nothing', async () => {
    const here = await fleet();
    let answer!: (answer: 'yes') => void;
    const pressed = new Promise<'yes'>((resolve) => (answer = resolve));
    let over = false;
    const onQuestion = (_: unknown, signal: AbortSignal) => {
      signal.addEventListener('abort', () => (over = true));
      return pressed;
    };
    await here.board('one', { unapproved: 'prompt' }, { onQuestion });
    const file = here.world.package('first', 1n);
    const ended = here.deliver('one', file);
    await here.until(([one]) => one?.state === 50);
    await here.approve(1, [only('deny', file)]);
    await here.until(([one]) => one?.approvals?.length === 1);
    await here.until(() => over);
    answer('yes');
    expect(await ended).toBe('refused');
    expect((await here.seen())[0]).not.toHaveProperty('digest');
  });
});

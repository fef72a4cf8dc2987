// Deliveries to boards without our agent: every kind of server, over the lines it is found on, to its end. The servers are
// SCRIPTED, after the sources that tests/support/smp-server.ts names; what is real are the command, the core that judges,
// the sockets and the serial ports.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type ForeignWorld, makeForeignWorld } from '../support/foreign-world.js';
import { look } from '../support/mcuboot.js';
import { type Line, overConsole, overRaw, overUdp } from '../support/smp-lines.js';
import { PERSONAS, type Persona, type Server } from '../support/smp-server.js';

let world: ForeignWorld;
let image: Uint8Array;
const APPROVED = ['--bootstrap', 'reject.cbor', '--approval', 'r.cose', '--installed', '1', '--timeout', '0.4'];
beforeAll(async () => {
  world = await makeForeignWorld();
  world.bootstrap('reject.cbor', { unapproved: 'reject' });
  image = world.package('r.suit', 5n, { version: [1, 5, 0, 7] });
  world.approval('r.cose', 'r.suit', 1n);
});
afterEach(() => world.closeBoards());
afterAll(() => world.close());

type OpenLine = (server: Server) => Line | Promise<Line>;
const LINES: Record<string, OpenLine> = { console: overConsole, raw: overRaw, udp: overUdp };

const ROADS: [Persona, keyof typeof LINES][] = [
  ['Zephyr 4 application', 'console'],
  ['Zephyr 4 application', 'udp'],
  ['Zephyr 4 application', 'raw'],
  ['Zephyr 3.2 application without the old protocol', 'udp'],
  ['Zephyr 2.7 application', 'console'],
  ['Zephyr 2.7 application', 'udp'],
  ['server that takes version 1 only, and says so', 'udp'],
  ['Mynewt application with a buffer of 200 bytes', 'udp'],
  ['server that takes 64 bytes of data', 'console'],
];

const framing = (line: string) => (line === 'raw' ? ['--framing', 'raw'] : []);
const deliver = (port: string, line: string, ...words: string[]) =>
  world.deliver(port, 'r.suit', ...APPROVED, ...framing(line), ...words);
const same = (slot: Uint8Array) => Buffer.from(slot).equals(Buffer.from(image));

describe('an application', () => {
  it.each(ROADS)(
    '%s over %s: gets the firmware, tests it, and confirms what it sees running',
    async (persona, line) => {
      const to = await world.board(PERSONAS[persona], LINES[line]!);
      const { code, json } = await deliver(to.port, line);
      expect([code, json()]).toMatchObject([0, { result: 'confirmed', thirdParty: true }]);
      expect(same(to.flash.slots[0])).toBe(true);
      expect([to.confirmed(), look(to.flash.slots[1])?.version]).toEqual([true, '1.0.0']);
      const sizes = to.heard.map(({ bytes }) => bytes);
      expect(Math.max(...sizes)).toBeLessThanOrEqual(PERSONAS[persona].packetBytesMax);
      const order = to.heard.filter(({ op }) => op === 2).map(({ group, id }) => `${group}/${id}`);
      expect([...new Set(order.filter((what) => what !== '1/1'))]).toEqual(['1/0', '0/5']);
    },
  );

  it('that speaks version 1 is spoken to in version 1, once it has shown that', async () => {
    const to = await world.board(PERSONAS['Zephyr 2.7 application'], overUdp);
    await deliver(to.port, 'udp');
    const uploads = to.heard.filter(({ group, id }) => group === 1 && id === 1);
    expect(uploads.every(({ version }) => version === 1)).toBe(true);
  });

  it('with a flash of units keeps all of each packet: nothing is sent twice', async () => {
    for (const align of [8, 32]) {
      const to = await world.board({ ...PERSONAS['Zephyr 4 application'], align }, overUdp);
      await deliver(to.port, 'udp', '--timeout', '20');
      const offsets = to.heard.filter(({ group, id }) => group === 1 && id === 1).map(({ body }) => body.off as number);
      expect(offsets.every((off) => off % align === 0)).toBe(true);
      expect(offsets).toEqual([...new Set(offsets)].sort((a, b) => a - b));
    }
  });

  it.each([96, 101, 200])('gets no packet above --mtu %i', async (mtu) => {
    const to = await world.board(PERSONAS['Zephyr 4 application'], overUdp);
    expect((await deliver(to.port, 'udp', '--mtu', String(mtu))).code).toBe(0);
    expect(same(to.flash.slots[0])).toBe(true);
    expect(Math.max(...to.heard.map(({ bytes }) => bytes))).toBeLessThanOrEqual(mtu);
  });

  it('that runs the image already is left alone; one that runs it on trial gets the confirmation that is missing', async () => {
    const to = await world.board(PERSONAS['Zephyr 4 application'], overUdp);
    to.flash.slots = [image, to.flash.slots[0]];
    to.flash.swap = 'revert';
    const confirmed = await deliver(to.port, 'udp');
    expect([confirmed.code, confirmed.json().result, to.confirmed()]).toEqual([0, 'confirmed', true]);
    const again = await deliver(to.port, 'udp');
    expect([again.code, again.json().result]).toEqual([2, 'unchanged']);
    expect(to.heard.some(({ group, id }) => group === 1 && id === 1)).toBe(false);
  });
});

describe('after the upload', () => {
  it('--test marks it, and leaves the reset to others', async () => {
    const to = await world.board(PERSONAS['Zephyr 4 application'], overUdp);
    const { code, json } = await deliver(to.port, 'udp', '--test');
    expect([code, json().result, to.flash.swap]).toEqual([0, 'marked', 'test']);
    expect(to.heard.some(({ group, id }) => group === 0 && id === 5)).toBe(false);
  });

  it('--no-confirm sees it run, and leaves it on trial', async () => {
    const to = await world.board(PERSONAS['Zephyr 2.7 application'], overConsole);
    const { code, json } = await deliver(to.port, 'console', '--no-confirm');
    expect([code, json().result, to.confirmed(), same(to.flash.slots[0])]).toEqual([0, 'on-trial', false, true]);
  });

  it.each(['crashes', 'refused by the boot loader'])(
    'an image that %s: the board is back with the old one, exit 1',
    async (how) => {
      world.package('bad.suit', 5n, how === 'crashes' ? { conduct: 'crashes' } : { key: 'somebody else' });
      world.approval('bad.cose', 'bad.suit', 1n);
      const to = await world.board(PERSONAS['Zephyr 4 application'], overUdp);
      const words = ['bad.suit', '--bootstrap', 'reject.cbor', '--approval', 'bad.cose', '--installed', '1'];
      const { code, json } = await world.deliver(to.port, ...words);
      expect([code, json().result]).toEqual([1, 'reverted']);
      expect(look(to.flash.slots[0])?.version).toBe('1.0.0');
    },
  );

  it('one that is not heard of again is a time-out, never a success', async () => {
    world.package('mute.suit', 5n, { conduct: 'silent' });
    world.approval('mute.cose', 'mute.suit', 1n);
    const to = await world.board(PERSONAS['Zephyr 4 application'], overUdp);
    const words = ['mute.suit', '--bootstrap', 'reject.cbor', '--approval', 'mute.cose', '--installed', '1'];
    const { code, json } = await world.deliver(to.port, ...words, '--wait', '1', '--timeout', '1');
    expect([code, json().error.message]).toEqual([32, expect.stringContaining('did not come back')]);
  });

  it('firmware that is no MCUboot image is not sent: the board might not start again', async () => {
    world.package('plain.suit', 5n, new Uint8Array(500).fill(1));
    world.approval('plain.cose', 'plain.suit', 1n);
    const to = await world.board(PERSONAS['MCUboot serial recovery'], overConsole);
    const words = ['plain.suit', '--bootstrap', 'reject.cbor', '--approval', 'plain.cose', '--installed', '1'];
    const { code, json } = await world.deliver(to.port, ...words);
    expect([code, json().error.reason.code]).toEqual([1, 250]);
    expect(to.heard.some(({ group, id }) => group === 1 && id === 1)).toBe(false);
  });
});

describe('a boot loader that runs images in place or from RAM', () => {
  const habits = { ...PERSONAS['Zephyr 4 application'], inPlace: true };
  it('has no test: the board is reset, and seen running what it got', async () => {
    const to = await world.board(habits, overUdp);
    const { code, json } = await deliver(to.port, 'udp');
    expect([code, json()]).toMatchObject([0, { result: 'started', firmwareVersion: '1.5.0+7' }]);
    expect(same(to.flash.slots[0])).toBe(true);
  });
  it.each(['--test', '--no-confirm'])('%s: it says that there is none, and resets nothing', async (word) => {
    const to = await world.board(habits, overUdp);
    const { code, json } = await deliver(to.port, 'udp', word);
    expect([code, json().error.reason.code]).toEqual([4, 252]);
    expect(to.heard.some(({ group, id }) => group === 0 && id === 5)).toBe(false);
  });
  it('and does not start it: told as what runs, exit 1', async () => {
    const to = await world.board(habits, overUdp);
    world.package('bad.suit', 5n, { key: 'somebody else' });
    world.approval('bad.cose', 'bad.suit', 1n);
    const words = ['bad.suit', '--bootstrap', 'reject.cbor', '--approval', 'bad.cose', '--installed', '1'];
    const { code, json } = await world.deliver(to.port, ...words, '--timeout', '0.4');
    expect([code, json()]).toMatchObject([1, { result: 'reverted', firmwareVersion: '1.0.0' }]);
  });
});

describe('serial recovery', () => {
  const RECOVERIES: [Persona, string, boolean][] = [
    ['MCUboot serial recovery', 'console', true],
    ['MCUboot serial recovery', 'raw', true],
    ['MCUboot serial recovery with hashes', 'console', true],
    ['MCUboot 1.10 serial recovery', 'console', true],
  ];
  it.each(RECOVERIES)(
    '%s over %s: gets the firmware where it starts it from, lists it, and is reset',
    async (persona, line, shown) => {
      const to = await world.board(PERSONAS[persona], LINES[line]!);
      const { code, json } = await deliver(to.port, line);
      expect([code, json()]).toMatchObject([0, { result: 'sent', shown }]);
      expect(same(to.flash.slots[0])).toBe(true);
      expect(to.heard.at(-1)).toMatchObject({ group: 0, id: 5 });
    },
  );

  it('that does not list what it got does not call it done, and is not reset', async () => {
    world.package('bad.suit', 5n, { key: 'somebody else' });
    world.approval('bad.cose', 'bad.suit', 1n);
    for (const persona of ['MCUboot serial recovery', 'MCUboot serial recovery with hashes'] as const) {
      const to = await world.board(PERSONAS[persona], overConsole);
      const words = ['bad.suit', '--bootstrap', 'reject.cbor', '--approval', 'bad.cose', '--installed', '1'];
      const { code, json } = await world.deliver(to.port, ...words);
      expect([code, json().error.reason.code]).toEqual([1, 251]);
      expect(to.heard.at(-1)).toMatchObject({ group: 1, id: 0 });
    }
  });

  it('on an empty board that lists nothing before or after: reset all the same, and told as sent, not as a failure', async () => {
    const to = await world.board({ ...PERSONAS['MCUboot serial recovery'], listsNothing: true }, overConsole);
    const { code, json } = await deliver(to.port, 'console');
    expect([code, json()]).toMatchObject([0, { result: 'sent', shown: false }]);
    expect(to.heard.some(({ group, id }) => group === 0 && id === 5)).toBe(true);
  });

  it('whose application answers after the reset is read back', async () => {
    const habits = { ...PERSONAS['MCUboot serial recovery'], listsNothing: true, thenServes: true };
    const to = await world.board(habits, overConsole);
    const { code, json } = await deliver(to.port, 'console');
    expect([code, json()]).toMatchObject([0, { result: 'confirmed' }]);
  });

  it.each(['--test', '--no-confirm'])('offers no %s: said before a byte is sent', async (word) => {
    const to = await world.board(PERSONAS['MCUboot serial recovery'], overConsole);
    const { code, json } = await deliver(to.port, 'console', word);
    expect([code, json().error.reason.code]).toEqual([4, 252]);
    expect(to.heard.some(({ op }) => op === 2)).toBe(false);
  });
});

// The device's side of a broker in C, on this machine with the sanitizers: whatever a broker and an agent say, nothing is read or written
// beyond its bounds, and a request still gets through; and the settings of the network as they are written and read.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeSettings, type NetworkSettings, seenFromQemu } from '../../boards/net/settings.js';
import { have } from '../support/need.js';

const FUZZ_CONNECTIONS = 400;
/** They need lwIP, or stand in its place. */
const NOT_HERE = ['net.c', 'none.c'];

const PUMP = {
  broker: 'mqtt://anna:p%2Fw@10.1.2.3:1884',
  fleet: 'plant',
  name: 'pump',
  mac: Buffer.from('02aabbccddee', 'hex'),
};

describe.skipIf(!have('cc'))('a device’s side of a broker', () => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-radio-'));
  const program = join(folder, 'radio');
  const run = (words: string[], input: Uint8Array = new Uint8Array()) =>
    execFileSync(program, words, { input, encoding: 'utf8', timeout: 60_000, stdio: ['pipe', 'pipe', 'pipe'] });
  const read = (page: Uint8Array) => run(['settings'], page).trim().split(/ *\n/);
  const settings = (more: Partial<NetworkSettings> = {}) => encodeSettings({ ...PUMP, ...more });

  beforeAll(() => {
    const flags = ['-std=gnu11', '-g', '-O1', '-Wall', '-Wextra', '-Werror', '-fsanitize=address,undefined'];
    const parts = readdirSync('boards/net').filter((name) => name.endsWith('.c') && !NOT_HERE.includes(name));
    const sources = ['tests/net/radio.c', ...parts.map((name) => `boards/net/${name}`)];
    execFileSync('cc', [...flags, '-fno-sanitize-recover=all', ...sources, '-o', program], { stdio: 'inherit' });
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test(`${FUZZ_CONNECTIONS} connections with a hostile broker`, () => {
    const seed = `${process.env.COUNTERSIGN_SEED ?? Date.now() % 100_000}`;
    expect(run(['fuzz', seed, `${FUZZ_CONNECTIONS}`]), `seed ${seed}`).toBe('ok\n');
  });

  test.each([
    [0, 1],
    [20, 1],
    [200, 10_000],
  ])('%d papers of strangers keep the one that counts from the agent for %d s at most', (strangers, secondsMax) => {
    const took = Array.from({ length: 5 }, (_, seed) => Number(run(['flood', `${seed + 1}`, `${strangers}`])));
    expect(Math.max(...took)).toBeLessThanOrEqual(secondsMax);
  });

  test('settings are read as they were written', () => {
    expect(read(settings())).toEqual(['02ee 10.1.2.3 1884 plant pump anna p/w', '0.0.0.0 0 0 0']);
    const address = { own: '192.168.7.20', mask: '255.255.255.0', gateway: '192.168.7.1', dns: '9.9.9.9' };
    const other = { broker: 'tcp://broker.plant', groups: ['attic', 'cellar'], address };
    expect(read(settings(other))).toEqual(['02ee broker.plant 1883 plant pump', '192.168.7.20 255 1 9 attic cellar']);
    expect(read(settings({ mac: undefined as never }))[0]).toMatch(/^02/);
  });

  test('an empty page, and one with any bit another, is none', () => {
    expect(read(new Uint8Array(688).fill(0xff))).toEqual(['none']);
    expect(read(new Uint8Array())).toEqual(['none']);
    const page = settings();
    for (let at = 0; at < page.length; at += 41) {
      const other = page.slice();
      other[at]! ^= 1 << (at % 8);
      expect(read(other), `byte ${at}`).toEqual(['none']);
    }
  });

  test.each([
    ['a fleet with a wildcard', { fleet: '+' }],
    ['a name with a level', { name: 'a/b' }],
    ['no name', { name: '' }],
    ['a group with a blank', { groups: ['a b'] }],
    ['a MAC address of a group', { mac: Buffer.from('03aabbccddee', 'hex') }],
    ['port 0', { broker: 'mqtt://10.1.2.3:0' }],
  ])('%s: none', (_, more) => {
    expect(read(settings(more))).toEqual(['none']);
  });

  test.each([
    ['TLS', { broker: 'mqtts://10.1.2.3' }, /has no TLS/],
    ['WebSockets', { broker: 'ws://10.1.2.3/mqtt' }, /no WebSockets/],
    ['too long a name', { name: 'n'.repeat(65) }, /more than 64 bytes/],
    ['too many groups', { groups: ['a', 'b', 'c', 'd', 'e'] }, /4 groups/],
  ])('%s is refused before anything is written', (_, more, what) => {
    expect(() => settings(more)).toThrow(what);
  });

  test('a broker of this machine has another address in QEMU', () => {
    const seen = (url: string) => read(settings({ broker: seenFromQemu(url) }))[0];
    expect(seen('mqtt://localhost')).toBe('02ee 10.0.2.2 1883 plant pump');
    expect(seen('mqtt://anna:p%2Fw@127.0.0.1:1999')).toBe('02ee 10.0.2.2 1999 plant pump anna p/w');
    expect(seen('mqtt://broker.plant:1999')).toBe('02ee broker.plant 1999 plant pump');
  });
});

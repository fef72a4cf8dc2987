// The model of a serial line that `npm run bench -- --wire` measures over: as fast, as late and as bad as it is told to be.

import { describe, expect, it } from 'vitest';
import { makeLine } from '../../bench/wire/line.mjs';

const BYTE_MS = 10 / 9.6; // at 9,600 baud, 8N1
const bytes = (count: number) => Uint8Array.from({ length: count }, (_, at) => at);

describe('a line of 9,600 baud', () => {
  it('brings a byte in ten bits, and what is written meanwhile behind it', () => {
    const line = makeLine({ baud: 9600 });
    line.push(0, bytes(2));
    line.push(1, bytes(1));
    expect(line.next()).toBeCloseTo(BYTE_MS);
    expect([...line.take(BYTE_MS - 0.01)]).toEqual([]);
    expect([...line.take(BYTE_MS + 0.01)]).toEqual([0]);
    expect([...line.take(3 * BYTE_MS + 0.01)]).toEqual([1, 0]);
    expect(line.next()).toBeUndefined();
  });

  it('loses the time in which nothing was written, and says how much waits', () => {
    const line = makeLine({ baud: 9600 });
    line.push(0, bytes(960));
    expect(line.waiting(500)).toBe(480);
    expect(line.take(500.01).length).toBe(480);
    expect(line.take(1000.01).length).toBe(480);
    line.push(2000, bytes(1));
    expect(line.next()).toBeCloseTo(2000 + BYTE_MS);
  });

  it('is late by its latency, however much is on its way', () => {
    const line = makeLine({ baud: 9600, latencyMs: 20 });
    line.push(0, bytes(96));
    expect(line.take(20).length).toBe(0);
    expect(line.take(120.01).length).toBe(96);
  });
});

describe('a line that damages', () => {
  const sent = Uint8Array.from({ length: 100_000 }, () => 0x55);
  const through = (damage: 'flipped' | 'lost', seed: number) => {
    const line = makeLine({ baud: 921_600, damage, every: 1000, seed });
    line.push(0, sent);
    return line.take(10_000);
  };

  it('flips one bit of one byte in so many, the same ones for the same seed', () => {
    const came = through('flipped', 1);
    const flipped = came.filter((byte) => byte !== 0x55);
    expect(came.length).toBe(sent.length);
    expect(flipped.length).toBeGreaterThan(70);
    expect(flipped.length).toBeLessThan(130);
    for (const byte of flipped) expect([1, 2, 4, 8, 16, 32, 64, 128]).toContain(byte ^ 0x55);
    expect(through('flipped', 1)).toEqual(came);
    expect(through('flipped', 2)).not.toEqual(came);
  });

  it('loses one byte in so many, and nothing else', () => {
    const came = through('lost', 1);
    expect(sent.length - came.length).toBeGreaterThan(70);
    expect(sent.length - came.length).toBeLessThan(130);
    expect(came.every((byte) => byte === 0x55)).toBe(true);
  });
});

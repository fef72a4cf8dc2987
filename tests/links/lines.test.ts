// Text of a device by whole lines: what stands unfinished is shown, and never taken for a line.

import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { lines } from '../../host/smp/link.js';

describe('lines', () => {
  it('come whole, however long the pauses in them are; what is unfinished is shown, and comes at the end', async () => {
    const seen: string[] = [];
    const open: string[] = [];
    const read = lines(
      (line) => seen.push(line),
      (text) => open.push(text),
      20,
    );
    for (const piece of ['sta', 'te 100, rea', 'son 0\r\nlog', 'in: ']) {
      read(Buffer.from(piece));
      await sleep(60);
    }
    expect(seen).toEqual(['state 100, reason 0']);
    expect(open).toEqual(['sta', 'state 100, rea', 'log', 'login: ']);
    read.end();
    expect(seen).toEqual(['state 100, reason 0', 'login: ']);
    read(new Uint8Array(100_000).fill(0x41));
    expect(seen.at(-1)!.length).toBeLessThanOrEqual(100_000); // no end of it: not kept for ever
    expect(seen).toHaveLength(3);
  });
});

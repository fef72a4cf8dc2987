// SHA-256 and SHA-512 against node:crypto: every length around the block sizes, every split, every alignment.

import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { hashProfiles, type Machine, machine } from './machine.js';

const pattern = (length: number) => Uint8Array.from({ length }, (_, i) => (i * 167 + length) & 255);

function digest(m: Machine, bits: 256 | 512, state: number, pieces: Uint8Array[], shift = 0): string {
  const at = m.area + 4096 + shift;
  m.call(`sha${bits}Begin`, state);
  for (const piece of pieces) {
    m.write(at, piece);
    m.call(`sha${bits}Update`, state, at, piece.length);
  }
  m.call(`sha${bits}Finish`, state, m.area + 2048 + shift);
  return Buffer.from(m.read(m.area + 2048 + shift, bits / 8)).toString('hex');
}

describe.each(hashProfiles)('%s', (profile) => {
  const m = machine(profile);

  it.each([256, 512] as const)('SHA-%i of every length up to 600, at every alignment', (bits) => {
    for (let length = 0; length <= 600; length++) {
      const bytes = pattern(length);
      const right = createHash(`sha${bits}`).update(bytes).digest('hex');
      expect(digest(m, bits, m.area, [bytes], length & 7), `${length} bytes`).toBe(right);
    }
  });

  it.each([256, 512] as const)('SHA-%i split at every byte, and byte by byte', (bits) => {
    const bytes = pattern(331);
    const right = createHash(`sha${bits}`).update(bytes).digest('hex');
    for (let cut = 0; cut <= bytes.length; cut++) {
      expect(digest(m, bits, m.area, [bytes.subarray(0, cut), bytes.subarray(cut)], cut & 3), `${cut}`).toBe(right);
    }
    expect(
      digest(
        m,
        bits,
        m.area,
        Array.from(bytes, (byte) => Uint8Array.of(byte)),
      ),
    ).toBe(right);
  });

  it.each([256, 512] as const)('SHA-%i of a million times "a" (FIPS 180-2 appendix)', (bits) => {
    const bytes = new Uint8Array(10_000).fill(0x61);
    expect(digest(m, bits, m.area, new Array(100).fill(bytes))).toBe(
      bits === 256
        ? 'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0'
        : 'e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973ebde0ff244877ea60a4cb0432ce577c31beb009c5c2c49aa2e4eadb217ad8cc09b',
    );
  });

  it('keeps states apart that are open at once', () => {
    const [a, b] = [m.area, m.area + 512];
    const at = m.area + 4096;
    m.call('sha256Begin', a);
    m.call('sha512Begin', b);
    for (let i = 0; i < 300; i++) {
      m.write(at, Uint8Array.of(i, i >> 1));
      m.call('sha256Update', a, at, 1);
      m.call('sha512Update', b, at + 1, 1);
    }
    m.call('sha256Finish', a, m.area + 2048);
    m.call('sha512Finish', b, m.area + 2112);
    const left = Uint8Array.from({ length: 300 }, (_, i) => i);
    const right = Uint8Array.from({ length: 300 }, (_, i) => i >> 1);
    expect(Buffer.from(m.read(m.area + 2048, 32))).toEqual(createHash('sha256').update(left).digest());
    expect(Buffer.from(m.read(m.area + 2112, 64))).toEqual(createHash('sha512').update(right).digest());
  });
});

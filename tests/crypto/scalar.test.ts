// Scalars: words and Montgomery products, inversion, signed digits, and the split in halves, against BigInt.

import { describe, expect, it } from 'vitest';
import { edges, inverse, machine, modulo, profiles, randomNumbers } from './machine.js';

const L = (1n << 252n) + 27742317777372353535851937790883648493n;
const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const P256 = (1n << 256n) - (1n << 224n) + (1n << 192n) + (1n << 96n) - 1n;
const FULL = 1n << 256n;

/** 1/m modulo 2^bits. */
function reciprocal(m: bigint, bits: bigint): bigint {
  let x = 1n;
  for (let i = 0; i < 6; i++) x = modulo(x * (2n - m * x), 1n << 64n);
  return x & ((1n << bits) - 1n);
}

describe.each(profiles)('%s', (profile) => {
  const m = machine(profile);
  const random = randomNumbers(99);
  const [x, y, z, modulus] = [m.area, m.area + 32, m.area + 64, m.area + 96];
  const values = [...edges(N), ...edges(L), ...Array.from({ length: 40 }, () => random(256))].map((v) => v % FULL);

  it('adds, subtracts, compares words', () => {
    for (const a of values) {
      for (const b of values) {
        m.setWords(x, a);
        m.setWords(y, b);
        m.setWords(z, a);
        expect(m.call('wordsAdd', z, y)).toBe(Number((a + b) >> 256n));
        expect(m.words(z)).toBe((a + b) % FULL);
        m.setWords(z, a);
        expect(m.call('wordsSub', z, y)).toBe(Number(a < b));
        expect(m.words(z)).toBe(modulo(a - b, FULL));
        expect(m.call('wordsLess', x, y)).toBe(Number(a < b));
      }
      m.setWords(x, a);
      expect(m.call('wordsZero', x)).toBe(Number(a === 0n));
      m.write(m.area + 129, m.read(x, 32).reverse());
      m.call('wordsFromBigEndian', z, m.area + 129);
      expect(m.words(z)).toBe(a);
    }
  });

  it.each([L, N])('multiplies modulo %s', (order) => {
    const negative = modulo(-reciprocal(order, 32n), 1n << 32n);
    const over = inverse(FULL % order, order);
    m.setWords(modulus, order);
    for (const a of values) {
      for (const b of values) {
        m.setWords(x, a);
        m.setWords(y, b % order);
        m.call('wordsMontgomery', z, x, y, modulus, Number(negative));
        expect(m.words(z)).toBe((a * (b % order) * over) % order);
      }
    }
  });

  it.each([N, P256])('inverts modulo %s', (order) => {
    m.setWords(modulus, order);
    for (const a of [...values, ...Array.from({ length: 300 }, () => random(256))]) {
      if (a % order === 0n) continue;
      m.setWords(x, a % order);
      m.call('wordsInvert', z, x, modulus, Number(reciprocal(order, 30n)));
      expect(m.words(z)).toBe(inverse(a % order, order));
    }
  });

  it('writes scalars as sparse odd digits', () => {
    const reader = m.area + 256;
    const scalars = Array.from({ length: 30 }, () => random(256));
    for (const width of [2, 3, 4, 5, 7, 8]) {
      let places = 0;
      let digits = 0;
      for (const a of [...values, ...scalars]) {
        for (const bits of [256, 128]) {
          m.setWords(x, a);
          m.call('digitsBegin', reader, x, bits);
          const typical = scalars.includes(a);
          let sum = 0n;
          for (let i = 256; i >= 0; i--) {
            const digit = m.call('digitAt', reader, i, width);
            sum = 2n * sum + BigInt(digit);
            places += typical && i <= bits ? 1 : 0;
            if (digit === 0) continue;
            digits += typical ? 1 : 0;
            expect(Math.abs(digit)).toBeLessThan(1 << (width - 1));
            expect(Math.abs(digit & 1)).toBe(1);
          }
          expect(sum).toBe(a & ((1n << BigInt(bits)) - 1n));
        }
      }
      expect(digits / places).toBeLessThan(1.05 / (width + 1)); // 1 / width, a window too narrow, is more
    }
  });

  it('halves the scalar of an Ed25519 check, exactly modulo 8 L', () => {
    const [u, v, k] = [m.area, m.area + 32, m.area + 64];
    // The last ones leave no short odd v: 8 = t k with t even.
    const awkward = [2n, 4n, 1n << 20n, 1n << 100n].map((t) => modulo(8n * inverse(t, L), L));
    const scalars = [0n, 1n, 2n, 8n, L - 1n, L - 8n, (L + 1n) / 2n, ...awkward];
    let long = 0;
    for (const scalar of [...scalars, ...Array.from({ length: 2000 }, () => random(256) % L)]) {
      m.setWords(k, scalar);
      const negative = m.call('halvesOf', u, v, k) === 1;
      expect(m.words(k)).toBe(scalar);
      const signed = negative ? -m.words(v) : m.words(v);
      expect(modulo(signed * scalar - m.words(u), 8n * L), `${scalar}`).toBe(0n);
      expect(signed & 1n).toBe(1n);
      expect(modulo(signed, L)).not.toBe(0n);
      if (m.words(u) >> 128n || m.words(v) >> 132n) long++;
    }
    expect(long).toBeLessThan(200); // rare, but for the scalars chosen above
  });
});

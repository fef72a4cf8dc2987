// Every field operation against BigInt: random values, edge values, operands as loose as the contracts allow, and results
// that stand where an operand stood.

import { describe, expect, it } from 'vitest';
import { edges, inverse, type Machine, machine, modulo, power, profiles, randomNumbers } from './machine.js';

const P25519 = (1n << 255n) - 19n;
const P256 = (1n << 256n) - (1n << 224n) + (1n << 192n) + (1n << 96n) - 1n;
const UNITS_MAX = 7; // of the two operands of a product, added

interface Field {
  prefix: 'fe' | 'gf';
  p: bigint;
}
const fields: Field[] = [
  { prefix: 'fe', p: P25519 },
  { prefix: 'gf', p: P256 },
];

/** Places of elements and words in the area, far enough apart for every profile. */
const places = (m: Machine) => ({
  words: m.area,
  x: m.area + 64,
  y: m.area + 128,
  z: m.area + 192,
  w: m.area + 256,
  scratch: m.area + 320,
});

function tools(m: Machine, { prefix, p }: Field) {
  const at = places(m);
  const set = (element: number, value: bigint) => {
    m.setWords(at.words, value);
    m.call(`${prefix}FromWords`, element, at.words);
  };
  const get = (element: number): bigint => {
    m.write(at.scratch, m.read(element, m.elementBytes)); // gfToWords spends its operand
    m.call(`${prefix}ToWords`, at.words, at.scratch);
    return m.words(at.words);
  };
  /** An element of `units` units that stands for units * value, or for its negative. */
  const loose = (element: number, value: bigint, units: number, negative = false) => {
    set(element, value);
    set(at.scratch, 1n);
    m.call(`${prefix}Mul`, element, element, at.scratch); // tight, which words as they come are not
    m.write(at.scratch, m.read(element, m.elementBytes));
    for (let i = 1; i < units; i++) m.call(`${prefix}Add`, element, element, at.scratch);
    if (negative) m.call(`${prefix}Negate`, element, element);
    return modulo(BigInt(negative ? -units : units) * value, p);
  };
  return { at, set, get, loose };
}

function pairs(p: bigint): [bigint, bigint][] {
  const random = randomNumbers(2026);
  const values = edges(p);
  return [
    ...values.flatMap((x) => values.map((y) => [x, y] as [bigint, bigint])),
    ...Array.from({ length: 400 }, () => [random(256), random(256)] as [bigint, bigint]),
  ];
}

describe.each(profiles)('%s', (profile) => {
  const m = machine(profile);

  describe.each(fields)('$prefix', (field) => {
    const { prefix, p } = field;
    const { at, set, get, loose } = tools(m, field);
    const values = pairs(p);

    it('takes words in and gives them back reduced', () => {
      for (const [x] of values) {
        set(at.x, x);
        expect(get(at.x)).toBe(modulo(x, p));
        m.setWords(at.words, x);
        expect(m.call(`${prefix}Canonical`, at.words)).toBe(Number(x < p));
        expect(m.call(`${prefix}Zero`, at.x)).toBe(Number(modulo(x, p) === 0n));
      }
    });

    it('adds, subtracts, negates', () => {
      for (const [x, y] of values) {
        set(at.x, x);
        set(at.y, y);
        m.call(`${prefix}Add`, at.z, at.x, at.y);
        expect(get(at.z)).toBe(modulo(x + y, p));
        m.call(`${prefix}Sub`, at.z, at.x, at.y);
        expect(get(at.z)).toBe(modulo(x - y, p));
        m.call(`${prefix}Negate`, at.z, at.x);
        expect(get(at.z)).toBe(modulo(-x, p));
        m.call(`${prefix}Sub`, at.x, at.x, at.y);
        m.call(`${prefix}Add`, at.y, at.x, at.y);
        expect([get(at.x), get(at.y)]).toEqual([modulo(x - y, p), modulo(x, p)]);
      }
    });

    it('multiplies and squares', () => {
      for (const [x, y] of values) {
        set(at.x, x);
        set(at.y, y);
        m.call(`${prefix}Mul`, at.z, at.x, at.y);
        expect(get(at.z), `${x} * ${y}`).toBe(modulo(x * y, p));
        m.call(`${prefix}Square`, at.z, at.x);
        expect(get(at.z), `${x} squared`).toBe(modulo(x * x, p));
        m.call(`${prefix}Mul`, at.x, at.x, at.y);
        m.call(`${prefix}Mul`, at.y, at.x, at.y);
        m.call(`${prefix}Square`, at.x, at.x);
        expect([get(at.x), get(at.y)]).toEqual([modulo((x * y) ** 2n, p), modulo(x * y * y, p)]);
      }
    });

    it(`multiplies operands of up to ${UNITS_MAX} units together`, () => {
      for (const [x, y] of values) {
        for (const [s, t] of [
          [6, 1],
          [2, 5],
          [3, 4],
          [1, 6],
        ] as const) {
          for (const negative of [false, true]) {
            const a = loose(at.x, x, s);
            const b = loose(at.y, y, t, negative);
            m.call(`${prefix}Mul`, at.z, at.x, at.y);
            expect(get(at.z)).toBe(modulo(a * b, p));
          }
        }
        const a = loose(at.x, x, 3, true);
        m.call(`${prefix}Square`, at.z, at.x);
        expect(get(at.z)).toBe(modulo(a * a, p));
      }
    });
  });

  it('fe raises to 2^252 - 3', () => {
    const { at, set, get } = tools(m, fields[0]!);
    for (const x of edges(P25519)) {
      set(at.x, x);
      m.call('fePow22523', at.z, at.x, m.area + 512);
      expect(get(at.z)).toBe(power(x, (1n << 252n) - 3n, P25519));
    }
  });

  it('gf fuses a subtraction into products', () => {
    const { at, set, get, loose } = tools(m, fields[1]!);
    for (const [x, y] of pairs(P256)) {
      set(at.x, x);
      set(at.y, y);
      for (const units of [1, 4]) {
        const w = loose(at.w, modulo(x + y, 1n << 256n), units, units === 4);
        m.call('gfMulSub', at.z, at.x, at.y, at.w);
        expect(get(at.z)).toBe(modulo(x * y - w, P256));
        m.call('gfSquareSub', at.w, at.x, at.w);
        expect(get(at.w)).toBe(modulo(x * x - w, P256));
      }
    }
  });

  it('gf inverts', () => {
    const { at, set, get } = tools(m, fields[1]!);
    const random = randomNumbers(7);
    for (const x of [...edges(P256), ...Array.from({ length: 200 }, () => random(256))]) {
      if (modulo(x, P256) === 0n) continue;
      set(at.x, x);
      m.call('gfInvert', at.z, at.x);
      expect(get(at.z)).toBe(inverse(x, P256));
    }
  });
});

// The widest carries: every limb at the bound that the contracts name, in all patterns of sign that can add up.
describe.each(profiles.filter((profile) => machine(profile).elementBytes === 36))(
  '%s, limbs at their bounds',
  (profile) => {
    const m = machine(profile);
    const LIMBS = 9;
    const UNIT = (1 << 28) + (1 << 17);
    const BITS = 29n;

    it.each(fields)('$prefix', (field) => {
      const { at, get } = tools(m, field);
      const sumOf = (limbs: Iterable<number>) =>
        [...limbs].reduceRight((sum, limb) => (sum << BITS) + BigInt(limb), 0n);
      const write = (element: number, limbs: number[]) => {
        m.write(element, new Uint8Array(Int32Array.from(limbs).buffer));
        return sumOf(limbs);
      };
      // What a reduction leaves, by its contract: what is added up afterwards counts on it.
      const magnitude = (value: bigint) => (value < 0n ? -value : value);
      const most = (product: bigint) =>
        field.prefix === 'gf' ? field.p + (magnitude(product) >> 261n) : (1n << 254n) + (1n << 240n);
      const radix = field.prefix === 'gf' ? inverse(1n << (BITS * BigInt(LIMBS)), field.p) : 1n;
      // Of the highest limb, which the others do not spill into: as field25519-wide.ts says, and as bounds.test.ts finds.
      const topMax = field.prefix === 'gf' ? 1 << 26 : 1 << 22;
      const patterns = [0, 1, 2, 3, 4].map((kind) =>
        Array.from({ length: LIMBS }, (_, i) => {
          const sign = [1, -1, i % 2 ? 1 : -1, i % 3 ? 1 : -1, i < 5 ? 1 : -1][kind]!;
          return sign * (i === LIMBS - 1 ? topMax : UNIT);
        }),
      );
      for (const [s, t] of [
        [7, 2],
        [4, 3],
        [3, 4],
        [1, 7],
      ] as const) {
        for (const a of patterns) {
          for (const b of patterns) {
            const x = write(
              at.x,
              a.map((limb) => limb * s),
            );
            const y = write(
              at.y,
              b.map((limb) => limb * t),
            );
            m.call(`${field.prefix}Mul`, at.z, at.x, at.y);
            const z = new Int32Array(m.read(at.z, m.elementBytes).slice().buffer);
            expect(Math.max(...z.map(Math.abs))).toBeLessThanOrEqual(UNIT);
            expect(magnitude(sumOf(z))).toBeLessThan(most(x * y));
            if (field.prefix === 'gf') {
              const left = (sumOf(z) << 261n) - x * y;
              expect(left >= 0n && left < field.p << 261n).toBe(true);
              const highest = (sumOf(z) + (1n << 231n)) >> 232n;
              expect(magnitude(BigInt(z[LIMBS - 1]!) - highest)).toBeLessThanOrEqual(1n);
            }
            expect(get(at.z)).toBe(modulo(x * y * radix * radix, field.p));
          }
        }
      }
    });
  },
);

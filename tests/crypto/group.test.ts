// Both groups against affine arithmetic on BigInt: additions of every kind of pair, tables, encodings, base points.

import { describe, expect, it } from 'vitest';
import { bytesOf, inverse, type Machine, machine, modulo, power, profiles, randomNumbers } from './machine.js';

type Point = readonly [bigint, bigint];

// --- Ed25519 (RFC 8032 section 5.1) ---

const P = (1n << 255n) - 19n;
const L = (1n << 252n) + 27742317777372353535851937790883648493n;
const D = modulo(-121665n * inverse(121666n, P), P);
const ROOT = power(2n, (P - 1n) / 4n, P);

function edwardsX(y: bigint): bigint | undefined {
  const ratio = modulo((y * y - 1n) * inverse(D * y * y + 1n, P), P);
  const x = power(ratio, (P + 3n) / 8n, P);
  const other = (x * ROOT) % P;
  return [x, other].find((root) => (root * root) % P === ratio);
}
function edwardsSum([x1, y1]: Point, [x2, y2]: Point): Point {
  const k = (((((D * x1) % P) * x2) % P) * ((y1 * y2) % P)) % P;
  return [
    modulo((x1 * y2 + x2 * y1) * inverse(1n + k, P), P),
    modulo((y1 * y2 + x1 * x2) * inverse(modulo(1n - k, P), P), P),
  ];
}
function times<T>(n: bigint, point: T, zero: T, sum: (a: T, b: T) => T): T {
  let result = zero;
  for (let [left, double] = [n, point]; left > 0n; left >>= 1n, double = sum(double, double)) {
    if (left & 1n) result = sum(result, double);
  }
  return result;
}
const NEUTRAL: Point = [0n, 1n];
const edwardsTimes = (n: bigint, p: Point) => times(n, p, NEUTRAL, edwardsSum);
const edwardsEven = (y: bigint): Point => {
  const x = edwardsX(y)!;
  return [x & 1n ? P - x : x, y];
};
const B = edwardsEven(modulo(4n * inverse(5n, P), P));
/** A point of order 8: L times some point of the whole group. */
const TORSION = (() => {
  for (let y = 3n; ; y++) {
    if (edwardsX(y) === undefined) continue;
    const point = edwardsTimes(L, edwardsEven(y));
    if (edwardsTimes(4n, point)[1] !== 1n) return point;
  }
})();
const encodeEdwards = ([x, y]: Point) => bytesOf(y | ((x & 1n) << 255n), 32);

function edwards(m: Machine) {
  const size = 4 * m.elementBytes;
  const at = { p: m.area, q: m.area + 256, words: m.area + 512, table: m.area + 1024, scratch: m.area + 640 };
  const element = (from: number) => {
    m.call('feToWords', at.words, from);
    return m.words(at.words);
  };
  const setElement = (to: number, value: bigint) => {
    m.setWords(at.words, value);
    m.call('feFromWords', to, at.words);
  };
  return {
    at,
    size,
    /** x y with a Z of choice, coordinates tight as the group wants them. */
    set(to: number, [x, y]: Point, z = 1n) {
      [x * z, y * z, z, x * y * z].forEach((value, i) => {
        setElement(to + i * m.elementBytes, modulo(value, P));
        setElement(at.scratch, 1n);
        m.call('feMul', to + i * m.elementBytes, to + i * m.elementBytes, at.scratch);
      });
    },
    get(from: number): Point {
      const [x, y, z, t] = [0, 1, 2, 3].map((i) => element(from + i * m.elementBytes)) as [
        bigint,
        bigint,
        bigint,
        bigint,
      ];
      const over = inverse(z, P);
      expect((t * z) % P).toBe((x * y) % P);
      return [(x * over) % P, (y * over) % P];
    },
    /** The affine point of a table entry y + x | y - x | 2 d x y | 2 z. */
    entry(from: number): Point {
      const [sum, difference, product, z] = [0, 1, 2, 3].map((i) => element(from + i * m.elementBytes)) as [
        bigint,
        bigint,
        bigint,
        bigint,
      ];
      const [x, y] = [modulo((sum - difference) * inverse(z, P), P), modulo((sum + difference) * inverse(z, P), P)];
      expect(modulo(product * 2n * inverse(z, P), P)).toBe(modulo(2n * D * x * y, P));
      return [x, y];
    },
  };
}

// --- P-256 (SP 800-186 section 3.2.1.3) ---

const P256 = (1n << 256n) - (1n << 224n) + (1n << 192n) + (1n << 96n) - 1n;
const A_B = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn;
const G: Point = [
  0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296n,
  0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5n,
];
type Affine = Point | 'infinity';
function curveSum(a: Affine, b: Affine): Affine {
  if (a === 'infinity') return b;
  if (b === 'infinity') return a;
  if (a[0] === b[0] && modulo(a[1] + b[1], P256) === 0n) return 'infinity';
  const slope =
    a[0] === b[0]
      ? 3n * (a[0] * a[0] - 1n) * inverse(2n * a[1], P256)
      : (b[1] - a[1]) * inverse(modulo(b[0] - a[0], P256), P256);
  const x = modulo(slope * slope - a[0] - b[0], P256);
  return [x, modulo(slope * (a[0] - x) - a[1], P256)];
}
const curveTimes = (n: bigint, p: Affine) => times<Affine>(n, p, 'infinity', curveSum);

function curve(m: Machine) {
  const size = 3 * m.elementBytes;
  const at = { p: m.area, q: m.area + 256, words: m.area + 512, table: m.area + 1024, scratch: m.area + 640 };
  const element = (from: number) => {
    m.write(at.scratch, m.read(from, m.elementBytes));
    m.call('gfToWords', at.words, at.scratch);
    return m.words(at.words);
  };
  return {
    at,
    size,
    set(to: number, [x, y]: Point, z = 1n) {
      [x * z * z, y * z * z * z, z].forEach((value, i) => {
        m.setWords(at.words, modulo(value, P256));
        m.call('gfFromWords', to + i * m.elementBytes, at.words);
      });
    },
    get(from: number): Affine {
      const [x, y, z] = [0, 1, 2].map((i) => element(from + i * m.elementBytes)) as [bigint, bigint, bigint];
      if (z === 0n) return 'infinity';
      const over = inverse(z, P256);
      return [modulo(x * over * over, P256), modulo(y * over * over * over, P256)];
    },
    entry: (from: number): Point => [element(from), element(from + m.elementBytes)],
  };
}

describe.each(profiles)('%s', (profile) => {
  const m = machine(profile);
  const random = randomNumbers(31);

  it('Ed25519: adds, subtracts and doubles any two points, neutral and small order included', () => {
    const { at, set, get } = edwards(m);
    const some = Array.from({ length: 6 }, () => edwardsTimes(random(256), B));
    const points = [NEUTRAL, B, TORSION, edwardsTimes(4n, TORSION), edwardsSum(B, TORSION), ...some];
    for (const a of points) {
      set(at.p, a, random(255));
      m.call('edwardsDouble', at.p, 1);
      expect(get(at.p)).toEqual(edwardsSum(a, a));
      for (const b of points) {
        for (const negative of [false, true]) {
          set(at.q, b);
          m.call('edwardsTable', at.table, 4, at.q);
          set(at.p, a, random(255));
          m.call('edwardsAdd', at.p, at.table, Number(negative), 1);
          expect(get(at.p)).toEqual(edwardsSum(a, negative ? [modulo(-b[0], P), b[1]] : b));
        }
      }
    }
  });

  it('Ed25519: tables hold odd multiples', () => {
    const { at, set, entry, size } = edwards(m);
    const point = edwardsTimes(random(256), B);
    for (const count of [4, 8, 32]) {
      set(at.p, point);
      m.call('edwardsTable', at.table, count, at.p);
      for (let i = 0; i < count; i++) {
        expect(entry(at.table + i * size)).toEqual(edwardsTimes(BigInt(2 * i + 1), point));
      }
    }
  });

  it('Ed25519: constants of the base point', () => {
    const { at, get, entry } = edwards(m);
    m.call('edwardsBase', at.p);
    expect(get(at.p)).toEqual(B);
    for (let i = 0; i < 2; i++) {
      for (const high of [0, 1]) {
        m.call(high ? 'base25519High' : 'base25519Entry', at.table, i);
        expect(entry(at.table)).toEqual(edwardsTimes(BigInt(2 * i + 1) << BigInt(128 * high), B));
      }
    }
  });

  it('Ed25519: decodes canonical encodings of points and nothing else', () => {
    const { at, get } = edwards(m);
    const decode = (bytes: Uint8Array) => {
      m.write(at.words, bytes);
      m.write(at.table, bytes);
      return m.call('edwardsDecode', at.p, at.table) === 1;
    };
    const special = [0n, 1n, 2n, P - 1n, P - 2n];
    for (const y of [...special, ...Array.from({ length: 60 }, () => random(255) % P)]) {
      const x = edwardsX(y);
      for (const sign of [0n, 1n]) {
        const good = x !== undefined && !(x === 0n && sign === 1n);
        expect(decode(bytesOf(y | (sign << 255n), 32)), `${y}`).toBe(good);
        if (!good) continue;
        const [gotX, gotY] = get(at.p);
        expect(gotY).toBe(y);
        expect(gotX === x || gotX === P - x!).toBe(true);
        expect(gotX & 1n).toBe(sign);
      }
      if (y < 19n) expect(decode(bytesOf(y + P, 32))).toBe(false); // the same y, not canonical
    }
  });

  it('Ed25519: knows points of small order, as points and as keys', () => {
    const { at, set } = edwards(m);
    for (let i = 0n; i < 8n; i++) {
      const small = edwardsTimes(i, TORSION);
      set(at.p, small);
      expect(m.call('edwardsSmallOrder', at.p)).toBe(1);
      m.write(at.q, encodeEdwards(small));
      expect(m.call('ed25519ValidKey', at.q)).toBe(0);
      const mixed = edwardsSum(small, edwardsTimes(random(250), B));
      set(at.p, mixed);
      expect(m.call('edwardsSmallOrder', at.p)).toBe(0);
      m.write(at.q, encodeEdwards(mixed));
      expect(m.call('ed25519ValidKey', at.q)).toBe(1);
    }
  });

  it('P-256: adds, subtracts and doubles', () => {
    const { at, set, get } = curve(m);
    const points = Array.from({ length: 8 }, () => curveTimes(random(256), G) as Point);
    for (const a of points) {
      set(at.p, a, random(255));
      m.call('curveDouble', at.p);
      expect(get(at.p)).toEqual(curveSum(a, a));
      for (const b of points) {
        const opposite: Point = [b[0], P256 - b[1]];
        for (const negative of [false, true]) {
          for (const careful of [false, true]) {
            set(at.q, b);
            set(at.p, a, random(255));
            m.call('curveAdd', at.p, at.q, Number(negative), Number(careful));
            const right = curveSum(a, negative ? opposite : b);
            // Without care, equal points end with Z = 0 as well, and the caller starts again.
            expect(get(at.p)).toEqual(a === b && !careful ? 'infinity' : right);
          }
        }
      }
      // Infinity stays what it is, or with care takes the other point.
      set(at.p, a);
      set(at.q, a);
      m.call('curveAdd', at.p, at.q, 1, 1);
      m.call('curveDouble', at.p);
      expect(get(at.p)).toBe('infinity');
      m.call('curveAdd', at.p, at.q, 0, 0);
      expect(get(at.p)).toBe('infinity');
      m.call('curveAdd', at.p, at.q, 0, 1);
      expect(get(at.p)).toEqual(a);
    }
  });

  it('P-256: coordinates stay small through the longest chain', () => {
    const { at, set, get } = curve(m);
    set(at.p, G, 3n);
    set(at.q, curveTimes(5n, G) as Point);
    let right: Affine = G;
    for (let i = 0; i < 300; i++) {
      m.call('curveDouble', at.p);
      right = curveSum(right, right);
      if (i % 3 === 0) {
        m.call('curveAdd', at.p, at.q, i & 1, 0);
        const five = curveTimes(5n, G) as Point;
        right = curveSum(right, i & 1 ? [five[0], P256 - five[1]] : five);
      }
      expect(get(at.p)).toEqual(right);
    }
  });

  it('P-256: tables hold odd multiples, the base point is G', () => {
    const { at, set, get, entry, size } = curve(m);
    m.call('curveBase', at.p);
    expect(get(at.p)).toEqual(G);
    const point = curveTimes(random(256), G) as Point;
    for (const count of [4, 8, 32]) {
      set(at.p, point);
      m.call('curveTable', at.table, count, at.p);
      for (let i = 0; i < count; i++) {
        expect(entry(at.table + i * size)).toEqual(curveTimes(BigInt(2 * i + 1), point));
      }
    }
  });

  it('P-256: takes canonical points of the curve and nothing else', () => {
    const { at } = curve(m);
    const accepts = (x: bigint, y: bigint) => {
      m.write(at.q, Uint8Array.from([...bytesOf(x, 32).reverse(), ...bytesOf(y, 32).reverse()]));
      return m.call('p256ValidKey', at.q) === 1;
    };
    const yOf = (x: bigint) => {
      const square = modulo(x ** 3n - 3n * x + A_B, P256);
      const y = power(square, (P256 + 1n) / 4n, P256);
      return (y * y) % P256 === square ? y : undefined;
    };
    let tried = 0;
    for (let x = 0n; tried < 40; x++) {
      const y = yOf(x);
      if (y === undefined) continue;
      tried++;
      expect(accepts(x, y)).toBe(true);
      expect(accepts(x, P256 - y)).toBe(true);
      expect(accepts(x, y ^ 1n)).toBe(false);
      expect(accepts(x + P256, y)).toBe(false); // the same x, not canonical; x + p fits 256 bits as x is small
    }
    expect(accepts(0n, 0n)).toBe(false);
  });
});

// How large the elements of P-256's field become in the formulas of the curve. A reduction leaves value / 2^261 and less than p
// more, in limbs of which the highest takes what is left: nothing there says that this stays small. The formulas do: read
// from assembly/crypto/curve256.ts, and followed with intervals instead of elements until no interval grows any more.

import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

type Range = readonly [least: number, most: number]; // in units of p; 2^256 is hardly more
const SHIFT = 2 ** 5; // of 2^261, in these units
const WORDS: Range = [0, 1 + 1 / SHIFT]; // what comes in by a product with canonical words

const add = (a: Range, b: Range): Range => [a[0] + b[0], a[1] + b[1]];
const negative = (a: Range): Range => [-a[1], -a[0]];
const either = (a: Range, b: Range): Range => [Math.min(a[0], b[0]), Math.max(a[1], b[1])];
const product = (a: Range, b: Range): Range => {
  const corners = a.flatMap((x) => b.map((y) => x * y));
  return [Math.min(...corners), Math.max(...corners)];
};
const square = (a: Range): Range => [
  a[0] < 0 && a[1] > 0 ? 0 : Math.min(a[0] ** 2, a[1] ** 2),
  Math.max(a[0] ** 2, a[1] ** 2),
];
const reduced = (value: Range): Range => [value[0] / SHIFT, value[1] / SHIFT + 1];

const source = readFileSync('assembly/crypto/curve256.ts', 'utf8');
/** The lines of a function, but for what only a careful addition does. */
const linesOf = (name: string) =>
  new RegExp(`^export function ${name}\\(.*?\\{\\n(.*?)^\\}`, 'ms')
    .exec(source)![1]!
    .replace(/^ {2}if \(careful.*?^ {2}\}\n/gms, '')
    .split('\n')
    .map((line) => line.trim().replace(/ *\/\/.*/, ''))
    .filter((line) => line !== '');

/** Tables and their entries are one. What is no working element may be, behind a formula, what it was before it. */
const named = (name: string) => name.replace(/\b(table|last|at)\b/, 'q');
const stays = (name: string) => name.includes('+');

function follow(known: Map<string, Range>, largest: { tight: number }, name: string): void {
  const get = (each: string): Range => {
    const range = known.get(named(each));
    if (!range) throw new Error(`${name}: nothing is known of ${each}`);
    return range;
  };
  const before = [...known].filter(([each]) => stays(each));
  const set = (each: string, range: Range) => void known.set(named(each), range);
  const tight = (each: string, range: Range) => {
    largest.tight = Math.max(largest.tight, -range[0], range[1]);
    set(each, range);
  };
  for (const line of linesOf(name)) {
    const call = /^(?:if \(negative\) )?gf(\w+)\(([^)]*)\);$/.exec(line);
    if (!call) continue;
    const [, what, list] = call;
    const [z = '', x = '', y = '', w = ''] = list!.split(', ');
    if (what === 'Mul') tight(z, reduced(product(get(x), get(y))));
    else if (what === 'Square') tight(z, reduced(square(get(x))));
    else if (what === 'MulSub') tight(z, add(reduced(product(get(x), get(y))), negative(get(w))));
    else if (what === 'SquareSub') tight(z, add(reduced(square(get(x))), negative(get(y))));
    else if (what === 'Add') set(z, add(get(x), get(y)));
    else if (what === 'Sub') set(z, add(get(x), negative(get(y))));
    else if (what === 'Negate')
      set(z, either(get(z), negative(get(x)))); // or not
    else if (what === 'Copy') set(z, get(x));
    else if (what === 'Invert') set(z, either(WORDS, known.get('inverse') ?? WORDS));
    else if (what === 'Double' || what === 'Add' || what === 'Set')
      continue; // followed by themselves
    else throw new Error(`${name}: ${line}`);
  }
  for (const [each, range] of before) known.set(each, either(range, known.get(each)!));
}

it('no element of the curve is larger than 2^258, so that the highest limb stays below 2^26', () => {
  const largest = { tight: 0 };
  // As points come in (curvePoint, curveSet), with either sign of y.
  const known = new Map<string, Range>(
    ['p + X', 'p + Y', 'p + Z', 'q + X', 'q + Y', 'q + Z'].map((name) => [
      name,
      name.endsWith('Y') ? either(WORDS, negative(WORDS)) : WORDS,
    ]),
  );
  let before = '';
  for (let rounds = 0; before !== JSON.stringify([...known]); rounds++) {
    expect(rounds).toBeLessThan(1000);
    before = JSON.stringify([...known]);
    for (const name of ['curveDouble', 'curveAdd', 'curveTable']) follow(known, largest, name);
    known.set('inverse', either(known.get('inverse') ?? WORDS, known.get('A')!)); // the next entry's
    known.set('p + X', either(known.get('p + X')!, known.get('q + X')!)); // curveSet
    known.set('p + Y', either(known.get('p + Y')!, either(known.get('q + Y')!, negative(known.get('q + Y')!))));
  }
  console.log(`largest element: ${largest.tight.toFixed(3)} p`);
  expect(largest.tight).toBeGreaterThan(1);
  expect(largest.tight).toBeLessThan(2 ** 2 - 2 ** -20);
});

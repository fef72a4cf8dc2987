// What makes a policy large: for each part of a state, and each field of the record in hand and of the ghost, how many values
// it takes, and how many states there would be if it were looked past. One that multiplies the states and decides nothing is one
// to overwrite (canonical.ts).

import type { Device, State } from './device.js';
import { HAND, handFields } from './table.js';

export interface Spread {
  field: string;
  values: number;
  factor: number; // states, for each one that is left without it
}

// What is looked past: parts of a state, and what is left of the content of each.
interface Look {
  name: string;
  parts: number[];
  without(content: unknown): string;
}

/** Largest factor first; what never changes is left out. */
export function spreadOf(device: Device, states: Iterable<State>): Spread[] {
  const all = [...states];
  const sums = all.map((state) => {
    const sum: [number, number] = [0, 0];
    state.forEach((value, part) => {
      for (const seed of [0, 1]) sum[seed] = (sum[seed]! + mixed(part, value, seed)) | 0;
    });
    return sum;
  });
  const found = looksOf(device).map(({ name, parts, without }): Spread => {
    const texts = new Map<string, number>();
    const masked = parts.map((part) =>
      device.parts[part]!.map((content) => {
        const text = without(content);
        if (!texts.has(text)) texts.set(text, texts.size);
        return 0x10000 + texts.get(text)!;
      }),
    );
    const left = new Set<number>();
    const values = new Set<number>();
    all.forEach((state, i) => {
      let [a, b] = sums[i]!;
      parts.forEach((part, p) => {
        const [value, rest] = [state[part]!, masked[p]![state[part]!]!];
        values.add(value);
        a += mixed(part, rest, 0) - mixed(part, value, 0);
        b += mixed(part, rest, 1) - mixed(part, value, 1);
      });
      left.add((a >>> 0) * 0x200000 + (b & 0x1fffff));
    });
    return { field: name, values: values.size, factor: all.length / left.size };
  });
  return found.filter(({ values }) => values > 1).sort((a, b) => b.factor - a.factor);
}

function looksOf(device: Device): Look[] {
  const looks: Look[] = device.fields.map((name, part) => ({ name, parts: [part], without: () => '' }));
  const hand = ['setting Update', `record ${HAND}`].map((name) => device.fields.indexOf(name));
  for (const { name, at, bytes } of handFields(device)) {
    const without = (content: unknown) => {
      if (!content) return '';
      const record = Buffer.from(content as Uint8Array);
      return record.fill(0, at, at + bytes).toString('latin1');
    };
    looks.push({ name: `in hand: ${name}`, parts: hand, without });
  }
  const ghost = device.fields.indexOf('ghost');
  for (const name of Object.keys(device.parts[ghost]![0] as object)) {
    looks.push({
      name: `ghost: ${name}`,
      parts: [ghost],
      without: (of) => JSON.stringify({ ...(of as object), [name]: 0 }),
    });
  }
  return looks;
}

// Of a part that has this value. A state is the sum of all of its parts, in two words, so that none meet by chance.
function mixed(part: number, value: number, seed: number): number {
  let h = Math.imul((part + 1) * 0x10001 + seed, 0x9e3779b1) ^ Math.imul(value + 1, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  h = Math.imul(h ^ (h >>> 12), 0x297a2d39);
  return (h ^ (h >>> 15)) | 0;
}

// Packages of several components with sequences at random: a right one with some of its commands left out, doubled, exchanged, or
// about another component or image. What the core accepts is what a second reading of the draft accepts, which knows only what was
// compared with what; and of an accepted package no image may come in that is not the one that was compared.

import { describe, expect, it } from 'vitest';
import { BOOTSTRAP, bundle, COMPONENTS, IMAGES, imageOf, type Parts, SHARED, uriOf } from '../support/components.js';
import { hex, sha256 } from '../support/make.js';
import { INSTALL, PHASE, rawCore } from '../support/rawcore.js';

const CASES = 3000;
const COUNT = 3;
const core = rawCore();

type Pair = [code: number, argument: unknown];
type Set = { digest?: number; bytes?: number; uri?: string; source?: number };

/** A command in a form that both sides read: the parameters of an override are images by number. */
type Step = { choose: number | true } | { set: Set } | { fetch: true } | { copy: true } | { match: true };

let state = 1;
const below = (most: number): number => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * most);
};

const fetched = (at: number): Step[] => [{ choose: at }, { set: { uri: uriOf(at) } }, { fetch: true }, { match: true }];
const RIGHT: { shared: Step[]; install: Step[]; validate: Step[] }[] = [
  {
    shared: [0, 1, 2].flatMap((at): Step[] => [{ choose: at }, { set: { digest: at, bytes: at } }]),
    install: [0, 1, 2].flatMap(fetched),
    validate: [{ choose: true }, { match: true }],
  },
  {
    shared: [0, 1, 2].flatMap((at): Step[] => [{ choose: at }, { set: { digest: at % 2, bytes: at % 2 } }]),
    install: [...[0, 1].flatMap(fetched), { choose: 2 }, { set: { source: 0 } }, { copy: true }, { match: true }],
    validate: [{ choose: true }, { match: true }],
  },
];

function mutate(steps: Step[]): Step[] {
  const made = [...steps];
  const at = below(made.length);
  const [step] = made.slice(at, at + 1);
  switch (below(6)) {
    case 0:
      made.splice(at, 1);
      break;
    case 1:
      made.splice(below(made.length), 0, step!);
      break;
    case 2:
      made.splice(at, 1, { choose: below(COUNT) });
      break;
    case 3: {
      const image = below(COUNT);
      made.splice(at, 0, { set: below(2) === 0 ? { digest: image } : { digest: image, bytes: image } });
      break;
    }
    case 4:
      made.splice(at, 0, [{ fetch: true as const }, { copy: true as const }, { match: true as const }][below(3)]!);
      break;
    default:
      made.splice(at, 0, { set: below(2) === 0 ? { source: below(COUNT) } : { uri: uriOf(below(COUNT)) } });
  }
  return made;
}

function commandsOf(steps: Step[]): unknown[] {
  return steps.flatMap((step): Pair => {
    if ('choose' in step) return [12, step.choose];
    if ('fetch' in step) return [21, 2];
    if ('copy' in step) return [22, 2];
    if ('match' in step) return [3, 15];
    const { digest, bytes, uri, source } = step.set;
    const fields: [number, unknown][] = [];
    if (digest !== undefined) fields.push([3, [-16, sha256(imageOf(digest))]]);
    if (bytes !== undefined) fields.push([14, imageOf(bytes).length]);
    if (uri !== undefined) fields.push([21, uri]);
    if (source !== undefined) fields.push([22, source]);
    return SHARED.override(fields) as Pair;
  });
}

interface Held {
  image: number;
  /** The image whose size is stated for it; another one's is a lie, which shows when the image comes. */
  size: number;
  /** Undefined: it was copied. */
  uri?: string;
  compared: boolean;
}

/** What stands in each component at the end, and in which order images are fetched; undefined: refused. */
function read({ shared, install, validate }: (typeof RIGHT)[0]): { held: Held[]; order: number[] } | undefined {
  const sets: Set[] = Array.from({ length: COUNT }, () => ({}));
  const held: (Held | undefined)[] = Array(COUNT).fill(undefined);
  const order: number[] = [];
  const sizeOf = (set: Set): number | undefined =>
    [set, ...sets.filter(({ digest }) => digest === set.digest)].find(({ bytes }) => bytes !== undefined)?.bytes;
  const one = (step: Step, at: number): boolean => {
    const [set, here] = [sets[at]!, held[at]];
    if ('set' in step) {
      Object.assign(set, step.set);
      return true;
    }
    if ('match' in step) {
      if (here === undefined || set.digest !== here.image || sizeOf(set) !== here.size) return false;
      here.compared = true;
      return true;
    }
    const [image, size] = [set.digest, sizeOf(set)];
    if (here !== undefined || image === undefined || size === undefined) return false;
    if ('fetch' in step) {
      if (set.uri === undefined || held.some((other) => other?.uri === set.uri)) return false;
      held[at] = { image, size, uri: set.uri, compared: false };
      order.push(at);
      return true;
    }
    const source = set.source === undefined ? undefined : held[set.source];
    if (!source?.compared || set.bytes === undefined) return false;
    held[at] = { image: source.image, size: source.size, compared: false };
    return true;
  };
  for (const steps of [shared, shared, install, shared, validate]) {
    let chosen: number[] = steps === shared ? [0] : []; // by the conditions in front of it
    for (const step of steps) {
      if ('choose' in step) chosen = step.choose === true ? [0, 1, 2] : [step.choose];
      else if (chosen.length === 0 || !chosen.every((at) => one(step, at))) return undefined;
    }
  }
  return held.every((each) => each?.compared) ? { held: held as Held[], order } : undefined;
}

/** Where a command may stand at all: overrides not in validate, nothing that writes in shared. */
const mayStand = ({ shared, validate }: (typeof RIGHT)[0]): boolean =>
  shared.every((step) => 'choose' in step || 'set' in step) &&
  validate.every((step) => 'choose' in step || 'match' in step);

const identified = (shared: Step[]): unknown[] => [
  ...[12, 0, ...SHARED.override(SHARED.parameters.identity), 1, 15, 2, 15],
  ...commandsOf(shared),
];

describe('sequences at random', () => {
  const deliver = (parts: Parts) =>
    core.deliver({ bootstrap: BOOTSTRAP, facts: { components: COMPONENTS }, package: bundle(parts) });

  it(`${CASES}: accepted only if each digest was compared, and then no other image comes in`, {
    timeout: 60_000,
  }, () => {
    let accepted = 0;
    for (let n = 0; n < CASES; n++) {
      state = n + 1;
      for (let skip = 0; skip < 5; skip++) below(2);
      let made = RIGHT[below(RIGHT.length)]!;
      for (let times = below(4); times > 0; times--) {
        const where = (['shared', 'install', 'install', 'validate'] as const)[below(4)]!;
        if (made[where].length > 0) made = { ...made, [where]: mutate(made[where]) };
      }
      const parts = {
        count: COUNT,
        shared: identified(made.shared),
        install: commandsOf(made.install),
        validate: commandsOf(made.validate),
      };
      const wanted = mayStand(made) ? read(made) : undefined;
      const bare = deliver({ ...parts, carried: [] });
      expect([n, bare.verdict === INSTALL], JSON.stringify(made)).toEqual([n, wanted !== undefined]);
      if (wanted === undefined) continue;
      accepted++;
      for (const [at, { image }] of wanted.held.entries()) {
        core.exports.componentText!(at, 2);
        const from = core.exports.output!();
        expect(hex(new Uint8Array(core.exports.memory.buffer).slice(from, from + 32))).toBe(
          hex(sha256(imageOf(image))),
        );
      }
      const images = wanted.order.map((at) => IMAGES[wanted.held[at]!.image]!);
      const right = Buffer.concat(images);
      const isTrue = wanted.order.every((at) => wanted.held[at]!.image === wanted.held[at]!.size);
      expect(deliver({ ...parts, carried: [], behind: right }).phase === PHASE.complete).toBe(isTrue);
      const wrong = Uint8Array.from(right);
      wrong[below(wrong.length)]! ^= 1 << below(8);
      expect(deliver({ ...parts, carried: [], behind: wrong }).phase).not.toBe(PHASE.complete);
    }
    expect(accepted).toBeGreaterThan(CASES / 5);
    expect(accepted).toBeLessThan((CASES * 4) / 5);
  });
});

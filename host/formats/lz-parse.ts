// Which tokens a piece is coded with (lz.ts): the cheapest way from its first byte to its last, by what each bit costs. What
// the bits cost is not known before they are coded, since their chances move: so a piece is gone through twice, the second time
// with what the first one counted, and the smaller result is taken.

import {
  CONTEXT,
  CONTEXTS,
  putDistance,
  putLength,
  putPlace,
  putSummand,
  putTokens,
  putTree,
  rangeCoder,
  type Token,
} from './lz.js';

/** Bytes that pieces refer to, with an index of what begins where. */
export interface Source {
  bytes: Uint8Array;
  /** Where they begin, counted as pieces are. */
  from: number;
  /** By the hash of three bytes: the last place at which they stand, or -1. */
  heads: Int32Array;
  /** By place: the one before at which the same hash stands, or -1. */
  before: Int32Array;
}

const HASH_BITS = 15;
const KEY_BYTES = 3;
const SHORTEST = 2; // copy, but one that is told to be all that is left
const ANOTHER = Number.NaN; // no place was the last one
const CHAIN_MAX = 400; // places that are looked at for one byte of a piece
const LONG_BYTES = 160; // one so long is as good as any

const keyAt = (bytes: Uint8Array, at: number): number =>
  Math.imul(bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16), 0x9e3779b1) >>> (32 - HASH_BITS);

/** Indexes bytes that pieces are to refer to. */
export function indexed(bytes: Uint8Array, from = 0): Source {
  const heads = new Int32Array(1 << HASH_BITS).fill(-1);
  const before = new Int32Array(bytes.length).fill(-1);
  for (let at = 0; at + KEY_BYTES <= bytes.length; at += 1) {
    const key = keyAt(bytes, at);
    before[at] = heads[key]!;
    heads[key] = at;
  }
  return { bytes, from, heads, before };
}

/** A piece of an image, and what it may refer to: what is in front of it in the image (lz), or another image (delta). */
export interface Piece {
  /** At most PIECE_BYTES. */
  data: Uint8Array;
  /** Where it begins in the image. */
  from: number;
  source: Source;
  delta: boolean;
  /** Of a delta: how far before it its source is likely to begin, as what is before it did. */
  likely?: number;
}

/** A piece, coded. */
export interface CodedPiece {
  code: Uint8Array;
  /** Of a delta: how far away its source was in the end. */
  away: number;
}

const PASSES = 2;

/** Codes a piece. The result may be larger than the piece is. */
export const codePiece = (piece: Piece): Uint8Array => codedPiece(piece).code;

/** The same, with what the next piece is likely to refer to. */
export function codedPiece(piece: Piece): CodedPiece {
  return copiedPiece(piece) ?? parsedPiece(piece);
}

/** A piece of a delta that stands in its source as a whole: found in no time, where to code another one takes some 10 ms. */
export function copiedPiece(piece: Piece): CodedPiece | undefined {
  const { data, from, source, delta, likely } = piece;
  if (!delta) return undefined;
  const bytes = data.length;
  const stands = (away: number) => {
    const place = from - source.from - away;
    if (place < 0 || place + bytes > source.bytes.length) return false;
    return sameBytes(source.bytes, place, data, 0, bytes) === bytes;
  };
  const found = [0, ...(likely === undefined ? [] : [likely])].find(stands);
  const longest = found === undefined ? foundIn(source, from - source.from, data, 0) : [];
  const away = found ?? longest.find(([, length]) => length === bytes)?.[0];
  if (away === undefined) return undefined;
  const { bit, finish } = rangeCoder();
  putTokens(bit, [{ kind: 'source', away, bytes }], bytes, delta);
  return { code: finish(), away };
}

function parsedPiece(piece: Piece): CodedPiece {
  let costs = firstCosts();
  let best: CodedPiece | undefined;
  for (let pass = 0; pass < PASSES; pass += 1) {
    const tokens = cheapest(piece, costs);
    const coder = rangeCoder();
    const seen = new Float64Array(2 * CONTEXTS).fill(0.7);
    putTokens(
      (context, one) => {
        coder.bit(context, one);
        seen[2 * context + one]! += 1;
      },
      tokens,
      piece.data.length,
      piece.delta,
    );
    const code = coder.finish();
    const away = tokens.reduce((last, token) => (token.kind === 'source' ? token.away : last), 0);
    if (!best || code.length < best.code.length) best = { code, away };
    costs = costsOf(seen);
  }
  return best!;
}

/** What a 0 and a 1 cost in each context, in bits, by how often each was seen. */
function costsOf(seen: Float64Array): Float64Array {
  const costs = new Float64Array(2 * CONTEXTS);
  for (let at = 0; at < costs.length; at += 2) {
    const all = Math.log2(seen[at]! + seen[at + 1]!);
    costs[at] = all - Math.log2(seen[at]!);
    costs[at + 1] = all - Math.log2(seen[at + 1]!);
  }
  return costs;
}

const firstCosts = (): Float64Array => new Float64Array(2 * CONTEXTS).fill(1);

interface Step {
  cost: number;
  token: Token | undefined;
  back: number; // bytes of the token
  copied: number;
  away: number;
  summand: number;
}

const START: Step = { cost: Number.POSITIVE_INFINITY, token: undefined, back: 0, copied: 0, away: 0, summand: 0 };

function cheapest(piece: Piece, costs: Float64Array): Token[] {
  const { data, delta } = piece;
  const from = piece.from - piece.source.from; // as the source is counted
  const bytes = data.length;
  let sum = 0;
  const add = (context: number, one: number) => {
    sum += costs[2 * context + one]!;
  };
  const priced = (put: () => void): number => {
    sum = 0;
    put();
    return sum;
  };

  const lengths = [CONTEXT.near, CONTEXT.place].map((group) =>
    Float64Array.from({ length: bytes + 1 }, (_, length) => {
      const rest = delta && group === CONTEXT.place ? false : undefined;
      return length >= SHORTEST ? priced(() => putLength(add, group, length, rest)) : 0;
    }),
  ) as [Float64Array, Float64Array];
  const toTheEnd = delta ? costs[2 * CONTEXT.rest + 1]! : Number.POSITIVE_INFINITY;
  const distances = Float64Array.from({ length: bytes + 1 }, (_, distance) =>
    distance ? priced(() => putDistance(add, distance)) : 0,
  );
  const steps: Step[] = Array.from({ length: bytes + 1 }, () => ({ ...START }));
  steps[0]!.cost = 0;

  function reach(at: number, back: number, cost: number, token: Token, now: Step): void {
    const to = steps[at + back]!;
    if (cost >= to.cost) return;
    to.cost = cost;
    to.token = token;
    to.back = back;
    to.copied = token.kind === 'literal' ? 0 : 1;
    to.away = token.kind === 'source' ? token.away : now.away;
    to.summand = token.kind === 'sum' ? token.summand : now.summand;
  }

  // A copy of up to `longest` bytes: every length of it is a way. Of a source, the last one of all is told by a bit.
  function copies(at: number, least: number, longest: number, cost: number, token: Token, now: Step): void {
    const near = token.kind === 'near';
    const told = lengths[near ? 0 : 1];
    const rest = near || !delta ? 0 : bytes - at;
    for (let length = least; length <= longest; length += 1) {
      const all = cost + (length === rest ? toTheEnd : told[length]!);
      if (all < steps[at + length]!.cost) reach(at, length, all, { ...token, bytes: length } as Token, now);
    }
  }

  for (let at = 0; at < bytes; at += 1) {
    const now = steps[at]!;
    const left = bytes - at;
    const flag = CONTEXT.copy + 2 * (at & 1) + now.copied;
    const value = data[at]!;
    const literal = priced(() => putTree(add, CONTEXT.literal + ((at & 1) << 8), 8, value));
    reach(at, 1, now.cost + costs[2 * flag]! + literal, { kind: 'literal', value }, now);
    const copy = now.cost + costs[2 * flag + 1]!;
    const near = copy + costs[2 * CONTEXT.source]!;
    for (let distance = 1, longest = 1; distance <= at && left >= 2; distance += 1) {
      if (data[at - distance] !== value || data[at - distance + 1] !== data[at + 1]) continue;
      const length = sameBytes(data, at - distance, data, at, left);
      // What is nearer and as long costs no more.
      if (length > longest) {
        copies(at, longest + 1, length, near + distances[distance]!, { kind: 'near', distance, bytes: 0 }, now);
        longest = length;
        if (length === left) break;
      }
    }
    const source = copy + costs[2 * CONTEXT.source + 1]!;
    const plain = delta && left >= 2 ? source + costs[2 * CONTEXT.sum]! : source;
    if (delta) {
      const place = from + at - now.away;
      const other = piece.source.bytes;
      if (place >= 0 && place < other.length) {
        const length = sameBytes(other, place, data, at, Math.min(left, other.length - place));
        const token: Token = { kind: 'source', away: now.away, bytes: 0 };
        const again = plain + priced(() => putPlace(add, now.away, now.away));
        if (length === left) copies(at, length, length, again, token, now);
        else if (length >= SHORTEST) copies(at, SHORTEST, length, again, token, now);
        if (length < 2 && left >= 2 && place + 2 <= other.length) {
          const summand = ((halfAt(data, at) - halfAt(other, place)) << 16) >> 16;
          const cost = source + costs[2 * CONTEXT.sum + 1]! + priced(() => putSummand(add, summand, now.summand));
          reach(at, 2, cost, { kind: 'sum', summand }, now);
        }
      }
    }
    const found = foundIn(piece.source, from, data, at);
    const likely = likelyIn(piece, from, at);
    if (likely) found.push(likely);
    for (const [away, length] of found) {
      const told = priced(() => putPlace(add, away, delta ? ANOTHER : undefined));
      copies(at, KEY_BYTES, length, plain + told, { kind: 'source', away, bytes: 0 }, now);
    }
  }

  const tokens: Token[] = [];
  for (let at = bytes; at > 0; at -= steps[at]!.back) tokens.push(steps[at]!.token!);
  return tokens.reverse();
}

const halfAt = (bytes: Uint8Array, at: number): number => bytes[at]! | (bytes[at + 1]! << 8);

function sameBytes(one: Uint8Array, at: number, other: Uint8Array, from: number, most: number): number {
  let length = 0;
  while (length < most && one[at + length] === other[from + length]) length += 1;
  return length;
}

/** The copy that it has where it is likely to. */
function likelyIn({ data, source: { bytes }, likely }: Piece, from: number, at: number): [number, number] | undefined {
  const place = from + at - (likely ?? 0);
  if (likely === undefined || place < 0 || place >= bytes.length) return undefined;
  return [likely, sameBytes(bytes, place, data, at, Math.min(data.length - at, bytes.length - place))];
}

/** The longest copies that the source has for what stands at `at`, one for each class of how far away it is. */
function foundIn(source: Source, from: number, data: Uint8Array, at: number): [number, number][] {
  const best = new Map<number, [number, number]>();
  const left = data.length - at;
  if (left < KEY_BYTES) return [];
  let place = source.heads[keyAt(data, at)]!;
  for (let looked = 0; place >= 0 && looked < CHAIN_MAX; place = source.before[place]!) {
    looked += 1;
    const length = sameBytes(source.bytes, place, data, at, Math.min(left, source.bytes.length - place));
    if (length < KEY_BYTES) continue;
    const away = from + at - place;
    const size = away > 0 ? 31 - Math.clz32(away) : -(31 - Math.clz32(1 - away)) - 1;
    if (length > (best.get(size)?.[1] ?? 0)) best.set(size, [away, length]);
    if (length >= Math.min(left, LONG_BYTES)) break;
  }
  return [...best.values()];
}

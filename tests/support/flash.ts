// A flash for tests that is stricter than silicon and can lose power at any operation.
//
// One operation is one word written or one page erased. It refuses (by throwing, which ends the test) a write that is
// not of whole words, to a word that was not erased since it was last written or torn, or half a page to erase. It counts
// operations and wear, and records the operations, so that the flash as it was at any of them can be made again.
//
// Beside that it can be damaged: bits flip, reads fail, once or for ever (damage.ts of the loop), and words are worn out:
// they are neither written nor erased any more.
//
// Where flash is written in units larger than a word, or a call programs a part of a page at once (`tears`), a cut takes all words
// with it that share them in that call: those that came before are torn too, those behind are noise.
//
// How a cut looks, to a word being written / to a page being erased:
//   before     untouched                                   untouched
//   after      written, but nobody was told                erased, but nobody was told
//   bytes      some of its bytes are written               its first part is erased, the rest is as it was
//   bits       some of the bits that become 0 are 0        noise
//              with an error-correcting code per unit, neither can be read (of a page, some units of it)
//   unstable   each read: erased, written, or between      each read of a word: old, erased or noise; until the next erase

import { createChunks, type Sums } from './chunks.js';

export interface FlashMap {
  page: number;
  primary: number;
  slotBytes: number;
  secondary: number;
  secondaryBytes: number;
  state: number;
  stateBytes: number;
  // What differs from a chip with pages of one size, of words, erased to ones:
  statePage?: number; // of the state region
  unit?: number; // bytes that are written at once, and once only
  tears?: number; // bytes of a call, at a multiple of it, that a cut takes together; else the unit
  toZero?: boolean; // erased is 0
  overwrites?: boolean; // see hal.ts
  ecc?: boolean; // what a cut leaves as noise cannot be read, until the next erase
}

export const CUTS = ['before', 'after', 'bytes', 'bits', 'unstable'] as const;
export type Cut = (typeof CUTS)[number];

export class PowerCut extends Error {}

/** What a page holds that was never erased. */
export type Untouched = 'noise' | 'zero' | 'ones';

/** One operation: a word's offset and what is written, or a page's offset with ERASE. */
export interface Operation {
  at: number;
  value: number;
  edge: boolean; // the first or last of its call of the HAL
  from?: number; // what a cut takes together; else the word alone
  to?: number;
}
export const ERASE = -1;

// Of a word:
const USED = 0;
const WRITABLE = 1; // erased, and not written since
const BROKEN = 2; // its error-correcting code does not fit

/** The same noise for the same place and contents, so that every case can be made again. */
function noiseOf(seed: number): number {
  let x = seed | 0;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}

export interface FlashSnapshot {
  bytes: Uint8Array;
  states: Uint8Array;
  unstable: ReadonlyMap<number, readonly [old: number, wanted: number]>;
  sums?: Sums; // of a flash as it stands
}

export type BenchFlash = ReturnType<typeof createFlash>;

export function createFlash(map: FlashMap, untouched: Untouched = 'noise', seed = 0x2545f491) {
  const { unit = 4, statePage = map.page } = map;
  const tears = map.tears ?? unit;
  const erased = map.toZero ? 0 : 0xffffffff;
  const total = map.state + map.stateBytes;
  const pageAt = (offset: number) => (offset < map.state ? map.page : statePage);
  const leastPage = Math.min(map.page, statePage);
  const bytes = new Uint8Array(total);
  const words = new Uint32Array(bytes.buffer);
  const states = new Uint8Array(total / 4);
  if (untouched === 'ones') words.fill(0xffffffff);
  // 'ones' looks erased; it is not known to be, so nobody may write there either.
  if (untouched === 'noise') for (let i = 0; i < words.length; i++) words[i] = noiseOf(seed + i);
  // Words that read differently each time: what they were and what they should have become.
  const unstable = new Map<number, readonly [old: number, wanted: number]>();
  const chunks = createChunks(words, states);
  let reading = seed;
  let edge = false;
  let [from, to] = [0, 0]; // of what is torn together, if more than a word

  const flash = {
    map,
    bytes,
    words,
    writes: [] as { offset: number; length: number }[],
    erases: [] as { offset: number; length: number }[],
    wear: new Uint32Array(total / leastPage), // erases of each page
    operations: 0,
    recorded: undefined as Operation[] | undefined,
    cutAt: Number.POSITIVE_INFINITY,
    cut: 'bits' as Cut,
    unreadable: new Set<number>(), // words at which a read fails
    worn: new Set<number>(), // words that stay as they are
    failAt: 0, // the number of the read that fails, once; 0: none does
    reads: 0,
    sound: Number.POSITIVE_INFINITY, // calls of write and erase that succeed from now on
    ailing: Number.POSITIVE_INFINITY, // those behind them that fail and do nothing

    /** Counts anew; the power goes at operation `cutAt`. */
    arm(cutAt = Number.POSITIVE_INFINITY, cut: Cut = 'bits') {
      flash.operations = 0;
      flash.cutAt = cutAt;
      flash.cut = cut;
    },
    record(): Operation[] {
      flash.recorded = [];
      return flash.recorded;
    },
    forget() {
      flash.writes = [];
      flash.erases = [];
      flash.wear.fill(0);
    },
    snapshot: (): FlashSnapshot => ({ bytes: bytes.slice(), states: states.slice(), unstable: new Map(unstable) }),
    /** `salt`: what is unstable reads in another order. What was counted and listed is forgotten. */
    restore(from: FlashSnapshot, salt = 0) {
      flash.forget();
      bytes.set(from.bytes);
      states.set(from.states);
      if (from.sums) chunks.copy(from.sums);
      else chunks.allStale();
      unstable.clear();
      for (const [word, range] of from.unstable) unstable.set(word, range);
      reading = noiseOf(seed + salt);
    },
    /** As it stands, not copied. */
    standing: { bytes, states, unstable, sums: chunks } as FlashSnapshot,
    chunks,
    /** For a witness: the bytes there; undefined when one of them reads differently each time. */
    see(offset: number, length: number): Uint8Array | undefined {
      const [from, to] = [offset >>> 2, (offset + length + 3) >>> 2];
      chunks.need(from, to);
      if (unstable.size > 0) for (let word = from; word < to; word++) if (unstable.has(word)) return undefined;
      if (map.ecc && states.subarray(from, to).includes(BROKEN)) return undefined;
      return bytes.subarray(offset, offset + length);
    },

    /** 0, or -1 when it fails. */
    read(offset: number, to: Uint8Array, at: number, length: number): number {
      if (++flash.reads === flash.failAt) return -1;
      if (flash.unreadable.size > 0) {
        for (let word = offset >>> 2; word < (offset + length + 3) >>> 2; word++)
          if (flash.unreadable.has(word)) return -1;
      }
      chunks.need(offset >>> 2, (offset + length + 3) >>> 2);
      if (map.ecc) {
        const broken = states.indexOf(BROKEN, offset >>> 2);
        if (broken >= 0 && broken < (offset + length + 3) >>> 2) return -1;
      }
      if (unstable.size > 0) flicker(offset, length);
      if (length === 4 && ((offset | at) & 3) === 0) {
        to[at] = bytes[offset]!;
        to[at + 1] = bytes[offset + 1]!;
        to[at + 2] = bytes[offset + 2]!;
        to[at + 3] = bytes[offset + 3]!;
      } else to.set(bytes.subarray(offset, offset + length), at);
      return 0;
    },
    /** One call of write or erase; true: it fails. */
    fails: () => --flash.sound < 0 && -flash.sound <= flash.ailing,
    /** Flips one bit; the bits are counted from the start of flash. */
    flip(bit: number) {
      bytes[bit >>> 3]! ^= 1 << (bit & 7);
      chunks.change(bit >>> 5, (bit >>> 5) + 1);
    },
    write(offset: number, bytes: Uint8Array) {
      const { length } = bytes;
      if ((offset | length) & (unit - 1))
        throw new Error(`flash: ${length} bytes at ${hex(offset)} are not whole units`);
      flash.writes.push({ offset, length });
      const data = new DataView(bytes.buffer, bytes.byteOffset, length);
      for (let i = 0; i < length; i += 4) {
        edge = i === 0 || i === length - 4;
        from = Math.max(offset, (offset + i) & ~(tears - 1));
        to = Math.min(offset + length, from - (from & (tears - 1)) + tears);
        flash.apply(offset + i, data.getUint32(i, true));
      }
    },
    erase(offset: number, length: number) {
      const page = pageAt(offset);
      if (offset % page || length % page || length === 0) throw new Error(`flash: half pages, ${hex(offset)}`);
      flash.erases.push({ offset, length });
      edge = true;
      for (let at = offset; at < offset + length; at += page) flash.apply(at, ERASE);
    },
    /** One operation, cut if it is the one to be cut. */
    apply(at: number, value: number) {
      flash.recorded?.push(value === ERASE || tears === 4 ? { at, value, edge } : { at, value, edge, from, to });
      const cutting = ++flash.operations === flash.cutAt;
      if (cutting) {
        flash.tear({ at, value, from, to }, flash.cut);
        throw new PowerCut();
      }
      if (value === ERASE) wipe(at);
      else put(at, value);
    },
    /** What an operation leaves behind whose power fails. */
    tear({ at, value, from = at, to = at + 4 }: Omit<Operation, 'edge'>, cut: Cut) {
      if (cut === 'before') return;
      if (value === ERASE) return tearPage(at, cut);
      if (map.ecc && cut === 'bits') return breakUnits(from, to);
      tearWord(at, value, cut);
      if (tears === 4 || cut === 'after') return;
      for (let other = from; other < to; other += 4) if (other !== at) tearAlong(other, other < at, cut);
    },
  };

  function flicker(offset: number, length: number) {
    for (let word = offset >>> 2; word < (offset + length + 3) >>> 2; word++) {
      const range = unstable.get(word);
      if (!range) continue;
      reading = noiseOf(reading + 1);
      const [old, wanted] = range;
      const choice = reading >>> 30; // one in two reads well: cruel is what is believed first
      const between = (wanted | noiseOf(reading)) & (old | ~noiseOf(reading));
      words[word] = choice === 0 ? old : choice === 1 ? between : wanted;
    }
  }

  function put(at: number, value: number) {
    const word = at >>> 2;
    if (states[word] !== WRITABLE) throw new Error(`flash: word at ${hex(at)} written twice or never erased`);
    states[word] = USED;
    if (!flash.worn.has(word)) words[word] = value;
    chunks.need(word, word + 1);
    chunks.change(word, word + 1);
  }

  function wipe(page: number) {
    flash.wear[page / leastPage]!++;
    const from = page >>> 2;
    const to = (page + pageAt(page)) >>> 2;
    const stay = [...flash.worn]
      .filter((word) => word >= from && word < to)
      .map((word) => [word, words[word]!] as const);
    words.fill(erased, from, to);
    for (const [word, value] of stay) words[word] = value;
    states.fill(WRITABLE, from, to);
    chunks.renew(from, to);
    chunks.change(from, to);
    if (unstable.size > 0) for (let word = from; word < to; word++) unstable.delete(word);
  }

  function tearWord(at: number, value: number, cut: Cut) {
    const word = at >>> 2;
    put(at, value);
    if (cut === 'after') return;
    const noise = noiseOf(seed ^ at ^ Math.imul(value, 31));
    if (cut === 'unstable') unstable.set(word, [erased, value >>> 0]);
    else if (cut === 'bits') words[word] = map.toZero ? value & noise : value | noise;
    else for (let k = 0; k < 4; k++) if (k === noise >>> 30 || (noise >>> k) & 1) bytes[at + k] = erased & 0xff;
  }

  // A word that a cut takes along: one that was written already, or one that was to be.
  function tearAlong(at: number, before: boolean, cut: Cut) {
    const word = at >>> 2;
    const value = before ? words[word]! : noiseOf(seed ^ at ^ 0x5eed);
    states[word] = WRITABLE;
    words[word] = erased;
    tearWord(at, value, cut === 'bytes' && !before ? 'bits' : cut);
  }

  function tearPage(page: number, cut: Cut) {
    const from = page >>> 2;
    const to = (page + pageAt(page)) >>> 2;
    if (cut === 'after') return wipe(page);
    for (let word = from; word < to; word++) {
      const old = words[word]!;
      if (cut === 'bits') words[word] = noiseOf(seed ^ word ^ Math.imul(old, 31));
      else if (cut === 'bytes' && word < from + (noiseOf(seed ^ page) % (to - from))) words[word] = erased;
      else if (cut === 'unstable') unstable.set(word, [old, erased]);
    }
    states.fill(USED, from, to);
    if (map.ecc && cut === 'bits') {
      for (let at = page; at < page + pageAt(page); at += unit) if (noiseOf(seed ^ at) & 1) breakUnits(at, at + unit);
    }
    chunks.change(from, to);
  }

  // What is in them is of no account any more.
  function breakUnits(from: number, to: number) {
    states.fill(BROKEN, from >>> 2, to >>> 2);
    chunks.need(from >>> 2, to >>> 2);
    chunks.change(from >>> 2, to >>> 2);
  }

  return flash;
}

export const hex = (n: number) => `0x${n.toString(16)}`;

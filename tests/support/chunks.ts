// What a flash looks like and what becomes of it, chunk by chunk: two sums over the contents and the state of each, kept
// up to date where something changed, and whether anyone had need of what stood there. From these powercut/memo.ts knows
// two flashes that make no difference to a device.

const CHUNK_WORDS = 16; // smaller ones know more flashes again, and cost more to compare
const SHIFT = 4;

/** Of a chunk, since `watch`: */
export const UNTOUCHED = 0;
export const NEEDED = 1; // read, or written to, as it was
export const RENEWED = 2; // erased before anyone looked

/** What another flash takes over with the contents. */
export interface Sums {
  first: Int32Array;
  second: Int32Array;
  sum(): void;
}

export function createChunks(words: Uint32Array, states: Uint8Array) {
  const count = words.length / CHUNK_WORDS;
  const first = new Int32Array(count);
  const second = new Int32Array(count);
  const stale = new Uint8Array(count).fill(1);
  let staleFrom = 0; // all stale ones are in between
  let staleTo = count;

  const chunks = {
    count,
    first,
    second,
    uses: new Uint8Array(count) as Uint8Array,

    /** Notes in `uses` from now on. */
    watch(uses: Uint8Array) {
      chunks.uses = uses;
    },
    need(from: number, to: number) {
      const { uses } = chunks;
      for (let i = from >>> SHIFT; i <= (to - 1) >>> SHIFT; i++) if (uses[i] === UNTOUCHED) uses[i] = NEEDED;
    },
    /** What a copy of this flash had need of, which was as this one is. */
    needAlso(uses: Uint8Array) {
      for (let i = 0; i < uses.length; i++) {
        if (uses[i] === NEEDED && chunks.uses[i] === UNTOUCHED) chunks.uses[i] = NEEDED;
      }
    },
    renew(from: number, to: number) {
      const { uses } = chunks;
      for (let i = from >>> SHIFT; i <= (to - 1) >>> SHIFT; i++) if (uses[i] === UNTOUCHED) uses[i] = RENEWED;
    },
    change(from: number, to: number) {
      const begin = from >>> SHIFT;
      const end = ((to - 1) >>> SHIFT) + 1;
      stale.fill(1, begin, end);
      if (begin < staleFrom) staleFrom = begin;
      if (end > staleTo) staleTo = end;
    },
    of: (word: number) => word >>> SHIFT,
    /** Brings the sums up to date. */
    sum() {
      for (let i = staleFrom; i < staleTo; i++) {
        if (!stale[i]) continue;
        stale[i] = 0;
        let a = 0x9e3779b9;
        let b = 0x85ebca6b;
        for (let at = i << SHIFT; at < (i + 1) << SHIFT; at++) {
          const word = words[at]! ^ Math.imul(states[at]!, 0x5bd1e995);
          a = Math.imul(a ^ word, 0x01000193) ^ (a >>> 15);
          b = Math.imul((b << 5) ^ (b >>> 27) ^ word, 0x2c1b3c6d);
        }
        first[i] = a;
        second[i] = b;
      }
      staleFrom = count;
      staleTo = 0;
    },
    /** The words and states were copied from another flash: so are their sums. */
    copy(from: Sums) {
      from.sum();
      first.set(from.first);
      second.set(from.second);
      stale.fill(0);
      staleFrom = count;
      staleTo = 0;
    },
    allStale() {
      stale.fill(1);
      staleFrom = 0;
      staleTo = count;
    },
  };
  return chunks;
}

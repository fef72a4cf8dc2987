// How long an answer takes on one line, learnt from the answers that came: RFC 6298 (smoothed round trip and its variation),
// kept apart for each size of request.
//
// Apart, because a request of 500 bytes at 9600 baud takes half a second that one of 20 bytes does not. A size that was
// never measured is taken to cost in proportion to its bytes: long enough on every line. Callers hand in only what measures
// the line: no answer to a request that was repeated (section 3, Karn), none that a device worked on for seconds.

const LIMIT_MS_MIN = 30; // timers, and programs that do something else meanwhile; RFC 6298 has 1 s, for repeats that cost more
const SMOOTHING = 1 / 8; // section 2.3: alpha
const VARYING = 1 / 4; // beta
const VARIATIONS = 4; // K

export interface RoundTrip {
  took(bytes: number, ms: number): void;
  /** After how long in milliseconds, at most `msMax`, the answer is overdue; undefined before anything was measured. */
  limitMs(bytes: number, msMax: number): number | undefined;
}

interface Measured {
  smoothed: number;
  variation: number;
}

export function makeRoundTrip(): RoundTrip {
  const sizes = new Map<number, Measured>(); // by powers of two
  const sizeOf = (bytes: number): number => 31 - Math.clz32(Math.max(1, bytes));

  return {
    took(bytes, ms) {
      const known = sizes.get(sizeOf(bytes));
      if (!known) {
        sizes.set(sizeOf(bytes), { smoothed: ms, variation: ms / 2 }); // section 2.2
        return;
      }
      known.variation += VARYING * (Math.abs(known.smoothed - ms) - known.variation);
      known.smoothed += SMOOTHING * (ms - known.smoothed);
    },
    limitMs(bytes, msMax) {
      const size = sizeOf(bytes);
      const nearest = [...sizes.keys()].sort((a, b) => Math.abs(a - size) - Math.abs(b - size) || b - a)[0];
      if (nearest === undefined) return undefined;
      const { smoothed, variation } = sizes.get(nearest)!;
      const share = nearest < size ? 2 ** (size - nearest) : 1;
      return Math.max(LIMIT_MS_MIN, Math.min(msMax, share * (smoothed + VARIATIONS * variation)));
    },
  };
}

// One direction of a serial line, as a model without a clock of its own: bytes go in at a time and come out later, as 8N1 at this
// speed brings them, a latency behind, and now and then damaged. Times are milliseconds; whoever calls says what time it is.

const BITS_PER_BYTE = 10; // 8N1: a start bit, eight of data, a stop bit

/** A number from 0 to 1 for each call, the same ones for the same seed (mulberry32). */
export function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const DAMAGES = {
  none: (byte) => byte,
  flipped: (byte, random) => byte ^ (1 << Math.floor(random() * 8)),
  lost: () => undefined,
};

/** `damage` befalls one byte of `every`, by chance. */
export function makeLine({ baud, latencyMs = 0, damage = 'none', every = 10_000, seed = 1 }) {
  const byteMs = (1000 * BITS_PER_BYTE) / baud;
  const random = seeded(seed);
  const harm = DAMAGES[damage];
  const pieces = []; // { bytes, from: when its first bit leaves, taken }
  let freeAt = 0; // when the last bit of all has left

  const arrival = ({ from, taken }) => from + (taken + 1) * byteMs + latencyMs;

  return {
    push(now, bytes) {
      const from = Math.max(now, freeAt);
      freeAt = from + bytes.length * byteMs;
      if (bytes.length > 0) pieces.push({ bytes, from, taken: 0 });
    },
    /** What has arrived by now, and was not taken before. */
    take(now) {
      const out = [];
      while (pieces.length > 0 && arrival(pieces[0]) <= now) {
        const piece = pieces[0];
        const byte = piece.bytes[piece.taken++];
        const came = damage !== 'none' && random() < 1 / every ? harm(byte, random) : byte;
        if (came !== undefined) out.push(came);
        if (piece.taken === piece.bytes.length) pieces.shift();
      }
      return Uint8Array.from(out);
    },
    /** When the next byte arrives; undefined: none is on its way. */
    next: () => (pieces.length > 0 ? arrival(pieces[0]) : undefined),
    /** Bytes that wait for the line. */
    waiting: (now) => Math.max(0, Math.round((freeAt - now) / byteMs)),
  };
}

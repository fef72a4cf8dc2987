// Intel HEX: lines with addresses and checksums, read by nrf-intel-hex (which refuses bad checksums and overlaps).
//
// Universal hex files (several boards in one, as the BBC micro:bit has them) are refused: which board is meant is not in
// the question.

import { CountersignError } from '../../errors.js';
import type { Segment } from './segments.js';

const FIRST_RECORD = /^\s*:[0-9a-f]{10,}\s*\r?\n/i;
/** Record types of universal hex start here; Intel's own end at 05. */
const UNIVERSAL_RECORD = /^:[0-9a-f]{6}0[a-e]/im;

export function isHex(bytes: Uint8Array): boolean {
  return FIRST_RECORD.test(Buffer.from(bytes.subarray(0, 600)).toString('latin1'));
}

export async function readHex(bytes: Uint8Array, name: string): Promise<Segment[]> {
  const text = Buffer.from(bytes).toString('latin1').trim();
  if (UNIVERSAL_RECORD.test(text)) {
    throw new CountersignError('FileUnsupported', `image: ${name} is a universal hex file for several boards`, {
      hint: 'give the hex file of one board',
    });
  }
  // CommonJS: what arrives is the class itself, though its types speak of a default export inside.
  const library = (await import('nrf-intel-hex')).default;
  const MemoryMap = library as unknown as typeof library.default;
  try {
    return [...MemoryMap.fromHex(text)].map(([address, data]) => ({ address, bytes: data }));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CountersignError('FileMalformed', `image: ${name}: ${why.charAt(0).toLowerCase()}${why.slice(1)}`, {
      cause,
    });
  }
}

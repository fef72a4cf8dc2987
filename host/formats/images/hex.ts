// Intel HEX: lines with addresses and checksums, read by nrf-intel-hex (which refuses bad checksums and overlaps).
//
// Known by its lines, whatever the file is called. As in objcopy and SRecord, what is no record is passed over where it can
// be nothing else: a byte order mark, blank lines, line ends of any kind, comments (; # //), Ctrl-Z behind the last record.
// Universal hex files (several boards in one, as the BBC micro:bit has them) are refused: which board is meant is not in
// the question. Records 0D and 0E, in which MakeCode keeps its source, are no firmware and left out.

import { CountersignError } from '../../errors.js';
import { textOf } from '../key-forms.js';
import type { Segment } from './segments.js';

const RECORD = /^\s*:[0-9a-f]{10,}\s*$/i;
/** Block start: only universal hex has it. */
const UNIVERSAL_RECORD = /^:[0-9a-f]{6}0a/im;
const OTHER_DATA = /^:[0-9a-f]{6}0[de]/i;
const CTRL_Z = '\u001a';
const COMMENT = /^(;|#|\/\/)/;
/** How much of a file decides what it is. */
const LOOK_BYTES = 4096;

/** Whether the first lines of a text that are neither blank nor comments are such records. */
export function textOfRecords(bytes: Uint8Array, record: RegExp): boolean {
  const text = textOf(bytes.subarray(0, LOOK_BYTES));
  if (text === undefined) return false;
  const lines = linesOf(text);
  if (bytes.length > LOOK_BYTES) lines.pop(); // cut off
  const records = lines.filter((line) => record.test(line)).length;
  return records > 0 && records >= lines.length / 2;
}

/** The lines of a text that hold something. */
export function linesOf(text: string): string[] {
  const lines = text.replace(/^\ufeff/, '').split(/[\r\n]+/);
  const held = lines.map((line) => line.replaceAll(CTRL_Z, '').trim());
  return held.filter((line) => line !== '' && !COMMENT.test(line));
}

export const isHex = (bytes: Uint8Array): boolean => textOfRecords(bytes, RECORD);

export async function readHex(bytes: Uint8Array, name: string): Promise<Segment[]> {
  const lines = linesOf(textOf(bytes) ?? '');
  if (UNIVERSAL_RECORD.test(lines.join('\n'))) {
    throw new CountersignError('FileUnsupported', `image: ${name} is a universal hex file for several boards`, {
      hint: 'give the hex file of one board',
    });
  }
  const text = lines.filter((line) => !OTHER_DATA.test(line)).join('\n');
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

// What is no firmware, and what probably is none, told by its content: nobody signs a private key because of a typo.
//
//   refused, always    keys and certificates in any form (../key-forms.ts), archives, documents, our own documents
//   warned of          text; flash that was never written; what does not begin as a Cortex-M starts (Armv6-M B1.5.3: stack
//                      pointer, then the address of the reset handler with its lowest bit set)
//
// --raw takes a file as it is and silences the warnings, for processors that start otherwise; it does not lift a refusal.

import { CountersignError } from '../../errors.js';
import { type Bytes, piecesOf, readFrom, sizeOf } from '../byte-source.js';
import { fromHex, latin1, same, utf8 } from '../bytes.js';
import { keyFormOf, lookAt, textOf } from '../key-forms.js';

interface Kind {
  name: string;
  head: Uint8Array;
  at?: number;
  hint: string;
}

const UNPACK = 'unpack it, and give the firmware image that is inside';
const kind = (name: string, head: string | Uint8Array, hint: string, at = 0): Kind => ({
  name,
  head: typeof head === 'string' ? fromHex(head) : head,
  at,
  hint,
});

const KINDS: readonly Kind[] = [
  kind('a ZIP archive', '504b0304', UNPACK),
  kind('a gzip file', '1f8b08', UNPACK),
  kind('an xz file', 'fd377a585a00', UNPACK),
  kind('a bzip2 file', utf8('BZh'), UNPACK),
  kind('a Zstandard file', '28b52ffd', UNPACK),
  kind('a 7-Zip archive', '377abcaf271c', UNPACK),
  kind('a tar archive', utf8('ustar'), UNPACK, 257),
  kind('an archive of objects (.a, .deb)', utf8('!<arch>\n'), 'link it, and give the result'),
  kind('a cpio archive (.swu)', utf8('07070'), UNPACK),
  kind('a squashfs image (.raucb)', utf8('hsqs'), UNPACK),
  kind('a DfuSe file', utf8('DfuSe'), 'give the .bin or .hex that it was made of'),
  kind('a PDF document', utf8('%PDF-'), 'give the firmware image'),
  kind('a PNG picture', '89504e470d0a1a0a', 'give the firmware image'),
  kind('a JPEG picture', 'ffd8ff', 'give the firmware image'),
  kind('a SUIT package already', 'd86b', 'give the firmware image, or `inspect` the package'),
  kind('a COSE_Sign1, such as an approval', 'd284', 'give the firmware image, or `inspect` this file'),
];

/** The suffix of USB DFU (DFU 1.1 appendix B): "UFD" backwards, its length, CRC. */
const DFU_SUFFIX = { fromEnd: 8, mark: utf8('UFD') };
const BZIP2_LEVEL = /^BZh[1-9]1AY&SY/;

/** Throws if it is known not to be firmware. */
export async function refuseKnown(file: Bytes, name: string): Promise<void> {
  const bytes = await lookAt(file);
  const end = await readFrom(file, Math.max(0, sizeOf(file) - DFU_SUFFIX.fromEnd), DFU_SUFFIX.fromEnd);
  const key = await keyFormOf(bytes);
  if (key?.secret) {
    throw new CountersignError('PrivateKeyGiven', `image: ${name} is ${key.name}: it is not packed up and signed`);
  }
  const known = key === undefined ? KINDS.find((one) => is(one, bytes)) : { name: key.name, hint: 'keys go with -k' };
  const dfu = same(end.subarray(0, DFU_SUFFIX.mark.length), DFU_SUFFIX.mark) && {
    name: 'a DFU file with its suffix',
    hint: 'dfu-suffix --delete FILE',
  };
  const text = /^\s*<(!doctype html|html|\?xml)/i.test(latin1(bytes.subarray(0, 256)));
  const page = text && { name: 'a web page or XML', hint: 'was this downloaded? look into it' };
  const found = known || dfu || page;
  if (!found) return;
  throw new CountersignError('FileUnsupported', `image: ${name} is ${found.name}, no firmware image`, {
    hint: found.hint,
  });
}

function is({ head, at = 0 }: Kind, bytes: Uint8Array): boolean {
  if (head.length === 3 && head[0] === 0x42) return BZIP2_LEVEL.test(latin1(bytes.subarray(0, 10)));
  return bytes.length >= at + head.length && same(bytes.subarray(at, at + head.length), head);
}

const ERASED = [0x00, 0xff];
/** Where the vector table of a Cortex-M may point: its stack into RAM, its handlers into code, with the Thumb bit. */
const STACK = { low: 0x1000_0000, high: 0x4000_0000, align: 4 };
const CODE_END = 0xa000_0000;
const TABLE_BYTES = 16;
/** Where it stands in images of the RP2040, behind the second stage of its boot loader. */
const BEHIND_BOOT2 = 0x100;

/**
 * What makes an image doubtful, as sentences for its maker. `start`: where a vector table would stand in it; `address`:
 * where the image stands in memory, if it says so.
 */
export async function doubts(image: Bytes, start: number, address: number | undefined): Promise<string[]> {
  const filled = await filledWith(image);
  if (filled !== undefined) return [`it holds nothing but 0x${filled.toString(16).padStart(2, '0')}`];
  if (textOf(await lookAt(image)) !== undefined) return ['it holds nothing but text: is it the image, or its source?'];
  const odd = await oddVectors(image, start, address);
  if ((await oddVectors(image, start + BEHIND_BOOT2, address)) === undefined) return [];
  return odd === undefined ? [] : [`it does not begin as a Cortex-M starts: ${odd}`];
}

async function filledWith(image: Bytes): Promise<number | undefined> {
  const [value] = await readFrom(image, 0, 1);
  if (value === undefined || !ERASED.includes(value)) return undefined;
  for await (const piece of piecesOf(image)) if (!piece.every((byte) => byte === value)) return undefined;
  return value;
}

async function oddVectors(image: Bytes, start: number, address: number | undefined): Promise<string | undefined> {
  const bytes = Math.max(0, sizeOf(image) - start);
  if (bytes < TABLE_BYTES) return `${bytes} bytes are no vector table`;
  const table = await readFrom(image, start, TABLE_BYTES);
  const view = new DataView(table.buffer, table.byteOffset, table.length);
  const [stack, reset] = [view.getUint32(0, true), view.getUint32(4, true)];
  const shown = (word: number) => `0x${word.toString(16).padStart(8, '0')}`;
  if (stack < STACK.low || stack > STACK.high || stack % STACK.align !== 0) return `stack pointer ${shown(stack)}`;
  const target = reset - 1;
  const inside = address === undefined || (target >= address && target < address + BEHIND_BOOT2 + bytes);
  return reset % 2 === 1 && reset < CODE_END && inside ? undefined : `reset handler ${shown(reset)}`;
}

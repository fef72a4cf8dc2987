// The decoder of the encodings, as the agent has it, by itself: assembly/codec/lz.ts, compiled alone. Around its output stand bytes
// that are nobody's; whoever changes them is found.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compiler } from './asc.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const ENTRY = 'assembly/lz-alone.ts';
const TEXT = `
export { LZ_PIECE, lzAsked, lzBegin, lzNext, lzPlace, lzTo } from './codec/lz';
export const INPUT: usize = memory.data(4096, 8);
`;
const WHOLE = 0;
const READ = 1;
const SPOILED = 0xa5;

interface Exports {
  memory: WebAssembly.Memory;
  INPUT: { value: number };
  LZ_PIECE: { value: number };
  lzBegin(from: number, length: number, image: number, bytes: number, limit: number, delta: number): void;
  lzNext(): number;
  lzPlace(): number;
  lzAsked(): number;
  lzTo(): number;
}

/** A piece as it is coded, where it stands in its image, and what it refers to. */
export interface Coded {
  coded: Uint8Array;
  from: number;
  bytes: number;
  source: Uint8Array;
  delta: boolean;
}

export interface LzDecoder {
  /** The piece, or undefined where it is refused. Throws if anything but the decoder's own memory was touched. */
  decode(coded: Coded): Uint8Array | undefined;
}

export async function lzDecoder(): Promise<LzDecoder> {
  let wasm: Uint8Array | undefined;
  const asc = await compiler();
  const { error, stderr } = await asc.main(
    [
      ENTRY,
      '--target',
      'agent',
      '--use',
      'PROFILE_DELTA=1',
      '--outFile',
      'lz.wasm',
      '--textFile',
      '',
      '--baseDir',
      ROOT,
    ],
    {
      readFile(name) {
        if (name === ENTRY) return TEXT;
        try {
          return readFileSync(join(ROOT, name), 'utf8');
        } catch (cause) {
          if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
          throw cause;
        }
      },
      writeFile(name, contents) {
        if (name === 'lz.wasm') wasm = contents as Uint8Array;
      },
      listFiles: () => [],
    },
  );
  if (error || !wasm) throw new Error(`lz: the decoder does not compile: ${error?.message} ${stderr}`);
  return around(new WebAssembly.Instance(new WebAssembly.Module(wasm)).exports as unknown as Exports);
}

function around(exports: Exports): LzDecoder {
  const memory = new Uint8Array(exports.memory.buffer);
  const piece = exports.LZ_PIECE.value;
  const input = exports.INPUT.value;
  const outside = (end: number) => [memory.subarray(end, end + 256), memory.subarray(input, input + 4096)];
  return {
    decode({ coded, from, bytes, source, delta }) {
      for (const part of outside(piece + bytes)) part.fill(SPOILED);
      memory.set(coded, input);
      const before = outside(piece + bytes).map((part) => part.slice());
      exports.lzBegin(input, coded.length, from, bytes, source.length, Number(delta));
      let calls = 0;
      let result = exports.lzNext();
      for (; result === READ; result = exports.lzNext()) {
        const [place, asked, to] = [exports.lzPlace(), exports.lzAsked(), exports.lzTo()];
        calls += 1;
        if (calls > bytes || asked < 1) throw new Error('lz: it does not get further');
        if (place < 0 || place + asked > source.length) throw new Error('lz: it reads outside of the source');
        if (to < piece || to + asked > piece + bytes) throw new Error('lz: it writes outside of the piece');
        memory.set(source.subarray(place, place + asked), to);
      }
      outside(piece + bytes).forEach((part, i) => {
        if (Buffer.compare(part, before[i]!) !== 0) throw new Error('lz: it wrote outside of the piece');
      });
      return result === WHOLE ? memory.slice(piece, piece + bytes) : undefined;
    },
  };
}

/** Something like code: halfwords of a few kinds, and what was there before. */
export function likeCode(bytes: number): Uint8Array {
  const image = new Uint8Array(bytes);
  let state = 7;
  const roll = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  for (let at = 0; at < bytes; at += 2) {
    const back = at > 4000 && roll(12) === 0 ? 2 * roll(2000) + 2 : 0;
    if (back) image.set(image.slice(at - back, at - back + Math.min(24, bytes - at)), at);
    else image.set([roll(32) * 8, [0x46, 0x68, 0x60, 0xf0, 0xd1, 0x20][roll(6)]!].slice(0, bytes - at), at);
    if (back) at += 22;
  }
  return image;
}

// The board's flash: a file of exactly its size (or, in a swarm, memory alone), written through at each operation, as strict as silicon is.
//
// What silicon cannot do is refused, loudly: unaligned words, a bit from 0 to 1 without an erase, a word written twice
// (cells lose their guarantee), half pages. Results as in the HAL: 0 done, -1 failed. Operations survive the end of
// this process at any moment; they are not synced to the disk one by one, so the machine's own power cut may lose the
// last ones. A new file reads 0xff, as chips leave the factory. One process at a time: a second one would be a second
// chip in one flash.

import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { CountersignError, systemCode } from '../../host/errors.js';
import { lockFlash } from '../port/flash-lock.js';

const ERASED_WORD = 0xffffffff;
const WORD_BYTES = 4;
const VIEWED_BYTES_MIN = 64;

export interface Flash {
  /** Into `length` bytes of `to`, from `at` on; all of it, if nothing is said. */
  read(offset: number, to: Uint8Array, at?: number, length?: number): number;
  /** `length` bytes of `from`, from `at` on; all of it, if nothing is said. */
  write(offset: number, from: Uint8Array, at?: number, length?: number): number;
  erase(offset: number, length: number): number;
  /** Flash in memory with the same in its cells: what is done there, this one never sees. */
  copy(): Flash;
  readonly counts: { readonly written: number; readonly erased: number }; // bytes since it was opened
  close(): void;
}

export interface FlashSize {
  bytes: number;
  pageBytes: number;
}

// `refused` hears of each operation that silicon would not do: the agent has a fault then.
export function openFlash(path: string, size: FlashSize, refused: (why: string) => void): Flash {
  const unlock = lockFlash(path);
  let file: number;
  try {
    file = openFile(path, size.bytes);
  } catch (error) {
    unlock();
    throw error;
  }
  const cells = new Uint8Array(size.bytes);
  readSync(file, cells, 0, size.bytes, 0);
  return flashOf(cells, size, refused, {
    stored: (offset, length) => void writeSync(file, cells, offset, length, offset),
    close() {
      closeSync(file);
      unlock();
    },
  });
}

/** Flash that is gone with this process, as new. */
export function makeFlash(size: FlashSize, refused: (why: string) => void): Flash {
  return flashOf(new Uint8Array(size.bytes).fill(0xff), size, refused, NOTHING_BEHIND);
}

interface Behind {
  /** These cells have changed. */
  stored(offset: number, length: number): void;
  close(): void;
}

const NOTHING_BEHIND: Behind = { stored: () => undefined, close: () => undefined };

function flashOf(
  cells: Uint8Array<ArrayBuffer>,
  size: FlashSize,
  refused: (why: string) => void,
  behind: Behind,
): Flash {
  const words = new Uint32Array(cells.buffer, 0, Math.floor(size.bytes / WORD_BYTES)); // their order of bytes does not matter here
  const counts = { written: 0, erased: 0 };
  const refuse = (why: string): number => {
    refused(`flash: ${why}`);
    return -1;
  };
  const store = (offset: number, length: number): number => {
    behind.stored(offset, length);
    return 0;
  };

  return {
    read(offset, to, at = 0, length = to.length) {
      if (offset + length > size.bytes) return refuse(`read of ${length} bytes at ${offset}, beyond the end`);
      // Most reads and writes are of a few bytes, of which there are many: a view for each would take longer than the copy.
      if (length > VIEWED_BYTES_MIN) to.set(cells.subarray(offset, offset + length), at);
      else for (let i = 0; i < length; i++) to[at + i] = cells[offset + i]!;
      return 0;
    },
    write(offset, from, at = 0, length = from.length) {
      const what = () => `write of ${length} bytes at ${offset}`;
      if (offset % WORD_BYTES || length % WORD_BYTES) return refuse(`${what()}: not whole words`);
      if (offset + length > size.bytes) return refuse(`${what()}: beyond the end`);
      for (let word = offset / WORD_BYTES; word < (offset + length) / WORD_BYTES; word++) {
        if (words[word] !== ERASED_WORD) return refuse(`${what()}: the word at ${word * WORD_BYTES} is not erased`);
      }
      if (length > VIEWED_BYTES_MIN) cells.set(from.subarray(at, at + length), offset);
      else for (let i = 0; i < length; i++) cells[offset + i] = from[at + i]!;
      counts.written += length;
      return store(offset, length);
    },
    erase(offset, length) {
      const what = `erase of ${length} bytes at ${offset}`;
      if (offset % size.pageBytes || length % size.pageBytes) return refuse(`${what}: not whole pages`);
      if (offset + length > size.bytes) return refuse(`${what}: beyond the end`);
      cells.fill(0xff, offset, offset + length);
      counts.erased += length;
      return store(offset, length);
    },
    copy: () => flashOf(cells.slice(), size, () => undefined, NOTHING_BEHIND),
    counts,
    close: behind.close,
  };
}

function openFile(path: string, bytes: number): number {
  let file: number;
  try {
    file = openSync(path, 'r+');
  } catch (cause) {
    if (systemCode(cause) !== 'ENOENT')
      throw new CountersignError('FileUnreadable', `flash: cannot open ${path}`, { cause });
    return createFile(path, bytes);
  }
  const { size } = fstatSync(file);
  if (size === bytes) return file;
  closeSync(file);
  throw new CountersignError('FileMalformed', `flash: ${path} has ${size} bytes, a flash of this board has ${bytes}`, {
    hint: 'give the file of another name: this one is not this board’s flash',
  });
}

function createFile(path: string, bytes: number): number {
  try {
    const file = openSync(path, 'wx+');
    writeSync(file, new Uint8Array(bytes).fill(0xff), 0, bytes, 0);
    return file;
  } catch (cause) {
    throw new CountersignError('FileUnwritable', `flash: cannot make ${path}`, { cause });
  }
}

// A file beside it that names the process; what a killed process left is taken over.

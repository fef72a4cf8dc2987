// Bytes by offset, wherever they stand: in memory, or in a file that is larger than memory should hold.
//
// A Uint8Array is such bytes, and so is an opened file (../open-file.ts) or whatever else has a size and can be read from.
// Functions of formats take both. What is taken out of a Uint8Array is a view of it; of anything else, at most a piece is in
// memory at a time. Nothing here closes a file: whoever opened it does.

import { sha256, sha384, sha512 } from '@noble/hashes/sha2.js';

/** Largest file taken, a package or any other: several times the flash of the largest microcontroller. */
export const FILE_BYTES_MAX = 64 * 1024 * 1024;

const HASHES = { 'SHA-256': sha256, 'SHA-384': sha384, 'SHA-512': sha512 } as const;

/** As WebCrypto names them. */
export type HashName = keyof typeof HASHES;

export interface ByteSource {
  /** Bytes in all. */
  readonly size: number;
  /** Fills `into` with the bytes from `offset` on, or throws: nothing less than that is there. */
  read(offset: number, into: Uint8Array): Promise<void>;
  /** Hashes `length` bytes from `offset` on, where the machine has something faster than this library's own. */
  hash?(name: HashName, offset: number, length: number): Promise<Uint8Array>;
}

export type Bytes = Uint8Array | ByteSource;

const PIECE_BYTES = 65_536;

export const sizeOf = (bytes: Bytes): number => (bytes instanceof Uint8Array ? bytes.length : bytes.size);

/** What stands from `offset` on, at most `length` bytes; nothing is read yet. */
export function partOf(bytes: Bytes, offset: number, length = Number.POSITIVE_INFINITY): Bytes {
  if (bytes instanceof Uint8Array) return viewOf(bytes, offset, length);
  const size = Math.min(length, Math.max(0, bytes.size - offset));
  return {
    size,
    read: (at, into) => bytes.read(offset + at, within(at, size, into)),
    ...(bytes.hash && { hash: (name, at, count) => bytes.hash!(name, offset + at, Math.min(count, size - at)) }),
  };
}

// Of a Buffer no Buffer: those write themselves into JSON in their own way.
/** The same of bytes in memory. */
export function viewOf(bytes: Uint8Array, offset: number, length: number): Uint8Array {
  const start = Math.min(offset, bytes.length);
  return new Uint8Array(bytes.buffer, bytes.byteOffset + start, Math.min(length, bytes.length - start));
}

function within(offset: number, size: number, into: Uint8Array): Uint8Array {
  if (offset + into.length <= size) return into;
  throw new RangeError(`bytes ${offset}..${offset + into.length} of ${size}`);
}

/** The bytes from `offset` on, at most `length`. For what is small. */
export async function readFrom(bytes: Bytes, offset: number, length: number): Promise<Uint8Array> {
  if (bytes instanceof Uint8Array) return viewOf(bytes, offset, length);
  const found = new Uint8Array(Math.min(length, Math.max(0, bytes.size - offset)));
  if (found.length > 0) await bytes.read(offset, found);
  return found;
}

/** All of it in memory, for formats that are read no other way. */
export const wholeOf = (bytes: Bytes): Promise<Uint8Array> => readFrom(bytes, 0, sizeOf(bytes));

/** All of them in order. A piece is good until the next one is asked for. */
export async function* piecesOf(...parts: readonly Bytes[]): AsyncGenerator<Uint8Array, void> {
  for (const bytes of parts) {
    if (bytes instanceof Uint8Array) {
      yield bytes;
      continue;
    }
    const piece = new Uint8Array(Math.min(PIECE_BYTES, bytes.size));
    for (let at = 0; at < bytes.size; at += piece.length) {
      const part = piece.subarray(0, bytes.size - at);
      await bytes.read(at, part);
      yield part;
    }
  }
}

/** SHA-256, 32 bytes, read piece by piece. */
export async function sha256Of(bytes: Bytes): Promise<Uint8Array> {
  return hashOf(bytes, 'SHA-256');
}

export async function hashOf(bytes: Bytes, name: HashName): Promise<Uint8Array> {
  if (!(bytes instanceof Uint8Array) && bytes.hash) return bytes.hash(name, 0, bytes.size);
  const fast = bytes instanceof Uint8Array ? globalThis.crypto?.subtle : undefined; // pages that came by plain http have none
  if (fast) return new Uint8Array(await fast.digest(name, bytes as Uint8Array<ArrayBuffer>));
  const hash = HASHES[name].create();
  for await (const piece of piecesOf(bytes)) hash.update(piece);
  return hash.digest();
}

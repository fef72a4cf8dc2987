// A file that is opened once and read by offset: whatever its size, a block of it is in memory.
//
// It stays what it was. Each block is remembered by its hash when it is first read, and compared whenever it is read again:
// what was hashed, judged or signed is what is written or sent afterwards. Until a block was read, the file must have the
// size and the time of its last change that it had when it was opened. Anything else is FileChanged, never other bytes.
//
// What cannot be read twice (a pipe, `-`) is kept: in memory if it is small, so that no key that is piped in comes to lie
// on a disk, else in a file that has no name any more.

import { constants, createReadStream, openSync } from 'node:fs';
import { type FileHandle, lstat, mkdtemp, open, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CountersignError, systemCode } from './errors.js';
import { noteRead } from './file-work.js';
import { type ByteSource, FILE_BYTES_MAX, type HashName, partOf, piecesOf } from './formats/byte-source.js';
import { same } from './formats/bytes.js';

/** The name of standard input, and of standard output. */
export const STDIO = '-';

/** Loaded with the first byte that is read: it takes a tenth of the time that Node needs to start. */
const nodeCrypto = () => import('node:crypto');

const BLOCK_BYTES = 65_536;
const KEPT_IN_MEMORY_BYTES = 1024 * 1024;

export interface OpenFile extends ByteSource {
  readonly path: string;
  close(): Promise<void>;
}

/** `looking`: at a file that is about to be replaced; it is no input of the work (file-work.ts). */
export interface Opening {
  looking?: boolean;
}

/** Opens a regular file or a pipe, of at most `bytesMax` bytes. An empty file is an error: no format of ours is. */
export async function openFile(path: string, bytesMax = FILE_BYTES_MAX, { looking }: Opening = {}): Promise<OpenFile> {
  if (!looking) await noteRead(path);
  try {
    const found = path === STDIO ? undefined : await stat(path);
    if (found?.isDirectory()) throw new CountersignError('FileUnreadable', `file: ${path} is a folder`);
    if (found?.isFile()) {
      requireSize(path, found.size, bytesMax);
      return await blocksOf(path, await open(path));
    }
    const kept = await keep(
      path,
      path === STDIO ? process.stdin : found?.isFIFO() ? await fifo(path) : createReadStream(path),
      bytesMax,
    );
    return kept instanceof Uint8Array ? inMemory(path, kept) : await blocksOf(path, kept);
  } catch (cause) {
    // A file that is there now came into being meanwhile.
    const there = systemCode(cause) === 'ENOENT' ? await lstat(path).catch(() => undefined) : undefined;
    if (there?.isSymbolicLink()) {
      throw new CountersignError('FileUnreadable', `file: ${path} is a link to a file that does not exist`, { cause });
    }
    throw unreadable(path, cause);
  }
}

/** Opens it, and closes it when `use` has ended, however that is. */
export const withFile = <T>(
  path: string,
  use: (file: OpenFile) => Promise<T>,
  bytesMax = FILE_BYTES_MAX,
  opening: Opening = {},
): Promise<T> => withFiles([path], ([file]) => use(file!), bytesMax, opening);

/** The same with several, in their order. */
export async function withFiles<T>(
  paths: readonly string[],
  use: (files: OpenFile[]) => Promise<T>,
  bytesMax = FILE_BYTES_MAX,
  opening: Opening = {},
): Promise<T> {
  const files: OpenFile[] = [];
  try {
    for (const path of paths) files.push(await openFile(path, bytesMax, opening));
    return await use(files);
  } finally {
    for (const file of files) await file.close();
  }
}

function requireSize(path: string, bytes: number, bytesMax: number): void {
  if (bytes === 0) throw new CountersignError('FileMalformed', `file: ${path} is empty`);
  if (bytes <= bytesMax) return;
  throw new CountersignError('FileTooLarge', `file: ${path} has ${bytes} bytes, and at most ${bytesMax} are read`);
}

function unreadable(path: string, cause: unknown): CountersignError {
  if (cause instanceof CountersignError) return cause;
  const absent = ['ENOENT', 'ENOTDIR'].includes(systemCode(cause) ?? '');
  if (absent) return new CountersignError('FileNotFound', `file: no such file ${path}`, { cause });
  return new CountersignError('FileUnreadable', `file: cannot read ${path} (${systemCode(cause)})`, { cause });
}

/** Takes the handle over: it is closed by the file, or here if there is an error. */
async function blocksOf(path: string, handle: FileHandle): Promise<OpenFile> {
  const opened = await handle.stat({ bigint: true }).catch(async (cause: unknown) => {
    await handle.close();
    throw cause;
  });
  const size = Number(opened.size);
  const count = Math.ceil(size / BLOCK_BYTES);
  const hashes: (Uint8Array | undefined)[] = new Array(count).fill(undefined);
  const buffer = new Uint8Array(Math.min(BLOCK_BYTES, size));
  let held = -1; // the block that is in the buffer
  let turn: Promise<unknown> = Promise.resolve(); // there is one buffer: readers wait for each other
  const changed = (why: string) => new CountersignError('FileChanged', `file: ${path} ${why} while it was being read`);

  async function load(index: number): Promise<void> {
    if (held === index) return;
    held = -1;
    const start = index * BLOCK_BYTES;
    const block = buffer.subarray(0, size - start);
    for (let at = 0; at < block.length; ) {
      const { bytesRead } = await handle.read(block, at, block.length - at, start + at);
      if (bytesRead === 0) throw changed('became shorter');
      at += bytesRead;
    }
    const { createHash } = await nodeCrypto();
    const hash = Uint8Array.from(createHash('sha256').update(block).digest());
    const first = hashes[index];
    if (first === undefined) {
      const now = await handle.stat({ bigint: true });
      if (now.size !== opened.size || now.mtimeNs !== opened.mtimeNs) throw changed('was written to');
      hashes[index] = hash;
    } else if (!same(hash, first)) throw changed('became another');
    held = index;
  }

  async function fill(offset: number, into: Uint8Array): Promise<void> {
    if (offset + into.length > size) throw new RangeError(`${path}: ${offset}..${offset + into.length} of ${size}`);
    for (let at = 0; at < into.length; ) {
      const index = Math.floor((offset + at) / BLOCK_BYTES);
      await load(index);
      const from = offset + at - index * BLOCK_BYTES;
      const part = buffer.subarray(from, Math.min(from + into.length - at, BLOCK_BYTES));
      into.set(part, at);
      at += part.length;
    }
  }

  const source: ByteSource = {
    size,
    read(offset, into) {
      const mine = turn.then(() => fill(offset, into)).catch((cause) => Promise.reject(unreadable(path, cause)));
      turn = mine.catch(() => undefined);
      return mine;
    },
  };
  return {
    ...source,
    path,
    hash: hashing(source),
    async close() {
      await turn;
      await handle.close();
    },
  };
}

function inMemory(path: string, bytes: Uint8Array): OpenFile {
  const source: ByteSource = {
    size: bytes.length,
    read: async (offset, into) => into.set(bytes.subarray(offset, offset + into.length)),
  };
  return { ...source, path, hash: hashing(source), close: async () => undefined };
}

/** By the machine's own code, ten times as fast as any in JavaScript. */
function hashing(source: ByteSource): NonNullable<ByteSource['hash']> {
  return async (name: HashName, offset, length) => {
    const { createHash } = await nodeCrypto();
    const hash = createHash(name.replace('-', ''));
    for await (const piece of piecesOf(partOf(source, offset, length))) hash.update(piece);
    return Uint8Array.from(hash.digest());
  };
}

/** A named pipe. Opened the usual way it would hold a thread of the process, which could not even exit, until somebody writes. */
async function fifo(path: string): Promise<AsyncIterable<Buffer>> {
  const { Socket } = await import('node:net');
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return new Socket({ fd, readable: true, writable: false });
}

/** All that comes from a pipe, which does not say beforehand how much that is. */
async function keep(path: string, from: AsyncIterable<Buffer>, bytesMax: number): Promise<Uint8Array | FileHandle> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  let file: FileHandle | undefined;
  try {
    for await (const chunk of from) {
      bytes += chunk.length;
      requireSize(path, bytes, bytesMax);
      chunks.push(chunk);
      if (bytes <= KEPT_IN_MEMORY_BYTES) continue;
      file ??= await nameless();
      await file.writeFile(Buffer.concat(chunks.splice(0)));
    }
    requireSize(path, bytes, bytesMax);
    return file ?? Buffer.concat(chunks);
  } catch (cause) {
    await file?.close();
    throw cause;
  }
}

async function nameless(): Promise<FileHandle> {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-'));
  try {
    return await open(join(folder, 'piped'), 'wx+', 0o600);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

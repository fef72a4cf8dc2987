// Reading and writing files so that nothing surprises: bounded, whole or not at all, with errors that name the path.
//
// A file is written beside its final place and renamed, so a reader sees the old or the new one and a fault leaves no
// half. Devices and pipes (-o /dev/stdout) are written through, never replaced; `-` is stdin, and stdout. A file that
// holds a private key in any form (formats/key-forms.ts), or might, is not replaced unless the caller says so.

import { createReadStream } from 'node:fs';
import { access, constants, type FileHandle, open, readFile, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CountersignError, systemCode } from './errors.js';
import { keyForm } from './formats/key-forms.js';

/** Largest file taken: several times the flash of the largest microcontroller. */
export const FILE_BYTES_MAX = 64 * 1024 * 1024;

/** The name of standard input, and of standard output. */
export const STDIO = '-';

/** Reads a whole regular file (or pipe), at most FILE_BYTES_MAX. An empty file is an error: no format of ours is. */
export async function readBytes(path: string, bytesMax = FILE_BYTES_MAX): Promise<Uint8Array> {
  const tooLarge = (bytes: number) =>
    new CountersignError('FileTooLarge', `file: ${path} has ${bytes} bytes, and at most ${bytesMax} are read`);
  try {
    if (path !== STDIO) await requireReadable(path, bytesMax);
    // A pipe does not say how much comes.
    const whole = path !== STDIO && (await stat(path)).isFile();
    const bytes = whole ? await readFile(path) : await readStream(path, bytesMax);
    if (bytes.length > bytesMax) throw tooLarge(bytes.length);
    if (bytes.length === 0) throw new CountersignError('FileMalformed', `file: ${path} is empty`);
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

async function readStream(path: string, bytesMax: number): Promise<Buffer> {
  const stream = path === STDIO ? process.stdin : createReadStream(path);
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > bytesMax) break;
  }
  return Buffer.concat(chunks);
}

const PIECE_BYTES = 65536;

/** The same, piece by piece, for what is looked at once: a piece is good until the next one is asked for. */
export async function* readPieces(path: string, bytesMax = FILE_BYTES_MAX): AsyncGenerator<Uint8Array, void> {
  let total = 0;
  let file: FileHandle | undefined;
  try {
    await requireReadable(path, bytesMax);
    file = await open(path);
    const piece = new Uint8Array(PIECE_BYTES);
    for (;;) {
      const { bytesRead } = await file.read(piece);
      if (bytesRead === 0) break;
      total += bytesRead;
      if (total > bytesMax) throw new CountersignError('FileTooLarge', `file: ${path} has ${total} bytes and more`);
      yield piece.subarray(0, bytesRead);
    }
    if (total === 0) throw new CountersignError('FileMalformed', `file: ${path} is empty`);
  } catch (cause) {
    throw unreadable(path, cause);
  } finally {
    await file?.close();
  }
}

/** Throws what can be told before anything is read: a folder, a file that is too large or not there. */
export async function requireReadable(path: string, bytesMax = FILE_BYTES_MAX): Promise<void> {
  const found = await stat(path).catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
  if (found.isDirectory()) throw new CountersignError('FileUnreadable', `file: ${path} is a folder`);
  if (found.size > bytesMax) {
    throw new CountersignError(
      'FileTooLarge',
      `file: ${path} has ${found.size} bytes, and at most ${bytesMax} are read`,
    );
  }
}

function unreadable(path: string, cause: unknown): CountersignError {
  if (cause instanceof CountersignError) return cause;
  const absent = ['ENOENT', 'ENOTDIR'].includes(systemCode(cause) ?? '');
  if (absent) return new CountersignError('FileNotFound', `file: no such file ${path}`, { cause });
  return new CountersignError('FileUnreadable', `file: cannot read ${path} (${systemCode(cause)})`, { cause });
}

export async function readText(path: string, bytesMax = FILE_BYTES_MAX): Promise<string> {
  return new TextDecoder().decode(await readBytes(path, bytesMax));
}

export interface WriteOptions {
  /** Permission bits of a new file; default 0o644 as the umask allows. */
  mode?: number;
  /** Refuse if anything is there. */
  fresh?: boolean;
  /** Check all that can be checked, write nothing. */
  dryRun?: boolean;
  /** May replace a private key. */
  force?: boolean;
}

/** Writes a whole file or nothing. */
export async function writeBytes(
  path: string,
  content: Uint8Array | string,
  options: WriteOptions = {},
): Promise<void> {
  if (path === STDIO) return options.dryRun ? undefined : writeStdout(content);
  const there = await stat(path).catch(() => undefined);
  if (there?.isDirectory()) throw new CountersignError('FileUnwritable', `file: ${path} is a folder`);
  if (there?.isFile() && !options.force) await mayReplace(path, options.fresh === true);
  const folder = dirname(path);
  const parent = await stat(folder).catch(() => undefined);
  if (!parent?.isDirectory()) throw new CountersignError('FileUnwritable', `file: there is no folder ${folder}`);
  const through = there !== undefined && !there.isFile();
  try {
    await access(through ? path : folder, constants.W_OK); // also in a dry run, which others rely on before they begin
    if (options.dryRun) return;
    if (through) await writeThrough(path, content);
    else await writeBeside(path, content, options.mode ?? 0o644);
  } catch (cause) {
    throw new CountersignError('FileUnwritable', `file: cannot write ${path} (${systemCode(cause)})`, { cause });
  }
}

function writeStdout(content: Uint8Array | string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(content, (cause) => {
      if (!cause) return resolve();
      reject(new CountersignError('FileUnwritable', `file: cannot write to stdout (${systemCode(cause)})`, { cause }));
    });
  });
}

async function mayReplace(path: string, fresh: boolean): Promise<void> {
  if (fresh) throw new CountersignError('FileExists', `file: ${path} is there already`);
  const content = await readFile(path).catch((cause: unknown) => {
    throw new CountersignError('FileExists', `file: ${path} cannot be read, so it may hold a private key`, {
      hint: 'choose another name for the output',
      cause,
    });
  });
  const form = keyForm(content);
  if (!form?.secret) return;
  throw new CountersignError('FileExists', `file: ${path} holds a private key and is not replaced (${form.name})`, {
    hint: 'choose another name for the output',
  });
}

async function writeThrough(path: string, content: Uint8Array | string): Promise<void> {
  const file = await open(path, 'w');
  await file.writeFile(content).finally(() => file.close());
}

async function writeBeside(path: string, content: Uint8Array | string, mode: number): Promise<void> {
  const beside = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  let file: FileHandle | undefined;
  try {
    file = await open(beside, 'wx', mode);
    await file.writeFile(content);
    await file.sync();
    await file.close();
    await rename(beside, path);
  } catch (cause) {
    await file?.close().catch(() => {});
    if (file !== undefined) await unlink(beside).catch(() => {});
    throw cause;
  }
}

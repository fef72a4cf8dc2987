// Reading and writing files so that nothing surprises: bounded, whole or not at all, with errors that name the path.
//
// A file is written beside its final place and renamed, so a reader sees the old or the new one and a fault leaves no
// half. Devices and pipes (-o /dev/stdout) are written through, never replaced; `-` is stdin, and stdout. A file that
// holds a private key in any form (formats/key-forms.ts), or might, is not replaced unless the caller says so.

import { createWriteStream } from 'node:fs';
import { access, constants, type FileHandle, open, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CountersignError, systemCode } from './errors.js';
import { type Bytes, FILE_BYTES_MAX, piecesOf, wholeOf } from './formats/byte-source.js';
import { keyFormOf, lookAt } from './formats/key-forms.js';
import { STDIO, withFile } from './open-file.js';

/** Reads a whole regular file (or pipe), at most FILE_BYTES_MAX. What may be a package or an image is opened instead. */
export const readBytes = (path: string, bytesMax = FILE_BYTES_MAX): Promise<Uint8Array> =>
  withFile(path, wholeOf, bytesMax);

export async function readText(path: string, bytesMax = FILE_BYTES_MAX): Promise<string> {
  return new TextDecoder().decode(await readBytes(path, bytesMax));
}

/** What is written: bytes or text, or parts one after the other, each of which is read when its turn comes. */
export type Content = Uint8Array | string | readonly Bytes[];

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
export async function writeBytes(path: string, content: Content, options: WriteOptions = {}): Promise<void> {
  if (path === STDIO) return options.dryRun ? undefined : writeStdout(content);
  const there = await stat(path).catch(() => undefined);
  if (there?.isDirectory()) throw new CountersignError('FileUnwritable', `file: ${path} is a folder`);
  if (there?.isFile() && !options.force) await mayReplace(path, options.fresh === true, there.size);
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
    if (cause instanceof CountersignError) throw cause; // of what is read meanwhile
    throw new CountersignError('FileUnwritable', `file: cannot write ${path} (${systemCode(cause)})`, { cause });
  }
}

async function* pieces(content: Content): AsyncGenerator<Uint8Array, void> {
  if (typeof content === 'string') return yield new TextEncoder().encode(content);
  yield* piecesOf(...(content instanceof Uint8Array ? [content] : content));
}

/** From where the file is on: each writeFile() goes on behind the last. */
async function writePieces(file: FileHandle, content: Content): Promise<void> {
  for await (const piece of pieces(content)) await file.writeFile(piece);
}

async function writeStdout(content: Content): Promise<void> {
  for await (const piece of pieces(content)) {
    await new Promise<void>((resolve, reject) => {
      process.stdout.write(piece, (cause) => {
        if (!cause) return resolve();
        reject(
          new CountersignError('FileUnwritable', `file: cannot write to stdout (${systemCode(cause)})`, { cause }),
        );
      });
    });
  }
}

async function mayReplace(path: string, fresh: boolean, bytes: number): Promise<void> {
  if (fresh) throw new CountersignError('FileExists', `file: ${path} is there already`);
  if (bytes === 0) return;
  const content = await withFile(path, lookAt, Number.POSITIVE_INFINITY).catch((cause: unknown) => {
    throw new CountersignError('FileExists', `file: ${path} cannot be read, so it may hold a private key`, {
      hint: 'choose another name for the output',
      cause,
    });
  });
  const form = await keyFormOf(content);
  if (!form?.secret) return;
  throw new CountersignError('FileExists', `file: ${path} holds a private key and is not replaced (${form.name})`, {
    hint: 'choose another name for the output',
  });
}

async function writeThrough(path: string, content: Content): Promise<void> {
  const file = await open(path, 'w');
  await writePieces(file, content).finally(() => file.close());
}

async function writeBeside(path: string, content: Content, mode: number): Promise<void> {
  const beside = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  let file: FileHandle | undefined;
  try {
    file = await open(beside, 'wx', mode);
    await writePieces(file, content);
    await file.sync();
    await file.close();
    await rename(beside, path);
  } catch (cause) {
    await file?.close().catch(() => {});
    if (file !== undefined) await unlink(beside).catch(() => {});
    throw cause;
  }
}

/**
 * A text file that is written at its end, for as long as it is open. It is opened at once, so that a path that cannot be
 * written is an error before the work starts; `close` throws FileUnwritable if anything got lost.
 */
export function openAppending(path: string): { write(text: string): void; close(): Promise<void> } {
  const stream = createWriteStream(path, { flags: 'a' });
  let failed: Error | undefined;
  stream.on('error', (cause) => {
    failed = cause;
  });
  return {
    write: (text) => void stream.write(text),
    close: () =>
      new Promise((resolve, reject) => {
        const end = () => {
          if (!failed) return resolve();
          reject(new CountersignError('FileUnwritable', `file: cannot write ${path}`, { cause: failed }));
        };
        if (failed) end();
        else stream.end(end);
      }),
  };
}

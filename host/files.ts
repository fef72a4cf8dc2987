// Reading and writing files so that nothing surprises: bounded, whole or not at all, with errors that name the path.
//
// A file is written beside its final place and put there in one step, so a reader sees the old or the new one and a fault
// leaves no half. Devices and pipes (-o /dev/stdout) are written through, never replaced; `-` is stdin, and stdout. What is
// never replaced:
//
//   with `fresh`         anything, were it made by another process at the same moment, or a link that leads nowhere
//   without `force`      a file that holds a private key in any form (formats/key-forms.ts), or might; with it, only another
//                        private key takes its place
//   without `update`     a file that the same work reads, by whatever name, or has written already (file-work.ts)
//
// With `update` a link is followed: the file that it leads to is replaced, not the link, or what is remembered would be in two files.

import { createWriteStream } from 'node:fs';
import {
  access,
  constants,
  type FileHandle,
  link,
  lstat,
  open,
  realpath,
  rename,
  stat,
  unlink,
} from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { CountersignError, systemCode } from './errors.js';
import { noteWritten, requireNotRead } from './file-work.js';
import { type Bytes, FILE_BYTES_MAX, piecesOf, wholeOf } from './formats/byte-source.js';
import { hex, utf8 } from './formats/bytes.js';
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
  /** A private key may replace a private key. */
  force?: boolean;
  /** It is read and written by the same work on purpose: a record, a memory. */
  update?: boolean;
}

/** Writes a whole file or nothing. */
export async function writeBytes(path: string, content: Content, options: WriteOptions = {}): Promise<void> {
  if (path === STDIO) return options.dryRun ? undefined : writeStdout(content);
  const place = await mayWrite(path, options, content);
  if (options.dryRun) return;
  await orUnwritable(path, async () => {
    if (place === 'through') return writeThrough(path, content);
    const to = options.update ? await followed(path) : path;
    await putStaged(await stage(to, content, options.mode), options.fresh === true);
  });
}

/** The file that a path leads to; the path itself, if nothing is there yet. */
export const followed = (path: string): Promise<string> => realpath(path).catch(() => path);

/** A file that is to be written; `fresh`: whatever holds for the others. */
export type NewFile = [path: string, content: string | Uint8Array, mode: number, fresh?: boolean];

/**
 * Writes all of them or none, though others write there, too: each is checked, then all are written beside their places, then
 * put there; what is new is taken back if one of them fails. Throws FileExists, FileUnwritable, OutputIsInput (also: one file twice).
 */
export async function writeTogether(files: readonly NewFile[], options: WriteOptions = {}): Promise<void> {
  const isFresh = (fresh: boolean | undefined) => fresh ?? options.fresh === true;
  requireDistinct(files.map(([path]) => path));
  for (const [path, content, , fresh] of files) await mayWrite(path, { ...options, fresh: isFresh(fresh) }, content);
  if (options.dryRun) return;
  const staged: Staged[] = [];
  const made: string[] = [];
  try {
    for (const [path, content, mode] of files) {
      staged.push(await orUnwritable(path, () => stage(path, content, mode)));
    }
    for (const [at, [path, , , fresh]] of files.entries()) {
      await orUnwritable(path, () => putStaged(staged[at]!, isFresh(fresh)));
      if (isFresh(fresh)) made.push(path);
    }
  } catch (error) {
    for (const { beside } of staged) await unlink(beside).catch(() => undefined);
    for (const path of made) await unlink(path).catch(() => undefined);
    throw error;
  }
}

/** For who writes several, one after the other: throws before the first if one of them cannot be written, or is named twice. */
export async function mayWriteAll(paths: readonly (string | undefined)[]): Promise<void> {
  const named = paths.filter((path) => path !== undefined);
  requireDistinct(named);
  for (const path of named) await writeBytes(path, '', { dryRun: true });
}

/** Throws OutputIsInput if one file is named twice. */
export function requireDistinct(paths: readonly (string | undefined)[]): void {
  const places = paths.flatMap((path) => (path === undefined || path === STDIO ? [] : resolve(path)));
  const twice = places.find((place, at) => places.indexOf(place) < at);
  if (twice !== undefined) throw new CountersignError('OutputIsInput', `file: ${twice} would be written twice`);
}

/** Throws unless the file may be written; says how. */
async function mayWrite(path: string, options: WriteOptions, content: Content): Promise<'beside' | 'through'> {
  const named = await lstat(path).catch(() => undefined);
  if (named && options.fresh) throw new CountersignError('FileExists', `file: ${path} is there already`);
  const there = await stat(path).catch(() => undefined);
  if (there?.isDirectory()) throw new CountersignError('FileUnwritable', `file: ${path} is a folder`);
  if (!options.update) await requireNotRead(path);
  if (there?.isFile() && !(options.force && (await isSecret(content)))) await requireNoKey(path, there.size);
  const folder = dirname(path);
  const parent = await stat(folder).catch(() => undefined);
  if (!parent?.isDirectory()) throw new CountersignError('FileUnwritable', `file: there is no folder ${folder}`);
  const through = there !== undefined && !there.isFile();
  // Also in a dry run, which others rely on before they begin.
  await orUnwritable(path, () => access(through ? path : folder, constants.W_OK));
  return through ? 'through' : 'beside';
}

async function orUnwritable<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof CountersignError) throw cause; // of what is read meanwhile
    throw new CountersignError('FileUnwritable', `file: cannot write ${path} (${systemCode(cause)})`, { cause });
  }
}

async function* pieces(content: Content): AsyncGenerator<Uint8Array, void> {
  if (typeof content === 'string') return yield utf8(content);
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

// What tells keys by their content is loaded for something that is written, alone.
const keyForms = () => import('./formats/key-forms.js');

async function isSecret(content: Content): Promise<boolean> {
  const bytes = typeof content === 'string' ? utf8(content) : content;
  return bytes instanceof Uint8Array && (await (await keyForms()).keyFormOf(bytes))?.secret === true;
}

async function requireNoKey(path: string, bytes: number): Promise<void> {
  if (bytes === 0) return;
  const { keyFormOf, lookAt } = await keyForms();
  const content = await withFile(path, lookAt, Number.POSITIVE_INFINITY, { looking: true }).catch((cause: unknown) => {
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

/** A file that is whole, beside the place where it belongs. */
interface Staged {
  path: string;
  beside: string;
}

async function stage(path: string, content: Content, mode = 0o644): Promise<Staged> {
  const beside = join(
    dirname(path),
    `.${basename(path)}.${process.pid}.${hex(globalThis.crypto.getRandomValues(new Uint8Array(4)))}.tmp`,
  );
  let file: FileHandle | undefined;
  try {
    file = await open(beside, 'wx', mode);
    await writePieces(file, content);
    await file.sync();
    await file.close();
    return { path, beside };
  } catch (cause) {
    await file?.close().catch(() => {});
    if (file !== undefined) await unlink(beside).catch(() => {});
    throw cause;
  }
}

/** In one step: of two processes with `fresh` one wins, and the other learns of it. */
async function putStaged({ path, beside }: Staged, fresh: boolean): Promise<void> {
  try {
    if (fresh) await link(beside, path).catch((cause) => reserve(path, cause));
    await rename(beside, path); // of two names of one file, POSIX leaves both
    await unlink(beside).catch(() => undefined);
  } catch (cause) {
    await unlink(beside).catch(() => {});
    if (systemCode(cause) === 'EEXIST') throw new CountersignError('FileExists', `file: ${path} is there already`);
    throw cause;
  }
  await noteWritten(path);
}

/** Where the file system has no links (FAT): an empty file that nobody else can make as well, to be replaced. */
async function reserve(path: string, cause: unknown): Promise<void> {
  if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(systemCode(cause) ?? '')) throw cause;
  await (await open(path, 'wx')).close();
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

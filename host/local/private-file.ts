// A file for one program and one moment: 0600, in a folder of its own that nobody else may enter, removed afterwards, also when
// this process is ended by a signal. What is in it is read back and hashed before anybody is told its name.
//
// The folder for temporary files, and each one above it, must not let others put another folder in its place: it belongs to us
// or to root, and is written by its owner and its own group alone, or has the sticky bit (/tmp). Whoever runs as the same user,
// or as root, can still change the file.

import { rmSync } from 'node:fs';
import { lstat, mkdtemp, open, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { CountersignError, systemCode } from '../errors.js';
import { type Bytes, piecesOf, sha256Of } from '../formats/byte-source.js';
import { same } from '../formats/bytes.js';
import { withFile } from '../open-file.js';

const STICKY = 0o1000;
const OTHERS_WRITE = 0o002;
const GROUP_WRITES = 0o020;

/**
 * Works with the path of such a file. Throws FolderUnsafe, FileUnwritable, and FileChanged unless what came to stand in it has
 * this SHA-256.
 */
async function withPrivateFile<T>(
  name: string,
  { bytes, digest }: { bytes: Bytes; digest: Uint8Array },
  use: (path: string) => Promise<T>,
): Promise<T> {
  const folder = await makeFolder();
  const removeNow = () => rmSync(folder, { recursive: true, force: true });
  process.on('exit', removeNow);
  try {
    const path = join(folder, name);
    await write(path, bytes);
    const found = await withFile(path, sha256Of);
    if (!same(found, digest)) throw new CountersignError('FileChanged', `file: ${path} is not what was written to it`);
    return await use(path);
  } finally {
    await rm(folder, { recursive: true, force: true }).catch(() => undefined);
    process.off('exit', removeNow);
  }
}

/** The same of several, each in a folder of its own. */
export function withPrivateFiles<T>(
  name: string,
  contents: readonly { bytes: Bytes; digest: Uint8Array }[],
  use: (paths: string[]) => Promise<T>,
): Promise<T> {
  const [first, ...others] = contents;
  if (first === undefined) return use([]);
  return withPrivateFile(name, first, (path) => withPrivateFiles(name, others, (paths) => use([path, ...paths])));
}

async function makeFolder(): Promise<string> {
  const place = tmpdir();
  try {
    const real = await realpath(place);
    await requireSafe(real);
    return await mkdtemp(join(real, 'countersign-'));
  } catch (cause) {
    if (cause instanceof CountersignError) throw cause;
    throw new CountersignError('FileUnwritable', `file: cannot make a folder in ${place} (${systemCode(cause)})`, {
      hint: 'set TMPDIR to a folder that you may write to',
      cause,
    });
  }
}

async function requireSafe(folder: string): Promise<void> {
  const [user, group] = [process.getuid?.(), process.getgid?.()];
  if (user === undefined) return; // not a system with these rights
  for (let at = folder; ; at = dirname(at)) {
    const { mode, uid, gid } = await lstat(at);
    const ours = uid === user || uid === 0;
    const written = (mode & OTHERS_WRITE) !== 0 || ((mode & GROUP_WRITES) !== 0 && gid !== group && gid !== 0);
    if (!ours || (written && (mode & STICKY) === 0)) {
      throw new CountersignError('FolderUnsafe', `file: others may replace what is in ${at}`);
    }
    if (dirname(at) === at) return;
  }
}

async function write(path: string, bytes: Bytes): Promise<void> {
  try {
    const file = await open(path, 'wx', 0o600);
    try {
      for await (const piece of piecesOf(bytes)) await file.writeFile(piece);
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (cause instanceof CountersignError) throw cause; // of the package that is read meanwhile
    throw new CountersignError('FileUnwritable', `file: cannot write ${path} (${systemCode(cause)})`, { cause });
  }
}

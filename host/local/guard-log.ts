// What a guard did with boards that other programs write: a file of lines, each a JSON document (describe/schemas/guard.ts), only
// ever added to.
//
//   refused   nothing was written: the verdict, the person, or a fault before the program was started
//   begun     the program is started next: by whom it was approved, and who agreed
//   ended     how the program ended, and whether the package is remembered as what the board has
//
// A line is on the disk before what it announces happens. A run that has begun and not ended was cut off: the board may hold half
// of an image. It is a record of this machine, for those who can trust it: whoever may write the file can change it.

import { mkdir, open } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { CountersignError, systemCode } from '../errors.js';
import { hex } from '../formats/bytes.js';
import { documentJson } from '../json.js';
import { stateFolder } from './state-folder.js';

/** What is read back of a log, however long it has become: a run that was cut off is among the last. */
const TAIL_BYTES = 256 * 1024;

/** What every line says of the run that it is about. */
export interface RunFacts {
  run: Uint8Array;
  device: Uint8Array;
  /** Path, as it was given. */
  package: string;
  /** Name of the program, without the words that it was given: they may hold secrets. */
  tool: string;
}

export interface GuardLog {
  /** The last run on this board, if it has begun and not ended: its package, and when it began. */
  cutOff(device: Uint8Array): Promise<{ package: string; time: string } | undefined>;
  /** Throws FileUnwritable; done when it is on the disk. */
  add(event: 'refused' | 'begun' | 'ended', facts: RunFacts, more: Record<string, unknown>): Promise<void>;
}

const lineSchema = z.object({
  event: z.enum(['refused', 'begun', 'ended']),
  time: z.string().max(40),
  run: z.string(),
  device: z.string(),
  package: z.string(),
});

/** Where the log is, if nobody says otherwise. */
export const logPath = (given: string | undefined): string => given ?? join(stateFolder(), 'guard-log.jsonl');

/** Throws FileMalformed if there is another kind of file in its place, and FileUnwritable. */
export async function openGuardLog(path: string): Promise<GuardLog> {
  if (path === logPath(undefined)) await mkdir(dirname(path), { recursive: true }).catch(() => undefined);
  await withLog(path, async (file) => requireLog(path, await readAt(file, 0, 1)));
  return {
    cutOff: (device) =>
      withLog(path, async (file) => {
        const { size } = await file.stat();
        const tail = await readAt(file, Math.max(0, size - TAIL_BYTES), TAIL_BYTES);
        const id = hex(device);
        const lines = new TextDecoder()
          .decode(tail)
          .split('\n')
          .flatMap(lineOf)
          .filter((line) => line.device === id);
        const last = lines.filter(({ event }) => event !== 'refused').at(-1);
        return last?.event === 'begun' ? last : undefined;
      }),
    add: (event, facts, more) =>
      withLog(path, async (file) => {
        const { size } = await file.stat();
        const torn = size > 0 && (await readAt(file, size - 1, 1))[0] !== 0x0a;
        const time = new Date().toISOString();
        const line = documentJson({ time, event, ...facts, user: nameOfUser(), ...more });
        await file.appendFile(`${torn ? '\n' : ''}${line}\n`);
        await file.sync();
      }),
  };
}

type File = Awaited<ReturnType<typeof open>>;

async function withLog<T>(path: string, work: (file: File) => Promise<T>): Promise<T> {
  let file: File | undefined;
  try {
    file = await open(path, 'a+');
    return await work(file);
  } catch (cause) {
    if (cause instanceof CountersignError) throw cause;
    throw new CountersignError('FileUnwritable', `guard: cannot write ${path} (${systemCode(cause)})`, { cause });
  } finally {
    await file?.close();
  }
}

async function readAt(file: File, position: number, bytes: number): Promise<Uint8Array> {
  const buffer = new Uint8Array(bytes);
  const { bytesRead } = await file.read(buffer, 0, bytes, position);
  return buffer.subarray(0, bytesRead);
}

function requireLog(path: string, [first]: Uint8Array): void {
  if (first === undefined || first === '{'.charCodeAt(0)) return;
  throw new CountersignError('FileMalformed', `guard: ${path} is no log of a guard`, {
    hint: 'give --log another file',
  });
}

/** One that was torn says nothing. */
function lineOf(text: string): z.output<typeof lineSchema>[] {
  try {
    return [lineSchema.parse(JSON.parse(text))];
  } catch {
    return [];
  }
}

/** Systems in containers may have none for this number. */
function nameOfUser(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    return undefined;
  }
}

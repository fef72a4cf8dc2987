// A board in QEMU: what all emulated boards have in common. The UART is a TCP server of QEMU's, so that any client can use it; QMP
// controls the machine, over a socket in a private folder to which QEMU connects, as to others that a board may ask for.
//
// QEMU lives no longer than this process, however that ends: a shell holds the other end of our pipe and ends it by SIGTERM. To QEMU
// that is its command `quit`: what its flash has not yet written to its file is written. SIGKILL would lose it, and so is no power
// cut; a reset is one, but for RAM, which it keeps (mailbox.h needs that).

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CountersignError } from '../../host/errors.js';
import { sleep } from '../../host/wait.js';
import { listen, openQmp, type Qmp } from './qmp.js';

const LAST_WORDS_MS = 2000;
const START_TIMEOUT_MS = 20_000;
const SAID_CHARACTERS = 4096; // of what QEMU complains about

/** The Debian package of each. */
const PACKAGES = { 'qemu-system-arm': 'qemu-system-arm', 'qemu-system-riscv32': 'qemu-system-misc' } as const;

/** What tests and runners do with an emulated board of any kind. */
export interface Emulator {
  /** Where the UART is: tcp://127.0.0.1:port */
  readonly url: string;
  /** Ends with what QEMU wrote on stderr once it has gone, for whatever reason. */
  readonly exited: Promise<string>;
  /** Cuts the power for a moment; RAM stays. */
  reset(): Promise<void>;
  /** Stops and continues the machine; what is read meanwhile belongs together. */
  readMemory(address: number, bytes: number): Promise<Uint8Array>;
  /** Memory of a machine that stands still. */
  saveMemory(address: number, bytes: number): Promise<Uint8Array>;
  /** Flash as far as board.json describes it. */
  readFlash(): Promise<Uint8Array>;
  /** The same of a machine that stands still. */
  saveFlash(): Promise<Uint8Array>;
  /** Any command of QMP. */
  control: Qmp;
  close(): Promise<void>;
}

export interface Machine {
  /** Of the board, for what is said about it. */
  name: string;
  qemu: keyof typeof PACKAGES;
  /** Names of sockets that QEMU is to open beside QMP's. */
  sockets?: string[];
  /** The machine and its devices, given a folder that lasts as long as QEMU does, and the paths of `sockets`. */
  words(folder: string, sockets: string[]): string[];
  signal?: AbortSignal | undefined;
}

/** A machine that has not begun to run: `control('cont')` starts it. */
export interface Running extends Omit<Emulator, 'readFlash' | 'saveFlash'> {
  /** Those of Machine.sockets. */
  sockets: Socket[];
  /** Stops and continues the machine; it stands still meanwhile. */
  still<T>(look: () => Promise<T>): Promise<T>;
}

/**
 * The file that is a flash chip of so many bytes, for QEMU: as it is, or made anew of what its first bytes are, the rest erased. QEMU
 * keeps it as the chip changes. Throws FileMalformed if there is one of another size.
 */
export function flashFile(path: string, bytes: number, content?: Uint8Array): string {
  if (!content && existsSync(path)) {
    const size = statSync(path).isFile() ? statSync(path).size : undefined;
    if (size === bytes) return path;
    const what = size === undefined ? 'is no file' : `has ${size} bytes, and that flash chip has ${bytes}`;
    throw new CountersignError('FileMalformed', `flash: ${path} ${what}`, {
      hint: 'give the file of another name: this one is not this board’s flash',
    });
  }
  const chip = new Uint8Array(bytes).fill(0xff);
  if (content) chip.set(content);
  const beside = `${path}.new`; // a half-written file never takes the place of a whole one
  writeFileSync(beside, chip);
  renameSync(beside, path);
  return path;
}

/** Runs QEMU with its own stdin closed, and ends it when ours is. */
const HOLDER =
  'exec 3<&0; "$@" 3<&- & qemu=$!; { while read -r _; do :; done <&3; kill "$qemu"; } >/dev/null 2>&1 & wait "$qemu"';

/** Throws ToolMissing if that QEMU is not installed, LinkUnavailable if it does not start. */
export async function startMachine({ name, qemu, sockets: names = [], words, signal }: Machine): Promise<Running> {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-qemu-'));
  const listeners = ['qmp', ...names].map((each) => listen(join(folder, each)));
  const [qmpAt, ...paths] = listeners.map(({ path }) => path) as [string, ...string[]];
  const tidy = () => {
    rmSync(folder, { recursive: true, force: true });
    for (const { close } of listeners) close();
  };
  let machine: string[];
  try {
    machine = words(folder, paths);
  } catch (cause) {
    tidy();
    throw cause;
  }
  const child = spawn(
    'sh',
    [
      ...['-c', HOLDER, 'sh', qemu, '-accel', 'tcg', '-display', 'none', '-monitor', 'none', '-S'],
      ...['-chardev', 'socket,id=uart,host=127.0.0.1,port=0,server=on,wait=off', '-serial', 'chardev:uart'],
      ...['-qmp', `unix:${qmpAt}`, ...machine],
    ],
    { stdio: ['pipe', 'ignore', 'pipe'], detached: true }, // Ctrl-C is for us: the flash is saved before it ends
  );
  let stderr = '';
  let saved = 0;
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-SAID_CHARACTERS);
  });
  child.stdin.on('error', () => {}); // the holder may be gone before we end it
  const exited = once(child, 'close')
    .catch((notStarted: Error) => {
      stderr = notStarted.message;
    })
    .then(() => {
      tidy();
      return stderr;
    });
  const close = async (): Promise<void> => {
    child.stdin.end();
    await exited;
  };
  const gone = exited.then((said) => {
    if (said.includes('not found')) {
      throw new CountersignError('ToolMissing', `${name}: ${qemu} is not installed`, {
        hint: `install it with: sudo apt-get install ${PACKAGES[qemu]}`,
      });
    }
    throw new CountersignError('LinkUnavailable', `${name}: ${qemu} ended: ${said.trim() || 'without a word'}`);
  });
  gone.catch(() => {});
  void child.once('exit', () => child.stdin.end());
  signal?.addEventListener('abort', () => child.stdin.end(), { once: true });

  const started = new AbortController();
  try {
    const connected = Promise.all(listeners.map(({ accepted }) => accepted));
    const late = sleep(START_TIMEOUT_MS, started.signal).then(() => {
      throw new CountersignError('LinkUnavailable', `${name}: ${qemu} did not start`);
    });
    // QEMU connects first and looks at its files then: it may end at any of these steps.
    const unlessGone = <T>(step: Promise<T>): Promise<T> => {
      // A connection that ends is its end, too, and may be seen first: its own words say why.
      const told = step.catch(async (cause) => {
        await Promise.race([gone, sleep(LAST_WORDS_MS, started.signal)]);
        throw cause;
      });
      return Promise.race([told, gone, late]);
    };
    const [qmpSocket, ...sockets] = (await unlessGone(connected)) as [Socket, ...Socket[]];
    const control = await unlessGone(openQmp(qmpSocket));
    const chardevs = (await unlessGone(control('query-chardev'))) as { label: string; filename: string }[];
    const uart = chardevs.find(({ label }) => label === 'uart')?.filename ?? '';
    const saveMemory = async (address: number, bytes: number): Promise<Uint8Array> => {
      const file = join(folder, `memory${++saved}`);
      await control('memsave', { val: address, size: bytes, filename: file });
      const content = new Uint8Array(readFileSync(file));
      rmSync(file);
      return content;
    };
    const still = async <T>(look: () => Promise<T>): Promise<T> => {
      await control('stop');
      const seen = await look();
      await control('cont');
      return seen;
    };
    return {
      url: `tcp://127.0.0.1:${/127\.0\.0\.1:(\d+)/.exec(uart)?.[1]}`,
      exited,
      sockets,
      control,
      close,
      saveMemory,
      still,
      readMemory: (address, bytes) => still(() => saveMemory(address, bytes)),
      async reset() {
        await control('system_reset');
      },
    };
  } catch (cause) {
    await close();
    throw cause;
  } finally {
    started.abort(); // nobody waits for that time-out any more
  }
}

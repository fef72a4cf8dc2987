// The micro:bit in QEMU: UART on a TCP socket, reset, buttons, and flash that can be taken out and put back.
//
// Node listens on sockets in a private folder and QEMU connects to them: QMP (control), qtest (button pins) and gdb
// (writes flash while the machine stands still). The UART is a TCP server of QEMU's, so that any client can use it.
// QEMU lives no longer than this process, however that ends: a shell holds the other end of our pipe and kills it.
//
// A reset here is a power cut that leaves the mailbox's RAM: QEMU keeps RAM and flash, except what it loaded as the
// kernel, the agent, which it loads anew.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CountersignError } from '../../host/errors.js';
import { sleep } from '../../host/wait.js';
import { addressOf, openDebugger } from './debugger.js';
import { listen, openProbe, openQmp, type Probe, type Qmp } from './qemu-sockets.js';

const QEMU = 'qemu-system-arm';
const FLASH_BYTES = 0x40000;
const AGENT_END = 0x10000; // below it stands what -kernel loads
const START_TIMEOUT_MS = 20_000;

const HAND_OVER = 'chip_start_image'; // in boards/port

/** Button pins of the nRF51, low while pressed. */
const PINS = { a: 17, b: 26 } as const;

// How long a finger stays: until the program has looked often enough, however little of this machine QEMU was given.
const LOOK_MS = 150; // longer than contacts bounce
const LOOKS = 8;
const LOOK_MS_MAX = 5000; // a program that does not use that timer is given so long
const LOOKED_AT = 0x40008540; // TIMER0 CC[0]: agent and application take the time into it each time round their loop

export interface Emulator {
  /** Where the UART is: tcp://127.0.0.1:port */
  readonly url: string;
  /** Ends with what QEMU wrote on stderr once it has gone, for whatever reason. */
  readonly exited: Promise<string>;
  reset(): Promise<void>;
  press(button: keyof typeof PINS): Promise<void>;
  /** Stops and continues the machine; what is read meanwhile belongs together. */
  readMemory(address: number, bytes: number): Promise<Uint8Array>;
  readFlash(): Promise<Uint8Array>;
  /** Any command of QMP. */
  control: Qmp;
  close(): Promise<void>;
}

export interface EmulatorOptions {
  /** The agent: an ELF of boards/port/build.ts. */
  firmware: string;
  /** Flash as readFlash() gave it; without it, flash is as QEMU makes it. The agent's own part is taken from `firmware`. */
  flash?: Uint8Array;
  /** Hears of the flash as it stands each time the agent hands over to an application. */
  onHandOver?(flash: Uint8Array): void;
  /** More arguments for QEMU. */
  arguments?: string[];
  signal?: AbortSignal;
}

/** Runs QEMU with its own stdin closed, and ends it when ours is. */
const HOLDER =
  'exec 3<&0; "$@" 3<&- & qemu=$!; { while read -r _; do :; done <&3; kill "$qemu"; } >/dev/null 2>&1 & wait "$qemu"';

export async function startEmulator({
  firmware,
  flash,
  onHandOver,
  arguments: more = [],
  signal,
}: EmulatorOptions): Promise<Emulator> {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-qemu-'));
  const sockets = ['qmp', 'qtest', 'gdb'].map((name) => listen(join(folder, name)));
  const [qmpAt, qtestAt, gdbAt] = sockets.map(({ path }) => path) as [string, string, string];
  const child = spawn(
    'sh',
    [
      ...['-c', HOLDER, 'sh', QEMU, '-M', 'microbit', '-accel', 'tcg', '-display', 'none', '-monitor', 'none', '-S'],
      ...['-chardev', 'socket,id=uart,host=127.0.0.1,port=0,server=on,wait=off', '-serial', 'chardev:uart'],
      ...['-qmp', `unix:${qmpAt}`, '-qtest', `unix:${qtestAt}`, '-qtest-log', 'none'],
      ...['-chardev', `socket,id=gdb,path=${gdbAt}`, '-gdb', 'chardev:gdb'],
      ...['-kernel', firmware, ...more],
    ],
    { stdio: ['pipe', 'ignore', 'pipe'], detached: true }, // Ctrl-C is for us: the flash is saved before it ends
  );
  let stderr = '';
  let saved = 0;
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-4096);
  });
  child.stdin.on('error', () => {}); // the holder may be gone before we end it
  const exited = once(child, 'close')
    .catch((notStarted: Error) => {
      stderr = notStarted.message;
    })
    .then(() => {
      rmSync(folder, { recursive: true, force: true });
      for (const { close } of sockets) close();
      return stderr;
    });
  const close = async (): Promise<void> => {
    child.stdin.end();
    await exited;
  };
  const gone = exited.then((said) => {
    if (said.includes('not found')) {
      throw new CountersignError('ToolMissing', `microbit: ${QEMU} is not installed`, {
        hint: 'install it with: sudo apt-get install qemu-system-arm',
      });
    }
    throw new CountersignError('LinkUnavailable', `microbit: ${QEMU} ended: ${said.trim() || 'without a word'}`);
  });
  gone.catch(() => {});
  void child.once('exit', () => child.stdin.end());
  signal?.addEventListener('abort', () => child.stdin.end(), { once: true });

  const started = new AbortController();
  try {
    const connected = Promise.all(sockets.map(({ accepted }) => accepted));
    const late = sleep(START_TIMEOUT_MS, started.signal).then(() => {
      throw new CountersignError('LinkUnavailable', `microbit: ${QEMU} did not start`);
    });
    const [control, pins, debug] = (await Promise.race([connected, gone, late])) as [Socket, Socket, Socket];
    const qmp = await openQmp(control);
    const { setPin, readWord } = openProbe(pins);
    const debugger_ = openDebugger(debug);
    if (flash) await debugger_.write(AGENT_END, flash.subarray(AGENT_END));
    const memsave = async (address: number, bytes: number): Promise<Uint8Array> => {
      const file = join(folder, `memory${++saved}`);
      await qmp('memsave', { val: address, size: bytes, filename: file });
      const content = new Uint8Array(readFileSync(file));
      rmSync(file);
      return content;
    };
    if (onHandOver) {
      await debugger_.stopAt(addressOf(firmware, HAND_OVER), async () => onHandOver(await memsave(0, FLASH_BYTES)));
    }
    for (const pin of Object.values(PINS)) await setPin(pin, 1);
    await qmp('cont');

    const readMemory = async (address: number, bytes: number): Promise<Uint8Array> => {
      await qmp('stop');
      const content = await memsave(address, bytes);
      await qmp('cont');
      return content;
    };
    const chardevs = (await qmp('query-chardev')) as { label: string; filename: string }[];
    const uart = chardevs.find(({ label }) => label === 'uart')?.filename ?? '';
    const port = /127\.0\.0\.1:(\d+)/.exec(uart)?.[1];
    return {
      url: `tcp://127.0.0.1:${port}`,
      exited,
      close,
      readMemory,
      readFlash: () => readMemory(0, FLASH_BYTES),
      control: qmp,
      reset: async () => {
        await qmp('system_reset');
      },
      async press(button) {
        await setPin(PINS[button], 0);
        await looked(readWord);
        await setPin(PINS[button], 1);
        await looked(readWord);
      },
    };
  } catch (cause) {
    await close();
    throw cause;
  } finally {
    started.abort(); // nobody waits for that time-out any more
  }
}

async function looked(readWord: Probe['readWord']): Promise<void> {
  const began = performance.now();
  const passed = () => performance.now() - began;
  let seen: number | undefined;
  for (let looks = 0; (looks <= LOOKS || passed() < LOOK_MS) && passed() < LOOK_MS_MAX; ) {
    const now = await readWord(LOOKED_AT);
    if (now !== seen) looks++;
    seen = now;
    await sleep(1);
  }
}

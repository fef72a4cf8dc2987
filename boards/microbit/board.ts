// The micro:bit in an emulator, as a board that one can start: firmware built from the module at hand, flash in a file that
// stays, a serial port that anybody may open, and the two buttons that answer the device's question.
//
// The flash file is read at the start and written as the flash changes: every SAVE_MS, at the end, and each time the agent hands
// over to an application. So an application that locks the processor up, which ends QEMU, is reset as silicon would reset it,
// with the flash as it was then. The agent itself always comes from the firmware.

import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CountersignError, systemCode } from '../../host/errors.js';
import { same } from '../../host/formats/bytes.js';
import { packageRoot } from '../../host/root.js';
import { withResolvers } from '../../host/wait.js';
import { wasmFile } from '../../host/wasm.js';
import { shareLine } from '../port/serial.js';
import { type MicrobitEmulator, startEmulator } from './qemu.js';

const SAVE_MS = 2000;
const LOCKUP = /lockup/i; // QEMU's last word
const LOCKUP_FREE_MS = 60_000;
const RESETS_MAX = 16; // in a row: an image that was confirmed and locks up comes up no more

export interface MicrobitOptions {
  /** Path of the flash file; made when absent. */
  flash: string;
  /** The agent's ELF; without it, it is built when it is not there or older than the module. */
  firmware?: string;
  /** What the board says beside frames, whole lines, and what is done to start it. */
  onText?(text: string): void;
  signal?: AbortSignal;
}

export interface Microbit {
  /** tcp://127.0.0.1:port, for every command that takes a --port. */
  readonly port: string;
  /** Ends when the emulator has gone, for whatever reason. */
  readonly ended: Promise<void>;
  /** Button A is the user's yes, button B the no; they count while the board shows a question. */
  press: MicrobitEmulator['press'];
  reset: MicrobitEmulator['reset'];
  readFlash: MicrobitEmulator['readFlash'];
  /** Saves the flash and ends. */
  close(): Promise<void>;
}

/** What building takes beside the module, by the code of the failure. */
const MISSING: Record<string, [what: string, hint: string]> = {
  ENOENT: ['arm-none-eabi-gcc', 'install it with: sudo apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi'],
  MODULE_NOT_FOUND: ['wabt', 'install it with: npm install wabt@1.0.39'],
};

export async function startMicrobit(options: MicrobitOptions): Promise<Microbit> {
  const { flash, signal, onText = () => undefined } = options;
  const firmware = options.firmware ?? (await builtFirmware(onText));
  let content: Uint8Array | undefined = existsSync(flash) ? new Uint8Array(await readFile(flash)) : undefined;
  let saving = Promise.resolve();
  const save = (now: Uint8Array): Promise<void> => {
    if (content && same(content, now)) return saving;
    content = now;
    const beside = `${flash}.new`; // a half-written file never takes the place of a whole one
    saving = saving.then(() => writeFile(beside, now)).then(() => rename(beside, flash));
    saving.catch(() => undefined); // whoever saves at the end is told
    return saving;
  };
  const start = (): Promise<MicrobitEmulator> =>
    startEmulator({
      firmware,
      ...(content && { flash: content }),
      ...(signal && { signal }),
      onHandOver: (now) => void save(now),
    });

  let emulator = await start();
  let running = true;
  let closing = false;
  const line = await shareLine(emulator.url, onText);
  const { promise: ended, resolve: end } = withResolvers<void>();
  const timer = setInterval(() => {
    emulator.readFlash().then(save, () => undefined); // it may be ending
  }, SAVE_MS);

  async function follow(resets: number): Promise<void> {
    const began = Date.now();
    const said = await emulator.exited;
    const inARow = Date.now() - began < LOCKUP_FREE_MS ? resets + 1 : 1;
    if (!closing && !signal?.aborted && LOCKUP.test(said) && inARow <= RESETS_MAX) {
      onText('the processor locked up: reset');
      emulator = await start();
      await line.attach(emulator.url);
      return follow(inARow);
    }
    running = false;
    clearInterval(timer);
    line.close();
    end();
  }
  follow(0).catch(() => end());

  return {
    port: line.url,
    ended,
    press: (button) => emulator.press(button),
    reset: () => emulator.reset(),
    readFlash: () => emulator.readFlash(),
    async close() {
      if (!running) return saving;
      clearInterval(timer);
      const after = await emulator.readFlash();
      closing = true;
      await emulator.close();
      await save(after);
    },
  };
}

// Made beside and moved into its place: several boards may be started at once.
async function builtFirmware(onText: (text: string) => void): Promise<string> {
  const build = fileURLToPath(new URL('build/', packageRoot));
  const built = join(build, 'microbit', 'agent.elf');
  const changed = (file: string | URL) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (changed(built) > changed(wasmFile('agent'))) return built;
  onText('building the firmware of the micro:bit from agent.wasm');
  const { buildFirmware } = await import('../port/build.js');
  const folder = mkdtempSync(join(build, 'microbit-'));
  try {
    const made = await buildFirmware('microbit', { folder });
    mkdirSync(dirname(built), { recursive: true });
    renameSync(made, built);
    return built;
  } catch (cause) {
    const missing = MISSING[systemCode(cause) ?? ''];
    if (!missing) throw cause;
    const [what, hint] = missing;
    throw new CountersignError('ToolMissing', `microbit: its firmware cannot be built without ${what}`, {
      cause,
      hint,
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

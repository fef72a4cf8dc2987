// The micro:bit in an emulator, as a board that one can start: firmware built from the module at hand, flash in a file that
// stays, a serial port that anybody may open, and the two buttons that answer the device's question.
//
// The flash file is read at the start and written at the end; a stop in between loses what was not saved, as pulling the
// plug on an emulator does. The agent itself always comes from the firmware.

import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CountersignError, systemCode } from '../../host/errors.js';
import { packageRoot } from '../../host/root.js';
import { wasmFile } from '../../host/wasm.js';
import { type Emulator, startEmulator } from './qemu.js';
import { shareLine } from './serial.js';

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
  press: Emulator['press'];
  reset: Emulator['reset'];
  readFlash: Emulator['readFlash'];
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
  const before = existsSync(flash) ? new Uint8Array(await readFile(flash)) : undefined;
  const emulator = await startEmulator({
    firmware,
    ...(before ? { flash: before } : {}),
    ...(signal ? { signal } : {}),
  });
  const { press, reset, readFlash, exited } = emulator;
  const line = await shareLine(emulator.url, onText);
  let running = true;
  const ended = exited.then(() => {
    running = false;
    line.close();
  });
  return {
    port: line.url,
    ended,
    press,
    reset,
    readFlash,
    async close() {
      if (!running) return; // by itself: there is nothing left to save
      const after = await readFlash();
      await emulator.close();
      const beside = `${flash}.new`; // a half-written file never takes the place of a whole one
      await writeFile(beside, after);
      await rename(beside, flash);
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

// The micro:bit in an emulator, as a board that one can start: firmware built before, flash in a file that stays, serial
// port on a TCP socket, and the two buttons that answer the device's question.
//
// The flash file is read at the start and written at the end; a stop in between loses what was not saved, as pulling the
// plug on an emulator does. The agent itself always comes from the firmware at hand.

import { existsSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { CountersignError } from '../../host/errors.js';
import { packageRoot } from '../../host/root.js';
import { startEmulator } from './qemu.js';

export interface MicrobitOptions {
  /** Path of the flash file; made when absent. */
  flash: string;
  /** The agent's ELF; build/microbit/agent.elf without it. */
  firmware?: string;
  signal?: AbortSignal;
}

export interface Microbit {
  /** tcp://127.0.0.1:port, for every command that takes a --port. */
  readonly port: string;
  /** Ends when the emulator has gone, for whatever reason. */
  readonly ended: Promise<void>;
  /** Button A is the user's yes, button B the no; they count while the board shows a question. */
  press(button: 'a' | 'b'): Promise<void>;
  reset(): Promise<void>;
  /** Saves the flash and ends. */
  close(): Promise<void>;
}

export async function startMicrobit({ flash, firmware = builtFirmware(), signal }: MicrobitOptions): Promise<Microbit> {
  const before = existsSync(flash) ? new Uint8Array(await readFile(flash)) : undefined;
  const emulator = await startEmulator({
    firmware,
    ...(before ? { flash: before } : {}),
    ...(signal ? { signal } : {}),
  });
  return {
    port: emulator.url,
    ended: emulator.exited.then(() => undefined),
    press: emulator.press,
    reset: emulator.reset,
    async close() {
      const after = await emulator.readFlash();
      await emulator.close();
      const beside = `${flash}.new`; // a half-written file never takes the place of a whole one
      await writeFile(beside, after);
      await rename(beside, flash);
    },
  };
}

function builtFirmware(): string {
  const firmware = fileURLToPath(new URL('build/microbit/agent.elf', packageRoot));
  if (existsSync(firmware)) return firmware;
  throw new CountersignError('NotFound', 'microbit: its firmware is not built', {
    hint: 'npm run build && npm run build:microbit; the latter needs gcc-arm-none-eabi and libnewlib-arm-none-eabi',
  });
}

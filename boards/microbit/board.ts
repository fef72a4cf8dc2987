// The micro:bit in an emulator, as a board that one can start: firmware built from the module at hand, flash in a file that
// stays, a serial port that anybody may open, and the two buttons that answer the device's question.
//
// The flash file is read at the start and written as the flash changes: every SAVE_MS, at the end, and each time the agent hands
// over to an application. So an application that locks the processor up, which ends QEMU, is reset as silicon would reset it,
// with the flash as it was then. The agent itself always comes from the firmware.

import { existsSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { same } from '../../host/formats/bytes.js';
import { withResolvers } from '../../host/wait.js';
import { builtFirmware } from '../port/firmware.js';
import { lockFlash } from '../port/flash-lock.js';
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

/** Throws LinkUnavailable while another board has that flash file. */
export async function startMicrobit(options: MicrobitOptions): Promise<Microbit> {
  const unlock = lockFlash(options.flash);
  let closing = false;
  try {
    const board = await startOn(options);
    void board.ended.then(() => closing || unlock());
    const close = () => {
      closing = true;
      return board.close().finally(unlock);
    };
    return { ...board, close };
  } catch (cause) {
    unlock();
    throw cause;
  }
}

async function startOn(options: MicrobitOptions): Promise<Microbit> {
  const { flash, signal, onText = () => undefined } = options;
  const firmware = options.firmware ?? (await builtFirmware('microbit', 'arm-none-eabi-gcc', onText));
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

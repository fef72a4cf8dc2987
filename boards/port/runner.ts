// `countersign board NAME` for an emulated board without buttons whose flash is a file of QEMU's: its firmware is built, its line
// shared by whoever opens it, and QEMU keeps the file. Keys of the panel type on that line, as whoever sits at the board would.

import type { StartBoard, StartOptions } from '../../host/device/runner.js';
import { CountersignError } from '../../host/errors.js';
import type { Emulator } from './emulator.js';
import { builtFirmware, type Compiler } from './firmware.js';
import { lockFlash } from './flash-lock.js';
import { shareLine } from './serial.js';

interface Started {
  /** Path of the agent's ELF. */
  firmware: string;
  /** Path of the flash file, made when absent. */
  flashPath: string;
  /** For boards with a network. */
  radio: StartOptions['radio'];
}

/** What a runner module exports as `start`. */
export const startEmulated =
  (name: string, compiler: Compiler, start: (started: Started) => Promise<Emulator>): StartBoard =>
  async ({ flash: flashPath, radio, panel }) => {
    const unlock = lockFlash(flashPath);
    const { emulator, line } = await begin().catch((cause) => {
      unlock();
      throw cause;
    });
    async function begin() {
      const emulator = await start({ firmware: await builtFirmware(name, compiler, panel.heard), flashPath, radio });
      const line = await shareLine(emulator.url, panel.heard).catch(async (cause) => {
        await emulator.close();
        throw cause;
      });
      return { emulator, line };
    }
    void emulator.exited.then(unlock);
    const types = (word: string) => () => {
      panel.note(`  types ${word}`);
      line.send(Buffer.from(` \n${word}\n`)); // the first line ends what was typed before
    };
    const release = panel.buttons({
      y: types('yes'),
      n: types('no'),
      r() {
        panel.note('  reset');
        emulator.reset().catch((error: Error) => panel.warn(error.message)); // it ended meanwhile
      },
    });
    panel.note(
      `${panel.interactive ? 'keys: y types yes, n types no, r resets; ' : ''}it has no buttons: an answer is typed on its line, or signed, as its policy says`,
    );
    let closing = false;
    return {
      port: line.url,
      readFlash: emulator.readFlash,
      ended: emulator.exited.then((said) => {
        if (closing) return new Promise<never>(() => undefined);
        throw new CountersignError('Fault', `board: the emulator ended by itself: ${said.trim() || 'without a word'}`);
      }),
      async close() {
        closing = true;
        release();
        line.close();
        await emulator.close();
      },
    };
  };

// `countersign board microbit`: the emulated board, its buttons on the keys of the panel.

import type { StartBoard } from '../../host/device/runner.js';
import { CountersignError } from '../../host/errors.js';
import { startMicrobit } from './board.js';

export const start: StartBoard = async ({ flash, panel }) => {
  const emulated = await startMicrobit({ flash, onText: panel.heard });
  const does = (what: string, work: () => Promise<void>) => () => {
    panel.note(`  ${what}`);
    work().catch((error: Error) => panel.warn(error.message)); // the board ended meanwhile
  };
  const release = panel.buttons({
    a: does('button A', () => emulated.press('a')),
    b: does('button B', () => emulated.press('b')),
    r: does('reset', emulated.reset),
  });
  panel.note(
    panel.interactive
      ? 'keys: a is button A (yes), b is button B (no), r resets'
      : 'no terminal, or in its background: nobody can press its buttons',
  );
  let closing = false;
  return {
    port: emulated.port,
    readFlash: emulated.readFlash,
    ended: emulated.ended.then(() => {
      if (closing) return new Promise<never>(() => undefined);
      throw new CountersignError(
        'Fault',
        'board: the emulator ended by itself; the flash file is as it was last saved',
      );
    }),
    async close() {
      closing = true;
      release();
      await emulated.close();
    },
  };
};

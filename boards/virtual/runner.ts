// `countersign board virtual`: the board in this process, its question answered by the person at the panel.

import { readFile } from 'node:fs/promises';
import type { StartBoard } from '../../host/device/runner.js';
import { startVirtualBoard } from './board.js';

export const start: StartBoard = async ({ flash, card, radio: { broker, fleet, name, groups = [] }, panel }) => {
  const person = panel.answers();
  try {
    const { port, close } = await startVirtualBoard({
      flash,
      ...(card === undefined ? {} : { card }),
      ...(broker === undefined ? {} : { broker, fleet, name, groups }),
      onText: panel.heard,
      onQuestion: person.ask,
    });
    return {
      port,
      readFlash: () => readFile(flash),
      ended: new Promise(() => undefined), // it is this process
      async close() {
        person.close();
        await close();
      },
    };
  } catch (error) {
    person.close();
    throw error;
  }
};

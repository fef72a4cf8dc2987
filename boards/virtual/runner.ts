// `countersign board virtual`: the board in this process, its question answered by the person at the panel; with --count a swarm
// of them, at which nobody sits.

import { readFile } from 'node:fs/promises';
import type { StartBoard, StartBoards } from '../../host/device/runner.js';
import { startVirtualBoard } from './board.js';
import { startSwarm } from './swarm.js';

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

export const startMany: StartBoards = async ({
  count,
  flash,
  bootstrap,
  signal,
  radio: { broker, fleet, name, groups },
}) => {
  const { boards, close } = await startSwarm({
    ...{ count, name, flash, broker, fleet, groups: groups ?? [], signal },
    bootstrap: bootstrap && ((_, number) => bootstrap(number)),
  });
  return { states: () => boards.map(({ shown }) => shown), close };
};

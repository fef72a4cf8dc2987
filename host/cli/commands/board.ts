// board: starts a board that needs no hardware, and is its panel: the question to the user is shown here, and answered
// here.
//
// The one prompt that answers the approval question: this terminal is the device's own, not the delivering side's.
// There is no flag and no default for it; without a terminal nobody can answer, and the device finds that nobody did.

import { resolve } from 'node:path';
import { z } from 'zod';
import { listBoards } from '../../boards.js';
import { CountersignError } from '../../errors.js';
import { topicNameSchema } from '../../links/topics.js';
import { command } from '../command.js';
import { brokerOptions } from '../connection-options.js';
import { createPanel } from '../panel.js';
import { noteRunning } from '../running.js';
import { printable, rows } from '../show.js';
import { pathSchema } from '../values.js';

const FLASH_DEFAULT = 'virtual-board.flash';

export const board = command({
  name: 'board',
  summary: 'start a board without hardware',
  details:
    'The board runs until Ctrl-C. It prints the path of its serial port, which any SMP tool can open. ' +
    'This terminal is the panel of the device: what the device asks its user is shown and answered here.',
  arguments: { name: { text: 'the board: virtual', schema: z.string() } },
  options: {
    flash: {
      value: 'file',
      text: 'the flash of the board; made when absent, kept afterwards',
      schema: pathSchema.default(FLASH_DEFAULT),
      path: true,
    },
    ...brokerOptions,
    device: {
      value: 'name',
      text: 'its name on the broker',
      schema: topicNameSchema.default('virtual'),
      config: 'device',
    },
  },
  examples: [
    'countersign board virtual',
    'countersign board virtual --flash second.flash --broker mqtt://localhost --device second',
  ],
  async run({ arguments: { name }, options, terminal, signal }) {
    if (name !== 'virtual') throw await unknownBoard(name);
    const { flash, broker, fleet, device } = options;
    const { startVirtualBoard } = await import('../../../boards/virtual/board.js');
    const panel = createPanel(terminal);
    const running = await startVirtualBoard({
      flash,
      ...(broker === undefined ? {} : { broker, fleet, name: device }),
      onText: (text) => terminal.note(`board: ${printable(text)}`),
      onQuestion: panel.ask,
    }).catch((error) => {
      panel.close();
      throw error;
    });
    const forget = await noteRunning({ board: name, port: running.port, flash: resolve(flash) });
    const reached = broker === undefined ? {} : { broker, fleet, device };
    terminal.result({ board: name, port: running.port, flash, ...reached }, [
      running.port,
      ...rows([
        ['flash', flash],
        ['broker', broker],
        ['device', broker && `${fleet}/${device}`],
      ]),
    ]);
    terminal.note('running until Ctrl-C');
    await new Promise<void>((done) => signal.addEventListener('abort', () => done(), { once: true }));
    panel.close();
    await forget();
    await running.close();
    return { data: { board: name, stopped: true }, lines: [] };
  },
});

async function unknownBoard(name: string): Promise<CountersignError> {
  const known = await listBoards();
  return known.includes(name)
    ? new CountersignError('BadArgument', `board: ${name} cannot be started from here yet`, { hint: 'start: virtual' })
    : new CountersignError('NotFound', `board: there is no board "${name}"`, { hint: `one of: ${known.join(', ')}` });
}

// board: starts a board that needs no hardware (local/boards.ts), and is its panel: the question to the user is shown here,
// and answered here. No board is named here: a board is a folder of boards/.
//
// The one prompt that answers the approval question: this terminal is the device's own, not the delivering side's.
// There is no flag and no default for it; without a terminal nobody can answer, and the device finds that nobody did.

import { z } from 'zod';
import { listRunners } from '../../boards.js';
import { topicNameSchema } from '../../formats/topic-name.js';
import { rows } from '../../formats/wording.js';
import { startBoard } from '../../local/boards.js';
import { orAbort } from '../../wait.js';
import { command } from '../command.js';
import { brokerOptions, file, option, text } from '../options.js';
import { panelOn } from '../panel.js';

const RUNNERS = listRunners();
const NAMES = RUNNERS.map(({ name }) => name);

export const board = command({
  name: 'board',
  summary: 'start an emulated board',
  details:
    'The board runs until Ctrl-C. It prints its serial port, which any SMP tool can open. ' +
    'This terminal is the panel of the device: it shows what the device asks its user, who answers here. ' +
    RUNNERS.map(({ name, about }) => `${name} ${about}.`).join(' '),
  arguments: { name: { text: `the board: ${NAMES.join(', ')}`, schema: z.string(), choices: NAMES } },
  options: {
    flash: file('file with the flash of the board; created if absent, and kept; default: NAME-board.flash', {
      path: true,
    }),
    card: text('reader', 'smart card reader (or part of its name) that is the card slot of the board'),
    ...brokerOptions,
    device: option(
      'name',
      'name of the device on the broker',
      topicNameSchema.default(RUNNERS.find(({ radio }) => radio)?.name ?? 'board'),
      { config: 'device' },
    ),
    group: option(
      'name',
      'group of the device in the fleet: it takes the orders for it',
      topicNameSchema.array().default([]),
      {
        repeat: true,
      },
    ),
  },
  examples: RUNNERS.flatMap(({ name, examples }) =>
    ['', ...examples].map((words) => `countersign board ${name} ${words}`.trimEnd()),
  ),
  async run({ arguments: { name }, options, terminal, signal }) {
    const { flash = `${name}-board.flash`, card, broker, fleet, device, group: groups } = options;
    const radio = { ...(broker && { broker }), fleet, name: device, groups };
    const running = await startBoard(name, { flash, radio, card, panel: panelOn(terminal) });
    const { port } = running;
    const reached = running.broker === undefined ? undefined : { broker, fleet, device };
    terminal.result({ board: name, port, flash, ...reached }, [
      port,
      ...rows([
        ['flash', flash],
        ['broker', reached?.broker],
        ['device', reached && `${fleet}/${device}`],
      ]),
    ]);
    terminal.note('running until Ctrl-C');
    try {
      await orAbort(running.ended, signal).catch((error) => {
        if (!signal.aborted) throw error;
      });
    } finally {
      await running.close();
    }
    return { data: { board: name, stopped: true }, lines: [] };
  },
});

// board: starts a board that needs no hardware, and is its panel: the question to the user is shown here, and answered
// here.
//
// A board is a folder of boards/; its board.json names what starts it (device/runner.ts). No board is named here.
//
// The one prompt that answers the approval question: this terminal is the device's own, not the delivering side's.
// There is no flag and no default for it; without a terminal nobody can answer, and the device finds that nobody did.

import { extname, resolve } from 'node:path';
import { z } from 'zod';
import { listBoards, listRunners, loadBoard } from '../../boards.js';
import type { BoardPanel, StartBoard } from '../../device/runner.js';
import { CountersignError } from '../../errors.js';
import { topicNameSchema } from '../../links/topics.js';
import { command } from '../command.js';
import { brokerOptions } from '../connection-options.js';
import { onKeys } from '../keys.js';
import { openAnswers } from '../panel.js';
import { noteRunning } from '../running.js';
import { rows } from '../show.js';
import type { Terminal } from '../terminal.js';
import { pathSchema, textSchema } from '../values.js';

const RUNNERS = listRunners();
const NAMES = RUNNERS.map(({ name }) => name);

export const board = command({
  name: 'board',
  summary: 'start an emulated board',
  details:
    'The board runs until Ctrl-C. It prints its serial port, which any SMP tool can open. ' +
    'This terminal is the panel of the device: it shows what the device asks its user, who answers here. ' +
    RUNNERS.map(({ name, about }) => `${name} ${about}.`).join(' '),
  arguments: { name: { text: `the board: ${NAMES.join(', ')}`, schema: z.string() } },
  options: {
    flash: {
      value: 'file',
      text: 'file with the flash of the board; created if absent, and kept; default: NAME-board.flash',
      schema: pathSchema.optional(),
      path: true,
    },
    card: {
      value: 'reader',
      text: 'smart card reader (or part of its name) that is the card slot of the board',
      schema: textSchema.optional(),
    },
    ...brokerOptions,
    device: {
      value: 'name',
      text: 'name of the device on the broker',
      schema: topicNameSchema.default(RUNNERS.find(({ radio }) => radio)?.name ?? 'board'),
      config: 'device',
    },
  },
  examples: RUNNERS.flatMap(({ name, examples }) =>
    ['', ...examples].map((words) => `countersign board ${name} ${words}`.trimEnd()),
  ),
  async run({ arguments: { name }, options, terminal, signal }) {
    const runner = RUNNERS.find((one) => one.name === name);
    if (!runner) throw await unknownBoard(name);
    const { flash = `${name}-board.flash`, fleet, device } = options;
    const broker = runner.radio ? options.broker : undefined;
    if (options.broker && !runner.radio) terminal.warn(`board: ${name} has a serial line only, no broker reaches it`);
    const { card } = options;
    if (card !== undefined && !runner.cardSlot)
      throw new CountersignError('BadArgument', `board: ${name} has no card slot`);
    const radio = { ...(broker === undefined ? {} : { broker }), fleet, name: device };
    const start = await loadStart(runner);
    const running = await start({ flash, radio, card, panel: panelOn(terminal) });
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
    const stopped = new Promise<void>((done) => signal.addEventListener('abort', () => done(), { once: true }));
    try {
      await Promise.race([stopped, running.ended]);
    } finally {
      await forget();
      await running.close();
    }
    return { data: { board: name, stopped: true }, lines: [] };
  },
});

// From beside this code: the same in dist/ and, untranslated, in the tree of sources.
async function loadStart({ name, module }: (typeof RUNNERS)[number]): Promise<StartBoard> {
  const file = new URL(`../../../boards/${name}/${module}${extname(import.meta.url)}`, import.meta.url);
  const { start } = (await import(/* @vite-ignore */ file.href)) as { start: StartBoard };
  return start;
}

const panelOn = (terminal: Terminal): BoardPanel => ({
  interactive: terminal.interactive,
  heard: (line) => terminal.note(`board: ${line}`),
  note: (line) => terminal.note(line),
  warn: (line) => terminal.warn(line),
  answers: () => openAnswers(terminal),
  buttons: (buttons) => onKeys(terminal, buttons),
});

async function unknownBoard(name: string): Promise<CountersignError> {
  const hint = `start: ${NAMES.join(' or ')}`;
  if (!(await listBoards()).includes(name)) {
    return new CountersignError('NotFound', `board: there is no board "${name}"`, { hint });
  }
  await loadBoard(name); // throws if its board.json is not sound
  return new CountersignError('BadArgument', `board: ${name} cannot be started from here yet`, { hint });
}

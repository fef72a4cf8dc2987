// board: starts a board that needs no hardware (local/boards.ts), and is its panel: the question to the user is shown here,
// and answered here. No board is named here: a board is a folder of boards/.
//
// The one prompt that answers the approval question: this terminal is the device's own, not the delivering side's.
// There is no flag and no default for it; without a terminal nobody can answer, and the device finds that nobody did.
// With --count there are many in this process, and nobody sits at any of them.

import { z } from 'zod';
import { listRunners } from '../../boards.js';
import { boardRuns, boardsRun, tallyLine } from '../../describe/tally.js';
import type { Described } from '../../describe/words.js';
import { numberedBootstrap } from '../../formats/bootstrap.js';
import { topicNameSchema } from '../../formats/topic-name.js';
import { countSchema } from '../../formats/typed.js';
import { startBoard, startBoards } from '../../local/boards.js';
import { readBootstrapFile } from '../../local/bootstrap-file.js';
import { orAbort, sleep } from '../../wait.js';
import { command, type Result } from '../command.js';
import { brokerOptions, file, option, text, type Values } from '../options.js';
import { panelOn } from '../panel.js';
import type { Terminal } from '../terminal.js';

const RUNNERS = listRunners();
const NAMES = RUNNERS.map(({ name }) => name);
const COUNT_MAX = 10_000;
const STATUS_MS = 5000; // as a line in a pipe is due (terminal.ts)

const options = {
  flash: file(
    'file with the flash of the board, or with --count the folder of them; created if absent, and kept; ' +
      'default: NAME-board.flash, with --count memory',
    { path: true },
  ),
  card: text('reader', 'smart card reader (or part of its name) that is the card slot of the board'),
  ...brokerOptions,
  device: option(
    'name',
    'name of the device on the broker; with --count what all names begin with',
    topicNameSchema.default(RUNNERS.find(({ radio }) => radio === true)?.name ?? 'board'),
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
  count: option(
    'number',
    'start so many boards in this process: NAME-1, NAME-2 …',
    countSchema(1, COUNT_MAX).optional(),
    {
      ...{ needs: 'broker', not: ['card'], why: 'nobody sits at any of them' },
    },
  ),
  bootstrap: file('with --count: the bootstrap file of the first device; each has the next device id', {
    needs: 'count',
  }),
};

export const board = command({
  name: 'board',
  summary: 'start an emulated board',
  details:
    'The board runs until Ctrl-C. It prints its serial port, which any SMP tool can open. ' +
    'This terminal is the panel of the device: it shows what the device asks its user, who answers here. ' +
    RUNNERS.map(({ name, about }) => `${name} ${about}.`).join(' '),
  arguments: { name: { text: `the board: ${NAMES.join(', ')}`, schema: z.string(), choices: NAMES } },
  options,
  examples: RUNNERS.flatMap(({ name, examples }) =>
    ['', ...examples].map((words) => `countersign board ${name} ${words}`.trimEnd()),
  ),
  async run({ arguments: { name }, options, terminal, signal }) {
    if (options.count !== undefined) return runMany(name, options.count, options, terminal, signal);
    return runOne(name, options, terminal, signal);
  },
});

type Options = Values<typeof options>;

async function runOne(name: string, options: Options, terminal: Terminal, signal: AbortSignal): Promise<Result> {
  const { flash = `${name}-board.flash`, card, broker, fleet, device, group: groups } = options;
  const radio = { ...(broker && { broker }), fleet, name: device, groups };
  const running = await startBoard(name, { flash, radio, card, panel: panelOn(terminal) });
  const reached = running.broker === undefined ? undefined : { broker: `${running.broker}`, fleet, device };
  return untilStopped(
    name,
    boardRuns(name, running.port, flash, reached),
    running,
    () => running.ended,
    terminal,
    signal,
  );
}

async function runMany(
  name: string,
  count: number,
  { flash, broker, fleet, device, group: groups, bootstrap: path }: Options,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<Result> {
  const template = path === undefined ? undefined : await readBootstrapFile(path);
  const bootstrap = template && ((number: number) => numberedBootstrap(template, number, path!));
  bootstrap?.(count); // before any is started
  const radio = { broker: broker!, fleet, name: device, groups };
  const running = await startBoards(name, { count, radio, flash, bootstrap, signal });
  const shown = boardsRun(name, { broker: `${broker}`, fleet, device, count, flash });
  const told = () => tell(() => tallyLine(running.states()), terminal, signal);
  return untilStopped(name, shown, running, told, terminal, signal);
}

/** How they stand, whenever that has changed. */
async function tell(line: () => string, terminal: Terminal, signal: AbortSignal): Promise<never> {
  for (let said = ''; ; await sleep(STATUS_MS, signal)) {
    const now = line();
    if (now !== said) terminal.note(now);
    said = now;
  }
}

/** Shows what runs, and closes it when it is stopped from here or has ended by itself. */
async function untilStopped(
  board: string,
  shown: Described,
  running: { close(): Promise<void> },
  ended: () => Promise<never>,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<Result> {
  terminal.result(shown.data, shown.lines);
  terminal.note('running until Ctrl-C');
  try {
    await orAbort(ended(), signal).catch((error) => {
      if (!signal.aborted) throw error;
    });
  } finally {
    await running.close();
  }
  return { data: { board, stopped: true }, lines: [] };
}

// console: the serial console of a board, as people know it, that also understands what the board asks.
//
// Log text and what is typed pass through; frames of SMP on the same line are not shown. It sends nothing by itself
// until the device says that it asks its user, so that an application that runs is left alone. The rules of the keyboard
// stand in console/keyboard.ts, those of the screen in console/screen.ts.

import { z } from 'zod';
import { command } from '../command.js';
import { connectionOptions } from '../connection-options.js';
import { EOLS, type Eol } from '../console/keyboard.js';
import { pathSchema, secondsSchema, switchSchema, textSchema } from '../values.js';

const { port, baud, timeout, retries } = connectionOptions;

export const consoleCommand = command({
  name: 'console',
  aliases: ['monitor'],
  summary: 'serial console of a board: read it, type, and answer its questions',
  details: [
    'On a terminal every key goes to the device. Ctrl-] quits, Ctrl-T h lists the other keys. In a pipe, the output',
    'goes to stdout and stdin to the device; a pipe never answers the approval question. If the board or its cable',
    'goes away, the console waits until it is back.',
  ].join('\n'),
  arguments: {},
  options: {
    port,
    baud,
    timeout,
    retries,
    timestamps: { short: 't', text: 'start each line with the time', schema: switchSchema },
    log: {
      short: 'l',
      value: 'file',
      text: 'append each line, with its time, to this file',
      schema: pathSchema.optional(),
    },
    eol: {
      value: 'cr|lf|crlf',
      text: 'what Enter sends',
      schema: z.enum(Object.keys(EOLS) as [Eol, ...Eol[]]).default('cr'),
      config: 'eol',
    },
    until: { value: 'text', text: 'exit 0 after a line with this text', schema: textSchema.optional() },
    for: {
      value: 'seconds',
      text: 'exit after this time; with --until this is a timeout (exit 32)',
      schema: secondsSchema.optional(),
    },
    wait: { text: 'wait for a port that does not exist yet', schema: switchSchema },
    once: { text: 'exit 40 when the link drops instead of reconnecting', schema: switchSchema },
  },
  examples: [
    'countersign console --port /dev/ttyACM0',
    'countersign console -p /dev/ttyACM0 --no-input --until "boot complete" --for 30 --log boot.log',
    'echo version | countersign console -p tcp://localhost:4321 --for 2',
  ],
  async run({ options, terminal, signal }) {
    const [{ onlyPort, openPort }, { runConsole }] = await Promise.all([
      import('../connection.js'),
      import('../console/run.js'),
    ]);
    const path = options.port ?? (await onlyPort());
    const { baud, timeout, retries } = options;
    const open = (stop: AbortSignal) => openPort(path, baud, stop, { untouched: true });
    const limits = { timeoutMs: timeout * 1000, retries };
    const seen = await runConsole({ ...options, path, open, limits }, terminal, signal);
    return { data: { port: path, ...seen }, lines: [] };
  },
});

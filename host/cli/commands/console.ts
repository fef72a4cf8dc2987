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
  summary: 'show the serial console of a board, type on it, and answer what it asks',
  details: [
    'On a terminal every key goes to the device; Ctrl-] quits, Ctrl-T h lists the other keys of ours.',
    'In a pipe, the text goes to stdout and stdin to the device; a pipe never answers the approval question.',
    'When board or cable are gone, it waits until they are back.',
  ].join('\n'),
  arguments: {},
  options: {
    port,
    baud,
    timeout,
    retries,
    timestamps: { short: 't', text: 'begin each line with the time', schema: switchSchema },
    log: {
      short: 'l',
      value: 'file',
      text: 'append every line, with its time, to this file',
      schema: pathSchema.optional(),
    },
    eol: {
      value: 'cr|lf|crlf',
      text: 'what Enter sends',
      schema: z.enum(Object.keys(EOLS) as [Eol, ...Eol[]]).default('cr'),
      config: 'eol',
    },
    until: { value: 'text', text: 'end, with success, after a line that has this text', schema: textSchema.optional() },
    for: {
      value: 'seconds',
      text: 'end after this time; with --until that is a time-out (32)',
      schema: secondsSchema.optional(),
    },
    wait: { text: 'wait for a port that is not there yet', schema: switchSchema },
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

// console: the serial console of a board, as people know it, that also understands what the board asks.
//
// Log text and what is typed pass through; frames of SMP on the same line are not shown. It sends nothing by itself
// until the device says that it asks its user, so that an application that runs is left alone. The rules of the keyboard
// stand in ../../console/keyboard.ts, those of the screen in ../../console/screen.ts.

import { z } from 'zod';
import { EOLS, type Eol } from '../../console/piped.js';
import { command } from '../command.js';
import { connectionOptions, flag, option, output, text, waitOption } from '../options.js';

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
    timestamps: flag('start each line with the time', { short: 't' }),
    log: output('append each line, with its time, to this file', { short: 'l' }),
    eol: option('cr|lf|crlf', 'what Enter sends', z.enum(Object.keys(EOLS) as [Eol, ...Eol[]]).default('cr'), {
      config: 'eol',
    }),
    until: text('text', 'exit 0 after a line with this text'),
    for: waitOption('exit after this time; with --until this is a timeout (exit 32)'),
    wait: flag('wait for a port that does not exist yet'),
    once: flag('exit 40 when the link drops instead of reconnecting'),
  },
  examples: [
    'countersign console --port /dev/ttyACM0',
    'countersign console -p /dev/ttyACM0 --no-input --until "boot complete" --for 30 --log boot.log',
    'echo version | countersign console -p tcp://localhost:4321 --for 2',
  ],
  async run({ options, terminal, signal }) {
    const [{ onlyPort, openPort }, { runConsole }] = await Promise.all([
      import('../../local/connect.js'),
      import('../console.js'),
    ]);
    const path = options.port ?? (await onlyPort());
    const { baud, timeout, retries } = options;
    const open = (stop: AbortSignal) => openPort(path, baud, stop, { untouched: true });
    const limits = { timeoutMs: timeout * 1000, retries };
    const seen = await runConsole({ ...options, path, open, limits }, terminal, signal);
    return { data: { port: path, ...seen }, lines: [] };
  },
});

// The console of a terminal: what is on the line (../console/), on this screen and by this keyboard.
//
// The board's text goes to stdout, our words and the line that moves to stderr. The terminal is set raw only while the console
// runs, and put back however it ends. What comes through a pipe goes to the board, but never answers a question (piped.ts); with
// --no-input nothing is read at all.

import { stripVTControlCharacters } from 'node:util';
import { type Console, type ConsoleOptions, makeConsole } from '../console/console.js';
import { type Keyboard, makeKeyboard } from '../console/keyboard.js';
import { type Eol, pipedLines } from '../console/piped.js';
import { makeScreen } from '../console/screen.js';
import { openAppending } from '../files.js';
import { withFile } from '../open-file.js';
import { printable } from '../printable.js';
import type { Terminal } from './terminal.js';

type Options = Omit<ConsoleOptions, 'forMs' | 'withPackage' | 'ready' | 'trace'> & {
  timestamps: boolean;
  log: string | undefined; // path, appended to
  eol: Eol;
  for: number | undefined; // seconds
};

/** Returns how many lines were seen, and whether `until` was among them. */
export async function runConsole(options: Options, terminal: Terminal, signal: AbortSignal) {
  const { stdout, stderr } = process;
  const log = options.log === undefined ? undefined : openAppending(options.log);
  const moves = stderr.isTTY === true && process.env.TERM !== 'dumb' && !terminal.json;
  const screen = makeScreen(
    {
      text: (bytes) => void stdout.write(bytes),
      note: (line) => terminal.note(line),
      moving: moves ? (text) => void stderr.write(text) : undefined,
      shared: moves && stdout.isTTY === true,
      columns: () => stderr.columns || 80,
      document: terminal.json ? (data) => terminal.result(data, []) : undefined,
      keep: (time, line) => log?.write(`${time} ${printable(stripVTControlCharacters(line))}\n`),
    },
    options,
  );
  let release: (() => void) | undefined;
  const talk = makeConsole(
    screen,
    {
      ...options,
      forMs: options.for && options.for * 1000,
      withPackage: (name, use) => withFile(name, use),
      ready: () => {
        if (!keyboard && terminal.input) release = readPipe(talk, options.eol, terminal);
      },
      trace: terminal.trace,
    },
    signal,
  );
  const keyboard = terminal.interactive ? makeKeyboard(screen, talk, options.eol) : undefined;
  if (keyboard) release = readKeys(keyboard, talk);
  try {
    return await talk.run(keyboard);
  } finally {
    release?.();
    screen.close();
    await log?.close();
  }
}

/** Returns what ends it, as readPipe does. */
function readKeys(keyboard: Keyboard, { end }: Console): () => void {
  const { stdin } = process;
  stdin.setRawMode(true);
  stdin.on('data', keyboard.take).once('end', end).resume(); // at its end the terminal is gone
  return () => {
    keyboard.close();
    stdin.off('data', keyboard.take).off('end', end);
    stdin.setRawMode(false);
    stdin.pause();
  };
}

function readPipe({ type }: Console, eol: Eol, terminal: Terminal): () => void {
  const { stdin } = process;
  const held = (line: string) =>
    terminal.warn(`"${line.trim()}" was not sent: a pipe never answers a device that asks`);
  const { take, end } = pipedLines({ eol, type, held });
  stdin.on('data', take).on('end', end).resume();
  return () => void stdin.off('data', take).off('end', end).pause();
}

// The console of a terminal: what is on the line (../../console/), on this screen and by this keyboard.

import { type ConsoleOptions, makeConsole } from '../../console/console.js';
import type { Eol } from '../../console/piped.js';
import { withFile } from '../../open-file.js';
import type { Terminal } from '../terminal.js';
import { openKeyboard, readPipe } from './keyboard.js';
import { createScreen } from './screen.js';

const HELP = [
  'Ctrl-]    quit',
  'Ctrl-T h  this help',
  'Ctrl-T a  show what the device asks, and answer it',
  'Ctrl-T d  deliver a package over this line',
  'Ctrl-T s  what the device is, and where its update stands',
  'Ctrl-T r  reset the device',
  'Ctrl-T t  times in front of lines, on and off',
  'Ctrl-T Ctrl-T, Ctrl-T Ctrl-]  send that key to the device',
  'a, d, s and r talk to the agent: an application that runs hands over to it',
].join('\n');

type Options = Omit<ConsoleOptions, 'forMs' | 'withPackage' | 'ready' | 'trace'> & {
  timestamps: boolean;
  log: string | undefined;
  eol: Eol;
  for: number | undefined; // seconds
};

/** Returns how many lines were seen, and whether `until` was among them. */
export async function runConsole(options: Options, terminal: Terminal, signal: AbortSignal) {
  const { eol } = options;
  const screen = createScreen(terminal, options);
  let stopPipe: (() => void) | undefined;
  const held = (line: string) =>
    terminal.warn(`"${line.trim()}" was not sent: a pipe never answers a device that asks`);
  const talk = makeConsole(
    screen,
    {
      ...options,
      forMs: options.for && options.for * 1000,
      withPackage: (name, use) => withFile(name, use),
      ready: () => {
        if (!keyboard && terminal.input) stopPipe = readPipe({ eol, type: talk.type, held });
      },
      trace: terminal.trace,
    },
    signal,
  );
  const help = () => screen.say(HELP);
  const times = () => screen.say(`times ${screen.toggleTimestamps() ? 'on' : 'off'}`);
  const keys = { h: help, q: talk.end, a: talk.ask, d: talk.deliver, s: talk.state, r: talk.reset, t: times };
  const command = (letter: string) => ((keys as Record<string, () => void>)[letter] ?? help)();
  const keyboard = terminal.interactive
    ? openKeyboard(screen, { eol, type: talk.type, quit: talk.end, command })
    : undefined;
  try {
    return await talk.run(keyboard);
  } finally {
    stopPipe?.();
    keyboard?.close();
    await screen.close();
  }
}

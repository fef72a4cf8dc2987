// Single keys of the terminal, as buttons: no Enter, no echo.
//
// Ctrl-C stays what it is everywhere else. Without a terminal there are no keys.

import type { Terminal } from './terminal.js';

const CTRL_C = '\u0003';

/** Calls the key's function at each press, until the result is called. */
export function onKeys(terminal: Terminal, keys: Record<string, () => void>): () => void {
  if (!terminal.interactive) return () => undefined;
  const { stdin } = process;
  const pressed = (text: string) => {
    for (const key of text.toLowerCase()) {
      if (key === CTRL_C) process.kill(process.pid, 'SIGINT');
      else keys[key]?.();
    }
  };
  stdin.setRawMode(true);
  stdin.setEncoding('utf8').on('data', pressed);
  return () => {
    stdin.off('data', pressed);
    stdin.setRawMode(false);
    stdin.pause();
  };
}

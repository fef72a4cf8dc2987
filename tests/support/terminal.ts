// A program on a terminal of its own, answered as a person would: wait for a text, type, go on.

import { stripVTControlCharacters } from 'node:util';
import { spawn } from '@lydell/node-pty';

/** Each step waits for `seen` to appear after the step before, then types `typed`, or what comes of it. Returns all that was said, and the status. */
export async function runOnTerminal(
  words: string[],
  steps: [seen: string, typed: string | (() => Promise<string>)][],
  { folder, environment }: { folder?: string; environment?: Record<string, string> } = {},
): Promise<{ text: string; status: number }> {
  const child = spawn(process.execPath, words, {
    cols: 160,
    env: { ...process.env, ...environment },
    ...(folder && { cwd: folder }),
  });
  const left = [...steps];
  let text = '';
  let from = 0;
  child.onData((piece) => {
    text += stripVTControlCharacters(piece);
    const [step] = left;
    if (!step || !text.includes(step[0], from)) return;
    left.shift();
    from = text.length;
    const [, typed] = step;
    if (typeof typed === 'string') child.write(typed);
    else void typed().then((later) => child.write(later));
  });
  const status = await new Promise<number>((resolve) => child.onExit(({ exitCode }) => resolve(exitCode)));
  return { text, status };
}

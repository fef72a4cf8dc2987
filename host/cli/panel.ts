// The panel of a virtual board: this terminal shows the device's question to its user and takes the answer, or is its buttons.
//
// Only a line typed while the question is shown is an answer: what was typed before is read all the time and dropped.
// Only y, yes, n and no are answers; enter alone is none. What is shown comes from the device: from the manifest that
// the vendor signed, and from the device's own verdict. Without a terminal nobody answers, and there are no buttons.

import { createInterface } from 'node:readline';
import { questionLines } from '../describe/question.js';
import type { Answers, BoardPanel } from '../device/runner.js';
import type { Answer } from '../formats/consent.js';
import type { Terminal } from './terminal.js';

const ANSWERS: Record<string, Answer> = { y: 'yes', yes: 'yes', n: 'no', no: 'no' };
const CTRL_C = '\u0003';

export const panelOn = (terminal: Terminal): BoardPanel => ({
  interactive: terminal.interactive,
  heard: (line) => terminal.note(`board: ${line}`),
  note: (line) => terminal.note(line),
  warn: (line) => terminal.warn(line),
  answers: () => openAnswers(terminal),
  buttons: (buttons) => onKeys(terminal, buttons),
});

function openAnswers(terminal: Terminal): Answers {
  // Not in readline's own terminal mode: Ctrl-C stays what it is everywhere else.
  let input = terminal.interactive ? createInterface({ input: process.stdin, terminal: false }) : undefined;
  input?.once('close', () => {
    input = undefined; // Ctrl-D: nobody answers here any more
  });
  let heard: (line: string) => void = () => undefined;
  input?.on('line', (line) => heard(line));

  return {
    async ask(question, gone) {
      const left = question.left ?? 0;
      terminal.note('', ...questionLines(question));
      if (!input) {
        terminal.note(
          `  nobody can answer here (no terminal, in its background, or after Ctrl-D); the device waits ${left} s`,
        );
        return undefined;
      }
      const prompt = `  type y or n, then Enter, within ${left} s`;
      terminal.note(prompt);
      return new Promise((resolve) => {
        const end = (answer: Answer | undefined) => {
          heard = () => undefined;
          gone.removeEventListener('abort', over);
          resolve(answer);
        };
        const over = () => {
          terminal.note('  the question is over');
          end(undefined);
        };
        gone.addEventListener('abort', over, { once: true });
        heard = (line) => {
          const answer = ANSWERS[line.trim().toLowerCase()];
          if (answer) end(answer);
          else terminal.note(prompt);
        };
      });
    },
    close: () => input?.close(),
  };
}

/** Single keys as buttons, without Enter or echo, until the result is called. Ctrl-C stays what it is everywhere else. */
function onKeys(terminal: Terminal, keys: Record<string, () => void>): () => void {
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

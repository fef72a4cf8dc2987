// The keyboard of a console, and its rules:
//
//   1. On a terminal every key goes to the device at once, Ctrl-C too; the device echoes, we do not.
//   2. Two keys are ours: Ctrl-] quits, Ctrl-T is followed by the letter of a command (Ctrl-T h lists them). Either one
//      behind Ctrl-T goes to the device as it is.
//   3. Enter sends what --eol says.
//   4. While a question is on the bottom line, keys edit the answer there and none goes to the device: what was typed
//      before the question came is no part of the answer. Escape or Ctrl-C leaves it unanswered.
//   5. The terminal is set raw only while the console runs, and put back however it ends.
//   6. What comes through a pipe goes to the device too, but never answers a question: a line that is just "yes" or "no" is
//      held back. With --no-input nothing is read at all.

import type { ConsoleKeyboard } from '../../console/console.js';
import { EOLS, type Eol, type Piping, pipedLines } from '../../console/piped.js';
import { withResolvers } from '../../wait.js';
import type { Screen } from './screen.js';

const QUIT = 0x1d; // Ctrl-]
const MENU = 0x14; // Ctrl-T
const INTERRUPT = '\x03';
const ESCAPE = '\x1b';
const LINE_CHARACTERS_MAX = 1024; // of what is edited here: a path, an answer

export interface Keyboard extends ConsoleKeyboard {
  close(): void;
}

export interface KeyboardOptions {
  eol: Eol;
  type(bytes: Uint8Array): void; // to the device
  command(letter: string): void;
  quit(): void;
}

export function openKeyboard(screen: Screen, options: KeyboardOptions): Keyboard {
  const { stdin } = process;
  let menu = false;
  let editor: { line: string; draw(): void; end(line: string | undefined): void } | undefined;
  const decoder = new TextDecoder();

  function onData(bytes: Uint8Array): void {
    const passed: number[] = [];
    for (const byte of bytes) {
      if (editor) takeEdit(decoder.decode(Uint8Array.of(byte), { stream: true }));
      else if (menu) takeMenu(byte, passed);
      else if (byte === QUIT) options.quit();
      else if (byte === MENU) menu = true;
      else if (byte === 0x0d) passed.push(...Buffer.from(EOLS[options.eol]));
      else passed.push(byte);
    }
    if (passed.length > 0) options.type(Uint8Array.from(passed));
  }

  function takeMenu(byte: number, passed: number[]): void {
    menu = false;
    if (byte === MENU || byte === QUIT) passed.push(byte);
    // Ctrl-T Ctrl-H is as good as Ctrl-T h.
    else options.command(String.fromCharCode(byte < 0x20 ? byte + 0x60 : byte).toLowerCase());
  }

  function takeEdit(character: string): void {
    const now = editor!;
    if (character === '\r' || character === '\n') now.end(now.line);
    else if (character === INTERRUPT || character === ESCAPE) now.end(undefined);
    else if (character === String.fromCharCode(QUIT)) options.quit();
    else if (character === '\x7f' || character === '\b') now.line = [...now.line].slice(0, -1).join('');
    else if (character === '\x15') now.line = '';
    else if (/^\P{Cc}+$/u.test(character) && now.line.length < LINE_CHARACTERS_MAX) now.line += character;
    editor?.draw();
  }

  stdin.setRawMode(true);
  stdin.on('data', onData);
  stdin.once('end', options.quit); // the terminal is gone
  stdin.resume();

  return {
    edit(prompt, gone) {
      const { promise, resolve } = withResolvers<string | undefined>();
      const draw = () => screen.bottom(prompt() + (editor?.line ?? ''));
      const tick = setInterval(draw, 1000); // the prompt tells the time that is left
      const over = () => editor?.end(undefined);
      editor = {
        line: '',
        draw,
        end(line) {
          clearInterval(tick);
          gone.removeEventListener('abort', over);
          editor = undefined;
          screen.bottom(undefined);
          resolve(line);
        },
      };
      gone.addEventListener('abort', over, { once: true });
      draw();
      if (gone.aborted) over();
      return promise;
    },
    close() {
      editor?.end(undefined);
      stdin.off('data', onData);
      stdin.off('end', options.quit);
      stdin.setRawMode(false);
      stdin.pause();
    },
  };
}

/** What a pipe brings. Returns what ends the reading. */
export function readPipe(piping: Piping): () => void {
  const { stdin } = process;
  const { take, end } = pipedLines(piping);
  stdin.on('data', take).on('end', end).resume();
  return () => void stdin.off('data', take).off('end', end).pause();
}

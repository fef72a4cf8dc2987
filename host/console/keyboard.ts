// The keyboard of a console, and its rules, wherever the keys come from: a terminal that is set raw, a terminal in a page.
//
//   1. Every key goes to the board at once, Ctrl-C too; the board echoes, we do not.
//   2. Two keys are ours: Ctrl-] quits, Ctrl-T is followed by the letter of a command (Ctrl-T h lists them). Either one
//      behind Ctrl-T goes to the board as it is.
//   3. Enter sends what `eol` says.
//   4. While a question is on the bottom line, keys edit the answer there and none goes to the board: what was typed
//      before the question came is no part of the answer. Escape or Ctrl-C leaves it unanswered.

import { utf8 } from '../formats/bytes.js';
import { withResolvers } from '../wait.js';
import type { Console, ConsoleKeyboard } from './console.js';
import { EOLS, type Eol } from './piped.js';
import type { Screen } from './screen.js';

const ENTER = 0x0d;
const QUIT = 0x1d; // Ctrl-]
const MENU = 0x14; // Ctrl-T
const INTERRUPT = '\x03';
const ESCAPE = '\x1b';
const LINE_CHARACTERS_MAX = 1024; // of what is edited here: a path, an answer

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

export interface Keyboard extends ConsoleKeyboard {
  /** Takes keys as a terminal sends them. */
  take(bytes: Uint8Array): void;
  /** Leaves what is being edited. */
  close(): void;
}

export function makeKeyboard(screen: Screen, talk: Omit<Console, 'run'>, eol: Eol): Keyboard {
  let menu = false;
  let editor: { line: string; draw(): void; end(line: string | undefined): void } | undefined;
  const decoder = new TextDecoder();

  const help = () => screen.say(HELP);
  const times = () => screen.say(`times ${screen.toggleTimestamps() ? 'on' : 'off'}`);
  const commands: Record<string, () => void> = {
    ...{ h: help, q: talk.end, a: talk.ask, d: talk.deliver, s: talk.state, r: talk.reset, t: times },
  };

  function takeMenu(byte: number, passed: number[]): void {
    menu = false;
    if (byte === MENU || byte === QUIT) passed.push(byte);
    else {
      // Ctrl-T Ctrl-H is as good as Ctrl-T h.
      const letter = String.fromCharCode(byte < 0x20 ? byte + 0x60 : byte).toLowerCase();
      (commands[letter] ?? help)();
    }
  }

  function takeEdit(character: string): void {
    const now = editor!;
    if (character === '\r' || character === '\n') now.end(now.line);
    else if (character === INTERRUPT || character === ESCAPE) now.end(undefined);
    else if (character === String.fromCharCode(QUIT)) talk.end();
    else if (character === '\x7f' || character === '\b') now.line = [...now.line].slice(0, -1).join('');
    else if (character === '\x15') now.line = '';
    else if (/^\P{Cc}+$/u.test(character) && now.line.length < LINE_CHARACTERS_MAX) now.line += character;
    editor?.draw();
  }

  return {
    take(bytes) {
      const passed: number[] = [];
      for (const byte of bytes) {
        if (editor) takeEdit(decoder.decode(Uint8Array.of(byte), { stream: true }));
        else if (menu) takeMenu(byte, passed);
        else if (byte === QUIT) talk.end();
        else if (byte === MENU) menu = true;
        else if (byte === ENTER) passed.push(...utf8(EOLS[eol]));
        else passed.push(byte);
      }
      if (passed.length > 0) talk.type(Uint8Array.from(passed));
    },
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
    close: () => editor?.end(undefined),
  };
}

// What a console shows, and keeps: the board's text, our own words, and one line at the bottom that moves.
//
//   board's text    byte for byte as it came, but without the frames between; with times each line begins with its own. Its
//                   colours and cursor movements work, as in every console.
//   our words       a line each
//   bottom line     only on a display that moves: a question being answered, or progress. While it is there, and both are
//                   one screen, the board's text appears above it, by whole lines.
//   kept            every line of the board and of ours ("-- …")
//   as documents    one per line and event instead of the text; a prompt, which has no end yet, is a document with "open"
//                   after a pause, and the line comes again when it is whole
//
// Where that is shown is given: two streams of a terminal, a terminal in a page.

import { join, utf8 } from '../formats/bytes.js';
import type { ConsoleScreen } from './console.js';

const IDLE_MS = 300; // an unfinished line above the bottom line is shown after this long
const NEWLINE = 0x0a;
const RETURN = 0x0d;
const ERASE_LINE = '\r\x1b[K';

export interface Display {
  /** The board's text. */
  text(bytes: Uint8Array): void;
  /** A line of ours. */
  note(line: string): void;
  /** The line that moves, with what erases it; undefined: nothing moves here. */
  moving: ((text: string) => void) | undefined;
  /** Board's text and ours are one screen. */
  shared: boolean;
  /** Width of the line that moves, now. */
  columns(): number;
  /** Takes documents in place of all that. */
  document?: ((data: Record<string, unknown>) => void) | undefined;
  /** Keeps a line. */
  keep(time: string, line: string): void;
}

export interface Screen extends ConsoleScreen {
  /** Times in front of lines, on or off: true if they are on now. */
  toggleTimestamps(): boolean;
  /** Shows what is unfinished. */
  close(): void;
}

const now = (): string => new Date().toISOString();

export function makeScreen(display: Display, { timestamps }: { timestamps: boolean }): Screen {
  const { moving, shared, document } = display;
  let withTimes = timestamps;
  let atLineStart = true;
  let bottom: string | undefined;
  let above: Uint8Array = new Uint8Array(); // text that waits for its newline while the bottom line is shown
  let timer: ReturnType<typeof setTimeout> | undefined;

  const keep = (line: string) => display.keep(now(), line);

  // Bytes as they are, with the time in front of each line if wanted.
  function write(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; ) {
      const end = bytes.indexOf(NEWLINE, at) + 1 || bytes.length;
      const blank = bytes[at] === NEWLINE || bytes[at] === RETURN;
      if (withTimes && atLineStart && !blank) pieces.push(utf8(`${now()} `));
      pieces.push(bytes.subarray(at, end));
      atLineStart = bytes[end - 1] === NEWLINE;
      at = end;
    }
    display.text(join(pieces));
  }

  function erase(): void {
    if (bottom !== undefined) moving?.(ERASE_LINE);
  }

  function draw(): void {
    if (bottom === undefined) return;
    const room = display.columns() - 1;
    // The end matters: it is where one types.
    moving?.(ERASE_LINE + (bottom.length > room ? `…${bottom.slice(-(room - 1))}` : bottom));
  }

  // Onto a line of its own, whatever the board left unfinished.
  function freshLine(): void {
    if (!shared || atLineStart) return;
    display.text(Uint8Array.of(NEWLINE));
    atLineStart = true;
  }

  function flushAbove(): void {
    clearTimeout(timer);
    const text = above;
    above = new Uint8Array();
    if (text.length === 0) return;
    erase();
    write(text);
    freshLine();
    draw();
  }

  function showBottom(text: string | undefined): void {
    if (!moving) return;
    if (text === undefined) {
      flushAbove();
      erase();
    } else if (bottom === undefined) freshLine();
    bottom = text;
    draw();
  }

  return {
    line(text, open) {
      if (!open) keep(text);
      document?.({ time: now(), text, ...(open && { open }) });
    },
    device(bytes) {
      if (document) return;
      if (!shared || bottom === undefined) return write(bytes);
      clearTimeout(timer);
      above = join([above, bytes]);
      const end = above.lastIndexOf(NEWLINE) + 1;
      if (end > 0) {
        erase();
        write(above.subarray(0, end));
        draw();
        above = above.subarray(end);
      }
      if (above.length > 0) timer = setTimeout(flushAbove, IDLE_MS);
    },
    say(text, event) {
      const lines = text.split('\n');
      for (const line of lines) keep(`-- ${line}`);
      if (document) return document({ time: now(), ...(event ?? { note: text }) });
      erase();
      freshLine();
      for (const line of lines) display.note(line);
      draw();
    },
    bottom: showBottom,
    toggleTimestamps() {
      withTimes = !withTimes;
      return withTimes;
    },
    close() {
      showBottom(undefined);
      freshLine();
      clearTimeout(timer);
    },
  };
}

// What a console shows, and keeps: the device's text, our own words, and one line at the bottom that moves.
//
//   device's text   stdout, byte for byte as it came, but without the frames between; with --timestamps each line begins
//                   with its time. On a terminal the device's colours and cursor movements work, as in every console.
//   our words       stderr, a line each
//   bottom line     stderr, only on a terminal: a question being answered, or progress. While it is there, the device's
//                   text appears above it, by whole lines.
//   --log FILE      every line of the device and of ours ("-- …"), each with its time, without control characters
//   --json          stdout carries one document per line and event instead of the text; a prompt, which has no end yet, is
//                   a document with "open" after a pause, and the line comes again when it is whole

import { stripVTControlCharacters } from 'node:util';
import type { ConsoleScreen } from '../../console/console.js';
import { openAppending } from '../../files.js';
import { printable } from '../../printable.js';
import type { Terminal } from '../terminal.js';

const IDLE_MS = 300; // an unfinished line above the bottom line is shown after this long
const NEWLINE = 0x0a;
const RETURN = 0x0d;
const ERASE_LINE = '\r\x1b[K';

export interface Screen extends ConsoleScreen {
  toggleTimestamps(): boolean;
  close(): Promise<void>;
}

const now = (): string => new Date().toISOString();

/** `log`: a path, appended to. */
export function createScreen(terminal: Terminal, options: { timestamps: boolean; log: string | undefined }): Screen {
  const moving = process.stderr.isTTY === true && process.env.TERM !== 'dumb' && !terminal.json;
  const shared = moving && process.stdout.isTTY === true; // stdout and stderr are one screen
  const log = options.log === undefined ? undefined : openAppending(options.log);
  let { timestamps } = options;
  let atLineStart = true;
  let bottom: string | undefined;
  let above = Buffer.alloc(0); // text that waits for its newline while the bottom line is shown
  let timer: NodeJS.Timeout | undefined;

  const keep = (line: string) => log?.write(`${now()} ${printable(stripVTControlCharacters(line))}\n`);

  // Bytes as they are, with the time in front of each line if wanted.
  function write(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; ) {
      const end = bytes.indexOf(NEWLINE, at) + 1 || bytes.length;
      const blank = bytes[at] === NEWLINE || bytes[at] === RETURN;
      if (timestamps && atLineStart && !blank) pieces.push(Buffer.from(`${now()} `));
      pieces.push(bytes.subarray(at, end));
      atLineStart = bytes[end - 1] === NEWLINE;
      at = end;
    }
    process.stdout.write(Buffer.concat(pieces));
  }

  function erase(): void {
    if (bottom !== undefined) process.stderr.write(ERASE_LINE);
  }

  function draw(): void {
    if (bottom === undefined) return;
    const room = (process.stderr.columns || 80) - 1;
    // The end matters: it is where one types.
    process.stderr.write(ERASE_LINE + (bottom.length > room ? `…${bottom.slice(-(room - 1))}` : bottom));
  }

  // Onto a line of its own, whatever the device left unfinished.
  function freshLine(): void {
    if (!shared || atLineStart) return;
    process.stdout.write('\n');
    atLineStart = true;
  }

  function flushAbove(): void {
    clearTimeout(timer);
    const text = above;
    above = Buffer.alloc(0);
    if (text.length === 0) return;
    erase();
    write(text);
    freshLine();
    draw();
  }

  return {
    line(text, open) {
      if (!open) keep(text);
      if (terminal.json) terminal.result({ time: now(), text, ...(open && { open }) }, []);
    },
    device(bytes) {
      if (terminal.json) return;
      if (!shared || bottom === undefined) return write(bytes);
      clearTimeout(timer);
      above = Buffer.concat([above, bytes]);
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
      for (const line of text.split('\n')) keep(`-- ${line}`);
      if (terminal.json) return terminal.result({ time: now(), ...(event ?? { note: text }) }, []);
      erase();
      freshLine();
      terminal.note(...text.split('\n'));
      draw();
    },
    bottom(text) {
      if (!moving) return;
      if (text === undefined) {
        flushAbove();
        erase();
        bottom = undefined;
        return;
      }
      if (bottom === undefined) freshLine();
      bottom = text;
      draw();
    },
    toggleTimestamps() {
      timestamps = !timestamps;
      return timestamps;
    },
    async close() {
      this.bottom(undefined);
      freshLine();
      clearTimeout(timer);
      await log?.close();
    },
  };
}

// The rules of the terminal, in one place:
//
//   1. Results go to stdout, everything else (progress, notes, warnings, errors, questions) to stderr. Where stdout takes
//      the file itself (-o -), the result goes to stderr as well.
//   2. Under --json stdout carries JSON alone, one document per line; a failure is a document too: {"error": …}.
//   3. Questions are asked only when both stdin and stderr are a terminal, this process is in its foreground (whoever reads
//      it from the background is stopped by the system) and --no-input is not set. Otherwise a missing answer is an error
//      that says which option gives it. Nothing is ever taken for granted in place of an answer; the end of the input is none:
//      it cancels, as Ctrl-C does.
//   4. Colour and moving bars only on a terminal: not with NO_COLOR, TERM=dumb or --json. In a pipe progress is one
//      plain line per 10 % or per 5 s.
//   5. -q leaves errors, and what a command is there to print; that a deed was done is told by the exit code. -qq leaves
//      errors alone, -v adds detail, -vv traces.
//   6. A question about a signature shows what is signed, never a paraphrase.
//   7. While a person is being waited for, no bar moves: it says who, and for how long.
//   8. One line is one line, and steers nothing: whatever is quoted in it passes printable.ts here, at the end of all roads.

import { styleText } from 'node:util';
import type * as Prompts from '@clack/prompts';
import type cliProgress from 'cli-progress';
import { bytesText, makeMeter, noteText, progressLines } from '../describe/progress.js';
import { CountersignError } from '../errors.js';
import { documentJson } from '../json.js';
import type { Person } from '../local/person.js';
import { printable, sayable } from '../printable.js';
import { isInForeground } from '../process.js';
import { type Progress, runThrough } from '../progress.js';
import { throwIfAborted } from '../wait.js';

type Style = 'yellow' | 'cyan' | 'dim';

export interface TerminalOptions {
  json: boolean;
  /** false after --no-input */
  input: boolean;
  /** -2 … 2: each -q lowers it, each -v raises it */
  level: number;
  /** stdout carries a file. */
  taken?: boolean;
  /** Ends every question. */
  signal?: AbortSignal;
}

export interface Choice<T extends string> {
  value: T;
  label: string;
}

export interface Terminal extends Person {
  readonly json: boolean;
  /** Standard input may be read: not after --no-input. */
  readonly input: boolean;
  /** A result before the end of the command, such as the port of a board that goes on running. */
  result(data: object, lines: string[]): void;
  /** Shows lines in the place of those before; only where stdout is a terminal that can, and what is printed is for a person. */
  readonly inPlace: ((lines: string[]) => void) | undefined;
  /** Asks yes or no; enter alone answers `initial`, default no. `option` is what to give instead when nobody can be asked. */
  confirm(question: string, option: string, initial?: boolean): Promise<boolean>;
  choose<T extends string>(question: string, choices: readonly Choice<T>[], option: string): Promise<T>;
  /** A line of text; `fault` says what is wrong with one that is not taken. `initial` stands there to be edited. */
  text(
    question: string,
    option: string,
    fault: (line: string) => string | undefined,
    more?: { signal?: AbortSignal | undefined; initial?: string | undefined },
  ): Promise<string>;
}

export function makeTerminal(options: TerminalOptions): Terminal {
  const moving = process.stderr.isTTY === true && process.env.TERM !== 'dumb' && options.level >= 0;
  const colour = process.stderr.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== 'dumb' && !options.json;
  const interactive =
    options.input && process.stdin.isTTY === true && process.stderr.isTTY === true && isInForeground();

  const say = (text: string, level: number) => {
    if (options.level >= level) process.stderr.write(`${text}\n`);
  };
  const style = (name: Style, text: string) => (colour ? styleText(name, text, { validateStream: false }) : text);
  // Questions go to the terminal itself: stdout may be a pipe that takes the result.
  const where = { output: process.stderr, input: process.stdin };
  if (interactive) giveSize();
  let rows = 0; // that stand there
  function inPlace(lines: string[]): void {
    const { columns = 80, rows: height = 24 } = process.stdout;
    const shown = lines.slice(0, Math.max(1, height - 1)).map((line) => printable(line).slice(0, columns));
    const up = rows > 0 ? `\x1b[${rows}A` : '';
    process.stdout.write(`${up}\x1b[J${shown.map((line) => `${line}\n`).join('')}`);
    rows = shown.length;
  }

  /** Asks, until the answer, the end of the input (Ctrl-D, a terminal that went away) or one of the signals. */
  async function ask<T>(
    question: string,
    option: string,
    how: (prompts: typeof Prompts, common: Parameters<typeof Prompts.password>[0]) => Promise<T>,
    outer?: AbortSignal,
  ): Promise<Exclude<T, symbol>> {
    if (!interactive) {
      throw new CountersignError('NotTerminal', `terminal: cannot ask "${question}"`, { hint: `give ${option}` });
    }
    const prompts = await import('@clack/prompts'); // most runs ask nobody
    const over = new AbortController();
    const end = () => over.abort();
    const onKey = (_: unknown, key?: { name?: string; ctrl?: boolean }) => key?.ctrl && key.name === 'd' && end();
    const signals = [over.signal, outer, options.signal].filter((one) => one !== undefined);
    const common = { message: sayable(question), ...where, signal: AbortSignal.any(signals) };
    process.stdin.once('end', end).on('keypress', onKey);
    try {
      const answer = process.stdin.readableEnded ? Symbol('no input') : await how(prompts, common);
      if (typeof answer !== 'symbol') return answer as Exclude<T, symbol>;
    } finally {
      process.stdin.off('end', end).off('keypress', onKey);
    }
    throwIfAborted(options.signal);
    throw new CountersignError('Cancelled', 'terminal: the question was cancelled');
  }

  const text: Terminal['text'] = (question, option, fault, { signal, initial } = {}) => {
    const more = { validate: (line = '') => fault(line), ...(initial !== undefined && { initialValue: initial }) };
    return ask(question, option, (prompts, common) => prompts.text({ ...common, ...more }), signal);
  };

  return {
    json: options.json,
    input: options.input,
    interactive,
    result(data, lines) {
      const to = options.taken ? process.stderr : process.stdout;
      if (options.json) to.write(`${documentJson(data)}\n`);
      else for (const line of lines) to.write(`${printable(line)}\n`);
    },
    inPlace: !options.json && process.stdout.isTTY === true && process.env.TERM !== 'dumb' ? inPlace : undefined,
    note(...lines) {
      for (const line of lines) say(sayable(line), 0);
    },
    detail: (text) => say(style('dim', sayable(text)), 1),
    trace: (text) => say(style('dim', sayable(text)), 2),
    warn: (text) => say(`${style('yellow', 'warning:')} ${sayable(text)}`, 0),
    async follow(work) {
      if (!moving)
        return runThrough(
          work,
          progressLines((text) => say(text, 0)),
        );
      const { step, end } = await movingBar(style);
      return runThrough(work, step).finally(end);
    },
    confirm: (question, option, initialValue = false) =>
      ask(question, option, (prompts, common) => prompts.confirm({ ...common, initialValue })),
    async choose<T extends string>(question: string, choices: readonly Choice<T>[], option: string) {
      const list = choices.map(({ value, label }) => ({ value: value as string, label: printable(label) }));
      return (await ask(question, option, (prompts, common) => prompts.select({ ...common, options: list }))) as T;
    },
    password: (question, option) => ask(question, option, (prompts, common) => prompts.password(common)),
    text,
    async yesOrNo(question, option, signal) {
      // A whole word: for what must not be answered by a slip.
      const fault = (line: string) => (/^(yes|no)$/i.test(line.trim()) ? undefined : 'type the whole word: yes or no');
      return (await text(question, option, fault, { signal })).trim().toLowerCase() === 'yes' ? 'yes' : 'no';
    },
  };
}

/** A terminal that does not say its size (0 by 0: one that a program opened) is taken for one of the usual size. */
function giveSize(): void {
  for (const stream of [process.stdout, process.stderr]) {
    if (stream.isTTY && !(stream.columns > 0)) Object.assign(stream, { columns: 80, rows: 24 });
  }
}

async function movingBar(style: (style: Style, text: string) => string) {
  const { default: bars } = await import('cli-progress');
  const format = `{phase} ${style('cyan', '{bar}')} {percentage}% {amount} {rate} {left} left`;
  let bar: cliProgress.SingleBar | undefined;
  let phase = '';
  let meter = makeMeter(0);
  let last = '';
  const stop = () => {
    bar?.stop();
    if (bar !== undefined && last !== '') process.stderr.write(`${last}\n`);
    bar = undefined;
    last = '';
  };
  return {
    step(progress: Progress): void {
      if (progress.kind !== 'work') {
        stop();
        phase = '';
        process.stderr.write(`${noteText(progress)}\n`);
        return;
      }
      if (progress.phase !== phase) {
        stop();
        phase = progress.phase;
        if (progress.total === 0) process.stderr.write(`${phase}\n`); // nothing is counted: no bar of 0 B
        if (progress.total === 0) return;
        meter = makeMeter(progress.done);
        bar = new bars.SingleBar(
          { format, stream: process.stderr, hideCursor: true, barsize: 30, clearOnComplete: false, fps: 10 },
          bars.Presets.shades_classic,
        );
        bar.start(progress.total, progress.done, { phase: phase.padEnd(10), amount: '', rate: '', left: '?' });
      }
      const { rate, left } = meter(progress.done, progress.total);
      bar?.update(progress.done, { amount: `${bytesText(progress.done)}/${bytesText(progress.total)}`, rate, left });
      last =
        progress.done === progress.total && phase === 'sending' ? `sent ${bytesText(progress.total)}, ${rate}` : '';
    },
    end: stop,
  };
}

#!/usr/bin/env node
// The `countersign` command: parse, run, print, and end with the exit code that the table gives.
//
// Whatever happens, it ends by one of two roads: a result on stdout, or an error on stderr (with --json: on stdout, as a
// document). The exit code is set before either is printed; ending.ts says what it is when it is stopped from outside.

import type { Config } from '../config.js';
import { asCountersignError, CountersignError, causesOf } from '../errors.js';
import { fileWork } from '../file-work.js';
import { documentJson, errorData } from '../json.js';
import { STDIO } from '../open-file.js';
import { sayable } from '../printable.js';
import { reasons } from '../reasons.js';
import type { AnyCommand } from './command.js';
import { settings, table } from './commands/table.js';
import { watchEnding } from './ending.js';
import { nextLine } from './next.js';
import { type Invocation, ownWords, parse } from './parse.js';
import { makeTerminal } from './terminal.js';

const ending = watchEnding();

/** The command that the first word names, alone; else all: those that a word may name, whole, and of the others what their list shows. */
async function commandsFor(words: readonly string[]): Promise<AnyCommand[]> {
  const first = table.find((row) => isNamed(row, words.slice(0, 1)));
  if (first) return [await first.load()];
  const empty = { arguments: {}, options: {}, examples: [], run: () => Promise.reject(new Error('not loaded')) };
  return Promise.all(table.map(({ load, ...listed }) => (isNamed(listed, words) ? load() : { ...listed, ...empty })));
}

const isNamed = ({ name, aliases = [] }: Pick<AnyCommand, 'name' | 'aliases'>, words: readonly string[]): boolean =>
  words.some((word) => [name, ...aliases].includes(word.replaceAll('_', '-')));

/** The settings, read when a command asks for one. To list the commands takes none, and does not wait for YAML. */
async function configFor(words: readonly string[]): Promise<() => Config> {
  if (!table.some((row) => isNamed(row, words))) return () => ({ lookup: () => undefined });
  const { loadConfig } = await import('../config.js');
  return () => loadConfig({ folder: process.cwd(), environment: process.env }, settings);
}

async function main(words: readonly string[]): Promise<void> {
  let level = 0;
  try {
    const [config, commands] = await Promise.all([configFor(words), commandsFor(words)]);
    const invocation = parse(commands, words, config);
    if (invocation.kind === 'text') {
      ending.decide(invocation.asked ? 0 : reasons.BadArgument.exit);
      (invocation.asked ? process.stdout : process.stderr).write(`${invocation.text.trimEnd()}\n`);
      return;
    }
    level = invocation.common.level;
    await run(invocation, config);
  } catch (thrown) {
    fail(asCountersignError(thrown), ownWords(words).includes('--json'), level);
  }
}

async function run(invocation: Extract<Invocation, { kind: 'run' }>, config: () => Config): Promise<void> {
  const { command, common, inputs, ...given } = invocation;
  const { signal } = ending;
  const terminal = makeTerminal({ ...common, signal, taken: given.options.output === STDIO });
  const work = () => command.run({ ...given, terminal, dryRun: common.dryRun, signal });
  const result = await Promise.race([ending.left, fileWork(inputs, work)]);
  // What was decided before the stop came is decided; a command that only runs until then was stopped.
  ending.decide(result.exit ?? ending.stopped ?? 0);
  const isProduct = command.writes !== true || result.product === true;
  const shown = common.level >= 0 || (common.level === -1 && (isProduct || (result.exit ?? 0) !== 0));
  terminal.result(result.data, shown ? result.lines : []);
  if (result.next === undefined || common.json || common.dryRun || given.options.output === STDIO) return;
  const { listRunning } = await import('../local/boards.js');
  const here = { board: (await listRunning()).length === 1 };
  terminal.note(`next: ${nextLine(await commandsFor(result.next), result.next, config, here)}`);
}

function fail(thrown: CountersignError, json: boolean, level: number): void {
  // Whatever a command that is being stopped trips over, it was stopped.
  const isStop = ending.stopped !== undefined && thrown.reason.name !== 'Cancelled';
  const error = isStop ? new CountersignError('Cancelled', 'countersign: stopped', { cause: thrown }) : thrown;
  const { code, message, hint } = error;
  const { name } = error.reason;
  const exit = ending.decide(ending.stopped ?? error.reason.exit);
  if (json) process.stdout.write(`${documentJson(errorData(error, exit))}\n`);
  process.stderr.write(`error: ${sayable(message)} [${code} ${name}]\n`);
  process.stderr.write(`hint: ${sayable(hint)}\n`);
  // The stack matters when it is our fault, or when somebody asked.
  if (level > 0 || name === 'Fault') process.stderr.write(`${causesOf(error).map(sayable).join('\n')}\n`);
}

await main(process.argv.slice(2));
// Whoever stops it does not wait for what may still hold it (a socket that is being closed).
if (ending.stopped !== undefined) process.exit();

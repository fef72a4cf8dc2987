#!/usr/bin/env node
// The `countersign` command: parse, run, print, and end with the exit code that the table gives.
//
// Whatever happens, it ends by one of two roads: a result on stdout, or an error on stderr (with --json: on stdout, as a
// document). Ctrl-C aborts the running command, which ends its work in order; a second one ends the process at once.

import { loadConfig, settingNames } from '../config.js';
import { asCountersignError, CountersignError } from '../errors.js';
import { commands } from './commands/index.js';
import { toJson } from './json.js';
import { type Invocation, parse } from './parse.js';
import { sayable } from './printable.js';
import { makeTerminal } from './terminal.js';

/** What a shell sees of a process that was ended by Ctrl-C. */
const EXIT_INTERRUPTED = 130;

async function main(words: readonly string[]): Promise<number> {
  let level = 0;
  try {
    const invocation = parse(commands, words, () =>
      loadConfig({ folder: process.cwd(), environment: process.env }, settingNames(commands)),
    );
    if (invocation.kind === 'text') {
      (invocation.asked ? process.stdout : process.stderr).write(`${invocation.text.trimEnd()}\n`);
      return invocation.asked ? 0 : new CountersignError('BadArgument', '').reason.exit;
    }
    level = invocation.common.level;
    return await run(invocation);
  } catch (thrown) {
    return fail(asCountersignError(thrown), words.includes('--json'), level);
  }
}

async function run(invocation: Extract<Invocation, { kind: 'run' }>): Promise<number> {
  const { command, common } = invocation;
  const terminal = makeTerminal(common);
  const result = await command.run({
    arguments: invocation.arguments,
    options: invocation.options,
    terminal,
    dryRun: common.dryRun,
    signal: interrupted(),
  });
  terminal.result(result.data, result.lines);
  return result.exit ?? 0;
}

function fail(error: CountersignError, json: boolean, level: number): number {
  const { code, message, hint } = error;
  const { name, exit } = error.reason;
  if (json) process.stdout.write(`${toJson({ error: { code, name, message, hint, exit } })}\n`);
  process.stderr.write(`error: ${sayable(message)} [${code} ${name}]\n`);
  process.stderr.write(`hint: ${sayable(hint)}\n`);
  // The stack matters when it is our fault, or when somebody asked.
  if (level > 0 || name === 'Fault') process.stderr.write(`${causes(error)}\n`);
  return exit;
}

function causes(error: Error): string {
  const lines: string[] = [];
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    const frames = (at.stack ?? '').split('\n').filter((line) => /^ +at /.test(line));
    lines.push(`${at === error ? '' : 'caused by: '}${at.name}: ${at.message}`, ...frames);
  }
  return lines.map(sayable).join('\n');
}

function interrupted(): AbortSignal {
  const controller = new AbortController();
  const stop = () => {
    if (controller.signal.aborted) process.exit(EXIT_INTERRUPTED);
    controller.abort(new CountersignError('Cancelled', 'countersign: stopped'));
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  return controller.signal;
}

// A reader that has seen enough (`countersign inspect x | head`) is no fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1);
});

process.exitCode = await main(process.argv.slice(2));

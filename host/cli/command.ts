// A command is data: name, what it says about itself, what it takes, and a function to run.
//
// main.ts renders the list with commander: help, parsing, and errors all come from here, so that the help is true.
// Every value passes its zod schema before run() sees it, wherever it came from (flag, environment, configuration file);
// a schema that accepts undefined makes an option or argument optional, `.default()` gives the default.
// The key is the flag: `sequenceFile` is --sequence-file. Every command has the common options (--json, -v, -q,
// --no-input); `writes: true` adds --dry-run. A command whose work needs heavy libraries imports them inside run(), so
// that `keygen` does not wait for a broker.

import type { z } from 'zod';
import type { Terminal } from './terminal.js';

export interface OptionSpec<S extends z.ZodType = z.ZodType> {
  /** One letter, without the dash. */
  short?: string;
  /**
   * Name of the value in the help ("file"); without it, the option is a switch whose raw value is true. "[file]" may be
   * left out: the raw value is true then.
   */
  value?: string;
  text: string;
  schema: S;
  /** Though the schema takes nothing: required unless one of these options is given. */
  unless?: readonly string[];
  /** May be given more than once; the raw value is an array of strings. */
  repeat?: boolean;
  /** Name in configuration files; COUNTERSIGN_<NAME> in the environment. Absent: only by flag. */
  config?: string;
  /** The value is a path: taken from a configuration file, it is relative to that file. */
  path?: boolean;
  /** The value names a file: one that is read, or one that is written and can be none of those (../files.ts). */
  file?: 'read' | 'written';
  /** Keys of arguments and options that it does not go with, and why; typed, it puts aside settings of these. */
  not?: readonly string[];
  why?: string;
  /** Key of the option without which it says nothing. */
  needs?: string;
  /** Heading of the help that it stands under, without the colon. */
  group?: string;
}

export interface ArgumentSpec<S extends z.ZodType = z.ZodType> {
  text: string;
  schema: S;
  /** As of an option. */
  unless?: readonly string[];
  /** What a shell offers, where the schema does not list it. */
  choices?: readonly string[];
  /** Takes all that remain; the raw value is an array of strings. Only the last may. */
  many?: boolean;
  /** As of an option. */
  file?: 'read' | 'written';
}

type Specs = Record<string, { schema: z.ZodType }>;
type Values<T extends Specs> = { [K in keyof T]: z.output<T[K]['schema']> };

/** What a command hands back. main.ts prints it: `data` as JSON under --json, else `lines`; both to stdout. */
export interface Result {
  data: object;
  lines: string[];
  /** What the command is there to print, not the report of a deed: shown with -q as well. */
  product?: boolean;
  /** Exit code, when a result is not plain success, such as a verdict. */
  exit?: number;
  /** The command that a person would run next: its name, then words. next.ts adds what it requires besides. */
  next?: readonly string[] | undefined;
}

export interface Context<A, O> {
  arguments: A;
  options: O;
  terminal: Terminal;
  /** Do everything but write; false for commands that write nothing. */
  dryRun: boolean;
  /** Aborted by Ctrl-C. Every wait takes it. */
  signal: AbortSignal;
}

export interface Command<A extends Record<string, ArgumentSpec> = never, O extends Record<string, OptionSpec> = never> {
  /** Words joined by dashes; the underscore form is understood too. */
  name: string;
  aliases?: string[];
  /** One line, lower case, no full stop. */
  summary: string;
  /** More for the command's own help. */
  details?: string;
  /** In order of their place on the line. */
  arguments: A;
  options: O;
  /** Whole lines, without the prompt. */
  examples: string[];
  writes?: boolean;
  run(context: Context<Values<A>, Values<O>>): Promise<Result>;
}

/** A command whose types have been checked and are no longer needed. */
export interface AnyCommand extends Omit<Command<Record<string, ArgumentSpec>, Record<string, OptionSpec>>, 'run'> {
  /** Heading of the list of commands that it stands under, without the colon; from commands/index.ts. */
  group?: string;
  run(context: Context<Record<string, unknown>, Record<string, unknown>>): Promise<Result>;
}

/** Checks run() against the schemas of its arguments and options, and returns the command for the list. */
export function command<A extends Record<string, ArgumentSpec>, O extends Record<string, OptionSpec>>(
  definition: Command<A, O>,
): AnyCommand {
  return definition as unknown as AnyCommand;
}

/** The same options, under one heading of the help. */
export function grouped<T extends Record<string, OptionSpec>>(group: string, options: T): T {
  return Object.fromEntries(Object.entries(options).map(([key, spec]) => [key, { ...spec, group }])) as T;
}

/** --the-flag of an option's key. */
export function flagOf(key: string): string {
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

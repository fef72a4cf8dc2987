// From the words on a command line to checked values: the list of commands rendered with commander.
//
// Promises: an unknown command, option or surplus argument is an error (exit code 4), never skipped; every value has
// passed its schema; the underscore form of a dashed name means the same; help says what the definitions say, defaults
// included. Exit codes have one place: `help exit-codes`. Nothing here runs a command.

import { Command as Commander, CommanderError, Option } from 'commander';
import type { z } from 'zod';
import type { Config } from '../config.js';
import { CountersignError } from '../errors.js';
import { splitKeyName } from '../formats/key-name.js';
import { rawOf, uncapitalized } from '../local/settings.js';
import { exitCodes } from '../reasons.js';
import { packageVersion } from '../root.js';
import { withoutPassword } from '../secret-url.js';
import { environmentName } from '../setting-name.js';
import { withAccess } from './broker-access.js';
import { type AnyCommand, flagOf, type OptionSpec } from './command.js';

export interface Common {
  json: boolean;
  input: boolean;
  level: number;
  dryRun: boolean;
}

export type Invocation =
  | {
      kind: 'run';
      command: AnyCommand;
      arguments: Record<string, unknown>;
      options: Record<string, unknown>;
      common: Common;
      /** Paths of files that it will read. */
      inputs: string[];
    }
  /** --help, --version or nothing at all: text to print. */
  | { kind: 'text'; text: string; asked: boolean };

/** Makes sense of `words` (without the program's name), or throws BadArgument. */
export function parse(commands: readonly AnyCommand[], words: readonly string[], config: () => Config): Invocation {
  const [help, topic] = words.filter((word) => !word.startsWith('-'));
  if (help === 'help' && topic?.replace('_', '-') === 'exit-codes') {
    return { kind: 'text', text: exitCodeText(), asked: true };
  }
  let found: Invocation | undefined;
  let text = '';
  const program = makeProgram({ writeOut: (part) => (text += part), writeErr: (part) => (text += part) });
  for (const definition of commands) {
    const rendered = render(definition);
    rendered.action(() => {
      const common = readCommon(program.opts(), rendered.opts());
      const given = readArguments(definition, rendered.args);
      const options = withAccess(readOptions(definition, { ...given, ...rendered.opts() }, config));
      const inputs = [...pathsIn(definition.arguments, given), ...pathsIn(definition.options, options)];
      found = { kind: 'run', command: definition, arguments: given, options, common, inputs };
    });
    program.addCommand(rendered.copyInheritedSettings(program));
  }
  try {
    program.parse(withHelp(commands, withDashes(commands, words)), { from: 'user' });
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown;
    if (thrown.exitCode === 0) return { kind: 'text', text, asked: true };
    if (thrown.code === 'commander.help') return { kind: 'text', text, asked: false };
    const [message, ...hints] = thrown.message.replace(/^error: /, '').split('\n');
    throw wrong(message!, hints.join(' ').replace(/[()]/g, '').toLowerCase());
  }
  return found ?? { kind: 'text', text: program.helpInformation(), asked: false };
}

function makeProgram(output: { writeOut(text: string): void; writeErr(text: string): void }): Commander {
  const program = new Commander('countersign')
    .description('Operator-approved firmware updates: a device installs only what its operator approved.')
    .version(packageVersion, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .enablePositionalOptions()
    .helpCommand(false)
    .exitOverride()
    .configureOutput({ ...output, outputError: () => {} })
    .configureHelp({ subcommandTerm: (command) => [command.name(), ...command.aliases()].join(', ') })
    .addHelpText('after', HELP_ON_HELP);
  for (const option of commonOptions()) program.addOption(option);
  return program;
}

function commonOptions(): Option[] {
  return [
    new Option('--json', 'print the result as JSON on stdout'),
    new Option('--no-input', 'never ask; fail if an answer is missing'),
    new Option('-v, --verbose', 'print more; -vv also prints a trace').argParser(count),
    new Option('-q, --quiet', 'print only errors and what was asked for; -qq only errors').argParser(count),
  ].map((option) => option.helpGroup('Common options:'));
}

const HELP_ON_HELP = `
More:
  countersign help COMMAND     arguments, options and examples of a command
  countersign help exit-codes  what the exit codes mean`;

const count = (_: string, before: number | undefined) => (before ?? 0) + 1;

function exitCodeText(): string {
  const rows = exitCodes.map(([code, text]) => `  ${String(code).padEnd(4)}${text}`);
  return `Exit codes, of all commands:\n${rows.join('\n')}\n\nThe number and name in an error are its reason: docs/reasons.md.`;
}

function isOptional(schema: z.ZodType): boolean {
  return schema.safeParse(undefined).success;
}

function render(definition: AnyCommand): Commander {
  const rendered = new Commander(definition.name)
    .summary(definition.summary)
    // As one paragraph: commander fills the lines, and would keep the breaks of our source besides.
    .description([definition.summary, definition.details?.replaceAll('\n', ' ')].filter(Boolean).join('\n\n'))
    .helpOption('-h, --help', 'print this help')
    .helpGroup(`${definition.group}:`)
    .aliases(definition.aliases ?? []);
  for (const [name, spec] of Object.entries(definition.arguments)) {
    const shown = spec.many ? `${name}...` : name;
    rendered.argument(isOptional(spec.schema) ? `[${shown}]` : `<${shown}>`, spec.text);
  }
  // Headings stand in the order of their first options: what is the command's own comes before what it shares with others.
  const options = Object.entries(definition.options).sort(([, a], [, b]) => Number(!!a.group) - Number(!!b.group));
  for (const [key, spec] of options) rendered.addOption(renderOption(key, spec));
  if (definition.writes) {
    rendered.addOption(
      new Option('--dry-run', 'show what would be done, but change nothing').helpGroup('Common options:'),
    );
  }
  for (const option of commonOptions()) rendered.addOption(option);
  const examples = definition.examples.map((line) => `  $ ${line}`).join('\n');
  return rendered.addHelpText('after', `\nExamples:\n${examples}\n\nExit codes: countersign help exit-codes`);
}

function renderOption(key: string, spec: OptionSpec): Option {
  const flag = flagOf(key);
  const value = spec.value === undefined || spec.value.startsWith('[') ? spec.value : `<${spec.value}>`;
  const flags = [spec.short && `-${spec.short},`, flag, value].filter(Boolean).join(' ');
  const option = new Option(flags, optionText(spec)).helpGroup(`${spec.group ?? 'Options'}:`);
  if (spec.repeat) option.argParser((value: string, before: string[] | undefined) => [...(before ?? []), value]);
  return option;
}

function optionText(spec: OptionSpec): string {
  const fallback = spec.schema.safeParse(undefined);
  const notes: string[] = [];
  if (!fallback.success) notes.push('required');
  else if (['string', 'number', 'bigint'].includes(typeof fallback.data)) notes.push(`default: ${fallback.data}`);
  if (spec.repeat) notes.push('may be repeated');
  if (spec.config) notes.push(`env: ${environmentName(spec.config)}`);
  return notes.length > 0 ? `${spec.text} (${notes.join('; ')})` : spec.text;
}

function readCommon(before: Record<string, unknown>, after: Record<string, unknown>): Common {
  const level = (values: Record<string, unknown>) => Number(values.verbose ?? 0) - Number(values.quiet ?? 0);
  return {
    json: before.json === true || after.json === true,
    input: before.input !== false && after.input !== false,
    level: level(before) + level(after),
    dryRun: after.dryRun === true,
  };
}

function readArguments(definition: AnyCommand, words: readonly string[]): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const [index, [name, spec]] of Object.entries(definition.arguments).entries()) {
    const rest = words.slice(index);
    values[name] = check(`<${name}>`, spec.schema, spec.many ? (rest.length > 0 ? rest : undefined) : rest[0]);
  }
  return values;
}

/** A switch that says no: commander tells --no-confirm as `confirm: false`. */
function negated(key: string, typed: Record<string, unknown>): true | undefined {
  const [, first, rest] = /^no([A-Z])(\w*)$/.exec(key) ?? [];
  return first !== undefined && typed[`${first.toLowerCase()}${rest}`] === false ? true : undefined;
}

/** Every option by its flag, else its setting, else its default. All that is required and not given is named at once. */
function readOptions(
  { options: specs, arguments: places }: AnyCommand,
  typed: Record<string, unknown>,
  config: () => Config,
): Record<string, unknown> {
  const apart = (key: string, other: string) => specs[key]?.not?.includes(other) || specs[other]?.not?.includes(key);
  const typedKeys = Object.keys({ ...specs, ...places }).filter(
    (key) => (typed[key] ?? negated(key, typed)) !== undefined,
  );
  for (const key of typedKeys) {
    const other = specs[key]?.not?.find((one) => typedKeys.includes(one));
    if (other === undefined) continue;
    throw wrong(`${flagOf(key)} does not go with ${other in specs ? flagOf(other) : `<${other}>`}`, specs[key]?.why);
  }
  const missing: string[] = [];
  const read = (key: string, spec: OptionSpec): unknown => {
    const value = typed[key] ?? negated(key, typed);
    if (value !== undefined) return check(flagOf(key), spec.schema, value);
    const aside = spec.config === undefined || typedKeys.some((one) => apart(one, key));
    const setting = aside ? undefined : config().lookup(spec.config!);
    if (setting !== undefined)
      return check(`${flagOf(key)} (from ${setting.origin})`, spec.schema, rawOf(spec, setting));
    if (isOptional(spec.schema)) return check(flagOf(key), spec.schema, undefined);
    missing.push(flagOf(key));
    return undefined;
  };
  const values = Object.fromEntries(Object.entries(specs).map(([key, spec]) => [key, read(key, spec)]));
  const isGiven = (value: unknown) =>
    value !== undefined && value !== false && !(Array.isArray(value) && value.length === 0);
  const isMissing = (key: string, unless: readonly string[] | undefined) =>
    unless !== undefined && ![key, ...unless].some((one) => isGiven(values[one] ?? typed[one]));
  for (const [key, { unless }] of Object.entries(places)) if (isMissing(key, unless)) missing.unshift(`<${key}>`);
  for (const [key, { unless }] of Object.entries(specs)) if (isMissing(key, unless)) missing.push(flagOf(key));
  if (missing.length > 0) throw wrong(`${missing.join(', ')}: ${missing.length === 1 ? 'is' : 'are'} required`);
  for (const key of typedKeys) {
    const needed = specs[key]?.needs;
    if (needed !== undefined && !isGiven(values[needed])) throw wrong(`${flagOf(key)} needs ${flagOf(needed)}`);
  }
  return values;
}

/** Values that name files to read: a path, or an object that has one. */
const pathsIn = (specs: Record<string, Pick<OptionSpec, 'file'>>, values: Record<string, unknown>): string[] =>
  Object.entries(specs)
    .flatMap(([key, { file }]) => (file === 'read' ? [values[key]].flat() : []))
    .map((value) => (typeof value === 'object' && value !== null && 'path' in value ? value.path : value))
    .flatMap((value) => (typeof value === 'string' ? splitKeyName(value).path : []));

const wrong = (text: string, hint?: string) =>
  new CountersignError('BadArgument', `argument: ${text}`, hint ? { hint } : {});

function check(what: string, schema: z.ZodType, raw: unknown): unknown {
  const result = schema.safeParse(raw);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const text = raw === undefined ? 'is required' : uncapitalized(issue?.message ?? 'is wrong');
  const shown = typeof raw === 'string' ? ` "${withoutPassword(raw)}"` : '';
  throw wrong(`${what}${shown}: ${text}`);
}

/** `help WORD` -> `WORD --help`. commander shows the program's help for a command that it does not know: that is an error. */
function withHelp(commands: readonly AnyCommand[], words: readonly string[]): string[] {
  const known = (word: string) => commands.some((one) => [one.name, ...(one.aliases ?? [])].includes(word));
  const [first, ...rest] = words.filter((word) => !word.startsWith('-'));
  if (first === 'help') return withHelp(commands, [...rest.slice(0, 1), '--help']);
  return first === undefined || known(first) ? [...words] : words.filter((word) => !['-h', '--help'].includes(word));
}

/** Those that are for this program: what stands behind `--` is handed on as it is. */
export function ownWords(words: readonly string[]): readonly string[] {
  const end = words.indexOf('--');
  return end < 0 ? words : words.slice(0, end);
}

/** dump_info -> dump-info and --dry_run -> --dry-run, where the dashed name exists. */
function withDashes(commands: readonly AnyCommand[], words: readonly string[]): string[] {
  const at = words.findIndex((word) => !word.startsWith('-'));
  const name = words[at]?.replaceAll('_', '-');
  const chosen = commands.find((one) => name !== undefined && [one.name, ...(one.aliases ?? [])].includes(name));
  if (chosen === undefined) return [...words];
  const flags = new Set([...Object.keys(chosen.options).map(flagOf), '--dry-run', '--no-input']);
  const own = ownWords(words).length;
  return words.map((word, index) => {
    if (index === at) return name ?? word;
    if (index >= own) return word;
    const [flag = '', ...value] = word.split('=');
    const dashed = flag.replaceAll('_', '-');
    return flag.startsWith('--') && flags.has(dashed) ? [dashed, ...value].join('=') : word;
  });
}

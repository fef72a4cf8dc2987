// What a person would most likely run next, as a line to copy: quoted for a shell, and whole. What the command requires and
// neither the words nor a setting give stands in capitals: -k OPERATOR_KEY. So does the port, where it is not clear which.

import type { Config } from '../config.js';
import { shellWord } from '../printable.js';
import { type AnyCommand, flagOf, type OptionSpec } from './command.js';

/** By which a device is named. */
const REACHED = ['port', 'broker', 'device'];

/** `board`: one runs here, which is meant when nothing else is said. */
export function nextLine(
  commands: readonly AnyCommand[],
  [name = '', ...words]: readonly string[],
  config: () => Config,
  { board }: { board: boolean },
): string {
  const { arguments: places = {}, options = {} } = commands.find((one) => one.name === name) ?? {};
  const isTyped = (flags: readonly (string | undefined)[]) => words.some((word) => flags.includes(word));
  const isSet = (key: string) => config().lookup(options[key]?.config ?? key) !== undefined;
  const isRequired = ({ schema, unless }: Pick<OptionSpec, 'schema' | 'unless'>) =>
    unless === undefined ? !schema.safeParse(undefined).success : !isTyped(unless.map(flagOf));
  const required = Object.entries(places).filter(([, spec]) => isRequired(spec));
  const given = words.findIndex((word) => word.startsWith('-'));
  const missing = required.slice(given < 0 ? words.length : given).map(([key]) => key.toUpperCase());
  const flags = Object.entries(options).flatMap(([key, spec]) => {
    const short = spec.short && `-${spec.short}`;
    if (!isRequired(spec) || isTyped([flagOf(key), short])) return [];
    if (spec.config !== undefined && isSet(key)) return [];
    const value = spec.value === 'key' ? (spec.config ?? 'key').replace('-', '_') : (spec.value ?? '');
    return [short ?? flagOf(key), value.toUpperCase()];
  });
  const unclear =
    'port' in options && 'device' in options && !board && !isTyped(REACHED.map(flagOf)) && !REACHED.some(isSet);
  return ['countersign', name, ...missing, ...words, ...flags, ...(unclear ? ['--port', 'PORT'] : [])]
    .map(shellWord)
    .join(' ');
}

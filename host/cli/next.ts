// What a person would most likely run next, as a line to copy: quoted for a shell, and whole. What the command requires and
// neither the words nor a setting give stands in capitals: -k KEY.

import type { Config } from '../config.js';
import { shellWord } from '../printable.js';
import { type AnyCommand, flagOf, type OptionSpec } from './command.js';

export function nextLine(
  commands: readonly AnyCommand[],
  [name = '', ...words]: readonly string[],
  config: () => Config,
): string {
  const found = commands.find((one) => one.name === name);
  const isGiven = (flags: readonly (string | undefined)[]) => words.some((word) => flags.includes(word));
  const isRequired = ({ schema, unless }: Pick<OptionSpec, 'schema' | 'unless'>) =>
    unless === undefined ? !schema.safeParse(undefined).success : !isGiven(unless.map(flagOf));
  const places = Object.entries(found?.arguments ?? {}).filter(([, spec]) => isRequired(spec));
  const given = words.findIndex((word) => word.startsWith('-'));
  const missing = places.slice(given < 0 ? words.length : given).map(([key]) => key.toUpperCase());
  const flags = Object.entries(found?.options ?? {}).flatMap(([key, spec]) => {
    const short = spec.short && `-${spec.short}`;
    if (!isRequired(spec) || isGiven([flagOf(key), short])) return [];
    if (spec.config !== undefined && config().lookup(spec.config) !== undefined) return [];
    return [short ?? flagOf(key), (spec.value ?? '').toUpperCase()];
  });
  return ['countersign', name, ...missing, ...words, ...flags].map(shellWord).join(' ');
}

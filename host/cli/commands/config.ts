// config: what the settings are just now, and which of the places that are looked into each comes from.
//
//   flag (only of the command itself) > environment > project file > user file > default
//
// A value is shown as a command would get it: a path from a file is resolved against that file. One that no command would
// take is shown too, with what is wrong with it: this is where one looks for it.

import { z } from 'zod';
import { loadConfig, settingNames } from '../../config.js';
import { CountersignError } from '../../errors.js';
import { withoutPassword } from '../../secret-url.js';
import { environmentName } from '../../setting-name.js';
import { command, flagOf, type OptionSpec } from '../command.js';
import { rawOf, uncapitalized } from '../parse.js';
import { switchSchema, textSchema } from '../values.js';

interface Shown {
  name: string;
  value: unknown;
  origin: 'environment' | 'project' | 'user' | 'default' | 'unset';
  /** Variable or file. */
  from: string | undefined;
  fault: string | undefined;
  variable: string;
  flags: string[];
  commands: string[];
}

/** One setting, and every option that takes it. */
interface Use {
  command: string;
  flag: string;
  spec: OptionSpec;
}

export const config = command({
  name: 'config',
  summary: 'show the settings and where each comes from',
  details: [
    'A setting is taken from the first place that has it: flag, environment, countersign.yaml in this folder or one',
    'above, countersign/config.yaml in $XDG_CONFIG_HOME or ~/.config, default. The files are YAML maps of names to',
    'values.',
  ].join('\n'),
  arguments: {
    action: { text: 'show', schema: z.enum(['show']) },
    name: { text: 'only this setting', schema: textSchema.optional() },
  },
  options: { origin: { text: 'show where each value comes from', schema: switchSchema } },
  examples: ['countersign config show', 'countersign config show --origin', 'countersign config show broker --json'],
  async run({ arguments: { name }, options: { origin } }) {
    // Not at the top: the list holds this command, too.
    const { commands } = await import('./index.js');
    const uses = new Map<string, Use[]>();
    for (const one of commands) {
      for (const [key, spec] of Object.entries(one.options)) {
        if (spec.config === undefined) continue;
        const use = { command: one.name, flag: flagOf(key), spec };
        uses.set(spec.config, [...(uses.get(spec.config) ?? []), use]);
      }
    }
    if (name !== undefined && !uses.has(name)) {
      throw new CountersignError('NotFound', `config: there is no setting "${name}"`, {
        hint: `the names are: ${[...uses.keys()].sort().join(', ')}`,
      });
    }
    const found = loadConfig({ folder: process.cwd(), environment: process.env }, settingNames(commands));
    const shown = [...uses]
      .filter(([one]) => name === undefined || one === name)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([one, by]) => show(one, by, found.lookup(one)));
    const width = Math.max(...shown.map((one) => one.name.length));
    return {
      data: { settings: shown },
      lines: shown.map((one) => lineOf(one, width, origin)),
    };
  },
});

function show(name: string, uses: Use[], setting: ReturnType<ReturnType<typeof loadConfig>['lookup']>): Shown {
  const { spec } = uses[0]!;
  const common = {
    name,
    variable: environmentName(name),
    flags: [...new Set(uses.map(({ flag }) => flag))],
    commands: uses.map((use) => use.command),
  };
  if (setting === undefined) {
    const fallback = defaultOf(uses);
    return {
      ...common,
      value: fallback,
      origin: fallback === undefined ? 'unset' : 'default',
      from: undefined,
      fault: undefined,
    };
  }
  const raw = rawOf(spec, setting);
  const { error } = spec.schema.safeParse(raw);
  const value = typeof raw === 'string' ? withoutPassword(raw) : raw;
  return { ...common, value, origin: setting.place, from: setting.origin, fault: error?.issues[0]?.message };
}

/** What every command takes that has the setting; where they differ there is no one default. */
function defaultOf(uses: Use[]): unknown {
  const [first, ...others] = uses.map(({ spec }) => {
    const { success, data } = spec.schema.safeParse(undefined);
    return success && ['string', 'number'].includes(typeof data) ? data : undefined;
  });
  return others.every((one) => one === first) ? first : undefined;
}

function lineOf({ name, value, origin, from, fault }: Shown, width: number, withOrigin: boolean): string {
  const text = value === undefined ? 'not set' : [value].flat().map(String).join(', ');
  const where = from === undefined ? origin : `${origin}: ${from}`;
  const told = withOrigin && origin !== 'unset' ? `  (${where})` : '';
  const wrong = fault === undefined ? '' : `  WRONG: ${uncapitalized(fault)}`;
  return `${name.padEnd(width)}  ${text}${told}${wrong}`;
}

// config: what the settings are just now, and which of the places that are looked into each comes from.
//
//   flag (only of the command itself) > environment > project file > user file > default

import { z } from 'zod';
import { listSettings, settingLines } from '../../local/settings.js';
import { command, flagOf } from '../command.js';
import { flag, textSchema } from '../options.js';

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
  options: { origin: flag('show where each value comes from') },
  examples: ['countersign config show', 'countersign config show --origin', 'countersign config show broker --json'],
  async run({ arguments: { name }, options }) {
    // Not at the top: the list holds this command, too.
    const [{ loadAll, settings: known }, { loadConfig }] = await Promise.all([
      import('./table.js'),
      import('../../config.js'),
    ]);
    const commands = await loadAll();
    const uses = commands.flatMap((one) =>
      Object.entries(one.options).map(([key, spec]) => ({ command: one.name, flag: flagOf(key), spec })),
    );
    const found = loadConfig({ folder: process.cwd(), environment: process.env }, known);
    const settings = listSettings(uses, found, name);
    return { data: { settings }, lines: settingLines(settings, options) };
  },
});

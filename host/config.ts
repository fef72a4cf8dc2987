// Where a setting comes from: flag, environment, project file, user file, default; the first that has it wins.
//
// Environment: COUNTERSIGN_ and the name in capitals, dashes as underscores (vendor-key: COUNTERSIGN_VENDOR_KEY).
// Project file: the nearest countersign.yaml from the working folder upwards. User file: countersign/config.yaml in
// $XDG_CONFIG_HOME or ~/.config. Both are one flat map of names to values; an unknown name is an error, since a
// misspelt setting that is silently ignored is worse than none. Paths in a file are relative to that file.

import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import * as z from 'zod';
import { CountersignError, systemCode } from './errors.js';
import { readYaml } from './formats/yaml-text.js';
import { environmentName } from './setting-name.js';

const PROJECT_FILE = 'countersign.yaml';
const CONFIG_BYTES_MAX = 65536;

const scalar = z.union([z.string(), z.number(), z.boolean()]);
const values = z.union([scalar, z.array(scalar)], { error: 'is neither a value nor a list of values' });
const fileSchema = z.lazy(() => z.record(z.string(), values).nullable());

type Scalar = z.infer<typeof scalar>;

export interface Setting {
  value: Scalar | Scalar[];
  place: 'environment' | 'project' | 'user';
  /** "COUNTERSIGN_FLEET" or the path of a file, for messages. */
  origin: string;
  /** Folder that a relative path in the value starts from. */
  folder: string;
}

export interface ConfigPlaces {
  folder: string;
  environment: Record<string, string | undefined>;
}

export interface Config {
  lookup(name: string): Setting | undefined;
}

interface ConfigFile {
  place: 'project' | 'user';
  path: string;
  values: Record<string, Scalar | Scalar[]>;
}

/** Reads both files, if they are there. `known` are the names that any command understands. */
export function loadConfig(places: ConfigPlaces, known: ReadonlySet<string>): Config {
  const home = places.environment.XDG_CONFIG_HOME || join(places.environment.HOME || homedir(), '.config');
  const files = [
    findProjectFile(places.folder, known),
    readConfigFile('user', join(home, 'countersign', 'config.yaml'), known),
  ];
  return {
    lookup(name) {
      const variable = environmentName(name);
      const fromEnvironment = places.environment[variable];
      if (fromEnvironment) {
        return { value: fromEnvironment, place: 'environment', origin: variable, folder: places.folder };
      }
      for (const file of files) {
        const value = file?.values[name];
        if (file === undefined || value === undefined) continue;
        return { value, place: file.place, origin: file.path, folder: dirname(file.path) };
      }
      return undefined;
    },
  };
}

/** The names that these commands understand. */
export function settingNames(commands: readonly { options: Record<string, { config?: string }> }[]): Set<string> {
  const names = commands.flatMap(({ options }) => Object.values(options).map((spec) => spec.config));
  return new Set(names.filter((name) => name !== undefined));
}

function findProjectFile(from: string, known: ReadonlySet<string>): ConfigFile | undefined {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    const found = readConfigFile('project', join(folder, PROJECT_FILE), known);
    if (found !== undefined || dirname(folder) === folder) return found;
  }
}

function readConfigFile(place: ConfigFile['place'], path: string, known: ReadonlySet<string>): ConfigFile | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes(systemCode(cause) ?? '')) return undefined;
    throw new CountersignError('ConfigMalformed', `config: cannot read ${path}`, { cause });
  }
  if (text.length > CONFIG_BYTES_MAX) throw new CountersignError('ConfigMalformed', `config: ${path} is too large`);
  const hint = '`countersign config show` lists the names that there are';
  const values = readYaml(text, fileSchema, { area: 'config', what: path, reason: 'ConfigMalformed', hint }) ?? {};
  for (const name of Object.keys(values)) {
    if (known.has(name)) continue;
    throw new CountersignError('ConfigMalformed', `config: ${path} sets "${name}", which nothing uses`, {
      hint: `the names are: ${[...known].sort().join(', ')}`,
    });
  }
  return { place, path, values };
}

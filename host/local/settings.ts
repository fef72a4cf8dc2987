// The settings as they are here (../config.ts): the value of each, which place it comes from, and what is wrong with it.
//
// A value is given as a command would get it: a path from a file is resolved against that file. One that no command would take
// is given too, with why: this is where one looks for it.

import { resolve } from 'node:path';
import type { z } from 'zod';
import type { Config, Setting } from '../config.js';
import { CountersignError } from '../errors.js';
import { isKeyUri } from '../pkcs11/uri.js';
import { withoutPassword } from '../secret-url.js';
import { environmentName } from '../setting-name.js';

/** In place of the path that the setting `record` names: there is none. */
export const NO_RECORD = 'none';

/** What takes a setting: an option, or a field of a form. */
export interface Taker {
  schema: z.ZodType;
  /** Of the setting. */
  config?: string;
  /** Absent: a switch. */
  value?: string;
  repeat?: boolean;
  path?: boolean;
}

export interface SettingUse {
  command: string;
  flag: string;
  spec: Taker;
}

export interface ShownSetting {
  name: string;
  value: unknown;
  origin: Setting['place'] | 'default' | 'unset';
  /** Variable or file. */
  from: string | undefined;
  /** Why no command takes it. */
  fault: string | undefined;
  variable: string;
  flags: string[];
  commands: string[];
}

/** A configured value in the shape that a flag would have: text, a list of text, or true. */
export function rawOf(spec: Taker, setting: Setting): unknown {
  const text = (value: unknown) => {
    const [, scheme = '', path = ''] = /^(raw-(?:seed|public):)?(.*)$/s.exec(String(value)) ?? [];
    return spec.path && !isKeyUri(path) ? `${scheme}${resolve(setting.folder, path)}` : String(value);
  };
  if (spec.value === undefined) return ['true', '1', 'yes'].includes(String(setting.value)) ? true : undefined;
  if (spec.repeat) return [setting.value].flat().map(text);
  return Array.isArray(setting.value) ? setting.value : text(setting.value);
}

/** All settings that something takes, by name; or only `name`. Throws NotFound if nothing takes that. */
export function listSettings(uses: readonly SettingUse[], config: Config, name?: string): ShownSetting[] {
  const names = [...new Set(uses.flatMap(({ spec }) => spec.config ?? []))].sort();
  if (name !== undefined && !names.includes(name)) {
    throw new CountersignError('NotFound', `config: there is no setting "${name}"`, {
      hint: `the names are: ${names.join(', ')}`,
    });
  }
  const wanted = names.filter((one) => name === undefined || one === name);
  return wanted.map((one) => settingOf(one, uses.filter(({ spec }) => spec.config === one), config.lookup(one))); // biome-ignore format: one setting, one line
}

function settingOf(name: string, uses: readonly SettingUse[], setting: Setting | undefined): ShownSetting {
  const spec = uses[0]!.spec;
  const raw = setting && rawOf(spec, setting);
  const value = setting ? raw : defaultOf(uses);
  return {
    name,
    value: typeof value === 'string' ? withoutPassword(value) : value,
    origin: setting?.place ?? (value === undefined ? 'unset' : 'default'),
    from: setting?.origin,
    fault: setting && spec.schema.safeParse(raw).error?.issues[0]?.message,
    variable: environmentName(name),
    flags: [...new Set(uses.map(({ flag }) => flag))],
    commands: uses.map(({ command }) => command),
  };
}

/** What every command takes that has the setting; where they differ there is no one default. */
function defaultOf(uses: readonly SettingUse[]): unknown {
  const [first, ...others] = uses.map(({ spec }) => {
    const { success, data } = spec.schema.safeParse(undefined);
    return success && ['string', 'number'].includes(typeof data) ? data : undefined;
  });
  return others.every((one) => one === first) ? first : undefined;
}

/** "fleet   plant  (project: PATH)", a line for each. */
export function settingLines(settings: readonly ShownSetting[], { origin: withOrigin }: { origin: boolean }): string[] {
  const width = Math.max(...settings.map(({ name }) => name.length));
  return settings.map(({ name, value, origin, from, fault }) => {
    const text = value === undefined ? 'not set' : [value].flat().map(String).join(', ');
    const told = withOrigin && origin !== 'unset' ? `  (${from === undefined ? origin : `${origin}: ${from}`})` : '';
    return `${name.padEnd(width)}  ${text}${told}${fault === undefined ? '' : `  WRONG: ${uncapitalized(fault)}`}`;
  });
}

/** Words of a library's sentence, for the middle of one of ours. */
export const uncapitalized = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);

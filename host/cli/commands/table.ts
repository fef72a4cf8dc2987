// The commands as a table: what --help lists of each, and how it is loaded.
//
// Here all of them are there already. In the bundle that users run, build-command.mjs puts a table in place of this one that
// loads a command when it is named, so that `check` does not wait for what `deliver` needs.

import { settingNames } from '../../config.js';
import type { AnyCommand } from '../command.js';
import { commands } from './index.js';

export interface Row extends Pick<AnyCommand, 'name' | 'aliases' | 'summary' | 'group'> {
  load(): Promise<AnyCommand>;
}

export const table: readonly Row[] = commands.map((command) => ({ ...command, load: async () => command }));

/** The names of all settings that any command understands. */
export const settings: ReadonlySet<string> = settingNames(commands);

/** All of them, whole: for what is about the list itself. */
export const loadAll = (): Promise<AnyCommand[]> => Promise.all(table.map(({ load }) => load()));

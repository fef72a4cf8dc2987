// A list of devices to be provisioned, as a spreadsheet writes it: comma-separated values, a device a line.
//
//   id,name,groups
//   00e1d2c3b4a59687,sensor-7,cellar house
//
// The first line names the columns, in any order; `groups`, separated by spaces, may be left out. A value holds no comma, so nothing
// is quoted; what is quoted all the same is an error, and so is an id or a name that stands there twice: each is one device's.

import * as z from 'zod';
import { CountersignError } from '../errors.js';
import { hexSchema } from './typed.js';

const DEVICES_MAX = 100_000;
const COLUMNS = ['id', 'name', 'groups'] as const;

export interface ListedDevice {
  /** Hex. */
  id: string;
  /** On a broker, and of its file. */
  name: string;
  groups: string[];
}

/** `nameSchema`: what a name on a broker and a group have to be. Throws FileMalformed, with the line. */
export function readDeviceList(text: string, what: string, nameSchema: z.ZodType<string>): ListedDevice[] {
  const wrong = (line: number, why: string) =>
    new CountersignError('FileMalformed', `${what}, line ${line}: ${why}`, {
      hint: 'the first line names the columns id, name and groups; then one device a line',
    });
  const lines = text.replace(/^\ufeff/, '').split(/\r?\n/);
  const cellsOf = (line: string) => line.split(',').map((cell) => cell.trim());
  const head = cellsOf(lines[0] ?? '');
  const stranger = head.find((column) => !(COLUMNS as readonly string[]).includes(column));
  if (stranger !== undefined) throw wrong(1, `"${stranger}" is no column`);
  const missing = ['id', 'name'].find((column) => !head.includes(column));
  if (missing !== undefined) throw wrong(1, `there is no column "${missing}"`);
  if (new Set(head).size < head.length) throw wrong(1, 'a column stands there twice');

  const rowSchema = z.object({
    id: hexSchema,
    name: nameSchema,
    groups: z.array(nameSchema).max(16, 'these are more than 16 groups'),
  });
  const found: ListedDevice[] = [];
  const taken = new Map<string, number>();
  for (const [at, line] of lines.entries()) {
    const number = at + 1;
    if (at === 0 || line.trim() === '') continue;
    if (line.includes('"')) throw wrong(number, 'values are not quoted');
    const cells = cellsOf(line);
    if (cells.length !== head.length) throw wrong(number, `${cells.length} values for ${head.length} columns`);
    if (found.length >= DEVICES_MAX) throw wrong(number, `more than ${DEVICES_MAX} devices`);
    const cell = (column: string) => cells[head.indexOf(column)] ?? '';
    const row = {
      id: cell('id').toLowerCase(),
      name: cell('name'),
      groups: cell('groups').split(/\s+/).filter(Boolean),
    };
    const fault = rowSchema.safeParse(row).error?.issues[0];
    if (fault) throw wrong(number, `${fault.path[0]?.toString()}: ${fault.message}`);
    for (const key of [`id ${row.id}`, `name ${row.name}`]) {
      const before = taken.get(key);
      if (before !== undefined) throw wrong(number, `${key} stands in line ${before}, too`);
      taken.set(key, number);
    }
    found.push(row);
  }
  if (found.length === 0) throw wrong(lines.length, 'no device is listed');
  return found;
}

// The boards that we know: one folder each, described by board.json. Checked here, so that everybody else can trust it.
//
// The flash map is a promise between agent, port and linker script: regions apart, of whole sectors; those of the slots
// of one size, the secondary slot one larger than the primary (a download is staged from its second page on), the state in two
// halves of whole sectors. Offsets are one space, also where it lies in several devices; a region lies in one of them.

import { readdirSync, readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import * as z from 'zod';
import { CountersignError } from './errors.js';
import { packageRoot } from './root.js';

const region = z.strictObject({ offset: z.number().int().nonnegative(), bytes: z.number().int().positive() });
export type Region = z.infer<typeof region>;

/** Flash offsets from `offset` on lie in it. */
const device = z.strictObject({
  ...region.shape,
  name: z.string().regex(/^[a-z][a-z0-9]*$/), // the C of the board sees it, too
  address: z.number().int().nonnegative().optional(), // of its first byte, where the processor reads it as memory
});

/** Memory that the image of the primary slot is copied to, and started from. */
const copy = z.strictObject({ address: z.number().int().nonnegative(), bytes: z.number().int().positive() });

/** The agent's own memory, from the address `offset` on. */
const memory = z.object({ offset: z.number().int().nonnegative(), bytes: z.number().int().positive() });

const PAGE_BYTES_MIN = 256;
const PAGE_BYTES_MAX = 256 * 1024;
const SECTORS_MAX = 65_536;
const WORD_BYTES = 4;
const ADDRESSES = 2 ** 32;
const NAMES_TAKEN = ['page', 'erase', 'write', 'primary', 'secondary', 'state', 'agent', 'flash']; // in the C of a board
const SNAPSHOT_BYTES_MAX = 8 * 1024; // assembly/flash/record.ts, CODES
const STATE_BYTES_MIN = 6 * 1024; // settings of every size, and approvals of one operator or two

const flashMap = z.strictObject({
  bytes: z.number().int().positive(),
  pageBytes: z.number().int().min(PAGE_BYTES_MIN).max(PAGE_BYTES_MAX), // what is erased at once, in the slots
  sectors: z
    .array(z.strictObject({ count: z.number().int().positive(), bytes: z.number().int().positive() }))
    .optional(), // all, in order; else pages of one size
  writeBytes: z.literal([4, 8, 16, 32]).default(4), // what is written at once, and once only
  erasedTo: z.literal([0xff, 0]).default(0xff),
  overwrites: z.boolean().default(false), // no sector to spare: an image is written over the one that runs, with no way back
  devices: z.array(device).min(1).optional(), // in the order of their offsets; else one, which is memory
  copiedTo: copy.optional(), // where the device of the primary slot is no memory
  agent: region,
  primary: region,
  secondary: region,
  state: region,
});
export type FlashMap = z.infer<typeof flashMap>;
/** As it may be written down: what most flash has is left out. */
export type FlashMapInput = z.input<typeof flashMap>;

const checkedMap = flashMap.superRefine((map, check) => {
  for (const fault of flashMapFaults(map)) check.addIssue(fault);
});

const link = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('console'), baud: z.number().int().positive().optional() }),
  z.strictObject({ kind: z.literal('packets'), over: z.string() }),
]);

const runner = z.strictObject({
  module: z.string().regex(/^[a-z][a-z0-9-]*$/), // in the board's folder, without its extension; exports `start`
  about: z.string(), // a sentence behind the board's name, without its full stop
  needs: z.array(z.string()).default([]), // programs that have to be installed for it
  examples: z.array(z.string()).default([]), // options that are worth an example
  radio: z.union([z.boolean(), z.literal('agent')]).default(false), // a broker reaches it; 'agent': not while its application runs
  cardSlot: z.boolean().default(false),
  many: z.boolean().default(false), // the module exports `startMany` as well
});
export type Runner = z.infer<typeof runner>;

const boardObject = z.strictObject({
  name: z.string(),
  title: z.string(),
  flash: checkedMap,
  ram: z.looseObject(memory.shape).optional(), // of a board of the C port
  links: z.array(link).min(1), // in the order of their numbers
  abilities: z.strictObject({
    user: z.boolean(), // shows a question and takes an answer
    card: z.boolean(),
    clock: z.boolean(), // knows the time, from a source that is trusted
    delta: z.boolean().default(false), // has room for an agent that takes blocks coded against the image that runs
    large: z.boolean().default(false), // has 3 KB more of RAM for packets of 2 KB; `delta` is a part of it
  }),
  firmware: z.looseObject({}).optional(), // how the C port is built
  runner: runner.optional(), // starts it without hardware (device/runner.ts)
});
const board = boardObject.superRefine((described, check) => {
  for (const fault of memoryFaults(described)) check.addIssue(fault);
});
export type Board = z.infer<typeof board>;

/** The module of build/ that is the agent of a board, by its abilities. */
export const agentName = ({ abilities, flash }: Pick<Board, 'abilities' | 'flash'>) =>
  abilities.large || !isPlain(flash) ? 'agent-large' : abilities.delta ? 'agent-delta' : 'agent';

/** Pages of words, erased to ones, no more settings than a snapshot of them holds, an image that runs in place: what every agent knows. */
const isPlain = ({ writeBytes, erasedTo, overwrites, state, copiedTo }: FlashMap) =>
  writeBytes === 4 && erasedTo === 0xff && !overwrites && state.bytes <= 2 * SNAPSHOT_BYTES_MAX && !copiedTo;

/** The device of a region: all of flash where the map names none. */
export const deviceOf = ({ devices, bytes }: FlashMap, { offset, bytes: length }: Region) =>
  devices
    ? devices.find((one) => offset >= one.offset && offset + length <= one.offset + one.bytes)
    : { name: 'flash', offset: 0, bytes, address: 0 };

export const parseBoard = (json: unknown, where: string): Board => parseAs(board, json, where);

/** A flash map by itself, as a part of a board.json. */
export const parseFlashMap = (json: unknown, where: string): FlashMap => parseAs(checkedMap, json, where);

function parseAs<T>(schema: z.ZodType<T>, json: unknown, where: string): T {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
  throw new CountersignError('FileMalformed', `board: ${where}: ${faults}`);
}

export async function loadBoard(name: string): Promise<Board> {
  const names = await listBoards();
  if (!names.includes(name)) {
    throw new CountersignError('NotFound', `board: there is no board "${name}"`, {
      hint: `one of: ${names.join(', ')}`,
    });
  }
  const text = await readFile(new URL(`boards/${name}/board.json`, packageRoot), 'utf8');
  return parseBoard(JSON.parse(text), `${name}/board.json`);
}

/** The names of the boards that are there: the folders of boards/ that have a board.json. */
export async function listBoards(): Promise<string[]> {
  const folder = new URL('boards/', packageRoot);
  const names = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isDirectory());
  const found = await Promise.all(
    names.map(async ({ name }) => ((await readdir(new URL(`${name}/`, folder))).includes('board.json') ? [name] : [])),
  );
  return found.flat().sort();
}

/** Those that can be started without hardware; first what needs nothing else installed. */
export function listRunners(): (Runner & { name: string })[] {
  const folder = new URL('boards/', packageRoot);
  const found = readdirSync(folder).flatMap((name) => {
    try {
      const described = JSON.parse(readFileSync(new URL(`${name}/board.json`, folder), 'utf8'));
      return [{ ...runner.parse(described.runner), name }];
    } catch {
      return []; // no board, or none that can be started; of one that is not sound, loadBoard says what is wrong
    }
  });
  return found.sort((a, b) => a.needs.length - b.needs.length || (a.name < b.name ? -1 : 1));
}

/** Where each sector begins, and where the last one ends. */
function bordersOf({ bytes, pageBytes, sectors }: FlashMap): number[] {
  const runs = sectors ?? [{ count: Math.floor(bytes / pageBytes), bytes: pageBytes }];
  const borders = [0];
  for (const { count, bytes } of runs) for (let n = 0; n < count; n += 1) borders.push(borders.at(-1)! + bytes);
  return borders;
}

function flashMapFaults(map: FlashMap): string[] {
  const { pageBytes: page, writeBytes, overwrites, agent, primary, secondary, state } = map;
  const regions: [string, Region][] = Object.entries({ agent, primary, secondary, state });
  const faults: string[] = [];
  const check = (right: boolean, fault: string) => {
    if (!right) faults.push(fault);
  };
  check((page & (page - 1)) === 0, 'pageBytes is a power of two');
  const count = map.sectors?.reduce((sum, run) => sum + run.count, 0) ?? map.bytes / page;
  if (count > SECTORS_MAX) return ['there are too many sectors'];
  const borders = new Set(bordersOf(map));
  const isWhole = (offset: number, bytes: number) => borders.has(offset) && borders.has(offset + bytes);
  let end = 0;
  for (const [name, { offset, bytes }] of regions.toSorted(([, a], [, b]) => a.offset - b.offset)) {
    check(isWhole(offset, bytes), `${name} is made of whole ${map.sectors ? 'sectors' : 'pages'}`);
    check(offset >= end, `${name} begins after the region before it`);
    end = offset + bytes;
  }
  for (const [name, { offset, bytes }] of [regions[1]!, regions[2]!]) {
    const inside = [...borders].filter((border) => border >= offset && border <= offset + bytes);
    check(inside.length - 1 === bytes / page, `the sectors of ${name} have ${page} bytes each: pageBytes`);
  }
  check(end <= map.bytes, 'the regions fit the flash');
  if (overwrites) check(secondary.bytes === primary.bytes, 'secondary is as large as primary');
  else check(secondary.bytes === primary.bytes + page, 'secondary is one page larger than primary');
  check(isWhole(state.offset, state.bytes / 2), `state is an even number of ${map.sectors ? 'sectors' : 'pages'}`);
  check(state.bytes >= 2 * STATE_BYTES_MIN, `each half of state has ${STATE_BYTES_MIN} bytes at least`);
  check(page % writeBytes === 0, 'a page has whole units of writeBytes');
  return [...faults, ...deviceFaults(map, regions)];
}

function deviceFaults(map: FlashMap, regions: [string, Region][]): string[] {
  const { devices = [], copiedTo, agent, primary } = map;
  const faults: string[] = [];
  const check = (right: boolean, fault: string) => {
    if (!right) faults.push(fault);
  };
  let end = 0;
  for (const [at, { name, offset, bytes }] of devices.entries()) {
    check(offset >= end, `device ${name} begins after the device before it`);
    check(!NAMES_TAKEN.includes(name), `device ${name} has a name of its own: that one has another meaning`);
    check(devices.findIndex((one) => one.name === name) === at, `device ${name} is there once`);
    end = offset + bytes;
  }
  check(end <= map.bytes, 'the devices fit the flash');
  for (const [name, region] of regions) check(deviceOf(map, region) !== undefined, `${name} lies in one device`);
  const isMemory = (region: Region) => deviceOf(map, region)?.address !== undefined;
  check(isMemory(agent), 'the device of agent has an address: the agent runs there');
  check(isMemory(primary) !== (copiedTo !== undefined), 'copiedTo is there if the device of primary has no address');
  check(!copiedTo || copiedTo.bytes >= primary.bytes, `copiedTo has room for primary: ${primary.bytes} bytes at least`);
  return faults;
}

/** What the processor sees as memory lies apart: a copy over the agent's own would be written before it was compared. */
function memoryFaults({
  flash,
  ram,
}: {
  flash: FlashMap;
  ram?: { offset: number; bytes: number } | undefined;
}): string[] {
  const parts = [
    ...(flash.devices ?? []).flatMap(({ name, address, bytes }) =>
      address === undefined ? [] : [{ name, address, bytes }],
    ),
    ...(ram ? [{ name: 'ram', address: ram.offset, bytes: ram.bytes }] : []),
    ...(flash.copiedTo ? [{ name: 'copiedTo', ...flash.copiedTo }] : []),
  ].sort((a, b) => a.address - b.address);
  const faults = flash.copiedTo && !ram ? ['ram is there where an image is copied'] : [];
  for (const [at, { name, address, bytes }] of parts.entries()) {
    const before = parts[at - 1];
    if (address % WORD_BYTES !== 0) faults.push(`${name} begins with a whole word`);
    if (address + bytes > ADDRESSES) faults.push(`${name} ends below 4 GiB`);
    if (before && before.address + before.bytes > address) faults.push(`${name} lies apart from ${before.name}`);
  }
  return faults;
}

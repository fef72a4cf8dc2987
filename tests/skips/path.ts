// The whole agent's path with an instruction left out: upload, verdict, order, installation, swap, resets, the start of an image.
//
// The agent is the firmware of the micro:bit (boards/port, its flash driver included) with the slots small and its cryptography replaced
// (modules.ts), in a conversation that stands in the program (device.c). An image is installed and runs; then, with an
// instruction left out, somebody does all to have another one run that must not, and the board is reset again and again.

import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { translate } from '../../boards/port/translate.js';
import {
  APPROVED,
  approvalOf,
  bootstrapDocument,
  consenter,
  DENIED,
  NODE,
  operator,
  packageOf,
  vendor,
} from '../support/agent-world.js';
import {
  type ApprovalOptions,
  CLASS_ID,
  cbor,
  makeBootstrap,
  makeConsent,
  makeKey,
  NOW,
  type Package,
  type PolicyOptions,
  ROLE,
  sha256,
  sign1,
} from '../support/make.js';
import { frame, packet, type Request } from '../support/smp.js';
import { by, compile, forged, type Plant } from './modules.js';
import { disassembly, onQemu, type Program, symbolsOf } from './program.js';

const SHA_256 = -16;
const PIECE_BYTES = 256; // that the micro:bit keeps of what its UART receives
const DATA_BYTES = 300; // of a request
const PAGE = 1024;
const FLASH = { PRIMARY: [0x10000, 8], SECONDARY: [0x12000, 9], STATE: [0x14400, 12] } as const; // offset, pages; machine.h has PAGES
const AGENT_BYTES = 0x10000;
const SCRIPTS = 0x18000; // behind the slots: the conversations
const SCENARIO = 0x20003f80; // device.c
const STARTED = 7; // what path.c ends with when another image is started with every instruction
const REJECT = 0;
const PROMPT = 1;
const YES = 1;
const NO = 2;
const SIGNED = 2; // Channel

// --- Conversations ---

type Event =
  | { kind: 'BYTES'; bytes: Uint8Array }
  | { kind: 'WAIT' | 'PRESS'; count: number }
  | { kind: 'RESET' | 'MARK' | 'FINISH' };

const ask = (request: Request): Event[] => {
  const line = frame(packet(request));
  return Array.from({ length: Math.ceil(line.length / PIECE_BYTES) }, (_, i) => ({
    kind: 'BYTES',
    bytes: line.slice(i * PIECE_BYTES, (i + 1) * PIECE_BYTES),
  }));
};
const pieces = (data: Uint8Array, request: (off: number, data: Uint8Array) => Request): Event[] =>
  Array.from({ length: Math.ceil(data.length / DATA_BYTES) }, (_, i) =>
    ask(request(i * DATA_BYTES, data.slice(i * DATA_BYTES, (i + 1) * DATA_BYTES))),
  ).flat();
const put = (uri: string, data: Uint8Array): Event[] =>
  pieces(data, (off, part) => ({
    ...{ group: 64, id: 1, write: true },
    body: { uri, off, ...(off === 0 ? { len: data.length } : {}), data: part },
  }));
const upload = ({ bytes }: Package): Event[] =>
  pieces(bytes, (off, part) => ({
    ...{ group: 1, id: 1, write: true },
    body: { off, ...(off === 0 ? { len: bytes.length, image: 0, sha: sha256(bytes) } : {}), data: part },
  }));
const order = (uri: string): Event[] => ask({ group: 64, id: 3, write: true, body: { uri } });
const wait = (count: number): Event => ({ kind: 'WAIT', count });
const mark: Event = { kind: 'MARK' };

/** A program that says that it works and resets the board: what an application does to be kept, and no more. */
function imageOf(name: string): Uint8Array {
  const [mailbox, message] = [0x20003fe0, 0x6d626f02];
  const [aircr, reset] = [0xe000ed0c, 0x05fa0004];
  const words = new Uint32Array(40);
  words.set([mailbox, FLASH.PRIMARY[0] + 9, 0, 0, 0, 0, 0, mailbox, ~message, message, aircr, reset]);
  //                          ldr r0  ldr r1  str     ldr r1  str     ldr r0  ldr r1  str     b .
  new Uint16Array(words.buffer, 8).set([0x4804, 0x4905, 0x6041, 0x4905, 0x6001, 0x4805, 0x4905, 0x6001, 0xe7fe]);
  const image = new Uint8Array(words.buffer);
  image.set(new TextEncoder().encode(name), 48);
  return image;
}

const packageBy = (sequence: number, name: string, spoil: (signature: Uint8Array) => Uint8Array): Package => {
  const image = imageOf(name);
  const { digest } = packageOf(sequence, { image });
  const block = sign1({ key: vendor, payload: cbor([SHA_256, digest]), detached: true, spoil });
  return packageOf(sequence, { image, signers: [block] });
};
const runs = packageBy(1, 'what runs', by(vendor));
const wanted = packageBy(2, 'what somebody wants to run', by(vendor));
const spoilt = packageBy(2, 'what somebody wants to run', forged);

const approval = (of: Package, sequence: number, verdict = APPROVED, more: Partial<ApprovalOptions> = {}) =>
  put(NODE.approvals, approvalOf(of.digest, sequence, verdict, { spoil: by(operator), ...more }));
const installed = (policy: PolicyOptions): Event[] => [
  ...put(NODE.bootstrap, bootstrapDocument(policy)),
  ...approval(runs, 1),
  ...upload(runs),
  ...order(NODE.update),
  wait(24),
];
const resets: Event[] = [wait(24), { kind: 'RESET' }, wait(14), { kind: 'RESET' }, wait(14), { kind: 'FINISH' }];
const attack = (of: Package): Event[] => [mark, ...upload(of), ...order(NODE.update), ...resets];
/** Where nobody answers what is asked, with this approval data in the device. */
const unanswered = (sequence: number, more: Partial<ApprovalOptions>): Event[] => [
  ...installed({ unapproved: PROMPT }),
  ...approval(wanted, sequence, APPROVED, more),
  ...attack(wanted),
];
const verdict = APPROVED;
const digest = wanted.digest;
const second = makeKey('ed25519', 'second operator');
const yesToEarlier = makeConsent({
  ...{ key: consenter, answer: YES, digest, nonce: new Uint8Array(16).fill(7) },
  spoil: by(consenter),
});
const twoOperators = makeBootstrap({
  anchors: [
    { role: ROLE.vendor, key: vendor },
    { role: ROLE.operator, key: operator },
    { role: ROLE.operator, key: second },
  ],
  policy: { unapproved: PROMPT, threshold: 2 },
});

/** From a blank board on; what comes behind the mark has instructions left out. */
const CONVERSATIONS: Record<string, Event[]> = {
  unapproved: [...installed({ unapproved: REJECT }), ...attack(wanted)],
  forged: [...installed({ unapproved: REJECT }), ...approval(spoilt, 2), ...attack(spoilt)],
  denied: [...installed({ unapproved: REJECT }), ...approval(wanted, 2, DENIED), ...attack(wanted)],
  // Approved when it was downloaded, denied when it is to be installed.
  withdrawn: [
    ...installed({ unapproved: REJECT }),
    ...approval(wanted, 2),
    ...upload(wanted),
    ...approval(wanted, 3, DENIED),
    mark,
    ...order(NODE.update),
    ...resets,
  ],
  // The same, with the settings before the denial still in the other bank, and a reset before the order.
  outdated: [
    ...installed({ unapproved: REJECT }),
    ...approval(wanted, 2),
    ...upload(wanted),
    { kind: 'RESET' },
    ...approval(wanted, 3, DENIED),
    mark,
    { kind: 'RESET' },
    ...order(NODE.update),
    ...resets,
  ],
  // The person at the device says no, and somebody asks again.
  refused: [
    ...installed({ unapproved: PROMPT }),
    ...upload(wanted),
    mark,
    ...order(NODE.update),
    wait(4),
    { kind: 'PRESS', count: NO },
    wait(2),
    ...order(NODE.update),
    ...resets,
  ],
  // Approvals that are nearly, but not, for this package on this device.
  other: unanswered(2, {
    entries: [
      { verdict, digest: runs.digest },
      { verdict, classId: CLASS_ID, range: [1, 1] },
      { verdict, vendorKid: operator.kid },
      { verdict, digest, devices: [new TextEncoder().encode('another device')] },
    ],
  }),
  // For this one, but not any more. (Not yet is no scenario: what a device without a clock takes for the time is one number.)
  lapsed: unanswered(2, { expires: NOW - 1 }),
  // One operator of the two that policy asks for.
  few: [
    ...put(NODE.bootstrap, twoOperators),
    ...approval(runs, 1),
    ...approval(runs, 1, APPROVED, { key: second, spoil: by(second) }),
    ...upload(runs),
    ...order(NODE.update),
    wait(24),
    ...approval(wanted, 2),
    ...attack(wanted),
  ],
  // A consenter's yes to an earlier question.
  stale: [
    ...installed({ unapproved: PROMPT, channels: SIGNED }),
    ...upload(wanted),
    ...order(NODE.update),
    mark,
    ...ask({ group: 64, id: 4, write: true, body: { answer: yesToEarlier } }),
    ...resets,
  ],
  // The operator wants a person to be asked, and nobody answers.
  confirm: [
    ...installed({ unapproved: REJECT }),
    ...approval(wanted, 2, APPROVED, { entries: [{ verdict, digest, confirm: 1 }] }),
    ...attack(wanted),
  ],
};
/** It has to be installed as it is: that all of this works. */
const SOUND: Event[] = [...installed({ unapproved: REJECT }), ...approval(wanted, 2), ...attack(wanted)];

export const PATH_SCENARIOS = Object.keys(CONVERSATIONS);

// --- The program ---

function header(all: Event[][]): string {
  const bytes = (of: Uint8Array) => [...of].join(',');
  const events = (of: Event[], name: string) =>
    of.map((event, i) => {
      if (event.kind === 'BYTES') return `{BYTES, ${event.bytes.length}, ${name}_${i}}`;
      return `{${event.kind}, ${'count' in event ? event.count : 0}, 0}`;
    });
  return [
    `const uint8_t image_that_runs[] = {${bytes(runs.image)}};`,
    ...all.flatMap((of, number) => [
      ...of.flatMap((event, i) =>
        event.kind === 'BYTES' ? [`SCRIPT static const uint8_t c${number}_${i}[] = {${bytes(event.bytes)}};`] : [],
      ),
      `SCRIPT static const struct event c${number}[] = {${events(of, `c${number}`).join(',\n')}};`,
    ]),
    `static const struct event *const scripts[] = {${all.map((_, number) => `c${number}`)}};`,
    '',
  ].join('\n');
}

const IMPORT = `
void sha256_block(u32 *hash, const u8 *block);
static void import_sha256(u32 state, u32 block) { sha256_block((u32 *)(void *)memory_at(state, 32), memory_at(block, 64)); }
`;

async function build(root: string, folder: string, plants: Plant[] = []): Promise<Program> {
  mkdirSync(folder, { recursive: true });
  const module = translate(await compile(root, 'agent', plants), 'agent');
  writeFileSync(join(folder, 'agent.wasm.c'), module + IMPORT);
  writeFileSync(join(folder, 'script.h'), header([...Object.values(CONVERSATIONS), SOUND]));
  const map = Object.entries(FLASH).flatMap(([name, [offset, pages]]) => [
    `#define BOARD_${name}_OFFSET ${offset}u`,
    `#define BOARD_${name}_BYTES ${pages * PAGE}u`,
  ]);
  writeFileSync(
    join(folder, 'board.h'),
    [...map, `#define BOARD_PAGE_BYTES ${PAGE}u`, '#define BOARD_CARD 0', '#define BOARD_CLOCK 0', ''].join('\n'),
  );
  const boards = join(root, 'boards');
  const { firmware, ram } = JSON.parse(readFileSync(join(boards, 'microbit/board.json'), 'utf8'));
  const elf = join(folder, 'agent.elf');
  const symbols = {
    FLASH_BYTES: AGENT_BYTES,
    RAM_OFFSET: ram.offset,
    RAM_BYTES: ram.bytes,
    STACK_BYTES: ram.stackBytes,
  };
  execFileSync(
    firmware.compiler,
    [
      ...firmware.flags,
      ...['-std=gnu11', '-ffreestanding', '-ffunction-sections', '-fdata-sections', '-Wall', '-Wextra'],
      ...['-I', folder, '-I', join(boards, 'port'), '-nostartfiles', '--specs=nano.specs'],
      ...['-T', join(boards, firmware.script), '-Wl,--gc-sections,--build-id=none,--undefined=image_that_runs'],
      `-Wl,--section-start=.script=0x${SCRIPTS.toString(16)}`,
      ...Object.entries(symbols).map(([symbol, value]) => `-Wl,--defsym=${symbol}=${value}`),
      ...['port/agent.c', 'port/libc.c', 'port/cortexm.c'].map((file) => join(boards, file)),
      ...['device.c', 'hash.c'].map((file) => join(root, 'tests/skips', file)),
      ...['-lgcc', '-o', elf],
    ],
    { stdio: 'inherit' },
  );
  const machine = join(folder, 'path');
  execFileSync('cc', ['-std=gnu11', '-O3', '-Wall', '-Wextra', join(root, 'tests/skips/path.c'), '-o', machine], {
    stdio: 'inherit',
  });
  return { elf, machine, symbols: symbolsOf(elf) };
}

// --- Runs ---

/** Where the interpreter stops (path.c), in its order. */
const STOPS = ['hal_link_read', 'hal_flash_read', 'marked', 'finished', 'sha256_block', 'world'];
/** What is the board around the agent (device.c). */
const AROUND = ['marked', 'finished', 'sha256_block'].concat(
  ['idle', 'link_read', 'link_write', 'milliseconds', 'random', 'start', 'stop', 'user'].map((name) => `hal_${name}`),
);

export interface PathFigures {
  scenario: string;
  steps: number;
  skips: number;
  /** An image that must not run was started, at once or after a later reset. */
  installed: number;
  /** At the end something else than what may run stands in the primary slot, and was not started. */
  lies: number;
  faults: number;
  hangs: number;
  at: { address: string; step: number; what: string; turns: number }[];
}

export type How = 'every' | 'first' | 'find' | 'none';

function words({ elf, symbols }: Program, number: number, how: How, shard: number, shards: number): string[] {
  const of = (name: string) => {
    const symbol = symbols.get(name);
    if (!symbol) throw new Error(`skips: the program has no ${name}`);
    return symbol;
  };
  const around = AROUND.map(of).flatMap(({ at, bytes }) => [at, at + bytes]);
  const places = [...STOPS.map((name) => of(name).at), ...around].map((at) => at.toString(16)).join(',');
  const image = of('image_that_runs');
  return [elf, places, `${number}`, image.at.toString(16), `${image.bytes}`, how, `${shard}`, `${shards}`];
}

const execute = promisify(execFile);

/** A run that looks at fewer ends sooner: each is held against all those before it. */
const SHARDS = 40;

/** The skips of a scenario, one in `sample` (at most SHARDS) of them, on as many processors as there are. */
async function run(program: Program, number: number, how: How, sample = 1): Promise<string[]> {
  const shards = how === 'none' ? 1 : SHARDS;
  const said: string[] = [];
  let next = 0;
  const work = async () => {
    for (let shard = next++; shard < Math.ceil(shards / sample); shard = next++) {
      const { stdout } = await execute(program.machine, words(program, number, how, shard, shards), {
        maxBuffer: 1 << 28,
      });
      said.push(stdout);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return said;
}

function figuresOf(scenario: string, said: string[]): PathFigures {
  const row: PathFigures = { scenario, steps: 0, skips: 0, installed: 0, lies: 0, faults: 0, hangs: 0, at: [] };
  for (const text of said) {
    const end = /^steps (\d+) skips (\d+) installed (\d+) lies (\d+) faults (\d+) hangs (\d+)$/m.exec(text)!;
    const [, steps, skips, installed, lies, faults, hangs] = end.map(Number) as number[];
    row.steps = steps!;
    row.skips += skips!;
    row.installed += installed!;
    row.lies += lies!;
    row.faults += faults!;
    row.hangs += hangs!;
    for (const [, address, step, what, turns] of text.matchAll(/^([0-9a-f]+) (\d+) (installed|lies) (\d+)$/gm))
      row.at.push({ address: address!, step: Number(step), what: what!, turns: Number(turns) });
  }
  return row;
}

const undisturbed = (said: string) => /^reference (\d+) ([0-9a-f]+) ([0-9a-f]+)/m.exec(said)!;

/** What the interpreter and QEMU say of each conversation as it is: turns, the sum of all that was sent, and that of flash. */
export async function pathReferences(root: string, folder: string): Promise<{ ours: number[][]; qemu: number[][] }> {
  const program = await build(root, folder);
  const numbers = PATH_SCENARIOS.map((_, i) => i);
  const ours: number[][] = [];
  for (const number of numbers) {
    const [, turns, said, flash] = undisturbed((await run(program, number, 'none')).join(''));
    ours.push([Number(turns), Number.parseInt(said!, 16), Number.parseInt(flash!, 16)]);
  }
  return { ours, qemu: numbers.map((number) => onQemu(program, SCENARIO, number)) };
}

/** Does the agent install, with every instruction, what it has to? */
async function isSound(program: Program): Promise<boolean> {
  try {
    await run(program, PATH_SCENARIOS.length, 'none');
    return false;
  } catch (error) {
    return (error as { code?: number }).code === STARTED;
  }
}

/** Every scenario that `wanted` has, and a line for each. */
export async function path(
  root: string,
  wanted: (name: string) => boolean,
  { how, listed, sample = 1, plants = [] }: { how: How; listed: boolean; sample?: number; plants?: Plant[] },
): Promise<PathFigures[]> {
  const program = await build(root, join(root, plants.length ? 'build/skips-planted' : 'build/skips-agent'), plants);
  if (!(await isSound(program))) throw new Error('skips: what is approved is not started');
  const where = listed ? disassembly(program) : undefined;
  const rows: PathFigures[] = [];
  for (const [i, name] of PATH_SCENARIOS.entries()) {
    if (!wanted(name)) continue;
    const row = figuresOf(name, await run(program, i, how, sample));
    console.log(
      `agent    ${name.padEnd(11)} ${row.skips} skips in ${row.steps} steps: ${row.installed} start it, ${row.lies} leave something else ` +
        `where it would stand; ${row.faults} faults, ${row.hangs} hangs`,
    );
    if (where)
      for (const { address, step, what, turns } of row.at)
        console.log(`    ${where(address)}, step ${step} -> ${what} ${turns} turns later`);
    rows.push(row);
  }
  return rows;
}

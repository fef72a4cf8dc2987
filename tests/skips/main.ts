// npm run skips: leaves out one instruction of the verifier at a time, and counts how often a package is installed that must
// not be; HELP says how.
//
// The program is the small core as C, compiled for the micro:bit's Cortex-M0 with the flags of its board.json, judging a package as an application
// does (program.c). It runs on an interpreter of ARMv6-M (machine.c) that leaves out each executed instruction once. Emulated: a
// real glitch does other things, too. A signature is taken for good if it begins with the first bytes of the public key, by a stand-in whose own
// instructions count like the rest: no other key's will do, nor bytes from anywhere else; the real arithmetic, 13 million instructions each, would make the same run take days.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import asc from 'assemblyscript/asc';
import { translate } from '../../boards/port/translate.js';
import {
  APPROVED,
  approvalOf,
  bootstrapDocument,
  DENIED,
  operator,
  packageOf,
  vendor,
} from '../support/agent-world.js';
import { cbor, sign1, type TestKey } from '../support/make.js';

const HELP = `npm run skips [-- OPTIONS]: leaves out one instruction of the verifier at a time, on an emulated Cortex-M0

  --every           every execution of every instruction; without it the first and the last one of each address
  --scenario NAME   only this one
  --list            the addresses of those that install, and beside them what objdump says
  --json FILE       also writes the figures

needs arm-none-eabi-gcc and cc. Ends 0 only if no single skip installs a package that must not be installed`;

const INSTALL = 1;
const SHA_256 = -16;
const NAMED_BYTES = 4; // of a signature and of a key
const MASK = 0x5c; // so that no bytes are a signature by themselves
const QEMU_MS = 60_000;
/** Where the program reads which one it is to judge (program.c). */
const SCENARIO = 0x20003ffc;

/** Of the stand-in: it names the key in its first bytes. */
const by = (key: TestKey) => (signature: Uint8Array) => {
  signature.set(key.x.subarray(0, NAMED_BYTES).map((byte) => byte ^ MASK));
  return signature;
};
const forged = (signature: Uint8Array) => signature.fill(0xa5, 0, NAMED_BYTES); // of no key, nor of memory that is 0
const digest = cbor([SHA_256, packageOf(1).digest]);
const signed = (spoil: (signature: Uint8Array) => Uint8Array) =>
  packageOf(1, { signers: [sign1({ key: vendor, payload: digest, detached: true, spoil })] });
const wanted = signed(by(vendor));
const approves = approvalOf(wanted.digest, 1, APPROVED, { spoil: by(operator) });

interface Scenario {
  name: string;
  package: Uint8Array;
  document?: Uint8Array;
}
const SCENARIOS: Scenario[] = [
  { name: 'unapproved', package: wanted.bytes },
  {
    name: 'forged',
    package: signed(forged).bytes,
    document: approves,
  },
  { name: 'denied', package: wanted.bytes, document: approvalOf(wanted.digest, 4, DENIED, { spoil: by(operator) }) },
];
/** The one that has to be installed as it is: that the program works. */
const SOUND: Scenario = { name: 'approved', package: wanted.bytes, document: approves };

export interface Figures {
  scenario: string;
  steps: number;
  skips: number;
  faults: number;
  hangs: number;
  /** Verdict "install", and the core takes the payload. */
  installs: number;
  /** One of the two alone. */
  verdicts: number;
  accepts: number;
  /** Addresses of all of these, with the step at which each was left out. */
  at: { address: string; step: number; words: number[] }[];
}

/** Each byte by itself, and no other term, which could stand alone: what stands for the arithmetic is not what is tested. */
const GOOD = (signature: string, key: string) =>
  Array.from(
    { length: NAMED_BYTES },
    (_, i) => `<u32>((<u32>load<u8>(${signature}, ${i}) ^ ${MASK}) === <u32>load<u8>(${key}, ${i}))`,
  ).join(' & ');
const STAND_IN: Record<string, string> = {
  'assembly/crypto/ed25519.ts': `
let at: usize = 0;
let key: usize = 0;
let fed: u32 = 0;
export function ed25519Begin(publicKey: usize, signature: usize): bool { at = signature; key = publicKey; return publicKey !== 0; }
export function ed25519Update(from: usize, length: u32): void { fed += length + <u32>from; }
export function ed25519Finish(): bool { return (${GOOD('at + (fed >>> 31)', 'key')}) !== 0; }
export function ed25519ValidKey(publicKey: usize): bool { return load<u64>(publicKey) !== 0; }
`,
  'assembly/crypto/p256.ts': `
export function p256Verify(publicKey: usize, digest: usize, signature: usize): bool { return (${GOOD('signature', 'publicKey')}) !== 0; }
export function p256ValidKey(publicKey: usize): bool { return load<u64>(publicKey) !== 0; }
`,
};

async function compileCore(root: string): Promise<Uint8Array> {
  let wasm: Uint8Array | undefined;
  const { error, stderr } = await asc.main(
    ['assembly/core.ts', '--target', 'core-small', '--outFile', 'skips.wasm', '--textFile', '', '--baseDir', root],
    {
      readFile(name) {
        const text = STAND_IN[name];
        if (text !== undefined) return text;
        try {
          return readFileSync(join(root, name), 'utf8');
        } catch (cause) {
          if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
          throw cause;
        }
      },
      writeFile(name, contents) {
        if (name === 'skips.wasm') wasm = contents as Uint8Array;
      },
      listFiles: () => [],
    },
  );
  if (error || !wasm) throw new Error(`skips: the core does not compile: ${error?.message} ${stderr}`);
  return wasm;
}

function scenariosHeader(all: Scenario[]): string {
  const bytes = (name: string, of: Uint8Array) => `static const u8 ${name}[] = {${[...of].join(',')}};`;
  const bootstrap = bootstrapDocument({ unapproved: 0 });
  return [
    'struct scenario { const u8 *bootstrap, *package, *document; u32 bootstrap_bytes, package_bytes, document_bytes; };',
    bytes('bootstrap', bootstrap),
    ...all.flatMap((each, i) => [
      bytes(`package_${i}`, each.package),
      bytes(`document_${i}`, each.document ?? new Uint8Array(1)),
    ]),
    'static const struct scenario scenarios[] = {',
    ...all.map(
      (each, i) =>
        `{bootstrap, package_${i}, document_${i}, ${bootstrap.length}, ${each.package.length}, ${each.document?.length ?? 0}},`,
    ),
    '};',
    '',
  ].join('\n');
}

interface Program {
  elf: string;
  machine: string;
  symbols: Map<string, { at: number; bytes: number }>;
}

async function build(root: string, folder: string): Promise<Program> {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'core.wasm.c'), translate(await compileCore(root), 'core'));
  writeFileSync(join(folder, 'scenarios.h'), scenariosHeader([...SCENARIOS, SOUND]));
  const { firmware } = JSON.parse(readFileSync(join(root, 'boards/microbit/board.json'), 'utf8'));
  const elf = join(folder, 'program.elf');
  const places = ['-I', folder, '-I', join(root, 'boards/port')];
  const language = ['-std=gnu11', '-ffreestanding', '-ffunction-sections', '-fdata-sections'];
  const linking = [
    '-nostdlib',
    '-Wl,--section-start=.vectors=0,-Ttext=0x100,-Tdata=0x20000000',
    '-Wl,-ereset,--gc-sections,--undefined=vectors,--build-id=none',
  ];
  const sources = ['tests/skips/program.c', 'boards/port/libc.c'].map((file) => join(root, file));
  const flags = [...firmware.flags, ...language, ...places, ...linking, ...sources, '-lgcc', '-o', elf];
  execFileSync(firmware.compiler, flags, { stdio: 'inherit' });
  const machine = join(folder, 'machine');
  execFileSync('cc', ['-std=gnu11', '-O2', '-Wall', '-Wextra', join(root, 'tests/skips/machine.c'), '-o', machine], {
    stdio: 'inherit',
  });
  const listed = execFileSync('arm-none-eabi-nm', ['-S', elf], { encoding: 'utf8' });
  const symbols = new Map(
    Array.from(listed.matchAll(/^(\w+) (\w+) \w (\w+)$/gm), ([, at, bytes, name]) => [
      name!,
      { at: Number.parseInt(at!, 16), bytes: Number.parseInt(bytes!, 16) },
    ]),
  );
  return { elf, machine, symbols };
}

function run({ elf, machine, symbols }: Program, number: number, how: 'every' | 'first' | 'none'): string {
  const of = (name: string) => {
    const symbol = symbols.get(name);
    if (!symbol) throw new Error(`skips: the program has no ${name}`);
    return symbol;
  };
  const judged = of('judged');
  const places = [of('main').at, judged.at, judged.at + judged.bytes, SCENARIO, of('result').at];
  const words = [elf, ...places.map((at) => (at & ~1).toString(16)), `${number}`, how];
  const { status, stdout } = spawnSync(machine, words, { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (status !== 0) throw new Error(`skips: the program does not run: the machine ended with ${status}`);
  return stdout;
}

function figuresOf(scenario: string, said: string): Figures {
  const [, steps, skips, faults, hangs] = /^steps (\d+) skips (\d+) faults (\d+) hangs (\d+)$/m.exec(said)!.map(Number);
  const at = Array.from(
    said.matchAll(/^([0-9a-f]+) (\d+) (\d+) (\d+) (\d+) (\d+)$/gm),
    ([, address, step, ...words]) => ({
      address: address!,
      step: Number(step),
      words: words.map(Number),
    }),
  ).filter(({ words: [verdict, accepted] }) => verdict === INSTALL || accepted === 1);
  const installs = at.filter(({ words: [verdict, accepted] }) => verdict === INSTALL && accepted === 1).length;
  const verdicts = at.filter(({ words: [verdict] }) => verdict === INSTALL).length - installs;
  return {
    scenario,
    ...{ steps: steps!, skips: skips!, faults: faults!, hangs: hangs! },
    ...{ installs, verdicts, accepts: at.length - installs - verdicts, at },
  };
}

/** What `reference` says of a scenario as it is: verdict, accepted, reason, end. */
const undisturbed = (said: string) => /^reference (\d+) (\d+) (\d+) (\d+)/m.exec(said)!.slice(1).map(Number);

/** The same four words from QEMU, which is another reading of ARMv6-M than machine.c's. */
function onQemu({ elf }: Program, number: number): number[] {
  const loader = `loader,addr=${SCENARIO},data=${number},data-len=4`;
  const quiet = ['-display', 'none', '-monitor', 'none', '-serial', 'none', '-semihosting'];
  const words = ['-M', 'microbit', ...quiet, '-kernel', elf, '-device', loader];
  const { stdout, stderr } = spawnSync('qemu-system-arm', words, { encoding: 'utf8', timeout: QEMU_MS });
  return (stdout + stderr)
    .trim()
    .split(' ')
    .map((word) => Number.parseInt(word, 16));
}

/** What machine.c and QEMU say of each scenario as it is, for the test that compares them. */
export async function references(root: string, folder: string): Promise<{ ours: number[][]; qemu: number[][] }> {
  const program = await build(root, folder);
  const numbers = [...SCENARIOS, SOUND].map((_, i) => i);
  return {
    ours: numbers.map((number) => undisturbed(run(program, number, 'none'))),
    qemu: numbers.map((number) => onQemu(program, number)),
  };
}

const symbolAt = ({ symbols }: Program, address: string) => {
  const at = Number.parseInt(address, 16);
  return [...symbols].find(([, each]) => (each.at & ~1) <= at && at < (each.at & ~1) + each.bytes)?.[0] ?? '?';
};

function list(program: Program, { at }: Figures): void {
  const text = execFileSync('arm-none-eabi-objdump', ['-d', program.elf], { encoding: 'utf8', maxBuffer: 1 << 26 });
  for (const { address, step, words } of at) {
    const line = new RegExp(`^ *${address}:\\t(.*)$`, 'm').exec(text)?.[1] ?? '';
    console.log(
      `    ${address} ${symbolAt(program, address)} step ${step}: ${line.replace(/\s+/g, ' ')} -> ${words.join(' ')}`,
    );
  }
}

export async function main(root: string, argv: string[]): Promise<number> {
  const { values } = parseArgs({
    args: argv,
    options: {
      every: { type: 'boolean', default: false },
      scenario: { type: 'string' },
      list: { type: 'boolean', default: false },
      json: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const program = await build(root, join(root, 'build/skips'));
  const sound = undisturbed(run(program, SCENARIOS.length, 'none'));
  if (sound[0] !== INSTALL || sound[1] !== 1) throw new Error(`skips: what is approved is not installed (${sound})`);
  const rows: Figures[] = [];
  for (const [i, { name }] of SCENARIOS.entries()) {
    if (values.scenario !== undefined && values.scenario !== name) continue;
    const said = run(program, i, values.every ? 'every' : 'first');
    const [verdict, accepted] = undisturbed(said);
    if (verdict === INSTALL || accepted === 1) throw new Error(`skips: ${name} is installed with every instruction`);
    const row = figuresOf(name, said);
    console.log(
      `${name.padEnd(11)} ${row.skips} skips in ${row.steps} steps: ${row.installs} install, ${row.verdicts} say so without it being ` +
        `taken, ${row.accepts} are taken though the verdict is no; ${row.faults} faults, ${row.hangs} hangs`,
    );
    if (values.list) list(program, row);
    rows.push(row);
  }
  if (values.json) writeFileSync(values.json, JSON.stringify(rows));
  const installs = rows.reduce((sum, row) => sum + row.installs, 0);
  console.log(`single skips that install: ${installs}`);
  return installs === 0 ? 0 : 1;
}

// The verifier with an instruction left out: the small core as C, compiled for the micro:bit's Cortex-M0 with the flags of its
// board.json, judging a package as an application does (program.c), on an interpreter (verifier.c) that leaves out each executed
// instruction once.

import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
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
import { cbor, sign1 } from '../support/make.js';
import { by, compile, forged, type Plant } from './modules.js';
import { disassembly, onQemu, type Program, symbolsOf, unlessBuilt } from './program.js';

const INSTALL = 1;
const SHA_256 = -16;
/** Where the program reads which one it is to judge (program.c). */
const SCENARIO = 0x20003ffc;

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

async function build(root: string, plants: Plant[] = []): Promise<Program> {
  const folder = join(root, plants.length ? 'build/skips-planted' : 'build/skips');
  const [elf, machine] = [join(folder, 'program.elf'), join(folder, 'machine')];
  await unlessBuilt(root, folder, JSON.stringify(plants), async () => {
    writeFileSync(join(folder, 'core.wasm.c'), translate(await compile(root, 'verifier', plants), 'core'));
    writeFileSync(join(folder, 'scenarios.h'), scenariosHeader([...SCENARIOS, SOUND]));
    const { firmware } = JSON.parse(readFileSync(join(root, 'boards/microbit/board.json'), 'utf8'));
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
    execFileSync('cc', ['-std=gnu11', '-O2', '-Wall', '-Wextra', join(root, 'tests/skips/verifier.c'), '-o', machine], {
      stdio: 'inherit',
    });
  });
  return { elf, machine, symbols: symbolsOf(elf) };
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

/** What the interpreter and QEMU say of each scenario as it is, for the test that compares them. */
export async function references(root: string): Promise<{ ours: number[][]; qemu: number[][] }> {
  const program = await build(root);
  const numbers = [...SCENARIOS, SOUND].map((_, i) => i);
  return {
    ours: numbers.map((number) => undisturbed(run(program, number, 'none'))),
    qemu: numbers.map((number) => onQemu(program, SCENARIO, number)),
  };
}

function list(program: Program, { at }: Figures): void {
  const where = disassembly(program);
  for (const { address, step, words } of at) console.log(`    ${where(address)}, step ${step} -> ${words.join(' ')}`);
}

export const VERIFIER_SCENARIOS = SCENARIOS.map(({ name }) => name);

/** Every scenario that `wanted` has, and a line for each. */
export async function verifier(
  root: string,
  wanted: (name: string) => boolean,
  { every, listed, plants = [] }: { every: boolean; listed: boolean; plants?: Plant[] },
): Promise<Figures[]> {
  const program = await build(root, plants);
  const sound = undisturbed(run(program, SCENARIOS.length, 'none'));
  if (sound[0] !== INSTALL || sound[1] !== 1) throw new Error(`skips: what is approved is not installed (${sound})`);
  const rows: Figures[] = [];
  for (const [i, { name }] of SCENARIOS.entries()) {
    if (!wanted(name)) continue;
    const said = run(program, i, every ? 'every' : 'first');
    const [verdict, accepted] = undisturbed(said);
    if (verdict === INSTALL || accepted === 1) throw new Error(`skips: ${name} is installed with every instruction`);
    const row = figuresOf(name, said);
    console.log(
      `verifier ${name.padEnd(11)} ${row.skips} skips in ${row.steps} steps: ${row.installs} install, ${row.verdicts} say so without it ` +
        `being taken, ${row.accepts} are taken though the verdict is no; ${row.faults} faults, ${row.hangs} hangs`,
    );
    if (listed) list(program, row);
    rows.push(row);
  }
  return rows;
}

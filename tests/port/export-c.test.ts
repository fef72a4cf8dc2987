// The verifier as C for other people's firmware: what `countersign export-c` writes compiles without a warning as plain C99,
// needs nothing but memcpy and the like, and its example judges real packages as the core does: on this machine under
// sanitizers, and as code for a Cortex-M0 and a Cortex-M4 on an emulated ARM, which reads its files from here by semihosting.

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { reasons } from '../../host/reasons.js';
import { SCRIPT, VECTORS } from '../support/bare-metal.js';
import { flipBit, makeApproval, makeEnvelope } from '../support/make.js';
import { have } from '../support/need.js';
import { bootstrapOf, operatorA, vendor } from '../support/world.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const EXAMPLE = join(ROOT, 'boards/export-c/example.c');
const COMPILING_MS = 600_000; // half a megabyte of C, on a machine that does other things too
const STRICT = ['-std=c99', '-pedantic', '-Wall', '-Wextra', '-Werror'];
const CHIPS = [
  { cpu: 'm0', folder: 'c', flags: ['-mcpu=cortex-m0', '-mthumb', '-Os', '-fno-ivopts'] },
  { cpu: 'm4', folder: 'c4', flags: ['-mcpu=cortex-m4', '-mthumb', '-O2', '-fno-ivopts'] },
];
const LIBRARY_STACK_BYTES = 64; // what the compiler's own arithmetic may take below the last function that we see

const folder = mkdtempSync(join(tmpdir(), 'countersign-export-c-'));
const at = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

const exportC = (...words: string[]) =>
  spawnSync(process.execPath, [join(ROOT, 'dist/bin/countersign.js'), 'export-c', ...words], {
    cwd: folder,
    encoding: 'utf8',
  });

beforeAll(() => {
  expect(exportC('-o', 'c').status).toBe(0);
  expect(exportC('-o', 'c4', '--cpu', 'm4').status).toBe(0);
});

describe('countersign export-c', () => {
  const filesIn = (folder: string) => ['countersign.c', 'countersign.h', 'README.md'].map((name) => join(folder, name));

  test('says what it would write, and replaces nothing unasked', () => {
    expect(exportC('-o', 'd', '--dry-run').stdout).toBe(
      filesIn('d')
        .map((file) => `would write ${file}\n`)
        .join(''),
    );
    expect(existsSync(at('d'))).toBe(false);
    mkdirSync(at('d'));
    writeFileSync(at('d/README.md'), 'mine');
    const refused = exportC('-o', 'd');
    expect([refused.status, refused.stdout, readdirSync(at('d'))]).toEqual([
      reasons.FileExists.exit,
      '',
      ['README.md'],
    ]);
    expect(JSON.parse(exportC('-o', 'd', '--force', '--json').stdout)).toEqual({
      version: 1,
      files: filesIn('d'),
      written: true,
    });
    expect(readFileSync(at('d/README.md'))).toEqual(readFileSync(at('c/README.md')));
  });

  test('takes no file for a folder', () => {
    writeFileSync(at('file'), '');
    expect(exportC('-o', 'file').status).toBe(reasons.FileExists.exit);
  });

  test('its page shows the example, which is 40 lines', () => {
    const example = readFileSync(EXAMPLE, 'utf8');
    expect(readFileSync(at('c/README.md'), 'utf8')).toContain(`\`\`\`c\n${example}\`\`\``);
    expect(example.trimEnd().split('\n').length).toBeLessThanOrEqual(40);
  });

  test('both shapes are the same interface, and two programs', () => {
    const interfaceOf = (name: string) =>
      readFileSync(at(`${name}/countersign.h`), 'utf8').replace(/^ \* RAM: .*$/m, '');
    expect(interfaceOf('c4')).toBe(interfaceOf('c'));
    expect(readFileSync(at('c4/countersign.c')).equals(readFileSync(at('c/countersign.c')))).toBe(false);
    for (const [name, cpu] of [
      ['c', 'Cortex-M0'],
      ['c4', 'Cortex-M4'],
    ])
      expect(readFileSync(at(`${name}/README.md`), 'utf8')).toContain(`# The Countersign verifier in C, for a ${cpu}`);
  });

  test('its header has every reason of the core', () => {
    const header = readFileSync(at('c/countersign.h'), 'utf8');
    const first = header.slice(0, header.indexOf('};'));
    const numbers = Array.from(first.matchAll(/^ {4}COUNTERSIGN_\w+ = (\d+), \/\* \S/gm), ([, code]) => Number(code));
    const core = Object.values(reasons).map(({ code }) => code);
    expect(numbers).toEqual(core.filter((code) => code < 200));
    expect(header).not.toMatch(/@[A-Z]+@/);
  });
});

// What the example is given, and what it must say: verdict, reason, and what became of the firmware.
const image = Uint8Array.from({ length: 5000 }, (_, i) => i * 31 + (i >> 8));
const made = makeEnvelope({ signers: [vendor], sequence: 3, image });
const approves = makeApproval({ key: operatorA, entries: [{ verdict: 1, digest: made.digest }] });
const whole = 'verdict 1, reason 0\n5000 bytes, phase 4\n';
const refused = (name: keyof typeof reasons) => `verdict 3, reason ${reasons[name].code}\n`;
const CASES: [name: string, bytes: Uint8Array, approval: Uint8Array | undefined, said: string, exit: number][] = [
  ['approved', made.bytes, approves, whole, 0],
  ['not approved', made.bytes, undefined, refused('NotApproved'), 1],
  ['approval of another', made.bytes, makeApproval({ key: vendor, entries: [] }), refused('ApprovalInvalid'), 1],
  ['manifest altered', flipBit(made.bytes, 8 * (made.head.length - 60)), approves, refused('ManifestDigest'), 1],
  ['firmware altered', flipBit(made.bytes, 8 * (made.head.length + 9)), approves, `${whole.slice(0, -2)}5\n`, 1],
];

const writeCases = () => {
  writeFileSync(at('bootstrap'), bootstrapOf());
  for (const [i, [, bytes, approval]] of CASES.entries()) {
    writeFileSync(at(`package-${i}`), bytes);
    if (approval) writeFileSync(at(`approval-${i}`), approval);
  }
};
const wordsOf = (i: number) => ['bootstrap', `package-${i}`, ...(CASES[i]![2] ? [`approval-${i}`] : [])];
const rows = CASES.map(([name, , , said, exit], i) => ({ name, i, said, exit }));

describe.runIf(have('cc'))('the C on this machine', () => {
  beforeAll(() => {
    writeCases();
    const sanitizers = ['-g', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
    execFileSync('cc', [
      ...STRICT,
      '-O2',
      '-fno-ivopts',
      ...sanitizers,
      '-I',
      at('c'),
      EXAMPLE,
      at('c/countersign.c'),
      '-o',
      at('example'),
    ]);
  }, COMPILING_MS);

  test.each(rows)('$name', ({ i, said, exit }) => {
    const { stdout, stderr, status } = spawnSync(at('example'), wordsOf(i), { cwd: folder, encoding: 'utf8' });
    expect([stderr, stdout, status]).toEqual(['', said, exit]);
  });

  test('gives the linker its own names and asks only for memory functions', { timeout: COMPILING_MS }, () => {
    execFileSync('cc', [...STRICT, '-O2', '-c', at('c/countersign.c'), '-o', at('countersign.o')]);
    const symbols = execFileSync('nm', [at('countersign.o')], { encoding: 'utf8' })
      .trim()
      .split('\n');
    const named = (kinds: RegExp) => symbols.map((line) => line.slice(17)).filter((line) => kinds.test(line));
    expect(named(/^[A-TV-Z] /).filter((line) => !/ countersign_/.test(line))).toEqual([]);
    expect(named(/^U /).filter((line) => !/ (mem(cpy|move|set|cmp)|__\w+)$/.test(line))).toEqual([]);
  });
});

/** Bytes of stack below each function of the interface: GCC's own figures along its call graph. */
function deepest(graph: string): number {
  const frames = new Map<string, number>();
  const calls = new Map<string, string[]>();
  for (const [, name, bytes, kind] of graph.matchAll(
    /node: \{ title: "([^"]+)" label: "[^"]*?(\d+) bytes \(([^)]+)\)/g,
  )) {
    expect(kind).toBe('static');
    frames.set(name!, Number(bytes));
  }
  for (const [, from, to] of graph.matchAll(/edge: \{ sourcename: "([^"]+)" targetname: "([^"]+)"/g))
    calls.set(from!, [...(calls.get(from!) ?? []), to!]);
  const known = new Map<string, number>();
  const below = (name: string, above: readonly string[] = []): number => {
    expect(above).not.toContain(name); // no recursion
    if (!known.has(name)) {
      const callees = (calls.get(name) ?? []).map((callee) => below(callee, [...above, name]));
      known.set(name, (frames.get(name) ?? 0) + Math.max(0, ...callees));
    }
    return known.get(name)!;
  };
  return Math.max(...[...frames.keys()].filter((name) => name.startsWith('countersign_')).map((name) => below(name)));
}

/** What an object takes, and what its header says that it takes. */
function promised(from: string, name: string, flags: string[]): void {
  const header = readFileSync(at(`${from}/countersign.h`), 'utf8');
  expect(header).toContain(flags.slice(0, 3).join(' '));
  const [ram, stack] = /RAM: (\d+) bytes static\. Stack: at most (\d+) bytes/.exec(header)!.slice(1).map(Number);
  const sizes = execFileSync('arm-none-eabi-size', [at(`${name}.o`)], { encoding: 'utf8' })
    .trim()
    .split('\n')[1]!;
  const [text, data, bss] = sizes.trim().split(/\s+/).map(Number);
  const used = deepest(readFileSync(at(`${name}.ci`), 'utf8')) + LIBRARY_STACK_BYTES;
  console.log(`${name}: flash ${text! + data!}, RAM ${data! + bss!}, stack ${used} of ${stack}`);
  expect(data! + bss!).toBeLessThanOrEqual(ram!);
  expect(data! + bss!).toBeGreaterThan(ram! - 64);
  expect(used).toBeLessThanOrEqual(stack!);
  expect(used).toBeGreaterThan(stack! / 2);
}

describe.runIf(have('arm-none-eabi-gcc', 'qemu-system-arm')).each(CHIPS)('the C as code for $cpu', (chip) => {
  const { cpu, folder: from, flags } = chip;
  const object = at(`countersign-${cpu}.o`);
  beforeAll(() => {
    writeCases();
    const compiling = [...STRICT, ...flags, '-fcallgraph-info=su', '-c', at(`${from}/countersign.c`), '-o', object];
    execFileSync('arm-none-eabi-gcc', compiling, { cwd: folder });
  }, COMPILING_MS);

  test('keeps the memory that its header promises', () => promised(from, `countersign-${cpu}`, flags));

  test('judges on an emulated ARM as it does here', { timeout: COMPILING_MS }, () => {
    writeFileSync(at('vectors.c'), VECTORS);
    writeFileSync(at('semihosting.ld'), SCRIPT);
    const linking = [at('vectors.c'), '-T', at('semihosting.ld'), '--specs=rdimon.specs', '-o', at('example.elf')];
    execFileSync('arm-none-eabi-gcc', [...flags, '-std=c99', '-I', at(from), EXAMPLE, object, ...linking]);
    for (const { name, i, said, exit } of rows) {
      const words = ['example', ...wordsOf(i)].map((word) => `arg=${word}`).join(',');
      const { stdout, status } = spawnSync(
        'qemu-system-arm',
        [
          ...['-M', 'mps2-an386', '-display', 'none', '-monitor', 'none', '-serial', 'none'],
          ...['-semihosting-config', `enable=on,target=native,${words}`, '-kernel', at('example.elf')],
        ],
        { cwd: folder, encoding: 'utf8', timeout: COMPILING_MS / 4, killSignal: 'SIGKILL' },
      );
      expect([name, stdout, status]).toEqual([name, said, exit]);
    }
  });
});

/** Without Ed25519, without SUIT, and without both. */
const SMALLER = [['--p256'], ['--no-suit'], ['--no-suit', '--p256']].map((words) => ({ words }));

describe.runIf(have('arm-none-eabi-gcc')).each(SMALLER)('export-c $words', ({ words }) => {
  const name = `less${words.join('')}`;
  const [{ flags }] = CHIPS as [(typeof CHIPS)[0]];
  test('is a smaller program with a smaller interface', { timeout: COMPILING_MS }, () => {
    expect(exportC('-o', name, ...words).status).toBe(0);
    const header = readFileSync(at(`${name}/countersign.h`), 'utf8');
    expect(header).not.toMatch(/@[A-Z]+@|^\/\/@/m);
    const declared = (what: string) => header.includes(`${what}(`);
    expect(declared('countersign_ed25519_verify')).toBe(!words.includes('--p256'));
    expect(declared('countersign_offer_push')).toBe(!words.includes('--no-suit'));
    expect(declared('countersign_image')).toBe(words.includes('--no-suit'));
    const compiling = [...STRICT, ...flags, '-fcallgraph-info=su', '-c', at(`${name}/countersign.c`)];
    execFileSync('arm-none-eabi-gcc', [...compiling, '-o', at(`${name}.o`)], { cwd: folder });
    promised(name, name, flags);
  });
});

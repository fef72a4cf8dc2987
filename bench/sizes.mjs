// npm run sizes: what the agent takes of a microcontroller, measured on the built firmware and on the emulated board.
//
//   --json FILE   also writes the rows {board, part, flash, ram, stack, budget, met}
//
// flash is code, constant tables and start values; ram is static; stack is the deepest use of a painted stack while the
// board is provisioned, refuses a package, and installs two (a P-256 and an Ed25519 signature each). The same run counts
// memory accesses that are not aligned, under a QEMU plugin: silicon faults on them, not every QEMU does.
// Ends 1 if a budget is not kept. Needs gcc-arm-none-eabi, qemu-system-arm and cc.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startEmulator } from '../dist/boards/microbit/qemu.js';
import { buildFirmware } from '../dist/boards/port/build.js';
import { translate } from '../dist/boards/port/translate.js';
import { deliver } from '../dist/host/device/deliver.js';
import { provision, putApproval } from '../dist/host/device/identity.js';
import { openTcp } from '../dist/host/links/tcp.js';
import { createClient } from '../dist/host/smp/client.js';
import { gatherPeople } from '../dist/host/story/people.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const BUDGET = {
  agentFlash: 64 * 1024, // what board.json leaves the agent
  agentRam: 14 * 1024, // static and stack, of 16 KB
  verifierFlash: 32 * 1024,
  unaligned: 0,
  cLines: 300, // a board's C is its HAL and nothing else
};
const STACK_PAINT = 0x5aa55aa5;
const ANSWER_MS = 10_000; // the plugin makes the board some ten times slower

const { values } = parseArgs({ options: { json: { type: 'string' } } });
const board = JSON.parse(readFileSync(join(ROOT, 'boards/microbit/board.json'), 'utf8'));
const { compiler, flags, script, sources } = board.firmware;
const row = (part, what, measured, budget) => ({ board: board.name, part, ...what, budget, met: measured <= budget });

/** Bytes of an ELF's sections: flash is what is programmed, ram what is static besides the stack. */
function sizeOf(elf) {
  const lines = execFileSync(compiler.replace(/gcc$/, 'size'), ['-A', elf], { encoding: 'utf8' }).split('\n');
  const sections = Object.fromEntries(
    lines.map((line) => line.trim().split(/\s+/)).map(([name, bytes]) => [name, +bytes]),
  );
  const sum = (...names) => names.reduce((total, name) => total + (sections[name] ?? 0), 0);
  return { flash: sum('.text', '.rodata', '.data'), ram: sum('.data', '.bss') };
}

/** All of core.ts for a microcontroller, every export kept, linked with what it needs of the compiler's library. */
function verifier(folder) {
  const asc = join(ROOT, 'node_modules/assemblyscript/bin/asc.js');
  const wasm = join(folder, 'core.wasm');
  execFileSync(process.execPath, [asc, 'assembly/core.ts', '--target', 'agent', '-o', wasm], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const text = translate(readFileSync(wasm), 'core');
  const names = [...text.matchAll(/^static \w+ (core_\w+)\(.*\{$/gm)].map((match) => match[1]);
  const main = join(folder, 'core.c');
  writeFileSync(main, `${text}\nvoid *const exports[] = {${names.map((name) => `(void *)${name}`).join(', ')}};\n`);
  const elf = join(folder, 'core.elf');
  const symbols = { FLASH_BYTES: 0x40000, RAM_OFFSET: board.ram.offset, RAM_BYTES: board.ram.bytes, STACK_BYTES: 0 };
  const defines = Object.entries(symbols).map(([name, value]) => `-Wl,--defsym=${name}=${value}`);
  const linking = ['-nostartfiles', '--specs=nano.specs', '-T', join(ROOT, 'boards', script), ...defines];
  execFileSync(compiler, [
    ...flags,
    ...[
      '-std=gnu11',
      '-ffreestanding',
      '-ffunction-sections',
      '-fdata-sections',
      '-w',
      '-I',
      join(ROOT, 'boards/port'),
    ],
    ...linking,
    ...['-Wl,--gc-sections,-e,exports', main, '-lgcc', '-o', elf],
  ]);
  return sizeOf(elf);
}

/** The main job on the emulated board. Returns the deepest stack and the number of unaligned accesses. */
async function run(firmware, folder) {
  const plugin = join(folder, 'count.so');
  execFileSync('cc', ['-O2', '-shared', '-fPIC', '-o', plugin, join(ROOT, 'bench/count.c')]);
  const emulator = await startEmulator({ firmware, arguments: ['-plugin', plugin] });
  const { offset, stackBytes } = board.ram;
  let stack = 0;
  const look = async () => {
    const words = new Uint32Array((await emulator.readMemory(offset, stackBytes)).buffer.slice(0, stackBytes));
    const untouched = words.findIndex((word) => word !== STACK_PAINT);
    stack = Math.max(stack, stackBytes - 4 * untouched);
  };
  try {
    const people = await gatherPeople();
    const client = createClient(await openTcp(emulator.url), { timeoutMs: ANSWER_MS, retries: 3 });
    const bring = async (file) => {
      const steps = deliver(client, { file });
      for (;;) {
        const step = await steps.next();
        await look();
        if (step.done) return step.value.kind;
      }
    };
    const expect = (kind, wanted) => {
      if (kind !== wanted) throw new Error(`sizes: the board should have said ${wanted}, not ${kind}`);
    };
    const [first, second] = ['1.0.0', '1.1.0'].map((version, i) =>
      people.release({ version, sequence: BigInt(i + 1) }),
    );
    await provision(client, people.bootstrap('00000000000000c1', { trialBoots: 0 }));
    expect(await bring(first.envelope), 'refused');
    expect(await bring(people.countersign(first.envelope)), 'installed');
    await putApproval(client, people.issue({ verdict: 'approve', digest: second.digest }));
    expect(await bring(second.envelope), 'installed');
    await client.close();
    await emulator.control('quit').catch(() => {}); // it answers by ending
    const said = await emulator.exited;
    const unaligned = /^unaligned (\d+)$/m.exec(said)?.[1];
    if (unaligned === undefined) throw new Error(`sizes: the plugin said nothing: ${said}`);
    return { stack, unaligned: Number(unaligned) };
  } finally {
    await emulator.close();
  }
}

const folder = mkdtempSync(join(tmpdir(), 'countersign-sizes-'));
try {
  const firmware = await buildFirmware(board.name, { folder });
  const agent = sizeOf(firmware);
  const alone = verifier(folder);
  const { stack, unaligned } = await run(firmware, folder);
  const own = sources.filter((file) => file.startsWith(`${board.name}/`));
  const lines = own.reduce(
    (sum, file) => sum + readFileSync(join(ROOT, 'boards', file), 'utf8').split('\n').length - 1,
    0,
  );
  const rows = [
    row('agent, flash', { flash: agent.flash }, agent.flash, BUDGET.agentFlash),
    row('agent, RAM and stack', { ram: agent.ram, stack }, agent.ram + stack, BUDGET.agentRam),
    row('verifier alone', { flash: alone.flash, ram: alone.ram }, alone.flash, BUDGET.verifierFlash),
    row('unaligned accesses', { count: unaligned }, unaligned, BUDGET.unaligned),
    row('lines of C', { count: lines }, lines, BUDGET.cLines),
  ];
  const cells = (each) => [
    each.board,
    each.part,
    each.flash,
    each.ram,
    each.stack,
    each.count,
    each.budget,
    each.met ? 'met' : 'NOT MET',
  ];
  const table = [['board', 'part', 'flash', 'ram', 'stack', 'count', 'budget', ''], ...rows.map(cells)];
  for (const line of table) {
    console.log(line.map((cell, i) => (i < 2 ? `${cell}`.padEnd(i ? 22 : 10) : `${cell ?? ''}`.padStart(9))).join(''));
  }
  const free = board.ram.bytes - agent.ram - stack;
  console.log(`\nemulated; ${free} of ${board.ram.bytes} bytes of RAM are never touched`);
  if (values.json) writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`);
  process.exitCode = rows.every(({ met }) => met) ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true });
}

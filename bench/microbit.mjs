// The main job on the emulated micro:bit, for measurements: provisioned, a package refused, two installed, one of each kind
// of signature. Run twice: as built, under the plugin that looks at every memory access (bench/count.c), and with
// measured exports (boards/port/stack.h) at full speed.

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startEmulator } from '../dist/boards/microbit/qemu.js';
import { deliver } from '../dist/host/device/deliver.js';
import { provision, putApproval } from '../dist/host/device/identity.js';
import { openTcp } from '../dist/host/links/tcp.js';
import { createClient } from '../dist/host/smp/client.js';
import { gatherPeople } from '../dist/host/story/people.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const STACK_PAINT = 0x5aa55aa5; // boards/port/cortexm.c
// On a slow machine everything takes long, and a restart of the board swallows a request now and then.
const ANSWER_MS = 4000;
const RETRIES = 20;
const INSTALL_MS = 900_000;

/** In the order of boards/port/stack.h. */
export const EXPORTS = ['start', 'input', 'inputBytes', 'receive', 'tick', 'busy'];

/** Deepest stack and unaligned accesses of the firmware, deepest stack of each export; all in bytes. */
export async function runMicrobit(board, { elf, measuring, folder }) {
  const { offset, stackBytes } = board.ram;
  const plugin = join(folder, 'count.so');
  execFileSync('cc', ['-O2', '-shared', '-fPIC', '-o', plugin, join(ROOT, 'bench/count.c')]);
  let stack = 0;
  const said = await run(elf, ['-plugin', `${plugin},instructions=off`], async (emulator) => {
    const paint = await words(emulator, offset, stackBytes / 4);
    stack = Math.max(stack, stackBytes - 4 * paint.findIndex((word) => word !== STACK_PAINT));
  });
  const unaligned = /^unaligned (\d+)$/m.exec(said)?.[1];
  if (unaligned === undefined) throw new Error(`sizes: the plugin said nothing: ${said}`);

  let exports = {};
  const deepest = addressOf(board.firmware.compiler, measuring, 'stack_deepest');
  await run(measuring, [], async (emulator) => {
    const depths = await words(emulator, deepest, EXPORTS.length);
    exports = Object.fromEntries(EXPORTS.map((name, i) => [name, depths[i]]));
  });
  return { stack, unaligned: Number(unaligned), exports };
}

/** The main job on one firmware; `look` at each step: an application that runs meanwhile uses the same RAM. Returns what the emulator wrote. */
async function run(firmware, more, look) {
  const emulator = await startEmulator({ firmware, arguments: more });
  try {
    const people = await gatherPeople('microbit');
    const client = createClient(await openTcp(emulator.url), { timeoutMs: ANSWER_MS, retries: RETRIES });
    const bring = async (file, wanted) => {
      const steps = deliver(client, { file, installMs: INSTALL_MS });
      let step = await steps.next();
      for (; !step.done; step = await steps.next()) await look(emulator);
      await look(emulator);
      if (step.value.kind !== wanted)
        throw new Error(`sizes: the board should have said ${wanted}: ${step.value.kind}`);
    };
    const [first, second] = ['1.0.0', '1.1.0'].map((version, i) =>
      people.release({ version, sequence: BigInt(i + 1) }),
    );
    await provision(client, people.bootstrap('00000000000000c1', { 'trial-boots': 0 }));
    await bring(first.envelope, 'refused');
    await bring(people.countersign(first.envelope), 'installed');
    await putApproval(client, people.issue({ verdict: 'approve', digest: second.digest }));
    await bring(second.envelope, 'installed');
    await client.close();
    await emulator.control('quit').catch(() => {}); // it answers by ending
    return await emulator.exited;
  } finally {
    await emulator.close();
  }
}

const words = async (emulator, address, count) => {
  const bytes = await emulator.readMemory(address, 4 * count);
  return new Uint32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + 4 * count));
};

function addressOf(compiler, elf, symbol) {
  const lines = execFileSync(compiler.replace(/gcc$/, 'nm'), [elf], { encoding: 'utf8' });
  return Number.parseInt(new RegExp(`^([0-9a-f]+) \\w ${symbol}$`, 'm').exec(lines)?.[1] ?? '', 16);
}

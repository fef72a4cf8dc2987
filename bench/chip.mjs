// The primitives on Cortex-M0 and M4: executed instructions, flash and stack of the small profile, translated to C by the
// port's translator, compiled by GCC and run by QEMU under the counter of bench/count.c. All figures are exact.
//
// Emulated: no silicon was measured. Instructions are not cycles, and the peers' figures are those of native C that the
// project's performance notes give, counted the same way.

import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FOLDER = `${ROOT}build/chip`;
const ASC = createRequire(import.meta.url).resolve('assemblyscript/bin/asc.js');
/** The compiler is WebAssembly itself, and runs for a moment: to optimise its code takes longer than it saves. */
const AT_ONCE = '--liftoff-only';
const TIMEOUT_MS = 600_000;
const HASHED_BYTES = 1024; // by which the two runs of a hash differ, see bench/chip/main.c

/**
 * Of a processor: its flags, the uses of asc that make its kernels, and the C that has the same shape of SHA-256. GCC 12's
 * ivopts may turn one address on the static memory into a difference of two, which later passes no longer take for a
 * store to it: they delete the function that reverses the bytes of a number. Hence -fno-ivopts.
 */
const CPUS = {
  'Cortex-M0': {
    flags: ['-mcpu=cortex-m0', '-Os', '-fno-ivopts'],
    uses: ['PROFILE_SMALL=1', 'PROFILE_NARROW=1'],
    blocks: 'small',
  },
  'Cortex-M4': { flags: ['-mcpu=cortex-m4', '-O2', '-fno-ivopts'], uses: ['PROFILE_SMALL=1'], blocks: 'unrolled' },
};

/** How asc compiles the agent, without its profile. */
const SMALL_CODE = ['--optimizeLevel', '0', '--shrinkLevel', '2'];

/** Per primitive and processor: [target, native C peer], from reference measurements of the peers counted the same way. */
const PRIMITIVES = [
  {
    what: 1,
    entry: 'sha256',
    name: 'SHA-256',
    unit: 'instructions per byte',
    peer: 'BearSSL',
    instructions: { 'Cortex-M0': [74, 85.4], 'Cortex-M4': [34, 38.1] },
    flash: [undefined, 1940],
    stack: [undefined, 576],
  },
  {
    what: 2,
    entry: 'sha512',
    uses: ['PROFILE_SHA512=1'],
    name: 'SHA-512',
    unit: 'instructions per byte',
    peer: 'BearSSL',
    instructions: { 'Cortex-M0': [125, 139], 'Cortex-M4': [71, 78] },
    flash: [undefined, 4212],
    stack: [undefined, undefined],
  },
  {
    what: 2,
    entry: 'sha512',
    name: 'SHA-512, small shape',
    unit: 'instructions per byte',
    peer: 'BearSSL',
    instructions: { 'Cortex-M0': [undefined, 139], 'Cortex-M4': [undefined, 78] },
    flash: [undefined, 4212],
    stack: [undefined, undefined],
  },
  {
    what: 3,
    entry: 'ed25519',
    name: 'Ed25519 verify',
    unit: 'instructions',
    peer: 'Monocypher',
    instructions: { 'Cortex-M0': [13.3e6, 16.66e6], 'Cortex-M4': [1.5e6, 1.65e6] },
    flash: [9 * 1024, 14_356],
    stack: [2048, 1972],
  },
  {
    what: 4,
    entry: 'p256',
    name: 'P-256 verify',
    unit: 'instructions',
    peer: 'micro-ecc C',
    instructions: { 'Cortex-M0': [13.4e6, 26.74e6], 'Cortex-M4': [2.8e6, 11.19e6] },
    flash: [6 * 1024, 6604],
    stack: [1536, 1108],
  },
];
const SHA256 = 1;
const SHA512 = 2;
const ED25519 = 3;
const SHA256_BY_HAND = { what: 5, entry: 'sha256', name: 'SHA-256 by hand' };
const SHA512_OF_ED25519 = 'SHA-512, small shape';
const isHash = (what) => [SHA256, SHA512, SHA256_BY_HAND.what].includes(what);

/** Instructions of what goes through WebAssembly to those of the same loops in C, bounds checks on. */
const TAX_MAX = 1.15;

const vectorsOf = (file) =>
  JSON.parse(readFileSync(`${ROOT}tests/vectors/wycheproof/${file}.json`, 'utf8')).testGroups.flatMap((group) =>
    group.tests.map((test) => ({ ...test, key: group.publicKey })),
  );
const array = (name, hex) =>
  `static const unsigned char ${name}[] = {${Array.from(Buffer.from(hex, 'hex')).join(',')}};`;

/** One valid case of each kind with values that look random: what a count depends on is then the typical. */
function vectors() {
  const edwards = vectorsOf('ed25519_test').find(({ tcId }) => tcId === 88);
  const curve = vectorsOf('ecdsa_secp256r1_sha256_p1363_test').find(({ tcId }) => tcId === 227);
  const digest = createHash('sha256').update(Buffer.from(curve.msg, 'hex')).digest('hex');
  return [
    array('message', edwards.msg),
    array('ed25519_key', edwards.key.pk),
    array('ed25519_signature', edwards.sig),
    array('p256_key', curve.key.uncompressed.slice(2)),
    array('p256_signature', curve.sig),
    array('p256_digest', digest),
    '',
  ].join('\n');
}

const run = (command, args) => execFileSync(command, args, { cwd: ROOT, encoding: 'utf8' });

/** Flash bytes of an ELF. */
const flashOf = (elf) => {
  const [text, data] = run('arm-none-eabi-size', [elf]).split('\n')[1].trim().split(/\s+/).map(Number);
  return text + data;
};

/** Compiles and translates a primitive, unless another one has the same module; returns the name of its files. */
function toC({ entry, uses = [] }, cpu, folder, translate, done) {
  const file = [entry, ...uses].join('-');
  if (done.has(file)) return file;
  done.add(file);
  const wasm = `${folder}/${file}.wasm`;
  const output = ['--target', 'core', ...SMALL_CODE, '-o', wasm, '-t', `${wasm}.wat`];
  const options = [...cpu.uses, ...uses].flatMap((use) => ['--use', use]);
  run(process.execPath, [AT_ONCE, ASC, `bench/chip/${entry}.ts`, ...output, ...options]);
  writeFileSync(`${wasm}.c`, translate(readFileSync(wasm), 'bench'));
  return file;
}

function compile(what, { flags, blocks }, folder, file) {
  const elf = `${folder}/${file}.${what}.elf`;
  const language = ['-std=gnu11', '-mthumb', '-ffreestanding', '-ffunction-sections', '-fdata-sections', '-w'];
  const linking = ['-nostartfiles', '--specs=nano.specs', '-Wl,--gc-sections', '-T', 'bench/chip/chip.ld'];
  const own = [
    `-DWHAT=${what}`,
    `-DMODULE="${file}.wasm.c"`,
    `-DBLOCKS="blocks-${blocks}.c"`,
    '-I',
    folder,
    '-I',
    'boards/port',
  ];
  run('arm-none-eabi-gcc', [...flags, ...language, ...own, ...linking, 'bench/chip/main.c', '-lc', '-lgcc', '-o', elf]);
  return elf;
}

/** Runs an ELF under the counter: [counts of its regions, result, stack, memory]. */
function execute(elf) {
  const machine = ['-M', 'mps2-an386', '-display', 'none', '-serial', 'none', '-monitor', 'none', '-semihosting'];
  const { stdout, stderr } = spawnSync(
    'qemu-system-arm',
    [...machine, '-kernel', elf, '-plugin', `${FOLDER}/libcount.so`],
    { cwd: ROOT, encoding: 'utf8', timeout: TIMEOUT_MS },
  );
  const text = stdout + stderr;
  const said = /result (\d+) stack (\d+) memory (\d+)/.exec(text);
  if (!said) throw new Error(`bench: ${elf} did not finish: ${text.slice(-400)}`);
  if (!/^unaligned 0$/m.test(text)) throw new Error(`bench: ${elf} would fault on silicon: ${text.slice(-200)}`);
  const regions = [...text.matchAll(/region \d+ instructions (\d+)/g)];
  return { counts: regions.map(([, count]) => Number(count)), result: Number(said[1]), stack: Number(said[2]) };
}

async function measure() {
  const { translate } = await import(new URL('../dist/boards/port/translate.js', import.meta.url));
  mkdirSync(FOLDER, { recursive: true });
  run('cc', ['-O2', '-shared', '-fPIC', '-o', `${FOLDER}/libcount.so`, 'bench/count.c']);
  const measured = [];
  for (const [cpu, settings] of Object.entries(CPUS)) {
    const folder = `${FOLDER}/${cpu}`;
    mkdirSync(folder, { recursive: true });
    writeFileSync(`${folder}/vectors.h`, vectors());
    const done = new Set();
    let nothing;
    for (const primitive of [...PRIMITIVES, SHA256_BY_HAND]) {
      const { what, name } = primitive;
      const file = toC(primitive, settings, folder, translate, done);
      nothing ??= flashOf(compile(0, settings, folder, file));
      const elf = compile(what, settings, folder, file);
      const { counts, result, stack } = execute(elf);
      if (counts.length !== (isHash(what) ? 2 : 1)) throw new Error(`bench: ${elf} was not counted`);
      if (!isHash(what) && result !== 1) throw new Error(`bench: ${cpu} refuses a good signature`);
      const instructions = isHash(what) ? (counts[1] - counts[0]) / HASHED_BYTES : counts[0];
      measured.push({ cpu, what, name, instructions, flash: flashOf(elf) - nothing, stack, result });
    }
  }
  return measured;
}

/** Rows of the bench: fewer is better in all of them, so `ratio` is theirs to ours. */
export async function onChips() {
  const rows = [];
  const add = (group, metric, ours, unit, peer, [target, theirs]) => {
    const compared = theirs === undefined ? {} : { peer, theirs, ratio: theirs / ours };
    rows.push({
      group,
      metric,
      ours,
      unit,
      ...compared,
      ...(target === undefined ? {} : { target, met: ours <= target }),
    });
  };
  const measured = await measure();
  const found = (cpu, name) => measured.find((one) => one.cpu === cpu && one.name === name);
  for (const { cpu, what, name, instructions, flash, stack, result } of measured) {
    const primitive = PRIMITIVES.find((one) => one.name === name);
    if (!primitive) continue;
    const same = measured.find((one) => one.what === what).result;
    if (result !== same) throw new Error(`bench: ${name} gives another result on the ${cpu}`);
    add(cpu, name, instructions, primitive.unit, primitive.peer, primitive.instructions[cpu]);
    if (cpu !== 'Cortex-M0') continue;
    const [own, label, limits] =
      what === ED25519
        ? [flash - found(cpu, SHA512_OF_ED25519).flash, `${name} without SHA-512`, [primitive.flash[0]]]
        : [flash, name, primitive.flash];
    add(cpu, `${label}, flash`, own, 'bytes', primitive.peer, limits);
    add(cpu, `${name}, stack`, stack, 'bytes', primitive.peer, primitive.stack);
  }
  for (const cpu of Object.keys(CPUS)) {
    const [ours, byHand] = [found(cpu, 'SHA-256'), found(cpu, SHA256_BY_HAND.name)];
    if (ours.result !== byHand.result) throw new Error(`bench: on the ${cpu} the two SHA-256 differ`);
    const tax = ours.instructions / byHand.instructions;
    add(cpu, 'SHA-256, translated to the same loops in C', tax, 'times the instructions', undefined, [TAX_MAX]);
  }
  return rows;
}

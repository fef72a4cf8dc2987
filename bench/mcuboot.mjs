// What the gate takes of flash in MCUboot on a Cortex-M0, beside MCUboot as it is with TinyCrypt:
//
//   MCUBOOT=FOLDER node bench/mcuboot.mjs [--write]
//
// --write also writes the table of docs/mcuboot.md. FOLDER is a checkout of MCUboot. The same bootutil, swap-using-offset and P-256, linked once with its own cryptography and twice with
// the gate and the verifier's (mcuboot_custom_crypto.h). Ends 1 if an aim is missed. Needs gcc-arm-none-eabi and a built package.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const HERE = join(ROOT, 'tests/port/mcuboot');
const KINDS = {
  'with packages': { words: [], most: 20 * 1024 },
  'without packages': { words: ['--no-suit'], most: 11 * 1024 },
};
const FLAGS = [
  ...['-mcpu=cortex-m0', '-mthumb', '-Os', '-std=gnu11', '-w', '-ffunction-sections', '-fdata-sections', '-fno-ivopts'],
  ...['-DNDEBUG', '-DMCUBOOT_SWAP_USING_OFFSET'],
];
/** docs/mcuboot.md: what makes GCC's code for a Cortex-M0 smaller, of the verifier and the gate. */
const SMALLER = [
  ...['-fno-expensive-optimizations', '-fno-tree-loop-im', '-fno-tree-loop-ivcanon', '-fno-tree-tail-merge', '-fweb'],
  ...['-fno-move-loop-invariants', '-fno-tree-ch', '-fno-code-hoisting', '-frename-registers'],
];
const LINKING = ['--specs=nano.specs', '--specs=nosys.specs', '-nostartfiles', '-Wl,--gc-sections,-e,main'];
const BOOTUTIL = [
  ...['bootutil_misc', 'bootutil_public', 'loader', 'swap_misc', 'swap_offset', 'tlv', 'image_validate', 'image_ecdsa'],
  ...[
    'bootutil_img_hash',
    'bootutil_find_key',
    'fault_injection_hardening',
    'bootutil_area',
    'bootutil_loader',
    'caps',
  ],
];

const mcuboot = process.env.MCUBOOT;
if (!mcuboot) throw new Error('sizes: MCUBOOT names no checkout of MCUboot');
const folder = mkdtempSync(join(tmpdir(), 'countersign-mcuboot-sizes-'));

const includes = [join(HERE, 'port'), join(mcuboot, 'boot/bootutil/include'), join(mcuboot, 'boot/bootutil/src')];

function compile(file, name, more) {
  const object = join(folder, `${name}.o`);
  const folders = includes.flatMap((each) => ['-I', each]);
  execFileSync('arm-none-eabi-gcc', [...FLAGS, ...folders, ...more, '-c', file, '-o', object]);
  return object;
}

function flashOf(name, options, objects) {
  const loader = [...BOOTUTIL.map((each) => join(mcuboot, 'boot/bootutil/src', `${each}.c`)), join(HERE, 'sizes.c')];
  const all = [...objects, ...loader.map((file, i) => compile(file, `${name}-${i}`, options))];
  const elf = join(folder, `${name}.elf`);
  execFileSync('arm-none-eabi-gcc', ['-mcpu=cortex-m0', '-mthumb', ...all, ...LINKING, '-o', elf], { stdio: 'pipe' });
  const [, line] = execFileSync('arm-none-eabi-size', [elf], { encoding: 'utf8' }).trim().split('\n');
  const [text, data, bss] = line.trim().split(/\s+/).map(Number);
  return { flash: text + data, ram: data + bss };
}

function withGate(name, ...words) {
  const gate = join(folder, name);
  const command = join(ROOT, 'dist/bin/countersign.js');
  execFileSync(process.execPath, [command, 'export-c', '--mcuboot', '--p256', '-o', gate, ...words]);
  const files = readdirSync(gate).filter((each) => each.endsWith('.c') && each !== 'countersign_documents.c');
  const areas = ['-DCOUNTERSIGN_STATE_AREA=3', '-DCOUNTERSIGN_DOCUMENTS_AREA=4', '-DCOUNTERSIGN_SECTOR_BYTES=1024'];
  const options = [...areas, '-I', gate, '-include', join(gate, 'mcuboot_custom_crypto.h')];
  const objects = files.map((each) => compile(join(gate, each), `${name}-${each}`, [...options, ...SMALLER]));
  return flashOf(name, options, objects);
}

const bytes = (value) => `${value.toLocaleString('en-GB')} bytes`;

function write(plain, rows) {
  const page = join(ROOT, 'docs/mcuboot.md');
  const table = [
    '| the gate | more flash | at most | static RAM, MCUboot included |',
    '|---|---|---|---|',
    ...rows.map(({ name, more, most, ram }) => `| ${[name, ...[more, most, ram].map(bytes)].join(' | ')} |`),
    `| none | | | ${bytes(plain.ram)} |`,
  ];
  const place = /(<!-- written by bench\/mcuboot\.mjs --write -->\n)[\s\S]*?(<!-- end -->)/;
  writeFileSync(
    page,
    readFileSync(page, 'utf8').replace(place, (_, from, to) => `${from}${table.join('\n')}\n${to}`),
  );
}

try {
  const tinycrypt = join(mcuboot, 'ext/tinycrypt/lib');
  const asn1 = join(mcuboot, 'ext/mbedtls-asn1');
  const options = ['-DPLAIN', '-I', join(tinycrypt, 'include'), '-I', join(asn1, 'include')];
  const files = [
    ...['ecc', 'ecc_dsa', 'sha256', 'utils'].map((each) => join(tinycrypt, 'source', `${each}.c`)),
    ...['asn1parse', 'platform_util'].map((each) => join(asn1, 'src', `${each}.c`)),
  ];
  const plain = flashOf(
    'plain',
    options,
    files.map((file, i) => compile(file, `crypto-${i}`, options)),
  );
  console.log(`MCUboot with TinyCrypt: ${plain.flash} bytes of flash, ${plain.ram} of RAM`);
  const rows = Object.entries(KINDS).map(([name, { words, most }]) => {
    const { flash, ram } = withGate(name.replace(' ', '-'), ...words);
    const more = flash - plain.flash;
    console.log(`the gate ${name}: ${flash} bytes of flash, ${ram} of RAM; ${more} more of flash, at most ${most}`);
    return { name, more, most, ram };
  });
  if (process.argv.includes('--write')) write(plain, rows);
  process.exitCode = rows.every(({ more, most }) => more <= most) ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true });
}

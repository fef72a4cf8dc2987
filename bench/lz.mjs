// npm run bench -- --lz: how small firmware becomes as lz beside heatshrink, and as delta beside bsdiff and xz. Exact: sizes alone.
//
// Images: those of the demonstration application, and real firmware from packages of Debian that are made of one processor's code
// each (downloaded, unpacked in a temporary folder, never installed). Before a piece the source is what an agent has in flash
// when it asks for a window ahead: all that is a window and a half before its own.
//
// heatshrink (github.com/atomicobject/heatshrink 0.4.1): a literal is 1 + 8 bits, a copy 1 + 10 + 4 for -w 10 -l 4, of the longest one
// in the last 1,024 bytes that pays; its encoder takes them as they come, and so does this count of its bits.
//
// A changed line is also brought to the virtual board, and what passes on the wire is counted (delta.mjs).
//
// bsdiff writes three parts, packed by bzip2: they are unpacked, and xz -9e packs them together.

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';
import { buildFirmware } from '../dist/boards/port/build.js';
import { readImage } from '../dist/host/formats/images/image.js';
import { PIECE_BYTES } from '../dist/host/formats/lz.js';
import { codePiece, indexed } from '../dist/host/formats/lz-parse.js';
import { onTheWire } from './delta.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const WINDOW_BYTES = 16_384;
const AHEAD_BYTES = 8192; // of the window before, that are not there yet when the next one is asked for
const LZ_RATIO_MAX = 1.1;
const DELTA_RATIO_MAX = 1.15;
const LINE_SHARE_MAX = 0.02;

/** Packages of Debian 12, and the images taken out of them. */
const ALTOS = 'usr/share/altos/';
const PACKAGES = [
  ['hackrf-firmware', { 'hackrf_rad1o, Cortex-M4': 'usr/share/hackrf/hackrf_rad1o_usb.bin' }],
  ['altos', { 'telemega 5, Cortex-M3': `${ALTOS}telemega-v5.0-1.9.16.ihx`, '': `${ALTOS}telemega-v4.0-1.9.16.ihx` }],
  ['firmware-ath9k-htc', { 'htc_9271, Xtensa': 'lib/firmware/ath9k_htc/htc_9271-1.4.0.fw' }],
];

const HEATSHRINK = { window: 1 << 10, longest: 1 << 4, copyBits: 1 + 10 + 4, literalBits: 9 };

/** Bytes that heatshrink would make of it. */
function heatshrink(data) {
  const { window, longest, copyBits, literalBits } = HEATSHRINK;
  let bits = 0;
  for (let at = 0; at < data.length; ) {
    let best = 0;
    for (let from = at - 1; from >= Math.max(0, at - window) && best < longest; from -= 1) {
      let length = 0;
      while (length < longest && at + length < data.length && data[from + length] === data[at + length]) length += 1;
      best = Math.max(best, length);
    }
    const pays = 8 * best > copyBits;
    bits += pays ? copyBits : literalBits;
    at += pays ? best : 1;
  }
  return Math.ceil(bits / 8);
}

/** Bytes of all pieces of an image, coded; one that would be larger goes as it is. */
function coded(image, old) {
  let bytes = 0;
  let source = old && indexed(old);
  for (let from = 0; from < image.length; from += PIECE_BYTES) {
    if (!old && from % WINDOW_BYTES === 0) source = indexed(image.subarray(0, Math.max(0, from - AHEAD_BYTES)));
    const most = Math.min(PIECE_BYTES, image.length - from);
    bytes += Math.min(
      most,
      codePiece({ data: image.subarray(from, from + most), from, source, delta: old !== undefined }).length,
    );
  }
  return bytes;
}

/** The three parts of a patch of bsdiff, packed together by xz. */
function bsdiff(folder, old, image) {
  const file = (name) => join(folder, name);
  writeFileSync(file('old'), old);
  writeFileSync(file('new'), image);
  execFileSync(file('usr/bin/bsdiff'), [file('old'), file('new'), file('patch')]);
  const patch = readFileSync(file('patch'));
  const control = Number(patch.readBigInt64LE(8));
  const difference = Number(patch.readBigInt64LE(16));
  const ends = [32, 32 + control, 32 + control + difference, patch.length];
  const parts = [0, 1, 2].map((i) => execFileSync('bzip2', ['-dc'], { input: patch.subarray(ends[i], ends[i + 1]) }));
  return execFileSync('xz', ['-9e', '-c', '--check=crc32'], { input: Buffer.concat(parts) }).length;
}

/** Downloads a package and unpacks it there. */
function unpack(folder, name) {
  execFileSync('apt-get', ['download', '-qq', name], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  const file = readdirSync(folder).find((each) => each.startsWith(`${name}_`));
  execFileSync('dpkg-deb', ['-x', file, '.'], { cwd: folder });
}

/** What Debian's packages have as Intel HEX may go on behind its end: objcopy reads that. */
async function imageIn(file) {
  if (!file.endsWith('.ihx')) return (await readImage(readFileSync(file), file)).bytes;
  execFileSync('arm-none-eabi-objcopy', ['-I', 'ihex', '-O', 'binary', file, `${file}.bin`]);
  return readFileSync(`${file}.bin`);
}

/** The micro:bit's agent as flash holds it: as it is, or with one line of its sources altered. */
async function agent(folder, altered) {
  const place = join(folder, altered ? 'altered' : 'agent');
  mkdirSync(place);
  const wasm = join(place, 'agent.wasm');
  const readFile = (name) => {
    try {
      const text = readFileSync(join(ROOT, name), 'utf8');
      return altered && name === LINE.file ? text.replace(LINE.from, LINE.to) : text;
    } catch (error) {
      if (error.code === 'ENOENT') return null;
      throw error;
    }
  };
  const options = ['assembly/agent.ts', '--target', 'agent', '--outFile', 'agent.wasm', '--textFile', ''];
  const writeFile = (name, contents) => name === 'agent.wasm' && writeFileSync(wasm, contents);
  const { error } = await asc.main([...options, '--baseDir', ROOT], { readFile, writeFile, listFiles: () => [] });
  if (error) throw error;
  const elf = await buildFirmware('microbit', { folder: place, wasm });
  const binary = join(place, 'agent.bin');
  execFileSync('arm-none-eabi-objcopy', ['-O', 'binary', elf, binary]);
  return readFileSync(binary);
}

/** The line: a bound of a header's length that is looked at in the middle of the agent. */
const LINE = {
  file: 'assembly/codec/cobs.ts',
  from: 'if (got === 1 && byte !== 0) return false;',
  to: 'if (got === 1 && byte > 3) return false;',
};

const row = (metric, ours, peer, theirs, most) => {
  const target = most && Math.floor(most * theirs);
  return {
    ...{ group: 'lz', metric, ours, unit: 'bytes', peer, theirs, ratio: ours / theirs },
    ...(target && { target, met: ours <= target }),
  };
};

/** Rows of images and of changes. */
export async function ofImages() {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-lz-'));
  try {
    const rows = [];
    const lz = (name, image) =>
      rows.push(
        row(
          `${name}, ${image.length.toLocaleString('en-GB')} bytes`,
          coded(image),
          'heatshrink',
          heatshrink(image),
          LZ_RATIO_MAX,
        ),
      );
    const delta = (name, old, image, most) =>
      rows.push(row(`delta: ${name}`, coded(image, old), 'bsdiff + xz', bsdiff(folder, old, image), most));
    const apps = join(ROOT, 'boards/microbit/app');
    const first = await imageIn(join(apps, 'app-1.0.0.hex'));
    const second = await imageIn(join(apps, 'app-1.1.0.hex'));
    lz('app-1.0.0', first);
    lz('app-1.1.0', second);
    const images = {};
    for (const [name, files] of PACKAGES) {
      unpack(folder, name);
      for (const [title, file] of Object.entries(files)) {
        images[title] = await imageIn(join(folder, file));
        if (title) lz(title, images[title]);
      }
    }
    unpack(folder, 'bsdiff');
    delta('app-1.0.0 to 1.1.0', first, second, DELTA_RATIO_MAX);
    const whole = await agent(folder, false);
    const altered = await agent(folder, true);
    if (whole.equals(altered)) throw new Error('bench: the altered line makes no difference');
    delta('one changed line', whole, altered, DELTA_RATIO_MAX);
    const share = {
      group: 'lz',
      metric: 'delta: one changed line, of the image',
      ours: (100 * coded(altered, whole)) / altered.length,
    };
    const judged = { unit: 'percent', target: 100 * LINE_SHARE_MAX };
    rows.push({ ...share, ...judged, met: share.ours <= judged.target });
    const wire = (100 * (await onTheWire(whole, altered))) / altered.length;
    const metric = 'delta: one changed line, on the wire, of the image';
    rows.push({ ...{ group: 'lz', metric, ours: wire }, ...judged, met: wire <= judged.target });
    delta('telemega 4 to 5, two boards', images[''], images['telemega 5, Cortex-M3'], undefined);
    return rows;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

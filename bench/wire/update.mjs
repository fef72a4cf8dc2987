// A whole update of the micro:bit, modelled: what the real firmware does for one of 80 KiB is counted in QEMU (bench/turns.c), and each
// thing is given the time that it takes on an nRF51822 at 16 MHz, behind a line of 115,200 baud.
//
//   begins   an application runs, confirmed, and a client knocks
//   ends     the agent hands over to the new application
//
// Overlap is where the firmware has it: while blocks come back to back, the UART's interrupt takes them, and processor and flash work
// on those before. Everywhere else one thing follows the other: a request comes, is worked on, and is answered. Waiting for a
// client is left out.

import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { countedLink, followPhase, installed, load, makeWorld, randomImage } from './delivery.mjs';
import { CLIENT, FIRMWARE, withMicrobit } from './emulated.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const IMAGE_BYTES = 80 * 1024;
const PAGE_BYTES = 1024;
const WORD_BYTES = 4;
const INSTALL_MS = 600_000;

/** nRF51822 Product Specification 3.4, 8.22: t_ERASEPAGE and t_WRITE, the largest. The processor stands still meanwhile. */
const HZ = 16e6;
const ERASE_S = 22.3e-3;
const WORD_S = 46.3e-6;
const BYTE_S = 10 / 115_200;

const TARGET = 1.25;

/** The columns of a turn. */
const SUM = ['cycles', 'instructions', 'received', 'sent', 'erases', 'words', 'naps', 'idle'];
const turnOf = (line) =>
  Object.fromEntries(
    line
      .split(' ')
      .slice(1)
      .map((n, at) => [SUM[at], Number(n)]),
  );
const add = (turns, what) => turns.reduce((all, turn) => all + turn[what], 0);
const ERASES_AHEAD = 8; // more than the store ever erases in a turn: the pages for a package, slice by slice

/** An application as large as it may be: the small one of the demonstrations, and behind it what never runs. */
async function application(version, seed) {
  const { readImage } = await load('host/formats/images/image.js');
  const file = `boards/microbit/app/app-${version}.hex`;
  const { bytes } = await readImage(readFileSync(join(ROOT, file)), file);
  const image = randomImage(IMAGE_BYTES, seed);
  image.set(bytes);
  return image;
}

/** The turns of an update, from reset to the start of what it brought, and the bytes of its package. */
async function count(folder) {
  const { addressOf } = await load('boards/microbit/debugger.js');
  const { createClient } = await load('host/smp/client.js');
  const { reset } = await load('host/smp/commands.js');
  const { lines } = await load('host/smp/link.js');
  const { provision, putApproval } = await load('host/device/identity.js');
  const plugin = join(folder, 'turns.so');
  const file = join(folder, 'turns');
  execFileSync('cc', ['-O2', '-shared', '-fPIC', '-o', plugin, join(ROOT, 'bench/turns.c')]);
  const marks = { reset: addressOf(FIRMWARE, 'port_main') & ~1, start: addressOf(FIRMWARE, 'chip_start_image') & ~1 };
  const wanted = Object.values(marks).map((address) => `,mark=${address.toString(16)}`);
  const { bootstrap, release, approve } = await makeWorld({ 'trial-boots': 1 });
  const [first, second] = [release(await application('1.0.0', 1)), release(await application('1.1.0', 2))];
  const options = { arguments: ['-plugin', `${plugin},out=${file}${wanted.join('')}`] };
  const { sent, bytes } = await withMicrobit(options, async (emulator) => {
    const socket = connect(Number(new URL(emulator.url).port), '127.0.0.1');
    await once(socket, 'connect');
    socket.close = (done) => void socket.end(done);
    const line = await countedLink(emulator.url, socket, 'auto');
    const client = createClient(line.link, CLIENT);
    await provision(client, bootstrap);
    await putApproval(client, approve(first, second));
    await installed(client, first.envelope, { installMs: INSTALL_MS });
    // The first one was on trial, and is confirmed by now: it is started as any other day.
    const greeted = new Promise((resolve) =>
      line.link.listen({ text: lines((text) => text.includes('1.0.0') && resolve()) }),
    );
    await reset(client);
    await greeted;
    const { phase } = await followPhase(line);
    await installed(client, second.envelope, { installMs: INSTALL_MS });
    await client.close();
    await emulator.control('quit').catch(() => {}); // it answers by ending
    await emulator.exited;
    return { sent: phase.to.out - phase.from.out, bytes: second.envelope.length };
  });
  return { bytes, ...phasesOf(readFileSync(file, 'utf8').trim().split('\n'), marks, sent) };
}

/** Before the blocks, while they come (so many bytes were sent then), and behind them, of the last update in these lines. */
function phasesOf(lines, marks, sent) {
  const at = (address) => lines.lastIndexOf(`mark ${address.toString(16)}`);
  const end = at(marks.start);
  const resets = lines.flatMap((line, n) => (line === `mark ${marks.reset.toString(16)}` && n < end ? [n] : []));
  const turns = lines
    .slice(resets.at(-2), end)
    .filter((line) => line.startsWith('turn'))
    .map(turnOf); // the last one begins the swap
  const swap = turns.findLastIndex(({ erases }) => erases > ERASES_AHEAD);
  const first = 1 + turns.findLastIndex(({ erases }, n) => n < swap && erases > ERASES_AHEAD);
  let last = first;
  for (let got = 0; got < sent && last < swap; last++) got += turns[last].received;
  return { before: turns.slice(0, first), blocks: turns.slice(first, last), behind: turns.slice(last) };
}

/** Seconds of the processor, of flash, and of the line. */
const secondsOf = (turns) => ({
  processor: add(turns, 'cycles') / HZ,
  flash: add(turns, 'erases') * ERASE_S + add(turns, 'words') * WORD_S,
  line: (add(turns, 'received') + add(turns, 'sent')) * BYTE_S,
});

/** While bytes come one by one, the processor wakes for each, and finds more of them the longer it works: what it takes to wake up is no work. */
function blockSeconds(turns, wakingCycles) {
  const { processor, flash, line } = secondsOf(turns);
  const sent = add(turns, 'sent') * BYTE_S; // the processor waits for each of them
  const works = processor - (turns.length * wakingCycles) / HZ + flash + sent;
  return { works, line: line - sent, all: Math.max(works, line - sent) };
}

/** What no firmware could leave out, one after the other: the line, each page of both slots, one verdict, and one hash of what will run. */
function limitOf({ before, behind }, bytes) {
  const pages = IMAGE_BYTES / PAGE_BYTES;
  const written = (IMAGE_BYTES / WORD_BYTES) * WORD_S;
  const longest = (turns) => Math.max(...turns.map(({ erases, cycles }) => (erases > ERASES_AHEAD ? 0 : cycles))) / HZ;
  const verdict = longest(before);
  const hash = longest(behind) - verdict; // the order takes another verdict, and hashes what waits
  return {
    line: bytes * BYTE_S,
    flash: 3 * (pages * ERASE_S + written), // the slot that takes it, and both for the swap
    processor: verdict + hash,
    written, // of flash, while the blocks come
  };
}

const seconds = (metric, ours, theirs) => ({
  ...{ group: 'wire', metric: `micro:bit, update of 80 KiB, modelled${metric}`, ours, unit: 'seconds' },
  ...{ peer: 'limit', theirs, ratio: ours / theirs },
});

/** The rows. */
export async function wholeUpdate() {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-turns-'));
  try {
    const { bytes, before, blocks, behind } = await count(folder);
    const naps = [...before, ...blocks, ...behind];
    const serial = secondsOf([...before, ...behind]);
    const sending = blockSeconds(blocks, add(naps, 'idle') / add(naps, 'naps'));
    const limit = limitOf({ before, behind }, bytes);
    const rest = sending.all - sending.line; // of processor and flash, that the line did not cover
    const ours = serial.processor + serial.flash + serial.line + sending.all;
    const theirs = limit.line + limit.flash + limit.processor;
    const target = TARGET * theirs;
    return [
      { ...seconds('', ours, theirs), target, met: ours <= target },
      seconds(': the line', serial.line + sending.line, limit.line),
      seconds(': flash, but for writing blocks as they come', serial.flash, limit.flash - limit.written),
      seconds(': the processor, but for the same', serial.processor + rest, limit.processor),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

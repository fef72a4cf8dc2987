// The emulated micro:bit at the end of a line of 115,200 baud: its real firmware in QEMU, and 80 KiB.
//
// QEMU's UART has no speed of its own: it takes a byte when the firmware has read the one before. The line is the one of the other
// rows. What it carries into this QEMU, and no more, is measured beside: as many plain bytes, which the firmware reads and
// drops, and an echo behind them; the clock runs from the first byte to the echo's answer.

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { BITS_PER_BYTE, load, makeWorld, measure, openCounted, overLine, randomImage, shareOf } from './delivery.mjs';

export const FIRMWARE = fileURLToPath(new URL('../../build/microbit/agent.elf', import.meta.url)); // npm run build:microbit
const IMAGE_BYTES = 80 * 1024;
const BAUD = 115_200;
const TURNS = 2; // the faster one counts
const TARGET = 85;
const PLAIN = 0x55; // begins no frame, and is nothing that a person types
/** An emulator on a machine with much else to do: everything takes long. */
export const CLIENT = { timeoutMs: 4000, retries: 20 };

/** A micro:bit in QEMU, blank; ends with the work. */
export async function withMicrobit(options, work) {
  const { startEmulator } = await load('boards/microbit/qemu.js');
  if (!existsSync(FIRMWARE)) throw new Error('bench: npm run build:microbit first');
  const emulator = await startEmulator({ firmware: FIRMWARE, ...options });
  try {
    return await work(emulator);
  } finally {
    await emulator.close();
  }
}

/** Runs with a client at its UART, as fast as QEMU goes. */
export async function withClient(url, work) {
  const { createClient } = await load('host/smp/client.js');
  const { openTcp } = await load('host/links/tcp.js');
  const client = createClient(await openTcp(url), CLIENT);
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}

/** Milliseconds for so many bytes that nobody wants, and an echo. */
const plainMs = (url, bytes) =>
  overLine(url, { baud: BAUD }, async (path) => {
    const { encodePacket } = await load('host/smp/packet.js');
    const { port, link } = await openCounted(path, 'console');
    const answered = new Promise((resolve) => link.listen({ packet: () => resolve(performance.now()) }));
    const began = performance.now();
    port.write(new Uint8Array(bytes).fill(PLAIN));
    await link.send(encodePacket({ version: 2, op: 2, group: 0, sequence: 1, id: 0, body: { d: 'x' } }));
    const ms = (await answered) - began;
    await link.close();
    return ms;
  });

async function deliverOnce() {
  const { provision, putApproval } = await load('host/device/identity.js');
  const { bootstrap, release, approve } = await makeWorld();
  const one = release(randomImage(IMAGE_BYTES));
  return withMicrobit({}, async ({ url }) => {
    await withClient(url, async (client) => {
      await provision(client, bootstrap);
      await putApproval(client, approve(one));
    });
    const plain = await plainMs(url, IMAGE_BYTES);
    const run = await measure(url, one.envelope, { framing: 'auto', baud: BAUD }, CLIENT);
    return { plain, run };
  });
}

/** The row. */
export async function overEmulatedLine() {
  const turns = [];
  for (let turn = 0; turn < TURNS; turn++) {
    turns.push(await deliverOnce());
    const { plain, run } = turns.at(-1);
    console.error(
      `micro:bit: ${shareOf([run], BAUD).toFixed(1)} % of the line, plain bytes in ${Math.round(plain)} ms`,
    );
  }
  const plainShare = (100 * IMAGE_BYTES * BITS_PER_BYTE * 1000) / BAUD / Math.min(...turns.map(({ plain }) => plain));
  const ours = (100 * Math.max(...turns.map(({ run }) => shareOf([run], BAUD)))) / plainShare;
  return {
    ...{ group: 'wire', metric: 'emulated micro:bit, 115,200 baud, of what plain bytes reach', ours, unit: '%' },
    ...{
      peer: 'plain bytes, of the line',
      theirs: plainShare,
      ratio: ours / plainShare,
      target: TARGET,
      met: ours >= TARGET,
    },
  };
}

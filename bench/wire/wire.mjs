// A package over a serial line: the virtual board, with the framing that the library chooses beside console framing, and with large
// packets; the emulated micro:bit beside plain bytes (emulated.mjs); a whole update of it, modelled (update.mjs).

import { readFileSync } from 'node:fs';
import { load, makeWorld, measure, openCounted, overLine, randomImage, shareOf, sum } from './delivery.mjs';
import { overEmulatedLine } from './emulated.mjs';
import { wholeUpdate } from './update.mjs';

const BUILD = new URL('../../build/', import.meta.url);
const IMAGE_BYTES = 100 * 1024;
const PAGE = 1024;
/** Of a virtual board, with room for 100 KiB. */
const MAP = {
  ...{ bytes: 300 * PAGE, pageBytes: PAGE, agent: { offset: 0, bytes: 64 * PAGE } },
  ...{ primary: { offset: 64 * PAGE, bytes: 104 * PAGE }, secondary: { offset: 168 * PAGE, bytes: 105 * PAGE } },
  ...{ state: { offset: 273 * PAGE, bytes: 16 * PAGE } },
};
/** How often each delivery is made: the fastest counts. What else the machine does makes none of them faster. */
const TURNS = { 115200: 2, 921600: 3 };
const BAUDS = Object.keys(TURNS).map(Number);
const SEEDS = [1, 2]; // of lines that damage
const EVERY = 10_000;
const SMALL = 'agent';
const DELTA = 'agent-delta';
const LARGE = 'agent-large'; // packets of 2 KB
const CONSOLE = 'console framing';

const speed = (baud) => `${baud.toLocaleString('en-GB')} baud`;

/** A virtual board whose operator has approved the package. */
async function approvedBoard({ bootstrap, approval }, agent) {
  const { startVirtualBoard } = await load('boards/virtual/board.js');
  const { createClient } = await load('host/smp/client.js');
  const { openSerial } = await load('host/links/serial.js');
  const { putApproval } = await load('host/device/identity.js');
  const board = await startVirtualBoard({ map: MAP, wasm: readFileSync(new URL(`${agent}.wasm`, BUILD)) });
  await board.provision(bootstrap);
  const client = createClient(await openSerial(board.port));
  await putApproval(client, approval);
  await client.close();
  return board;
}

async function worldOf(image) {
  const { bootstrap, release, approve } = await makeWorld();
  const { envelope, digest } = release(image);
  return { bootstrap, envelope, digest, approval: approve({ digest }) };
}

async function deliverTo(world, { agent, ...how }) {
  const board = await approvedBoard(world, agent);
  try {
    return await measure(board.port, world.envelope, how);
  } finally {
    await board.close();
  }
}

/** Of each of these ways { name: how }, the fastest run of each seed. They take turns. */
async function measureEach(world, ways, { seeds = [1], ...line }) {
  const runs = Object.fromEntries(Object.keys(ways).map((name) => [name, []]));
  for (const [at, seed] of seeds.entries()) {
    for (let turn = 0; turn < TURNS[line.baud]; turn++) {
      for (const [name, way] of Object.entries(ways)) {
        const run = await deliverTo(world, { ...way, ...line, seed });
        console.error(`${name}, ${JSON.stringify({ ...line, seed })}: ${shareOf([run], line.baud).toFixed(1)} %`);
        if (!runs[name][at] || run.ms < runs[name][at].ms) runs[name][at] = run;
      }
    }
  }
  return runs;
}

const LATENCY_MS = 20;
const HEAD_BYTES = 4096; // an upload's first packets go one at a time
const CONDITIONS = [
  { words: 'share of the line', target: 95 },
  { words: `with ${LATENCY_MS} ms of latency each way`, target: 90, latencyMs: LATENCY_MS },
  { words: '1 byte in 10,000 flipped', target: 85, damage: 'flipped', every: EVERY, seeds: SEEDS },
  { words: '1 byte in 10,000 lost', target: 85, damage: 'lost', every: EVERY, seeds: SEEDS },
];
const WIRE_TARGETS = { [SMALL]: 1.05, [LARGE]: 1.02 };
const LZ_TARGET = 100; // more than the line brings
const LARGE_PACKETS = ', packets of 2 KB';

const WAYS = {
  [SMALL]: { framing: 'auto', agent: SMALL },
  [CONSOLE]: { framing: 'console', agent: SMALL },
  [LARGE]: { framing: 'auto', agent: LARGE },
};

const row = (metric, ours, unit, theirs, peer) => ({
  ...{ group: 'wire', metric, ours, unit },
  ...(theirs === undefined ? {} : { peer, theirs, ratio: ours / theirs }),
});
const share = (metric, ours, theirs, target) => ({
  ...row(metric, ours, '%', theirs, CONSOLE),
  target,
  met: ours >= target,
});

const wireOf = (runs) => sum(runs, 'wire') / sum(runs, 'payload');

/** The rows; `exact`: those that are counted, and not timed. */
export async function overWire({ exact } = {}) {
  const world = await worldOf(randomImage(IMAGE_BYTES));
  const rows = [];
  if (exact) {
    const runs = await measureEach(world, WAYS, { baud: Math.max(...BAUDS) });
    return [...bytesOnTheLine(runs), await pushed(world), ...(await wholeUpdate())];
  }
  for (const { words, target, ...how } of CONDITIONS) {
    for (const baud of BAUDS) {
      const runs = await measureEach(world, WAYS, { baud, ...how });
      if (rows.length === 0) rows.push(...bytesOnTheLine(runs), await pushed(world));
      const shares = Object.fromEntries(Object.entries(runs).map(([name, each]) => [name, shareOf(each, baud)]));
      rows.push(share(`${words}, ${speed(baud)}`, shares[SMALL], shares[CONSOLE], target));
      rows.push(share(`${words}, ${speed(baud)}${LARGE_PACKETS}`, shares[LARGE], undefined, target));
    }
  }
  rows.push(await pushedAhead(world, DELTA), await pushedAhead(world, LARGE));
  return [...rows, await overLz(), await overEmulatedLine(), ...(await wholeUpdate())];
}

function bytesOnTheLine(runs) {
  const theirs = wireOf(runs[CONSOLE]);
  return Object.entries(WIRE_TARGETS).map(([agent, target]) => {
    const ours = wireOf(runs[agent]);
    const words = `bytes on the line, both directions${agent === LARGE ? LARGE_PACKETS : ''}`;
    const beside = agent === LARGE ? [] : [theirs, CONSOLE];
    return { ...row(words, ours, 'per byte of payload', ...beside), target, met: ours <= target };
  });
}

/** The same by an upload, as smpclient does it: in cobs framing a packet, its answer, and the next one. */
async function pushed(world) {
  const { createClient } = await load('host/smp/client.js');
  const { parameters } = await load('host/smp/commands.js');
  const { upload } = await load('host/smp/upload.js');
  const board = await approvedBoard(world, LARGE);
  try {
    const counted = async (path) => {
      const { link, counts } = await openCounted(path, 'cobs');
      const client = createClient(link);
      const { envelope: file, digest } = world;
      const steps = upload(client, { file, digest, parameters: await parameters(client) });
      let from; // behind the head and its verdict
      let step = await steps.next();
      for (; !step.done; step = await steps.next()) from ??= { off: step.value, bytes: counts.in + counts.out };
      await client.close();
      return (counts.in + counts.out - from.bytes) / (file.length - from.off);
    };
    const ours = await overLine(board.port, { baud: Math.max(...BAUDS) }, counted);
    return row('bytes on the line, an SMP upload in packets of 2 KB', ours, 'per byte of payload');
  } finally {
    await board.close();
  }
}

/** An SMP upload over a late line, with as many packets under way as the agent's buffers allow, beside one at a time. */
async function pushedAhead(world, agent) {
  const { createClient } = await load('host/smp/client.js');
  const { parameters } = await load('host/smp/commands.js');
  const { upload } = await load('host/smp/upload.js');
  const baud = Math.min(...BAUDS);
  const shareWith = async (more) => {
    const board = await approvedBoard(world, agent);
    try {
      return await overLine(board.port, { baud, latencyMs: LATENCY_MS }, async (path) => {
        const { link } = await openCounted(path, 'cobs');
        const client = createClient(link);
        const { envelope: file, digest } = world;
        const steps = upload(client, { file, digest, parameters: { ...(await parameters(client)), ...more } });
        let from; // behind the head and its verdict
        for (let step = await steps.next(); !step.done; step = await steps.next())
          if (step.value >= HEAD_BYTES) from ??= { off: step.value, at: performance.now() };
        const run = { payload: file.length - from.off, ms: performance.now() - from.at };
        await client.close();
        return shareOf([run], baud);
      });
    } finally {
      await board.close();
    }
  };
  const words = `SMP upload with ${LATENCY_MS} ms of latency each way, ${speed(baud)}${agent === LARGE ? LARGE_PACKETS : ''}`;
  return row(words, await shareWith({}), '%', await shareWith({ bufferCount: 1 }), 'one packet at a time');
}

/** Code, which comes as lz: the agent of the micro:bit. */
async function overLz() {
  const { readImage } = await load('host/formats/images/image.js');
  const { bytes } = await readImage(readFileSync(new URL('microbit/agent.elf', BUILD)), 'agent.elf'); // npm run build:microbit
  const baud = Math.min(...BAUDS);
  const { [SMALL]: ours, [CONSOLE]: theirs } = WAYS;
  const runs = await measureEach(await worldOf(bytes), { [SMALL]: ours, [CONSOLE]: theirs }, { baud });
  return share(`code as lz, ${speed(baud)}`, shareOf(runs[SMALL], baud), shareOf(runs[CONSOLE], baud), LZ_TARGET);
}

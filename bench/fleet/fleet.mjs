// A fleet on a real broker beside bare mqtt.js clients that pull the same blocks: what the publisher sends, how long the last device
// takes, what of that is the agents' own computing, how soon an approval and a revocation are everywhere, and what a
// device costs in memory. And one device on a slow line, beside a push of the same package over the same line.
//
// All of it runs in this process, devices and clients alike, so that a ratio compares like with like.

import { setTimeout as sleep } from 'node:timers/promises';
import { startBare } from './bare.mjs';
import { startMosquitto } from './brokers.mjs';
import { startProxy } from './proxy.mjs';

const DIST = new URL('../../dist/', import.meta.url);
const load = (path) => import(new URL(path, DIST));

const FLEET = 'bench';
const IMAGE_BYTES = 100 * 1024;
const PAGE = 1024;
const PRIMARY = { offset: 64 * PAGE, bytes: 104 * PAGE };
const SECONDARY = { offset: 168 * PAGE, bytes: 105 * PAGE };
/** Of a virtual board, with room for 100 KiB. */
const MAP = {
  ...{ bytes: 300 * PAGE, pageBytes: PAGE, agent: { offset: 0, bytes: 64 * PAGE } },
  ...{ primary: PRIMARY, secondary: SECONDARY, state: { offset: 273 * PAGE, bytes: 16 * PAGE } },
};
const POLL_MS = 10;
const PATIENCE_MS = 600_000;
const MIB = 1024 * 1024;

const SLOW_MS = 250; // each way
const PUSHED_BYTES = 12 * 1024; // at a kilobyte a second

/** The people, their keys and what they sign. */
async function makeWorld() {
  const lib = await load('host/index.js');
  const vendor = lib.generateKey('ed25519');
  const operator = lib.generateKey('p256');
  const vendorId = lib.vendorIdOf('vendor.example');
  const classId = lib.classIdOf(vendorId, 'virtual');
  let documents = 0n;
  return {
    lib,
    release(sequence, bytes = IMAGE_BYTES) {
      const image = Uint8Array.from({ length: bytes }, (_, at) => at * 31 + sequence);
      const version = `1.${sequence}.0`;
      const what = { image, vendorId, classId, sequence: BigInt(sequence), version, name: 'Lamp', key: vendor };
      const { envelope, digest } = lib.buildPackage(what);
      return { envelope, digest, version };
    },
    issue(verdict, digest) {
      const entries = [digest ? { verdict, digest } : { verdict, classId }];
      const issuedAt = Math.floor(Date.now() / 1000) - 60;
      const what = { issuer: 'acme', issuedAt, id: lib.newDocumentId(), sequence: ++documents, entries };
      return { document: lib.signApproval(operator, what), sequence: documents };
    },
    bootstrap: (number) =>
      lib.encodeBootstrap({
        ...{ device: Uint8Array.of(number >> 16, number >> 8, number), vendorId, classId, approvals: [] },
        anchors: [
          { role: 'vendor', key: vendor.public },
          { role: 'operator', key: operator.public },
        ],
        policy: { 'trial-boots': 0, unapproved: 'reject', 'when-denied': 'revert' },
      }),
  };
}

async function until(what, done) {
  for (const since = performance.now(); ; await sleep(POLL_MS)) {
    const took = performance.now() - since;
    if (done()) return took / 1000;
    if (took > PATIENCE_MS) throw new Error(`bench: ${what} after ${PATIENCE_MS / 1000} s: not yet`);
  }
}

/** Seconds until both are done, which begin together. */
async function timed(...works) {
  const since = performance.now();
  await Promise.all(works.map((work) => work()));
  return (performance.now() - since) / 1000;
}

/** One operator's broker, through a line that counts. */
async function startPublisher(world, port) {
  const { connectBroker } = await load('host/links/mqtt.js');
  const { approvalTopic, groupOrderTopic } = await load('host/links/topics.js');
  const line = await startProxy(port);
  const leave = async (topic, payload) => {
    const client = await connectBroker(line.url);
    await client.publishAsync(topic, Buffer.from(payload), { qos: 1, retain: true });
    await client.endAsync();
  };
  return {
    sent: () => line.counts.up,
    package: ({ digest, envelope }) => world.lib.publishPackage({ url: line.url, fleet: FLEET }, digest, envelope),
    approval: ({ document }) => leave(approvalTopic(FLEET, 'acme'), document),
    order({ digest, version }) {
      const order = { version: 1, digest: world.lib.hex(digest), encoding: 'raw', correlator: version };
      return leave(groupOrderTopic(FLEET, 'all'), JSON.stringify(order));
    },
    close: () => line.close(),
  };
}

const everywhere = (boards, has) => () => boards.every(({ shown }) => has(shown));
const holds = (sequence) => (shown) => shown.approvals?.some((one) => BigInt(one.sequence) >= sequence) ?? false;
const runs = (version) => (shown) => shown.firmwareVersion === version;
const computed = (boards) => boards.reduce((sum, board) => sum + board.computedMs, 0) / 1000;
const processor = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

/** Bytes that the publisher sends for a package, its approval and its order, with so many devices on the broker. */
async function measureSent(world, count) {
  const { startSwarm } = await load('boards/virtual/swarm.js');
  const broker = await startMosquitto();
  const publisher = await startPublisher(world, broker.ports[0]);
  const url = `mqtt://127.0.0.1:${broker.ports[0]}`;
  const options = { count, name: 'lamp', broker: url, fleet: FLEET, groups: ['all'], map: MAP };
  const { boards, close } = await startSwarm({ ...options, bootstrap: (_, number) => world.bootstrap(number) });
  try {
    const release = world.release(1);
    await publisher.package(release);
    await publisher.approval(world.issue('approve'));
    await publisher.order(release);
    await until('installation', everywhere(boards, runs(release.version)));
    return publisher.sent();
  } finally {
    await close();
    publisher.close();
    await broker.close();
  }
}

/** Everything of a fleet of this size, on a broker of its own. */
async function measureFleet(world, count, note) {
  const { startSwarm } = await load('boards/virtual/swarm.js');
  const { blockTopic } = await load('host/links/topics.js');
  const broker = await startMosquitto();
  const url = `mqtt://127.0.0.1:${broker.ports[0]}`;
  const publisher = await startPublisher(world, broker.ports[0]);
  globalThis.gc?.();
  const before = process.memoryUsage().rss;
  const options = { count, name: 'lamp', broker: url, fleet: FLEET, groups: ['all'], map: MAP };
  const swarm = await startSwarm({ ...options, bootstrap: (_, number) => world.bootstrap(number) });
  const memory = (process.memoryUsage().rss - before) / count;
  const { boards } = swarm;
  try {
    const [first, second] = [world.release(1), world.release(2)];
    const approved = world.issue('approve');
    await publisher.package(first);
    const approval = await timed(
      () => publisher.approval(approved),
      () => until('approval', everywhere(boards, holds(approved.sequence))),
    );
    const began = { computed: computed(boards), processor: processor(), loop: performance.eventLoopUtilization() };
    await publisher.order(first);
    const sent = publisher.sent();
    const pulled = await until(
      'pull',
      everywhere(boards, (shown) => shown.state >= 40 || runs(first.version)(shown)),
    );
    const agents = computed(boards) - began.computed;
    const used = processor() - began.processor;
    // Of the time in which this process was at work, waiting for a processor included: not of that in which the broker was.
    const busy = performance.eventLoopUtilization(began.loop).active / 1000;
    const installed = pulled + (await until('installation', everywhere(boards, runs(first.version))));
    const idle = await until('rest', () => boards.every(({ running }) => running === 'application'));
    note(
      `${count} devices: pulled ${pulled.toFixed(2)} s, installed ${installed.toFixed(2)} s, at rest ${idle.toFixed(1)} s later`,
    );

    const bare = await startBare(count, url, (block) => blockTopic(FLEET, world.lib.hex(first.digest), block));
    const since = performance.now();
    const bareBegan = processor();
    await bare.pull();
    const theirs = (performance.now() - since) / 1000;
    const bareUsed = processor() - bareBegan;
    await bare.close();
    note(`${count} bare clients: ${theirs.toFixed(2)} s`);

    await publisher.package(second);
    await publisher.order(second);
    await until('second installation', everywhere(boards, runs(second.version)));
    const denied = world.issue('deny', second.digest);
    const revocation = await timed(
      () => publisher.approval(denied),
      () => until('revocation', everywhere(boards, holds(denied.sequence))),
    );
    const back = revocation + (await until('way back', everywhere(boards, runs(first.version))));
    return { count, sent, approval, pulled, agents, busy, used, installed, theirs, bareUsed, revocation, back, memory };
  } finally {
    await swarm.close();
    publisher.close();
    await broker.close();
  }
}

/** KiB/s of one device that pulls over a slow line, and of a push to it over the same line. */
async function measureSlow(world, note) {
  const { startSwarm } = await load('boards/virtual/swarm.js');
  const { openMqtt } = await load('host/links/mqtt.js');
  const { lib } = world;
  const broker = await startMosquitto();
  const port = broker.ports[0];
  const line = await startProxy(port, { delayMs: SLOW_MS });
  const publisher = await startPublisher(world, port);
  const options = { count: 2, name: 'far', broker: line.url, fleet: FLEET, groups: ['all'], map: MAP };
  const swarm = await startSwarm({ ...options, bootstrap: (_, number) => world.bootstrap(number) });
  try {
    const [far] = swarm.boards;
    const approved = world.issue('approve');
    await publisher.approval(approved);
    await until('approval', everywhere([far], holds(approved.sequence)));

    // Pushed first, to the other one: what the group is ordered later is nothing new to it.
    const pushed = world.release(3, PUSHED_BYTES);
    const address = { url: `mqtt://127.0.0.1:${port}`, fleet: FLEET, device: 'far-2' };
    const client = lib.createClient(await openMqtt(address));
    const marks = [];
    const work = lib.deliver(client, { file: pushed.envelope });
    for (let step = await work.next(); !step.done; step = await work.next()) {
      if (step.value.kind === 'work' && step.value.phase === 'sending')
        marks.push([performance.now(), step.value.done]);
    }
    await client.close();
    const [[since, from], [end, to]] = [marks[0], marks.at(-1)];
    const push = (to - from) / 1024 / ((end - since) / 1000);
    note(`push at ${2 * SLOW_MS} ms round trip: ${push.toFixed(2)} KiB/s`);

    const file = world.release(1);
    await publisher.package(file);
    await publisher.order(file);
    await until('start', () => far.shown.state === 30);
    const took = await until(
      'pull',
      everywhere([far], (shown) => shown.state >= 40),
    );
    const pull = file.envelope.length / 1024 / took;
    note(`pull at ${2 * SLOW_MS} ms round trip: ${pull.toFixed(2)} KiB/s`);
    return { push, pull };
  } finally {
    await swarm.close();
    line.close();
    publisher.close();
    await broker.close();
  }
}

const RATE = 0.67; // of the bare clients': one and a half times as long
const SLOW = 20;
const MEMORY_MIB = 2;

const judged = (row, target, met) => ({ group: 'fleet', ...row, target, met });
const atLeast = ({ ours, theirs, ...row }, target) =>
  judged({ ...row, ours, theirs, ratio: ours / theirs }, target, ours / theirs >= target);
const many = (count) => count.toLocaleString('en-GB');

/** Of fleets that grow: what the publisher sent, beside what it sent to the first. */
const sentRows = ([least, ...more]) =>
  more.map(({ count, sent }) => {
    const metric = `publisher sends, ${many(count)} devices`;
    const most = Math.floor(least.sent * 1.01);
    const beside = { peer: `${least.count} devices`, theirs: least.sent, unit: 'bytes', ratio: sent / least.sent };
    return judged({ metric, ours: sent, ...beside }, most, sent <= most);
  });

function rowsOf(all) {
  const last = all.at(-1);
  const bytes = sentRows(all);
  const times = all.flatMap(({ count, agents, busy, used, bareUsed }) => {
    const rate = (seconds) => ((IMAGE_BYTES / 1024) * count) / seconds;
    const beside = { peer: 'bare mqtt.js', theirs: rate(bareUsed), unit: 'KiB/s' };
    const metric = `100 KiB to each of ${many(count)}`;
    const own = used * (1 - agents / busy); // of what the processor did, the same part
    return [
      atLeast({ metric, ours: rate(used), ...beside }, RATE),
      atLeast({ metric: `${metric}, without the agents' computing`, ours: rate(own), ...beside }, RATE),
    ];
  });
  const seconds = (metric, ours) => ({
    group: 'fleet',
    metric: `${metric} ${many(last.count)}`,
    ours,
    unit: 'seconds',
  });
  const memory = last.memory / MIB;
  return [
    ...bytes,
    ...times,
    seconds('100 KiB at the last of', last.pulled),
    seconds('an approval at the last of', last.approval),
    seconds('a revocation at the last of', last.revocation),
    seconds('the earlier image back on the last of', last.back),
    judged(
      { metric: `memory of a device, of ${many(last.count)}`, ours: memory, unit: 'MiB' },
      MEMORY_MIB,
      memory <= MEMORY_MIB,
    ),
  ];
}

const COUNTS = [10, 100, 1000];
const COUNT_FULL = 10_000;

/** The rows; `full` adds 10,000 devices, `exact` leaves out what is timed, and 1,000. */
export async function overFleet({ full = false, exact = false } = {}) {
  const note = (text) => console.error(text);
  const world = await makeWorld();
  if (exact) {
    const [few, more] = COUNTS;
    const sent = async (count) => ({ count, sent: await measureSent(world, count) });
    return sentRows([await sent(few), await sent(more)]);
  }
  const all = [];
  await measureFleet(world, COUNTS[0], () => undefined); // what runs first is compiled meanwhile
  for (const count of full ? [...COUNTS, COUNT_FULL] : COUNTS) all.push(await measureFleet(world, count, note));
  const { push, pull } = await measureSlow(world, note);
  const slow = {
    metric: 'one device at 500 ms round trip',
    ours: pull,
    peer: 'SMP upload',
    theirs: push,
    unit: 'KiB/s',
  };
  return [...rowsOf(all), atLeast(slow, SLOW)];
}

// One delivery over a serial line that is as fast, as late and as bad as a line may be (throttle.mjs): a board at one end, the library's
// deliver at the other.
//
// Of each delivery the sending phase counts: from the device's first request for blocks until it says that it has them all. What
// the line could have carried in that time is the whole, what the payload took of it is the share.

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { SerialPort } from 'serialport';
import { seeded } from './line.mjs';

const DIST = new URL('../../dist/', import.meta.url);
export const load = (path) => import(new URL(path, DIST));
const THROTTLE = fileURLToPath(new URL('throttle.mjs', import.meta.url));

const TRIES_MAX = 3; // a delivery whose line is lost goes on by another one, while the clock runs
const PATIENCE_MS = 240_000;
const START_MS = 10_000; // of the line's process
export const BITS_PER_BYTE = 10;

/** What is random as what is compressed or encrypted. */
export function randomImage(bytes, seed = 1) {
  const random = seeded(seed);
  return Uint8Array.from({ length: bytes }, () => random() * 256);
}

/** Who signs for a class of devices, and what a device of it is given. */
export async function makeWorld(policy = {}) {
  const lib = await load('host/index.js');
  const vendor = lib.generateKey('ed25519');
  const operator = lib.generateKey('p256');
  const vendorId = lib.vendorIdOf('vendor.example');
  const classId = lib.classIdOf(vendorId, 'lamp');
  let sequence = 0n;
  return {
    bootstrap: lib.encodeBootstrap({
      ...{ device: Uint8Array.of(1), vendorId, classId, approvals: [] },
      anchors: [
        { role: 'vendor', key: vendor.public },
        { role: 'operator', key: operator.public },
      ],
      policy: { 'trial-boots': 0, unapproved: 'reject', 'when-denied': 'report', ...policy },
    }),
    /** A package. */
    release(image) {
      sequence += 1n;
      const version = `1.${sequence}.0`;
      return lib.buildPackage({ image, vendorId, classId, sequence, version, name: 'Lamp', key: vendor });
    },
    /** The document that approves these packages, and no others. */
    approve(...packages) {
      const issuedAt = Math.floor(Date.now() / 1000) - 60;
      const entries = packages.map(({ digest }) => ({ verdict: 'approve', digest }));
      return lib.signApproval(operator, { issuer: 'acme', issuedAt, id: lib.newDocumentId(), sequence: 1n, entries });
    },
  };
}

/** A link over an open port, as the library makes it, that counts the bytes which pass. */
export async function countedLink(name, port, framing) {
  const { cleanLine, streamLink } = await load('host/links/stream.js');
  const counts = { in: 0, out: 0 };
  port.on('data', (bytes) => {
    counts.in += bytes.length;
  });
  const { write } = port;
  port.write = (bytes, ...rest) => {
    counts.out += bytes.length;
    return write.call(port, bytes, ...rest);
  };
  port.write(cleanLine(framing));
  const close = () => new Promise((resolve) => port.close(resolve));
  return { link: streamLink(name, port, close, framing), counts };
}

export async function openCounted(path, framing) {
  const port = new SerialPort({ path, baudRate: 115_200 });
  await once(port, 'open');
  return { port, ...(await countedLink(path, port, framing)) };
}

/** Follows what a device asks for on this link: the moments at which its sending phase begins and ends. */
export async function followPhase({ link, counts }) {
  const { wantedOf } = await load('host/device/serve.js');
  const phase = {};
  const moment = (offset) => ({ offset, at: performance.now(), ...counts });
  link.listen({
    packet(packet) {
      const wanted = wantedOf(packet);
      if (wanted?.len > 0) phase.from ??= moment(wanted.off);
      if (wanted?.len === 0) phase.to = moment(wanted.off);
    },
  });
  // The device's word that it has all may be lost; then what is said of the last block pushed is the end.
  const ends = (offset) => {
    phase.to ??= moment(offset);
  };
  return { phase, ends };
}

/** Runs `work` with the path of a terminal behind which that line is, to a board's port: a path, or a tcp: URL. */
export async function overLine(port, how, work) {
  const throttle = fork(THROTTLE, [JSON.stringify({ port, seed: 1, ...how })]);
  try {
    const [{ path }] = await once(throttle, 'message', { signal: AbortSignal.timeout(START_MS) });
    return await work(path);
  } finally {
    throttle.disconnect();
  }
}

/** Delivers until it is installed. `on` hears each step. */
export async function installed(client, file, { installMs, on = () => undefined } = {}) {
  const { deliver } = await load('host/device/deliver.js');
  const signal = AbortSignal.timeout(PATIENCE_MS);
  let outcome;
  for (let tries = 0; tries < TRIES_MAX && (outcome?.kind ?? 'link-lost') === 'link-lost'; tries++) {
    const steps = deliver(client, { file, signal, ...(installMs && { installMs }) });
    let step = await steps.next();
    for (; !step.done; step = await steps.next()) on(step.value);
    outcome = step.value;
  }
  if (!['installed', 'unchanged'].includes(outcome.kind)) throw new Error(`bench: delivery: ${outcome.kind}`);
}

/** What a delivery over such a line came to: bytes of payload, of the wire, and milliseconds, of its sending phase. */
export const measure = (port, envelope, { framing, ...how }, options = {}) =>
  overLine(port, how, async (path) => {
    const { createClient } = await load('host/smp/client.js');
    const line = await openCounted(path, framing);
    const { phase, ends } = await followPhase(line);
    const client = createClient(line.link, options);
    await installed(client, envelope, {
      on: ({ phase: now }) => now === 'checking' && ends(envelope.length),
    });
    await client.close();
    const { from, to } = phase;
    const wire = to.in + to.out - from.in - from.out;
    return { payload: to.offset - from.offset, ms: to.at - from.at, wire };
  });

export const sum = (runs, what) => runs.reduce((all, run) => all + run[what], 0);
/** Percent. */
export const shareOf = (runs, baud) => (100 * sum(runs, 'payload') * BITS_PER_BYTE) / ((baud * sum(runs, 'ms')) / 1000);

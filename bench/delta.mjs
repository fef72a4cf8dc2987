// A delta on the wire: an image for the virtual board on which another one runs, delivered over its serial port by the library, which
// has the package of that one. All bytes of both directions are counted, frames and requests with them, from the device's first request
// for blocks until it says that it has them all: what `--wire` measures of a delivery, too.

const DIST = new URL('../dist/', import.meta.url);
const load = (path) => import(new URL(path, DIST));

const PATIENCE_MS = 60_000;

/** A port that passes all on to that one, and what has passed. */
async function counted(port) {
  const { openPty } = await load('boards/virtual/pty.js');
  const { openSerial } = await load('host/links/serial.js');
  const passed = { bytes: 0 };
  const inner = await openSerial(port, undefined, { untouched: true, framing: 'raw' });
  const count = (bytes) => {
    passed.bytes += bytes.length;
    return Buffer.from(bytes);
  };
  const outer = openPty((bytes) => void inner.type(count(bytes)));
  const back = (bytes) => outer.write(count(bytes));
  inner.listen({ text: back, packet: back });
  const close = async () => {
    outer.close();
    await inner.close();
  };
  return { path: outer.path, passed, close };
}

/** Bytes on the wire for the image, for a board that runs the old one. */
export async function onTheWire(old, image) {
  const lib = await load('host/index.js');
  const { startVirtualBoard } = await load('boards/virtual/board.js');
  const { openSerial } = await load('host/links/serial.js');
  const { createClient } = await load('host/smp/client.js');
  const { deliver } = await load('host/device/deliver.js');
  const { wantedOf } = await load('host/device/serve.js');
  const vendor = lib.generateKey('ed25519');
  const vendorId = lib.vendorIdOf('vendor.example');
  const classId = lib.classIdOf(vendorId, 'virtual');
  const what = { vendorId, classId, version: '1.0.0', name: 'Lamp', key: vendor };
  const [first, second] = [old, image].map(
    (bytes, n) => lib.buildPackage({ ...what, image: bytes, sequence: BigInt(n + 1) }).envelope,
  );
  const board = await startVirtualBoard({ onQuestion: async () => 'yes' });
  await board.provision(
    lib.encodeBootstrap({
      ...{ device: Uint8Array.of(1), vendorId, classId, approvals: [] },
      anchors: [
        { role: 'vendor', key: vendor.public },
        { role: 'operator', key: lib.generateKey('p256').public },
      ],
      policy: { 'trial-boots': 0, unapproved: 'prompt', 'when-denied': 'report' },
    }),
  );
  const { path, passed, close } = await counted(board.port);
  const phase = {};
  try {
    const link = await openSerial(path);
    link.listen({
      packet(packet) {
        const wanted = wantedOf(packet);
        if (wanted?.len > 0) phase.from ??= passed.bytes;
        if (wanted?.len === 0) phase.to = passed.bytes;
      },
    });
    const client = createClient(link);
    const signal = AbortSignal.timeout(PATIENCE_MS);
    for (const delivery of [{ file: first }, { file: second, old: [await lib.oldImageOf(first, 'old')] }]) {
      phase.from = undefined;
      phase.to = undefined;
      const steps = deliver(client, { ...delivery, signal });
      let step = await steps.next();
      while (!step.done) step = await steps.next();
      if (step.value.kind !== 'installed') throw new Error(`bench: delivery: ${step.value.kind}`);
    }
    await client.close();
  } finally {
    await close();
    await board.close();
  }
  return phase.to - phase.from;
}

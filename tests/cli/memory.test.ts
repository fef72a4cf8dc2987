// The memory of the command does not grow with the firmware: each that reads a package or an image is run on the largest
// that is taken and on a small one, and the high-water marks of the two processes are compared.
//
// They are read from /proc at the end of each process: getrusage() counts what the parent had before exec.

import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { decode, encode } from 'cborg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FILE_BYTES_MAX } from '../../host/formats/byte-source.js';
import { makePlace, type Place } from '../support/command.js';
import { type DeviceWorld, makeDeviceWorld } from '../support/device-world.js';
import { makeImage } from '../support/mcuboot.js';
import { overUdp } from '../support/smp-lines.js';

const SMALL_BYTES = 65_536;
/** Room for the head of a package: the largest image that is packaged is a little smaller than the largest file. */
const HEAD_BYTES = 2048;
const GROWTH_BYTES_MAX = 2 * 8 * 1024 * 1024;

/**
 * V8 gives what is short-lived more room the more of it comes and goes, up to 48 MB, however large the file is, and when it does
 * so is a matter of moments. It is kept from that: what counts is what is held.
 */
const NURSERY = '--max-semi-space-size=1';

const MARK = `
  import { readFileSync, writeFileSync } from 'node:fs';
  process.on('exit', () => {
    const [, kilobytes] = /VmHWM:\\s+(\\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'));
    writeFileSync(process.env.MARK_FILE, kilobytes);
  });
`;

let place: Place;
let world: DeviceWorld;

beforeAll(async () => {
  place = await makePlace();
  world = makeDeviceWorld();
  writeFileSync(place.path('mark.mjs'), MARK);
  for (const who of ['vendor', 'operator']) await place.given('keygen', who);
  const anchors = `anchors:\n  - { role: vendor, key: vendor.pub.pem }\n  - { role: operator, key: operator.pub.pem }\n`;
  writeFileSync(
    place.path('device.yaml'),
    `device: "0a0b"\nvendor: vendor.example\nclass: sensor\n${anchors}policy: { unapproved: reject }\n`,
  );
  for (const [name, bytes] of Object.entries({ small: SMALL_BYTES, large: FILE_BYTES_MAX - HEAD_BYTES })) {
    writeFileSync(place.path(`${name}.bin`), firmware(bytes));
    writeFileSync(place.path(`${name}.signed.bin`), makeImage({ bytes: bytes - 200 }));
  }
}, 300_000);
afterAll(async () => {
  await world.close();
  await place.remove();
});

/** Begins as a Cortex-M does, and repeats nowhere. */
function firmware(bytes: number): Uint8Array {
  const image = new Uint32Array(bytes / 4).map((_, at) => Math.imul(at + 1, 0x9e3779b1));
  image.set([0x2000_4000, 0x101]);
  return new Uint8Array(image.buffer);
}

/** Bytes that the process had at most. */
async function markOf(words: string[], code: number): Promise<number> {
  const environment = { NODE_OPTIONS: `${NURSERY} --import=${place.path('mark.mjs')}`, MARK_FILE: place.path('mark') };
  const ended = await place.runWith({ environment }, ...words);
  expect([words.join(' '), ended.code, ended.stderr]).toEqual([words.join(' '), code, expect.anything()]);
  return Number(readFileSync(place.path('mark'), 'utf8')) * 1024;
}

/** Runs it with "small" and with "large" in place of SIZE. */
async function growth(words: string[], code = 0): Promise<number> {
  const marks: number[] = [];
  for (const size of ['small', 'large'])
    marks.push(
      await markOf(
        words.map((word) => word.replace('SIZE', size)),
        code,
      ),
    );
  const [small = 0, large = 0] = marks;
  return large - small;
}

const SIGNED = ['-k', 'vendor.pem', '--vendor', 'vendor.example', '--class', 'sensor', '-s', '5'];
const APPROVED = ['-k', 'operator.pem', '--record', 'none'];

describe.skipIf(process.platform !== 'linux')('what a command takes for the largest file, beyond a small one', () => {
  // In this order: the first make what the others read.
  it.each<[string, string[], number?]>([
    ['package', ['package', 'SIZE.bin', ...SIGNED, '-o', 'SIZE.suit']],
    ['package, in the place of an old one', ['package', 'SIZE.bin', ...SIGNED, '-o', 'SIZE.suit']],
    ['package, an MCUboot image', ['package', 'SIZE.signed.bin', ...SIGNED, '-o', 'SIZE.signed.suit']],
    ['package, detached', ['package', 'SIZE.bin', ...SIGNED, '--detached', '-o', 'SIZE.detached.suit']],
    ['package, in three steps', ['package', 'SIZE.bin', ...SIGNED, '-k', 'vendor.pub.pem', '--prepare', '--force']],
    ['inspect, a package', ['inspect', 'SIZE.suit']],
    ['inspect, an image', ['inspect', 'SIZE.signed.bin']],
    ['inspect, taken apart', ['inspect', 'SIZE.suit', '--payload', 'SIZE.out', '--sever', 'SIZE.severed.suit']],
    ['approve', ['approve', 'SIZE.suit', ...APPROVED, '-o', 'SIZE.cose']],
    ['approve --countersign', ['approve', 'SIZE.suit', ...APPROVED, '--countersign', '-o', 'SIZE.counter.suit']],
    ['approve --embed', ['approve', 'SIZE.suit', ...APPROVED, '--embed', '-o', 'SIZE.embedded.suit']],
    ['revoke', ['revoke', 'SIZE.suit', ...APPROVED, '-o', 'SIZE.denied.cose']],
    ['lint', ['lint', 'SIZE.cose', '--package', 'SIZE.embedded.suit']],
    ['check', ['check', 'SIZE.suit', '-b', 'device.yaml', '-a', 'SIZE.cose']],
    ['check, detached', ['check', 'SIZE.detached.suit', '--image', 'SIZE.bin', '-b', 'device.yaml', '-a', 'SIZE.cose']],
    ['publish, the wrong file', ['publish', 'SIZE.bin', '--to', 'mqtt://127.0.0.1:1/plant'], 1],
  ])('%s', async (_, words, code) => {
    expect(await growth(words, code)).toBeLessThanOrEqual(GROWTH_BYTES_MAX);
  });

  it('deliver, to a device, which refuses it', async () => {
    const board = await world.board({ unapproved: 'reject' });
    expect(await growth(['deliver', 'SIZE.suit', '-p', board.port], 21)).toBeLessThanOrEqual(GROWTH_BYTES_MAX);
  });

  it('deliver, to a board without our agent, which takes all of it', async () => {
    const board = recovery();
    const line = await overUdp(board);
    const to = ['-p', line.port, '--bootstrap', 'device.yaml', '--remember', place.path('guard.json')];
    await place.given('approve', 'small.signed.suit', ...APPROVED, '-o', 'small.signed.cose');
    await place.given('approve', 'large.signed.suit', ...APPROVED, '-o', 'large.signed.cose');
    const words = ['deliver', 'SIZE.signed.suit', ...to, '--approval', 'SIZE.signed.cose'];
    expect(await growth(words)).toBeLessThanOrEqual(GROWTH_BYTES_MAX);
    line.close();
    const sent = readFileSync(place.path('large.signed.bin'));
    expect(board.digest()).toBe(createHash('sha256').update(sent).digest('hex'));
  });
});

/** A boot loader in recovery that keeps nothing but the hash of what it takes. */
function recovery() {
  let hash = createHash('sha256');
  let off = 0;
  let sent = false;
  const handle = (what: string, body: { off: number; data: Uint8Array }): unknown => {
    if (what === '0/6/0') return { buf_size: 32_768, buf_count: 1 };
    if (what === '1/0/0') return { images: sent ? [{ slot: 0, version: '1.5.0' }] : [] };
    if (what === '0/5/2') return {};
    if (what !== '1/1/2') return { rc: 8 };
    if (body.off === 0) [hash, off, sent] = [createHash('sha256'), 0, true];
    if (body.off === off) {
      hash.update(body.data);
      off += body.data.length;
    }
    return { off };
  };
  return {
    digest: () => hash.copy().digest('hex'),
    take(packet: Uint8Array): Uint8Array {
      const head = Buffer.from(packet.subarray(0, 8));
      const what = `${head.readUInt16BE(4)}/${head[7]}/${head[0]! & 7}`;
      const content = encode(handle(what, decode(packet.subarray(8))));
      head[0]! += 1;
      head.writeUInt16BE(content.length, 2);
      return Buffer.concat([head, content]);
    },
  };
}

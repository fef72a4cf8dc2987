// What a device on a line is sent when whoever delivers has the image that it runs: `deliver --from`, and the same from the library, to
// the virtual board. And what is no such image.

import { createHash } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Delivery, deliver, type Outcome } from '../../host/device/deliver.js';
import { NODE, readInstalled } from '../../host/device/identity.js';
import { OLD_BYTES_MAX, type OldImage, oldImageOf } from '../../host/device/old-image.js';
import { serveBlocks, wantedOf } from '../../host/device/serve.js';
import { detachPayload, splitEnvelope } from '../../host/formats/envelope.js';
import { openSerial } from '../../host/links/serial.js';
import { reasons } from '../../host/reasons.js';
import { type Client, createClient } from '../../host/smp/client.js';
import { treeExec } from '../../host/smp/commands.js';
import type { Link } from '../../host/smp/link.js';
import { makePlace, type Place } from '../support/command.js';
import { type DeviceWorld, makeDeviceWorld } from '../support/device-world.js';
import { likeCode } from '../support/lz.js';

const IMAGE = likeCode(60_000);
/** One line of the sources further: a few bytes more in the middle, and what was led across them. */
const NEXT = Uint8Array.from([...IMAGE.subarray(0, 30_000), 0x70, 0x47, 0xc0, 0x46, ...IMAGE.subarray(30_000)]);
for (let at = 1000; at < 30_000; at += 6000) NEXT[at]! ^= 2;

let world: DeviceWorld;
let place: Place;
let files: Record<'first' | 'second' | 'other', Uint8Array>;
beforeAll(async () => {
  world = makeDeviceWorld();
  place = await makePlace();
  files = {
    first: world.package('first.suit', 1n, IMAGE),
    second: world.package('second.suit', 2n, NEXT),
    other: world.package('other.suit', 1n, likeCode(50_000).reverse()),
  };
});
afterAll(async () => {
  world.close();
  await place.remove();
});

/** The same link, and what passes of blocks: those that come in codes, and bytes of packets. */
function watched(link: Link) {
  const seen = { bytes: 0, codes: 0, runs: [] as (string | undefined)[] };
  link.listen({
    packet(packet) {
      const wanted = wantedOf(packet);
      if (!wanted) return;
      seen.bytes += packet.length;
      if (wanted.digest && wanted.len > 0) seen.runs.push(wanted.runs && Buffer.from(wanted.runs).toString('hex'));
    },
  });
  const send: Link['send'] = (packet) => {
    const blocks = packet[0] === 0x09 && packet[5] === 64;
    if (blocks) seen.bytes += packet.length;
    if (blocks && Buffer.from(packet.subarray(8)).includes('clen')) seen.codes += 1;
    return link.send(packet);
  };
  return { link: { ...link, send }, seen };
}

/** A board that runs the first release, and whose user says yes to everything. */
async function boardOfFirst() {
  const board = await world.board({ unapproved: 'prompt' }, { onQuestion: async () => 'yes' });
  const client = createClient(await openSerial(board.port));
  expect((await outcomeOf(client, { file: files.first })).kind).toBe('installed');
  await client.close();
  return board;
}

async function outcomeOf(client: Client, delivery: Delivery, notes: string[] = []): Promise<Outcome> {
  const steps = deliver(client, delivery);
  let step = await steps.next();
  for (; !step.done; step = await steps.next()) if (step.value.kind === 'note') notes.push(step.value.text);
  return step.value;
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

describe('a delivery to a board that runs an image which is at hand', () => {
  it.each([
    ['the one that it runs, among others', ['other', 'first'], true],
    ['others alone', ['other', 'second'], false],
    ['none', [], false],
  ] as const)('%s', async (_what, names, coded) => {
    const board = await boardOfFirst();
    const { link, seen } = watched(await openSerial(board.port));
    const client = createClient(link);
    const old: OldImage[] = await Promise.all(names.map((name) => oldImageOf(files[name], name)));
    const notes: string[] = [];
    const outcome = await outcomeOf(client, { file: files.second, old }, notes);
    expect(outcome).toMatchObject({ kind: 'installed', sequence: 2n });
    expect(notes.filter((note) => note.includes('runs none of the images'))).toHaveLength(
      names.length && !coded ? 1 : 0,
    );
    await client.close();
    expect([...new Set(seen.runs)]).toEqual([sha256(IMAGE)]); // whoever has that image or not
    expect(seen.codes > 0).toBe(coded);
    // 2 % (bench/delta.mjs), but on a machine that is busy blocks are asked for again before they come, and the third time go as they are.
    if (coded) expect(seen.bytes).toBeLessThan(0.5 * NEXT.length);
    else expect(seen.bytes).toBeGreaterThan(0.9 * NEXT.length);
  });

  it('a board without an image is sent all of it, and that is said', async () => {
    const board = await world.board({ unapproved: 'prompt' }, { onQuestion: async () => 'yes' });
    const client = createClient(await openSerial(board.port));
    const notes: string[] = [];
    const delivery = { file: files.second, old: [await oldImageOf(files.first, 'first')] };
    expect(await outcomeOf(client, delivery, notes)).toMatchObject({ kind: 'installed' });
    expect(notes.filter((note) => note.includes('names no image'))).toHaveLength(1);
    await client.close();
  });

  it('is served the same way where an order names the package', async () => {
    const board = await boardOfFirst();
    const { link, seen } = watched(await openSerial(board.port));
    const client = createClient(link);
    const { digest } = splitEnvelope(files.second, 'second');
    const stop = serveBlocks(link, [{ digest, file: files.second }], [await oldImageOf(files.first, 'first')]);
    expect((await treeExec(client, NODE.downloadAndUpdate, 'now', { hash: digest })).ok).toBe(true);
    for (let tries = 0; tries < 200 && seen.bytes === 0; tries++) await sleep(20);
    let sequence: bigint | undefined;
    for (let tries = 0; tries < 100 && sequence !== 2n; tries++) {
      await sleep(200);
      sequence = (await readInstalled(client).catch(() => undefined))?.sequence;
    }
    stop();
    await client.close();
    expect(sequence).toBe(2n);
    expect(seen.codes).toBeGreaterThan(0);
    expect(seen.bytes).toBeLessThan(0.5 * NEXT.length);
  });

  it.each([
    ['with the image that it runs', ['other', 'first'], false],
    ['with another one alone', ['other'], true],
  ] as const)('is what `deliver --from` does, %s', async (_what, names, none) => {
    const board = await boardOfFirst();
    const from = names.flatMap((name) => ['--from', world.path(`${name}.suit`)]);
    const ended = await place.run('deliver', world.path('second.suit'), '--port', board.port, ...from, '--json');
    expect([ended.code, ended.stderr]).toEqual([0, expect.anything()]);
    expect(JSON.parse(ended.stdout)).toMatchObject({ result: 'installed', sequence: '2' });
    expect(ended.stderr.includes('runs none of the images')).toBe(none);
  });
});

describe('what is no image that a device may run', () => {
  const spoilt = (bytes: Uint8Array, at: number) => bytes.map((byte, n) => (n === at ? byte ^ 1 : byte));
  it.each([
    ['a file that is not there', undefined, 'FileNotFound'],
    ['an image without a package', () => IMAGE, 'EnvelopeTag'],
    ['half of a package', () => files.first.slice(0, 30_000), 'Truncated'],
    ['a package without its firmware', () => detachPayload(splitEnvelope(files.first, 'it')), 'PayloadMissing'],
    ['a package whose firmware is another', () => spoilt(files.first, 40_000), 'PayloadDigest'],
    ['a package that is larger than any of ours', () => world.package('large', 3n, OLD_BYTES_MAX), 'FileTooLarge'],
  ] as const)('%s: nothing is sent', async (_what, bytes, reason) => {
    if (bytes) writeFileSync(world.path('odd.suit'), bytes());
    else rmSync(world.path('odd.suit'), { force: true });
    const from = ['--from', world.path('first.suit'), '--from', world.path('odd.suit')];
    const ended = await place.run('deliver', world.path('second.suit'), '--port', '/dev/nowhere', ...from, '--json');
    expect(JSON.parse(ended.stdout)).toMatchObject({ error: { reason: { code: reasons[reason].code } } });
    expect(ended.code).toBe(reasons[reason].exit);
  });

  it('and on a broker none is taken', async () => {
    const ended = await place.run('deliver', 'a', '--broker', 'mqtt://localhost', '--device', 'b', '--from', 'c');
    expect(ended.code).toBe(reasons.BadArgument.exit);
    expect(ended.stderr).toContain('--from');
  });
});

// What boards without our agent say to commands that need it: one sentence that says so, from every command; and buffers
// as small as Zephyr and MCUboot may have them.

import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createClient } from '../../host/smp/client.js';
import { parameters } from '../../host/smp/commands.js';
import { encodePacket, type Packet } from '../../host/smp/packet.js';
import { upload } from '../../host/smp/upload.js';
import { scriptedLink } from '../smp/scripted.js';
import { packageOf } from '../support/agent-world.js';
import { makePlace, type Place } from '../support/command.js';
import { OLD_IMAGE } from '../support/foreign-world.js';
import { type Line, overUdp } from '../support/smp-lines.js';
import { makeServer, PERSONAS } from '../support/smp-server.js';

let place: Place;
const lines: Line[] = [];
beforeAll(async () => {
  place = await makePlace();
  await place.given('keygen', 'key');
  await writeFile(place.path('demo.suit'), packageOf(1).bytes);
  await writeFile(
    place.path('device.yaml'),
    'device: "0a0b"\nvendor: vendor.example\nclass: sensor\nanchors:\n' +
      '  - { role: vendor, key: key.pub.pem }\n  - { role: operator, key: key.pub.pem }\npolicy: {}\n',
  );
});
afterAll(async () => {
  for (const line of lines) line.close();
  await place.remove();
});

const COMMANDS: [string, string[]][] = [
  ['tree get', ['tree', 'get', '.']],
  ['tree set', ['tree', 'set', '+Approvals', '--file', 'demo.suit']],
  ['tree exec', ['tree', 'exec', 'Update']],
  ['log', ['log']],
  ['provision', ['provision', 'device.yaml']],
  ['consent', ['consent', '-k', 'key.pem']],
];

describe.each(['Zephyr 4 application', 'Zephyr 2.7 application'] as const)('%s', (persona) => {
  it.each(COMMANDS)('%s: says what is missing', async (_, words) => {
    const line = await overUdp(makeServer(PERSONAS[persona], OLD_IMAGE));
    lines.push(line);
    const { code, stderr } = await place.run(...words, '--port', line.port);
    expect(stderr).toContain('does not know our agent’s commands [247 NoAgent]');
    expect(stderr).toContain('deliver --bootstrap');
    expect(code).toBe(1);
  });
});

describe('a small buffer', () => {
  const FILE = Uint8Array.from({ length: 300 }, (_, at) => at % 251);
  const run = async (size: number) => {
    const store: number[] = [];
    const seen: number[] = [];
    const link = scriptedLink((packet: Packet) => {
      if (packet.group === 0) return { buf_size: size, buf_count: 1 };
      const { off, data, len } = packet.body as { off: number; data: Uint8Array; len?: number };
      seen.push(encodePacket(packet).length);
      if (off === 0 && (len === undefined || data.length < 32)) return { rc: 3 };
      if (off === store.length) store.push(...data);
      return { off: store.length };
    });
    const client = createClient(link, { timeoutMs: 10_000, retries: 0 });
    const job = { file: FILE, digest: new Uint8Array(32), parameters: await parameters(client) };
    const steps = upload(client, job);
    for (let step = await steps.next(); !step.done; step = await steps.next());
    return { store: Uint8Array.from(store), largest: Math.max(...seen) };
  };
  it.each([64, 80, 96, 100, 128])('of %i bytes is enough', async (size) => {
    const { store, largest } = await run(size);
    expect(store).toEqual(FILE);
    expect(largest).toBeLessThanOrEqual(size);
  });
  it('of 63 is not', async () => {
    await expect(run(63)).rejects.toThrow('a buffer of 63 bytes, too small');
  });
});

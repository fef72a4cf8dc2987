// The management tree over each link, as a DM server's operator uses it: values, orders and their alerts, changes.

import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { VirtualBoard } from '../../boards/virtual/board.js';
import { deliver } from '../../host/device/deliver.js';
import { newDocumentId, signApproval } from '../../host/formats/approval.js';
import { sha256 } from '../../host/formats/bytes.js';
import { splitEnvelope } from '../../host/formats/envelope.js';
import { type Broker, startBroker } from '../../host/links/broker.js';
import { openMqtt } from '../../host/links/mqtt.js';
import { openSerial } from '../../host/links/serial.js';
import { createClient } from '../../host/smp/client.js';
import { parameters } from '../../host/smp/commands.js';
import { CONSOLE_START, decodeConsole, encodeConsole } from '../../host/smp/console.js';
import { upload } from '../../host/smp/upload.js';
import { makePlace, type Place, runHere } from '../support/command.js';
import { type DeviceWorld, makeDeviceWorld } from '../support/device-world.js';

let world: DeviceWorld;
let place: Place;
let broker: Broker;
let board: VirtualBoard;
let bridge: Server;
let tcp: string;
beforeAll(async () => {
  world = makeDeviceWorld();
  place = await makePlace();
  broker = await startBroker();
  const options = { broker: broker.url, name: 'one' };
  board = await world.board({ unapproved: 'prompt', 'prompt-timeout': 2, threshold: 1 }, options);
  // The serial line of another board on a socket, as a serial server offers it.
  const line = await openSerial((await world.board({ unapproved: 'prompt' })).port);
  bridge = createServer((socket) => {
    let rest = CONSOLE_START;
    const stop = line.listen({ packet: (bytes) => socket.write(Buffer.concat(encodeConsole(bytes))) });
    socket.on('data', (bytes: Uint8Array) => {
      const [items, next] = decodeConsole(rest, bytes);
      rest = next;
      for (const item of items) if (item.kind === 'packet') void line.send(item.bytes);
    });
    socket.on('close', stop);
  });
  bridge.on('close', () => void line.close());
  await new Promise<void>((done) => bridge.listen(0, '127.0.0.1', done));
  tcp = `tcp://127.0.0.1:${(bridge.address() as { port: number }).port}`;
});
afterAll(async () => {
  bridge.close();
  await world.close();
  await broker.close();
  await place.remove();
});

const approvalOf = (file: Uint8Array, sequence: bigint, key = world.keys.operator): string => {
  const entries = [{ verdict: 'approve' as const, digest: splitEnvelope(file, 'package').digest }];
  const claims = { issuer: 'op', issuedAt: 1_800_000_000, id: newDocumentId(), sequence, entries };
  const path = world.path(`approval${sequence}.cose`);
  writeFileSync(path, signApproval(key, claims));
  return path;
};

// Uploads without ordering anything: what a DM server's Exec then starts.
async function stage(file: Uint8Array): Promise<void> {
  const client = createClient(await openMqtt({ url: broker.url, fleet: 'demo', device: 'one' }));
  const job = { file, digest: sha256(file), parameters: await parameters(client) };
  for await (const _ of upload(client, job));
  await client.close();
}

describe('get', () => {
  it.each(['serial', 'tcp', 'mqtt'])('the same over %s', async (link) => {
    const where = {
      serial: ['-p', board.port],
      tcp: ['-p', tcp],
      mqtt: ['--broker', broker.url, '--device', 'one'],
    }[link]!;
    const { code, json } = await runHere(place, 'tree', 'get', 'State', ...where);
    expect([code, json().nodes]).toEqual([0, [{ uri: './FUMO/1/State', format: 'int', value: 10 }]]);
    const children = await runHere(place, 'tree', 'get', './FUMO/1', ...where);
    expect(children.json().nodes[0]).toMatchObject({ format: 'node', value: expect.arrayContaining(['State', 'Ext']) });
  });

  it('--all shows every node below in its format, ours in words', async () => {
    const { stdout } = await place.must('tree', 'get', '.', '--all', '-p', board.port);
    for (const line of [
      /^\.\/FUMO\/1\/State +int +10 idle$/m,
      /Ext\/Countersign\/DeviceId +bin +2 bytes 0a0b$/m,
      /Countersign\/Policy +bin +\{"unapproved":"prompt"/m,
      /Countersign\/Anchors +bin +\[\{"role":"vendor","kid":"[0-9a-f]{16}","name":"Vendor"/m,
      /Countersign\/Consent +bool +false$/m,
    ]) {
      expect(stdout).toMatch(line);
    }
  });

  it.each<[string, string[], number]>([
    ['a node that is not there', ['get', 'Nothing'], 3],
    ['no URI to set', ['set'], 4],
    ['nothing to set', ['set', 'Download/PkgURL'], 4],
    ['two values', ['set', 'Download/PkgURL', 'x', '--hex', '00'], 4],
    ['a node that cannot be written', ['set', 'State', '100'], 1],
    ['a node that takes no order', ['exec', 'State'], 1],
    ['an unknown action', ['add', 'State'], 4],
    ['a correlator longer than a device keeps', ['exec', 'Update', '--correlator', 'x'.repeat(33)], 4],
  ])('%s', async (_, words, code) => {
    expect((await runHere(place, 'tree', ...words, '-p', board.port)).code).toBe(code);
  });
});

describe('set', () => {
  it('writes a value and reads it back', async () => {
    const url = 'mqtt://broker.example/cs/demo/p/00';
    const done = await runHere(place, 'tree', 'set', 'Download/PkgURL', url, '-p', board.port);
    expect([done.code, done.json()]).toMatchObject([0, { written: true, confirmed: true }]);
    expect((await runHere(place, 'tree', 'get', 'Download/PkgURL', '-p', board.port)).json().nodes[0].value).toBe(url);
  });

  it('an approval is kept if it is authentic, whoever brings it', async () => {
    const file = world.package('x.suit', 9n);
    const where = ['--broker', broker.url, '--device', 'one'];
    const good = await runHere(place, 'tree', 'set', '+Approvals', '--file', approvalOf(file, 1n), ...where);
    expect([good.code, good.json().confirmed]).toEqual([0, true]);
    const forged = approvalOf(file, 2n, world.keys.vendor);
    const bad = await runHere(place, 'tree', 'set', '+Approvals', '--file', forged, ...where);
    expect([bad.code, bad.json().error.reason.code]).toEqual([22, 31]);
    const dry = await runHere(place, 'tree', 'set', 'Download/PkgURL', 'other', '--dry-run', ...where);
    expect(dry.json().written).toBe(false);
  });
});

describe('exec', () => {
  it('follows the order to its final alert: result, reason and correlator', async () => {
    const file = world.package('approved.suit', 10n);
    await runHere(place, 'tree', 'set', '+Approvals', '--file', approvalOf(file, 3n), '-p', board.port);
    await stage(file);
    const { stdout } = await place.must('tree', 'exec', 'Update', '--correlator', 'order-15', '-p', board.port);
    expect(stdout).toBe('alert: update of ./FUMO/1: result 200, reason 0 Ok (nothing is wrong), correlator order-15\n');
  });

  it('says when nobody answered the device’s question, and when the order is refused at once', async () => {
    await stage(world.package('asks.suit', 11n));
    const where = ['--broker', broker.url, '--device', 'one'];
    const asked = await runHere(place, 'tree', 'exec', 'Update', ...where);
    expect([asked.code, asked.json().result]).toEqual([30, 'deferred']);
    const detached = await runHere(place, 'tree', 'exec', 'Update', '--detach', ...where);
    expect([detached.code, detached.json().result]).toEqual([0, 'ordered']);
    const blank = await world.board({ unapproved: 'reject' });
    expect((await runHere(place, 'tree', 'exec', 'Update', '-p', blank.port)).code).toBe(3); // nothing is staged
  });
});

describe('watch', () => {
  const documents = (stdout: string) =>
    stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));

  it('on a broker: the retained state as it is, then each change, and the alert', async () => {
    const watched = await world.board({ unapproved: 'prompt' }, { broker: broker.url, name: 'two' });
    const words = ['--broker', broker.url, '--device', 'two', '--json', '--count', '8', '--for', '60'];
    const watching = place.start('tree', 'watch', ...words);
    await watching.said('"online":true');
    const client = createClient(await openSerial(watched.port));
    let over = false;
    void watching.ended.finally(() => {
      over = true;
    });
    // One offer after the other, until the watcher has seen enough: a broker may pass over a state that is gone at once.
    for (let turn = 0; !over && turn < 1000; turn++) {
      const file = world.package('w.suit', BigInt(turn + 1));
      for await (const _ of deliver(client, { file, answerMs: 1 }));
    }
    await client.close();
    const seen = documents((await watching.ended).stdout);
    expect(seen[0]).toMatchObject({ online: true });
    expect(seen.map(({ state }) => state)).toContain(50);
    expect(seen.at(-1)).toMatchObject({ changes: expect.any(Number) });
  });

  it('on a line: what the device says, without sending anything; a named node is read', async () => {
    const watched = await world.board({ unapproved: 'reject' }, { broker: broker.url, name: 'three' });
    const read = await place.must('tree', 'watch', 'State', '-p', watched.port, '--json', '--count', '1');
    expect(documents(read.stdout)[0]).toMatchObject({ uri: './FUMO/1/State', value: 10 });
    const none = await place.must('tree', 'watch', '-p', watched.port, '--json', '--for', '0.5');
    expect(documents(none.stdout)).toEqual([{ version: 1, changes: 0 }]);
  });
});

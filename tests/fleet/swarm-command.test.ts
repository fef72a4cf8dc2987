// `countersign board virtual --count`: many devices from one command and one bootstrap file, on a real broker.

import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { numberedBootstrap, viewBootstrap } from '../../host/formats/bootstrap.js';
import { hex } from '../../host/formats/bytes.js';
import { splitEnvelope } from '../../host/formats/envelope.js';
import { endBroker, listDevices, watchStates } from '../../host/links/mqtt.js';
import { makePlace, type Place, type Running } from '../support/command.js';
import { type Mosquitto, startMosquitto } from '../support/mosquitto.js';
import { have } from '../support/need.js';

const COUNT = 200;
const DEVICE_BYTES_MAX = 2 * 1024 * 1024;

let place: Place;
beforeAll(async () => {
  place = await makePlace();
  await place.given('keygen', 'vendor.pem');
  await place.given('keygen', 'operator.pem');
  writeFileSync(
    place.path('device.yaml'),
    `device: 00ff
vendor: vendor.example
class: virtual
anchors:
  - {role: vendor, key: vendor.pub.pem}
  - {role: operator, key: operator.pub.pem}
policy: {unapproved: reject, trial-boots: 0}
`,
  );
  writeFileSync(place.path('image.bin'), new Uint8Array(3000).fill(7));
  const named = ['--vendor', 'vendor.example', '--class', 'virtual', '--name', 'Lamp'];
  await place.given(
    'package',
    'image.bin',
    '-k',
    'vendor.pem',
    '--version',
    '1.0.0',
    ...named,
    '--sequence',
    '1',
    '-o',
    'lamp.suit',
  );
});
afterAll(() => place.remove());

describe('what makes no sense is refused before anything starts', () => {
  const BROKER = ['--broker', 'mqtt://127.0.0.1:9'];
  it.each<[string, string[], string]>([
    ['none', ['--count', '0', ...BROKER], 'is not from 1 to 10000'],
    ['too many', ['--count', '10001', ...BROKER], 'is not from 1 to 10000'],
    ['no number', ['--count', 'many', ...BROKER], 'invalid input'],
    ['nobody could reach them', ['--count', '3'], '--count needs --broker'],
    ['one card slot', ['--count', '3', '--card', 'any', ...BROKER], '--card'],
    ['a file for one alone', ['--bootstrap', 'device.yaml', ...BROKER], '--bootstrap needs --count'],
    ['not so many ids', ['--count', '10000', '--bootstrap', 'short.yaml', ...BROKER], 'device ids'],
    ['no bootstrap file', ['--count', '3', '--bootstrap', 'image.bin', ...BROKER], 'image.bin'],
  ])('%s', async (_, words, said) => {
    writeFileSync(place.path('short.yaml'), readFileSync(place.path('device.yaml'), 'utf8').replace('00ff', 'fe'));
    const { code, stderr } = await place.run('board', 'virtual', ...words);
    expect(code).not.toBe(0);
    expect(stderr).toContain(said);
  });
  it('a board that runs alone', async () => {
    const { code, stderr } = await place.run('board', 'microbit', '--count', '2', ...BROKER);
    expect([code, stderr]).toEqual([4, expect.stringContaining('only one microbit')]);
  });
  it('a broker that is not there: nothing stays behind', async () => {
    const { code, stderr } = await place.run('board', 'virtual', '--count', '60', ...BROKER);
    expect([code, stderr]).toEqual([41, expect.stringContaining('127.0.0.1:9')]);
  });
});

it('each has the device id behind the one before', async () => {
  await place.given('bootstrap', 'device.yaml', '-o', 'device.cbor');
  const first = readFileSync(place.path('device.cbor'));
  const view = (number: number) => viewBootstrap(numberedBootstrap(first, number, 'it'), 'it')!;
  expect([1, 2, 258].map((number) => hex(view(number).device))).toEqual(['00ff', '0100', '0200']);
  expect({ ...view(2), device: undefined }).toEqual({ ...viewBootstrap(first, 'it'), device: undefined });
  expect(hex(numberedBootstrap(first, 1, 'it'))).toBe(hex(first));
  expect(() => numberedBootstrap(first, 0x1_0000, 'it')).toThrow('device ids');
});

describe.skipIf(!have('mosquitto'))('on a broker', () => {
  let broker: Mosquitto;
  let running: Running | undefined;
  beforeAll(async () => {
    broker = await startMosquitto();
  });
  afterAll(async () => {
    await running?.stop();
    await broker?.close();
  });

  it(`${COUNT} of them, provisioned, in a group, at most 2 MB each, and all gone after Ctrl-C`, async () => {
    const here = ['--broker', broker.url, '--fleet', 'plant', '--device', 'lamp'];
    const alone = await residentBytes(place.start('board', 'virtual', '--count', '1', ...here));
    running = place.start(
      'board',
      'virtual',
      '--count',
      `${COUNT}`,
      '--bootstrap',
      'device.yaml',
      '--group',
      'all',
      ...here,
    );
    const many = await residentBytes(running, false);
    const each = (many - alone) / (COUNT - 1);
    console.log(`a device of the swarm: ${Math.round(each / 1024)} KiB`);
    expect(each).toBeLessThan(DEVICE_BYTES_MAX);

    const seen = await listDevices(broker.url, 'plant');
    const ids = seen.filter(({ state }) => state.online).map(({ name, state }) => [name, state.device]);
    expect(ids).toHaveLength(COUNT);
    expect(Object.fromEntries(ids)).toMatchObject({ 'lamp-1': '00ff', 'lamp-2': '0100', 'lamp-200': '01c6' });

    // One order for the group: they are real devices.
    await place.must('approve', 'lamp.suit', '-k', 'operator.pem', '--issuer', 'acme', '-o', 'lamp.cose');
    for (const file of ['lamp.suit', 'lamp.cose']) await place.must('publish', file, '--to', `${broker.url}/plant`);
    const digest = hex(splitEnvelope(readFileSync(place.path('lamp.suit')), 'it').digest!);
    const installed = new Set<string>();
    let done!: () => void;
    const all = new Promise<void>((resolve) => (done = resolve));
    const watching = await watchStates(
      broker.url,
      'plant',
      ({ name, state }) => {
        if (state.firmwareVersion === '1.0.0' && installed.add(name).size === COUNT) done();
      },
      undefined,
    );
    const order = { version: 1, digest, encoding: 'raw', correlator: 'one' };
    await watching.publishAsync('cs/plant/g/all/order', JSON.stringify(order), { qos: 1, retain: true });
    await all;
    await endBroker(watching);
    await running.said(`${COUNT} run 1.0.0`);

    const ended = await running.stop();
    running = undefined;
    expect(ended.code).toBe(130);
    expect(ended.stderr).not.toContain('Warning');
    const gone = await listDevices(broker.url, 'plant');
    expect(gone.filter(({ state }) => state.online)).toEqual([]);
  });

  it('Ctrl-C while they start ends those that have started as well', async () => {
    const here = ['--count', '2000', '--broker', broker.url, '--fleet', 'early'];
    const started = place.start('board', 'virtual', ...here);
    while ((await listDevices(broker.url, 'early')).length === 0);
    const { code, stderr } = await started.stop();
    expect([code, stderr]).toEqual([130, expect.not.stringContaining('running until')]);
    const seen = await listDevices(broker.url, 'early');
    expect(seen.length).toBeLessThan(2000);
    expect(seen.filter(({ state }) => state.online)).toEqual([]);
  });

  it('with a folder for their flash they are the same devices the next time', async () => {
    const here = [
      '--count',
      '3',
      '--flash',
      'flash',
      '--bootstrap',
      'device.yaml',
      '--broker',
      broker.url,
      '--fleet',
      'kept',
    ];
    for (let time = 0; time < 2; time++) {
      const started = place.start('board', 'virtual', ...here, '--json');
      await started.said('"count":3');
      const seen = await listDevices(broker.url, 'kept');
      expect(seen.map(({ name, state }) => [name, state.device])).toEqual([
        ['virtual-1', '00ff'],
        ['virtual-2', '0100'],
        ['virtual-3', '0101'],
      ]);
      expect((await started.stop()).json()).toMatchObject({ stopped: true });
    }
  });
});

/** Of its process, once it runs; and it is stopped. */
async function residentBytes(started: Running, stop = true): Promise<number> {
  await started.said('running until Ctrl-C');
  const [, pages] = readFileSync(`/proc/${started.pid}/statm`, 'utf8').split(' ');
  if (stop) await started.stop();
  return Number(pages) * 4096;
}

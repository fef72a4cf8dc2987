// A fleet provisioned from one template and a list: over the broker, or as files; again costs nothing.

import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSwarm } from '../../boards/virtual/swarm.js';
import { viewBootstrap } from '../../host/formats/bootstrap.js';
import { hex } from '../../host/formats/bytes.js';
import { readDeviceList } from '../../host/formats/device-list.js';
import { topicNameSchema } from '../../host/formats/topic-name.js';
import { makePlace, type Place } from '../support/command.js';
import { type Mosquitto, startMosquitto } from '../support/mosquitto.js';
import { have } from '../support/need.js';

const read = (text: string) => readDeviceList(text, 'list.csv', topicNameSchema);

describe('a list of devices', () => {
  it('is read as spreadsheets write it', () => {
    const one = { id: '0a0b', name: 'one', groups: ['cellar', 'house'] };
    const two = { id: '0c0d', name: 'two', groups: [] };
    expect(read('id,name,groups\n0a0b,one,cellar house\n0c0d,two,\n')).toEqual([one, two]);
    expect(read('\ufeffname, id\r\none, 0A0B\r\n\r\n')).toEqual([{ ...one, groups: [] }]);
  });

  const WRONG: [why: string, text: string, says: RegExp][] = [
    ['nothing', '', /line 1: "" is no column/],
    ['no device', 'id,name\n\n', /no device is listed/],
    ['a strange column', 'id,name,colour\n', /"colour" is no column/],
    ['no name', 'id,groups\n', /no column "name"/],
    ['a column twice', 'id,name,id\n', /twice/],
    ['a quoted value', 'id,name\n"0a",one\n', /line 2: values are not quoted/],
    ['too many values', 'id,name\n0a,one,x\n', /line 2: 3 values for 2 columns/],
    ['no id', 'id,name\nxyz,one\n', /line 2: id/],
    ['no name of a topic', 'id,name\n0a,a/b\n', /line 2: name/],
    ['no name of a group', 'id,name,groups\n0a,a,b#\n', /line 2: groups/],
    ['an id twice', 'id,name\n0a,one\n0A,two\n', /line 3: id 0a stands in line 2/],
    ['a name twice', 'id,name\n0a,one\n0b,one\n', /line 3: name one stands in line 2/],
  ];
  it.each(WRONG)('with %s is an error that names the line', (_, text, says) => {
    expect(() => read(text)).toThrow(says);
  });
});

describe.skipIf(!have('mosquitto'))('provision --from', () => {
  let broker: Mosquitto;
  let place: Place;
  beforeAll(async () => {
    [broker, place] = [await startMosquitto(), await makePlace()];
    await place.given('keygen', 'vendor');
    await place.given('keygen', 'operator');
    const anchors = ['vendor', 'operator'].map((role) => `  - { role: ${role}, key: ${role}.pub.pem }`).join('\n');
    writeFileSync(place.path('template.yaml'), `vendor: vendor.example\nclass: virtual\nanchors:\n${anchors}\n`);
    writeFileSync(place.path('list.csv'), 'id,name\n0a01,board-1\n0a02,board-2\n0a03,board-3\n');
  });
  afterAll(async () => {
    await broker.close();
    await place.remove();
  });

  it('writes one document each', async () => {
    const words = ['provision', 'template.yaml', '--from', 'list.csv', '--out', 'boot', '--json'];
    await place.must(...words, '--dry-run');
    expect((await place.listing()).join()).not.toContain('boot');
    const made = await place.must(...words);
    expect(made.json().devices[1]).toMatchObject({ name: 'board-2', outcome: 'written', file: 'boot/board-2.cbor' });
    const view = viewBootstrap(readFileSync(place.path('boot/board-2.cbor')), 'it')!;
    expect([hex(view.device), view.anchors.map(({ role }) => role)]).toEqual(['0a02', ['vendor', 'operator']]);
    expect((await place.run(...words.slice(0, 4))).code).toBe(4);
  });

  it('brings each its own over the broker, waits for those that come, and leaves alone who has it', async () => {
    const where = { broker: broker.url, fleet: 'plant', name: 'board' };
    const two = await startSwarm({ count: 2, ...where });
    try {
      const to = ['--broker', broker.url, '--fleet', 'plant', '--json'];
      const words = ['provision', 'template.yaml', '--from', 'list.csv', ...to];
      const would = await place.run(...words, '--dry-run');
      expect(would.json().devices.map((one: { outcome: string }) => one.outcome)).toEqual(['blank', 'blank', 'failed']);
      const done = await place.run(...words);
      expect([done.code, done.json().devices]).toMatchObject([
        41,
        [{ device: '0a01', outcome: 'provisioned' }, { outcome: 'provisioned' }, { outcome: 'failed' }],
      ]);
      const seen = await place.must('devices', '--broker', broker.url, '--json');
      expect(seen.json().devices.map((one: { device: string }) => one.device)).toEqual(['0a01', '0a02']);
      writeFileSync(place.path('two.csv'), 'id,name\n0a01,board-1\n0a02,board-2\n');
      expect((await place.run('provision', 'template.yaml', '--from', 'two.csv', ...to)).code).toBe(2);
      writeFileSync(place.path('other.csv'), 'id,name\n0b01,board-1\n');
      const other = await place.run('provision', 'template.yaml', '--from', 'other.csv', ...to);
      expect(other.json().devices).toMatchObject([{ outcome: 'failed', reason: { name: 'BootstrapLocked' } }]);
    } finally {
      await two.close();
    }
  });
});

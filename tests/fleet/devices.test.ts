// The devices on a broker as a person looks for them: by group, by state, those that are away; how old a word is; and watched.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ageText } from '../../host/describe/devices.js';
import { reasonData } from '../../host/json.js';
import { connectBroker } from '../../host/links/mqtt.js';
import { stateDocument, topicsOf } from '../../host/links/topics.js';
import { connectRadio } from '../../host/radio/radio.js';
import { makePlace, type Place } from '../support/command.js';
import { type Mosquitto, startMosquitto } from '../support/mosquitto.js';
import { have } from '../support/need.js';

it('an age is said as people say it', () => {
  expect([0, 59, 60, 7300, 200_000, -30].map(ageText)).toEqual([
    '0 s ago',
    '59 s ago',
    '1 min ago',
    '2 h ago',
    '2 d ago',
    '30 s ahead of our clock',
  ]);
});

describe.skipIf(!have('mosquitto'))('devices on a broker', () => {
  let broker: Mosquitto;
  let place: Place;
  const cleanups: (() => unknown)[] = [];
  const agent = { receive: () => undefined, away: false };
  async function device(name: string, groups: string[], state: number, reason = 0) {
    const radio = await connectRadio({ url: broker.url, fleet: 'plant', device: name, groups }, agent, undefined);
    radio.show({ state, firmwareVersion: '1.2.0', reason: reasonData(reason) });
    return radio;
  }
  beforeAll(async () => {
    broker = await startMosquitto();
    place = await makePlace();
    for (const radio of [await device('one', ['cellar'], 100), await device('two', ['attic', 'cellar'], 20, 80)]) {
      cleanups.push(() => radio.close());
    }
    await (await device('three', [], 100)).close();
    const writer = await connectBroker(broker.url);
    cleanups.push(() => writer.endAsync(true));
    await writer.publishAsync(topicsOf('plant', 'old').state, stateDocument({ state: 10 }), { qos: 1, retain: true });
  });
  afterAll(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
    await place.remove();
    await broker.close();
  });
  const listed = async (...words: string[]): Promise<string[]> => {
    const found = await place.must('devices', '--broker', broker.url, '--fleet', 'plant', '--json', ...words);
    return found.json().devices.map(({ name }: { name: string }) => name);
  };

  it('are chosen by group, state and presence; what is not known is not said', async () => {
    expect(await listed()).toEqual(['old', 'one', 'three', 'two']);
    expect(await listed('--group', 'cellar')).toEqual(['one', 'two']);
    expect(await listed('--group', 'attic', '--group', 'nobody')).toEqual(['two']);
    expect(await listed('--state', '100')).toEqual(['one', 'three']);
    expect(await listed('--state', '20', '--state', '10')).toEqual(['old', 'two']);
    expect(await listed('--offline')).toEqual(['old', 'three']);
    const { stdout } = await place.must('devices', '--broker', broker.url, '--fleet', 'plant', '--state', '20');
    expect(stdout).toMatch(
      /^plant\/two {2}online, state 20, version 1\.2\.0, .*not approved.*, groups attic cellar, said \d+ (s|min) ago\n$/,
    );
    const old = await place.must('devices', '--broker', broker.url, '--fleet', 'plant', '--state', '10');
    expect(old.stdout).toBe('plant/old  offline, state 10\n');
  });

  it('are watched: a line for each change, and what is said once more is none', async () => {
    const words = ['--watch', '--for', '30', '--count', '4', '--json', '--group', 'cellar'];
    const running = place.start('devices', '--broker', broker.url, '--fleet', 'plant', ...words);
    await running.said('"two"');
    const three = await device('new', ['cellar'], 50);
    await running.said('"new"');
    three.show({ state: 50 });
    await three.close();
    const { code, stdout } = await running.ended;
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(code).toBe(0);
    expect(lines.at(-1)).toEqual({ version: 1, changes: 4 });
    const names = lines.slice(0, -1).map(({ name }) => name);
    expect([...names.slice(0, 2)].sort()).toEqual(['one', 'two']);
    expect(new Set(names.slice(2))).toEqual(new Set(['new']));
  });
});

// Devices in Home Assistant: entities of what they say themselves, "Install" as an order and no more, and nothing of a package or a
// device that could become a part of a template.

import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { deviceOfEntity, ENTITY_BYTES_MAX, entityDocument, entityTopic } from '../../host/fleet/home-assistant.js';
import { offerInHomeAssistant, removeFromHomeAssistant } from '../../host/fleet/offering.js';
import { hex } from '../../host/formats/bytes.js';
import { buildPackage } from '../../host/formats/suit.js';
import { connectBroker } from '../../host/links/mqtt.js';
import { publishPackage } from '../../host/links/packages.js';
import { BLOCK_BYTES, blocksPaper } from '../../host/links/papers.js';
import { blockTopic, stateDocument, topicsOf } from '../../host/links/topics.js';
import type { BlockSource } from '../../host/radio/blocks.js';
import { connectRadio } from '../../host/radio/radio.js';
import { encodePacket, GROUP, OP } from '../../host/smp/packet.js';
import { splitCode } from '../docs/markdown.js';
import { countersignsIn } from '../docs/shell.js';
import { makePlace } from '../support/command.js';
import { type HomeAssistant, PYTHON, startHomeAssistant, startJinja } from '../support/home-assistant.js';
import { have } from '../support/need.js';
import { digestOf, everything, FLEET, type Fleet, only, startFleet } from './fleet.js';

const DIGEST = 'ab'.repeat(32);
const ID = (name: string) => `countersign/${FLEET}/${name}`;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

describe('what Home Assistant is given', () => {
  it('has a topic for each device, whatever it is called', () => {
    const names = ['one', 'One', 'a.b', 'a:b', 'a_b', 'a_2eb', 'a-b', 'a__b', '_', '.', 'x'.repeat(64)];
    const topics = names.map((name) => entityTopic('homeassistant', 'my.fleet_1', name));
    expect(new Set(topics).size).toBe(names.length);
    for (const topic of topics)
      expect(topic).toMatch(/^homeassistant\/update\/countersign_[a-zA-Z0-9_-]+\/[a-zA-Z0-9_-]+\/config$/);
    expect(topics.map(deviceOfEntity)).toEqual(names);
    expect(deviceOfEntity('homeassistant/update/countersign_a/_1b_5b/config')).toBeUndefined();
    expect(deviceOfEntity('homeassistant/update/countersign_a/a_b/config')).toBeUndefined();
  });

  it('is bounded', () => {
    const long = '\u{1f600}'.repeat(512);
    const offer = { digest: DIGEST, version: long, name: long, description: long };
    const document = entityDocument('f'.repeat(64), 'd'.repeat(64), offer);
    expect(document.length).toBeLessThan(2 * ENTITY_BYTES_MAX);
  });
});

const jinja = () => spawnSync(PYTHON, ['-c', 'import jinja2']).status === 0;
if (process.env.CI === 'true' && !jinja()) throw new Error('python3-jinja2 is not installed');

describe.skipIf(!jinja())('its template', () => {
  const DEVICE = { digest: 'cd'.repeat(32), firmwareVersion: '1.0.0', state: 100 };
  async function shown(offer: object, ...states: object[]): Promise<unknown[]> {
    const python = startJinja();
    const { value_template: template } = JSON.parse(
      entityDocument(FLEET, 'one', { digest: DIGEST, version: '1.2.0', ...offer }),
    );
    try {
      const all: unknown[] = [];
      for (const state of states) {
        const text = await python.render(template, typeof state === 'string' ? state : JSON.stringify(state));
        all.push(text === undefined ? 'nothing' : JSON.parse(text));
      }
      return all;
    } finally {
      python.close();
    }
  }
  const NONE = { title: 'Firmware', release_summary: '', in_progress: false, update_percentage: null };

  it('tells versions apart by what runs, not by what it is called', async () => {
    expect(
      await shown(
        {},
        { state: 10 },
        DEVICE,
        { ...DEVICE, firmwareVersion: '1.2.0' },
        { ...DEVICE, firmwareVersion: 'of yesterday', digest: DIGEST },
      ),
    ).toEqual([
      { ...NONE, installed_version: 'none', latest_version: '1.2.0' },
      { ...NONE, installed_version: '1.0.0', latest_version: '1.2.0' },
      { ...NONE, installed_version: '1.2.0', latest_version: '1.2.0 (abababab)' },
      { ...NONE, installed_version: '1.2.0', latest_version: '1.2.0' },
    ]);
  });

  it('shows what goes on, and why it did not', async () => {
    const reason = (code: number, name: string) => ({ code, name, text: 'x' });
    const cases = await shown(
      { description: 'Less flicker.' },
      { ...DEVICE, state: 30, progress: 37 },
      { ...DEVICE, state: 50, reason: reason(120, 'AwaitingUser') },
      { ...DEVICE, state: 50, reason: reason(122, 'Deferred') },
      { ...DEVICE, state: 60, progress: 99 },
      { ...DEVICE, state: 80, reason: reason(80, 'NotApproved') },
    );
    expect(cases).toMatchObject([
      { in_progress: true, update_percentage: 37, release_summary: 'Less flicker.' },
      { in_progress: true, update_percentage: null },
      { in_progress: false },
      { in_progress: true, update_percentage: null },
      { in_progress: false, release_summary: 'Less flicker. Last answer of the device: NotApproved (80).' },
    ]);
  });

  it('takes nothing of a package or a device for a part of itself', async () => {
    const evil = [
      '{{ 7 * 7 }}',
      '{% raw %}',
      "'}}",
      '"',
      '\\',
      '\\u0027',
      '#}',
      '$(x)',
      '\n',
      '€',
      '\u{1f600}',
      "' ~ x ~ '",
    ];
    const all = evil.join('');
    const [told] = await shown({ version: all, name: all, description: all }, { ...DEVICE, firmwareVersion: all });
    expect(told).toMatchObject({
      ...{ title: all, release_summary: all.trim(), installed_version: all },
      latest_version: `${all} (abababab)`,
    });
    const markdown = { code: 80, name: '[Click](https://example.com)', text: '' };
    expect(await shown({}, { ...DEVICE, reason: markdown })).toMatchObject([
      { release_summary: 'Last answer of the device: Clickhttpsexamplecom (80).' },
    ]);
  });

  it('of what is no state makes nothing that Home Assistant would not take', async () => {
    const states = [
      '',
      'x',
      '5',
      'null',
      '[]',
      '{}',
      '{"reason":"x"}',
      '{"reason":null}',
      '{"reason":{"code":"x","name":7}}',
    ];
    const plain = { installed_version: 'none', latest_version: '1.2.0', title: 'Firmware', in_progress: false };
    for (const one of await shown({}, ...(states as unknown as object[]))) {
      expect(one === 'nothing' ? plain : one).toMatchObject(plain);
    }
  });
});

describe.skipIf(!have('mosquitto') || !jinja())('Home Assistant on the broker of a fleet', () => {
  async function start(): Promise<{ here: Fleet; home: HomeAssistant }> {
    const here = await startFleet();
    cleanups.push(() => here.close());
    const home = await startHomeAssistant(here.url);
    cleanups.push(() => home.close());
    return { here, home };
  }
  const place = ({ url }: Fleet) => ({ url, fleet: FLEET });
  async function until(what: string, done: () => boolean, patienceMs = 30_000): Promise<void> {
    for (const end = Date.now() + patienceMs; !done(); await sleep(50)) {
      if (Date.now() > end) throw new Error(`not yet: ${what}`);
    }
  }
  const update = (home: HomeAssistant, name: string) => home.entities.get(ID(name))?.update;

  it('"Install" asks: a device without approval refuses, and installs what is approved; nothing of ours runs', async () => {
    const { here, home } = await start();
    const [first, second] = [here.world.package('first', 1n), here.world.package('second', 2n)];
    const digest = hex(digestOf(second));
    const policy = { unapproved: 'reject', 'when-denied': 'revert' } as const;
    await here.approve(1, [only('approve', first)]);
    for (const name of ['one', 'two']) {
      await here.board(name, policy);
      await here.until((all) => all.every(({ approvals }) => approvals?.[0]?.sequence === '1'));
      expect(await here.deliver(name, first)).toBe('installed');
    }
    await publishPackage(place(here), digestOf(second), second);
    const offer = { digest, version: '1.2.0' };
    const how = { prefix: 'homeassistant' };
    const offered = await offerInHomeAssistant(place(here), offer, ({ devices }) => [...devices.keys()], how);
    expect(offered.map(({ outcome }) => outcome)).toEqual(['offered', 'offered']);
    await until('entities', () => ['one', 'two'].every((name) => home.entities.get(ID(name))?.available));
    const before = { installed_version: '1.1.0', latest_version: '1.2.0', in_progress: false };
    await until('a state', () => update(home, 'one')?.installed_version === '1.1.0');
    expect(update(home, 'one')).toMatchObject(before);

    await home.install(ID('one'));
    await until('a refusal', () => update(home, 'one')?.release_summary?.includes('(90)') === true);
    expect(update(home, 'one')).toMatchObject(before);

    await here.approve(2, [everything('approve')]);
    await until('installation', () => update(home, 'one')?.installed_version === '1.2.0');
    await sleep(1000);
    expect(update(home, 'two')).toMatchObject(before); // nobody asked for it there
    await expect(home.install(ID('one'))).rejects.toThrow('No update available');

    // Denied, it goes back; approved again, the same button works again.
    await here.approve(3, [everything('approve'), only('deny', second)]);
    await until('the way back', () => update(home, 'one')?.installed_version === '1.1.0');
    await home.install(ID('two'));
    await until('another refusal', () => update(home, 'two')?.release_summary?.includes('(84)') === true);
    await here.approve(4, [everything('approve')]);
    await until('installation', () => update(home, 'two')?.installed_version === '1.2.0');
    expect(update(home, 'one')?.installed_version).toBe('1.1.0');
    await home.install(ID('one'));
    await until('installation once more', () => update(home, 'one')?.installed_version === '1.2.0');
    expect(home.dropped).toEqual([]);

    // Orders of what runs are taken away at the next occasion, and entities when nobody wants them.
    expect(
      (await offerInHomeAssistant(place(here), offer, ({ devices }) => [...devices.keys()], how)).map(
        ({ outcome }) => outcome,
      ),
    ).toEqual(['unchanged', 'unchanged']);
    expect(await retained(here, topicsOf(FLEET, '+').order)).toEqual([]);
    const removed = await removeFromHomeAssistant(place(here), undefined, how);
    expect(removed.map(({ device, outcome }) => [device, outcome])).toEqual([
      ['one', 'removed'],
      ['two', 'removed'],
    ]);
    await until('no entities', () => home.entities.size === 0);
    expect(await retained(here, 'homeassistant/#')).toEqual([]);
  }, 120_000);

  it('a person who said no, or did not answer, is asked again when somebody presses it again', async () => {
    const { here, home } = await start();
    const file = here.world.package('first', 1n);
    await publishPackage(place(here), digestOf(file), file);
    const answers = ['no', 'yes'] as const;
    let asked = 0;
    const panel = { onQuestion: async () => answers[asked++] };
    await here.board('one', { unapproved: 'prompt' }, panel);
    await here.until(([one]) => one?.device !== undefined);
    const offer = { digest: hex(digestOf(file)), version: '1.1.0' };
    await offerInHomeAssistant(place(here), offer, () => ['one'], { prefix: 'homeassistant' });
    await until(
      'a state',
      () => update(home, 'one')?.latest_version !== undefined && home.entities.get(ID('one'))!.available,
    );
    await home.install(ID('one'));
    await until('a no', () => update(home, 'one')?.release_summary?.includes('UserRefused') === true);
    await sleep(500);
    expect(asked).toBe(1);
    await home.install(ID('one'));
    await until('installation', () => update(home, 'one')?.installed_version === '1.1.0');
    expect(asked).toBe(2);
  }, 60_000);

  it('shows how far a slow device is', async () => {
    const { here, home } = await start();
    const client = await connectBroker(here.url);
    cleanups.push(() => client.endAsync(true));
    const say = (topic: string, text: string) => client.publishAsync(topic, text, { qos: 1, retain: true });
    const topics = topicsOf(FLEET, 'odd.name_1');
    await say(topics.online, 'online');
    await say(topics.state, stateDocument({ state: 30, progress: 12 }));
    const offer = { digest: DIGEST, version: '2.0' };
    await offerInHomeAssistant(place(here), offer, ({ devices }) => [...devices.keys()], { prefix: 'homeassistant' });
    await until('progress', () => update(home, 'odd.name_1')?.update_percentage === 12);
    await say(topics.online, 'offline');
    await until('unavailable', () => home.entities.get(ID('odd.name_1'))?.available === false);
  });

  it('a device says how far it is, once in a while and while it fetches', async () => {
    const { here } = await start();
    const bytes = 20 * BLOCK_BYTES;
    let deliver: (block: number | 'i', payload: Uint8Array) => void = () => undefined;
    const blocks: BlockSource = {
      join(heard) {
        deliver = (block, payload) => heard(blockTopic(FLEET, DIGEST, block), payload);
        const reader = { subscribe: () => undefined, unsubscribe: () => undefined, close: () => undefined };
        return reader;
      },
    };
    const agent = { away: false, receive: () => undefined };
    const radio = await connectRadio({ url: here.url, fleet: FLEET, device: 'slow', blocks }, agent, undefined);
    cleanups.push(() => radio.close());
    const told = async () => {
      await sleep(300);
      return (await here.seen())[0]?.progress;
    };
    const body = { digest: Buffer.from(DIGEST, 'hex'), off: 0, len: bytes };
    const wanted = { version: 2, op: OP.read, group: GROUP.countersign, sequence: 1, id: 7, body } as const;
    radio.show({ state: 30 });
    radio.send(encodePacket(wanted));
    deliver('i', Buffer.from(blocksPaper(bytes)));
    const clock = vi.spyOn(Date, 'now');
    cleanups.push(() => clock.mockRestore());
    const began = performance.timeOrigin + performance.now();
    for (const [block, seconds, progress] of [
      [0, 0, undefined],
      [1, 6, 10],
      [2, 9, 10],
      [3, 12, 20],
    ] as const) {
      clock.mockReturnValue(began + 1000 * seconds);
      deliver(block, new Uint8Array(BLOCK_BYTES));
      clock.mockReset();
      expect([block, await told()]).toEqual([block, progress]);
    }
    radio.show({ state: 50 });
    expect(await told()).toBeUndefined();
  });

  it('its page is true', async () => {
    const { here, home } = await start();
    const shell = await makePlace();
    cleanups.push(() => shell.remove());
    await shell.given('keygen', 'vendor');
    writeFileSync(shell.path('firmware.bin'), Buffer.alloc(5000, 7));
    const name = ['--vendor', 'vendor.example', '--class', 'virtual', '--sequence', '1', '-o', 'demo.suit'];
    await shell.given('package', 'firmware.bin', '-k', 'vendor.pem', ...name);
    await here.board('board-1', {});
    await here.until((all) => all.length === 1);
    const text = readFileSync('docs/home-assistant.md', 'utf8').replaceAll('mqtt://localhost', here.url);
    const lines = splitCode(text).blocks.filter(({ marks }) => marks.includes('home'));
    const run = lines.flatMap((block) => countersignsIn(block.text));
    expect(run.length).toBe(2);
    for (const words of run) {
      expect(await shell.run(...words)).toMatchObject({ code: 0 });
      await until(words.join(' '), () => home.entities.size === (words.includes('--remove') ? 0 : 1));
    }
  }, 60_000);

  it('the command offers, goes on with devices that come later, and takes away', async () => {
    const { here, home } = await start();
    const shell = await makePlace();
    cleanups.push(() => shell.remove());
    const { vendor } = here.world.keys;
    const ids = { vendorId: new Uint8Array(16), classId: new Uint8Array(16) };
    const what = { version: '3.0 {{ 1 }}', name: 'Lamp', description: 'Fixes "it".', sequence: 3n };
    const { envelope } = buildPackage({ key: vendor, image: new Uint8Array(3000), ...what, ...ids });
    writeFileSync(shell.path('lamp.suit'), envelope);
    const over = ['--broker', here.url, '--fleet', FLEET];
    expect(await shell.run('home-assistant', 'lamp.suit', ...over)).toMatchObject({ code: 4 });
    expect(await shell.run('home-assistant', 'lamp.suit', ...over, '--all')).toMatchObject({ code: 3 });
    await here.board('one', {}, { groups: ['attic'] });
    await here.board('two', {});
    await here.until((all) => all.length === 2);
    const dry = await shell.run('home-assistant', 'lamp.suit', ...over, '--all', '--dry-run', '--json');
    expect(dry.json()).toMatchObject({ written: false, firmwareVersion: '3.0 {{ 1 }}', exit: 0 });
    expect(await retained(here, 'homeassistant/#')).toEqual([]);
    const first = await shell.run('home-assistant', 'lamp.suit', ...over, '--group', 'attic', '--json');
    expect(first.json().devices).toMatchObject([{ name: 'one', outcome: 'offered' }]);
    expect(await shell.run('home-assistant', 'lamp.suit', ...over, '--group', 'attic')).toMatchObject({ code: 2 });
    const watching = shell.start('home-assistant', 'lamp.suit', ...over, '--all', '--watch');
    await watching.said('plant/two  offered');
    await here.board('three', {});
    await watching.said('plant/three  offered');
    expect(await watching.stop()).toMatchObject({ code: 130 });
    await until('entities', () => home.entities.size === 3);
    await until('a state', () => update(home, 'three')?.title === 'Lamp');
    expect(update(home, 'three')).toMatchObject({ latest_version: '3.0 {{ 1 }}', release_summary: 'Fixes "it".' });
    expect(await shell.run('home-assistant', '--remove', ...over, '--device', 'two')).toMatchObject({ code: 0 });
    await until('one less', () => home.entities.size === 2);
    expect(await shell.run('home-assistant', '--remove', ...over)).toMatchObject({ code: 0 });
    expect(await shell.run('home-assistant', '--remove', ...over)).toMatchObject({ code: 2 });
    expect(home.entities.size).toBe(0);
    expect(home.dropped).toEqual([]);
  }, 120_000);
});

/** Topics of what the broker keeps below a filter. */
async function retained({ url }: Fleet, filter: string): Promise<string[]> {
  const client = await connectBroker(url);
  try {
    const found: string[] = [];
    client.on('message', (topic, payload) => void (payload.length > 0 && found.push(topic)));
    await client.subscribeAsync(filter);
    await sleep(500);
    return found;
  } finally {
    await client.endAsync(true);
  }
}

// What devices can show of their updates: each with its decision and its end, as JSON and as a page that holds nothing foreign.

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evidencePage } from '../../host/describe/evidence-page.js';
import { type History, updatesIn } from '../../host/device/history.js';
import type { LogRecord } from '../../host/device/log.js';
import { CountersignError } from '../../host/errors.js';
import { hex } from '../../host/formats/bytes.js';
import { makePlace, type Place } from '../support/command.js';
import { have } from '../support/need.js';
import { digestOf, FLEET, type Fleet, only, startFleet } from './fleet.js';

const record = (number: number, event: string, more: Partial<LogRecord> = {}): LogRecord => ({
  ...{ number, time: 0, event, reason: 0, digest: undefined },
  ...{ before: new Uint8Array(32), bytes: new Uint8Array(1) },
  ...more,
});

describe('the updates in a log', () => {
  it('are what began, with its end; what went back alone; and what was refused', () => {
    const events = [
      'provisioned',
      'installing',
      'installed',
      'denied',
      'reverted',
      'downloaded',
      'refused',
      'installing',
    ];
    const found = updatesIn(events.map((event, at) => record(at, event)));
    expect(found.map(({ result, decision }) => [result, decision.number])).toEqual([
      ['installed', 1],
      ['went back', 4],
      ['refused', 6],
      ['under way', 7],
    ]);
    const failed = updatesIn([record(5, 'installing', { row: 6 }), record(6, 'reverted', { reason: 153 })]);
    expect(failed).toMatchObject([{ result: 'reverted', reason: 153, decision: { row: 6 } }]);
    expect(updatesIn([record(7, 'installed')])).toMatchObject([{ result: 'installed' }]); // its beginning is not kept
  });

  it('are shown without any markup of theirs, and complete in itself', () => {
    const log = { records: [], faults: [], newest: undefined, device: '<b>', whole: true, before: undefined };
    const decision = record(1, 'installing', { operators: [{ kid: 'aa', document: 1n, source: 'tree' }] });
    const history: History = {
      log: { ...log, faults: [{ number: 1, what: 'altered', why: '<i>' }], whole: false },
      installed: { version: '"><script>alert(1)</script>\u001b[2J', sequence: 1n, digest: Uint8Array.of(1) },
      updates: [{ result: 'installed', reason: 0, decision }],
      names: new Map([['aa', "<img src='x'>"]]),
    };
    const error = new CountersignError('NoAnswer', 'device: <u> is offline');
    const devices = [
      { device: 'one', value: history },
      { device: '<two>', error },
    ];
    const page = evidencePage({ devices, unknown: ['<x>'], fleet: '<f>', exit: 0, made: 0 });
    for (const tag of ['<script', '<b>', '<i>', '<u>', '<img', '<x>', '<two>', '<f>', '\u001b']) {
      expect([tag, page.includes(tag)]).toEqual([tag, false]);
    }
    expect(page).not.toMatch(/https?:|src=["']|href=["']/);
    expect(page).toContain('NOT whole');
  });
});

describe.skipIf(!have('mosquitto'))('evidence of a fleet', () => {
  let here: Fleet;
  let place: Place;
  beforeAll(async () => {
    [here, place] = [await startFleet(), await makePlace()];
  });
  afterAll(async () => {
    await here.close();
    await place.remove();
  });

  it('says who approved, who agreed, what was refused, and whether each log holds', async () => {
    const [first, second, third] = [1n, 2n, 3n].map((number) => here.world.package(`p${number}`, number));
    await here.board('one', { unapproved: 'prompt', 'when-denied': 'revert' }, { onQuestion: async () => 'yes' });
    const away = await here.board('two', {});
    await away.close();
    expect(await here.deliver('one', first!)).toBe('installed');
    await here.approve(1, [only('approve', second!)]);
    await here.until((all) => all.some(({ approvals }) => approvals?.[0]?.sequence === '1'));
    expect(await here.deliver('one', second!)).toBe('installed');
    await here.approve(2, [only('deny', second!), only('deny', third!)]);
    await here.until((all) => all.some(({ firmwareVersion }) => firmwareVersion === '1.1.0'));
    expect(await here.deliver('one', third!)).toBe('refused');

    const over = ['--broker', here.url, '--fleet', FLEET];
    const all = await place.run('evidence', ...over, '--all', '--html', 'e.html', '--json');
    expect(all.code).toBe(41);
    const { devices } = all.json();
    expect(devices[1]).toMatchObject({ name: 'two', reason: { name: 'NoAnswer' } });
    const operator = hex(here.world.keys.operator.public.kid).slice(0, 16);
    expect(devices[0]).toMatchObject({
      ...{
        name: 'one',
        device: '0a0b',
        installed: { sequence: '1', version: '1.1.0' },
        log: { whole: true, first: 0 },
      },
      updates: [
        { result: 'installed', from: '0', to: '1', row: 7, operators: [], answer: { channel: 'local' } },
        {
          ...{ result: 'installed', from: '1', to: '2', row: 6, digest: hex(digestOf(second!)) },
          operators: [{ kid: operator, name: 'Operator', document: '1', source: 'tree' }],
        },
        { result: 'went back', reason: { name: 'Denied' } },
        { result: 'refused', from: '2', to: '3', row: 3, reason: { name: 'Denied' } },
      ],
    });
    const page = readFileSync(place.path('e.html'), 'utf8');
    expect(page).toContain('Operator (document 1, tree)');
    expect(page).toContain('yes at the device');
    const one = await place.must('evidence', ...over, '--device', 'one');
    expect(one.stdout).toMatch(/^one: runs 1\.1\.0, sequence 1\n {2}\S+ {2}sequence 0 -> 1 {2}installed {2}row 7: /);
    expect(one.stdout).toContain('approved by Operator (document 1, tree)');
  }, 120_000);
});

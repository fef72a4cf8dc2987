// What people meet in the first minutes: a board started in the background of a shell, a machine with ports of its own, a
// device id without quotes.

import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { spawn } from '@lydell/node-pty';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { failure } from '../../host/card/pcsc.js';
import { choosePort } from '../../host/local/connect.js';
import { makePlace, type Place } from '../support/command.js';
import { have } from '../support/need.js';

const PROGRAM = fileURLToPath(new URL('../../dist/bin/countersign.js', import.meta.url));

let place: Place;
beforeAll(async () => {
  place = await makePlace();
  for (const name of ['vendor', 'operator']) await place.given('keygen', name);
});
afterAll(() => place.remove());

describe.skipIf(!have('bash'))('in a shell that a person types into', () => {
  it('a board behind & is not stopped by the terminal, and answers', async () => {
    const shell = spawn('bash', ['--norc', '-i'], {
      cwd: place.folder,
      env: { ...process.env, HOME: place.folder, XDG_STATE_HOME: '', PS1: '$ ' },
      cols: 200,
    });
    let said = '';
    shell.onData((text) => {
      said += stripVTControlCharacters(text);
    });
    const until = async (pattern: RegExp) => {
      for (let wait = 0; !pattern.test(said); wait++) {
        if (wait === 1000) throw new Error(`never ${pattern}:\n${said}`);
        await sleep(50);
      }
      return pattern.exec(said)!;
    };
    shell.write(`"${process.execPath}" "${PROGRAM}" board virtual --flash f &\r`);
    await until(/running until Ctrl-C/);
    const [port = ''] = await until(/\/dev\/[\w/]+\d/);
    shell.write('\r');
    const state = await place.run('tree', 'get', 'State', '--timeout', '5', '--retries', '1');
    expect([state.code, state.stderr]).toEqual([0, expect.stringContaining(`over ${port}`)]);
    expect(said).not.toContain('Stopped');
    const ended = new Promise<void>((done) => shell.onExit(() => done()));
    shell.write('kill %1; wait; exit\r');
    await ended;
  });
});

describe('the port that is meant when none is given', () => {
  const board = (port: string) => ({ pid: 1, board: 'virtual', port, flash: 'f' });
  const ports = (...paths: string[]) => paths.map((path) => ({ path }));
  it.each([
    ['the board that runs here, whatever ports the machine has', [board('/dev/pts/7')], ['/dev/ttyS0'], '/dev/pts/7'],
    ['the only port', [], ['/dev/ttyACM0'], '/dev/ttyACM0'],
    ['the only port that is not built in', [], ['/dev/ttyS0', '/dev/ttyUSB0', '/dev/ttyS1'], '/dev/ttyUSB0'],
  ])('%s', (_, boards, paths, port) => expect(choosePort(boards, ports(...paths))).toBe(port));
  it('never one of several', () => {
    const several = () => choosePort([board('a'), board('b')], ports('/dev/ttyS0'));
    expect(several).toThrow(
      expect.objectContaining({ hint: expect.stringMatching(/ttyS0.*a \(virtual.*b \(virtual/) }),
    );
    expect(() => choosePort([], ports('a', 'b'))).toThrow('2 serial ports');
  });
  it.each([[], ['/dev/ttyS0'], ['/dev/ttyS0', '/dev/ttyS1'], ['/dev/cu.Bluetooth-Incoming-Port']])(
    'none where no board is connected: %j',
    (...paths) => {
      const none = () => choosePort([], ports(...paths));
      expect(none).toThrow('no board is connected');
      for (const path of paths) expect(none).toThrow(expect.objectContaining({ hint: expect.stringContaining(path) }));
    },
  );
});

describe('a bootstrap file', () => {
  const anchors = '[{role: vendor, key: vendor.pub.pem}, {role: operator, key: operator.pub.pem}]';
  const DEVICE = 'device: "0a0b"';
  it.each([
    ['no device', ['device'], 'device: is missing'],
    ['no anchors', ['anchors'], 'anchors: is missing'],
    ['nothing that it needs', ['device', 'anchors', 'vendor'], 'device: is missing'],
  ])('%s: it says so, and where to look', async (_, without, says) => {
    const whole = { device: '"0a"', vendor: 'v.example', class: 'c', anchors };
    const rows = Object.entries(whole).filter(([name]) => !without.includes(name));
    writeFileSync(place.path('b.yaml'), rows.map(([name, value]) => `${name}: ${value}\n`).join(''));
    writeFileSync(place.path('c.yaml'), 'policy: {unapproved: prompt}\n');
    for (const words of [
      ['bootstrap', 'b.yaml'],
      ['change', 'c.yaml', '-k', 'operator.pem', '--bootstrap', 'b.yaml'],
    ]) {
      const ended = await place.run(...words);
      expect([ended.code, ended.stderr]).toEqual([1, expect.stringContaining(`b.yaml: ${says}`)]);
      expect(ended.stderr).toContain('countersign init');
    }
  });

  it.each([
    ['an id that YAML takes for a number', 'device: 0017880103E75304', '{}', 'device: is not text: put it in quotes'],
    ['an id of digits', 'device: 1234', '{}', 'device: is not text: put it in quotes'],
    ['a channel that is none', DEVICE, '{consent-channels: [button]}', '"local"|"remote"'],
    ['channels that are no list', DEVICE, '{consent-channels: local}', 'is a list of some of: local, remote'],
    ['sources that are no list', DEVICE, '{sources: card}', 'is a list of some of: '],
  ])('%s: the error says what to write', async (_, device, policy, says) => {
    writeFileSync(
      place.path('b.yaml'),
      `${device}\nvendor: v.example\nclass: c\nanchors: ${anchors}\npolicy: ${policy}\n`,
    );
    const ended = await place.run('inspect', 'b.yaml');
    expect([ended.code, ended.stderr]).toEqual([1, expect.stringContaining(says)]);
  });
});

describe('YAML that is none', () => {
  const BROKEN = 'vendor: v.example\n  class: [\n';
  it.each([
    ['bootstrap', ['bootstrap', 'x.yaml']],
    ['change', ['change', 'x.yaml', '-k', 'operator.pem']],
    ['approval', ['approve', '--from', 'x.yaml', '-k', 'operator.pem']],
    ['request', ['approve', '--sign', 'x.yaml', '-k', 'operator.pem']],
  ])('%s: line and column, on one line', async (area, words) => {
    writeFileSync(place.path('x.yaml'), BROKEN);
    const { stderr } = await place.run(...words);
    expect(stderr).toMatch(new RegExp(`error: ${area}: x.yaml is not YAML at line 2, column 3: [^\\\\]* \\[208`));
    writeFileSync(place.path('x.yaml'), 'just text\n');
    expect((await place.run(...words)).stderr).toContain(
      `${area}: x.yaml: the document: is not a map of names to values`,
    );
  });
});

it('of a broker that does not answer, nobody is told to insert a card', async () => {
  writeFileSync(place.path('app.bin'), new Uint8Array(3000).fill(0xa5));
  await place.given('package', 'app.bin', '-k', 'vendor.pem', '--vendor', 'v.example', '--class', 'c', '-s', '1');
  const anchors = ['vendor', 'operator'].map((role) => `{role: ${role}, key: ${role}.pub.pem}`).join(', ');
  writeFileSync(place.path('d.yaml'), `device: "0a"\nvendor: v.example\nclass: c\nanchors: [${anchors}]\n`);
  const ended = await place.run('check', 'app.suit', '-b', 'd.yaml', '--approvals-from', 'mqtt://127.0.0.1:1/f');
  expect([ended.code, ended.stdout]).toEqual([20, expect.stringContaining('check the URL and the broker')]);
});

it('a card in exclusive use is no reason to start pcscd', () => {
  expect(failure('card', 0x8010000b).hint).toContain('end the program that uses the card');
  expect(failure('card', 0x8010001d).hint).toContain('systemctl start pcscd');
});

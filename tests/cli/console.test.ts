// The console as a person and a script use it: a window of tmux with the real command in it, and a real serial port (a
// pseudo-terminal) with the virtual board behind.

import { existsSync, readFileSync, symlinkSync, unlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openPty, type Pty } from '../../boards/virtual/pty.js';
import { deliver, type Outcome } from '../../host/device/deliver.js';
import { type Broker, startBroker } from '../../host/links/broker.js';
import { openMqtt } from '../../host/links/mqtt.js';
import { createClient } from '../../host/smp/client.js';
import { makePlace, type Place } from '../support/command.js';
import { type DeviceWorld, makeDeviceWorld } from '../support/device-world.js';
import { have } from '../support/need.js';
import { openWindow, type Window } from '../support/tmux.js';

const PROGRAM = fileURLToPath(new URL('../../dist/bin/countersign.js', import.meta.url));

let world: DeviceWorld;
let place: Place;
let broker: Broker;
beforeAll(async () => {
  world = makeDeviceWorld();
  place = await makePlace();
  broker = await startBroker();
  world.package('r1.suit', 1n);
});
afterAll(async () => {
  await world.close();
  await broker.close();
  await place.remove();
});

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function consoleOn(port: string, ...words: string[]): Window {
  const window = openWindow([process.execPath, PROGRAM, 'console', '-p', port, ...words], { HOME: place.folder });
  cleanups.push(() => window.close());
  return window;
}

// A transcript without what differs from run to run; how many states are seen to pass is a matter of time.
const shape = (text: string): string =>
  text
    .replace(/^state \d+, reason \d+(\n|$)/gm, '')
    .replace(/\/dev\/\w+(\/\d+)?/g, 'PORT')
    .replace(/key [0-9a-f]{16}/g, 'KEY')
    .replace(/\b[0-9a-f]{64}\b/g, 'DIGEST')
    .replace(/\b\w{5}(-\w{5}){3}\b/g, 'WORDS');

// From the other side than the console's: over the broker.
async function deliverOverBroker(device: string, file: Uint8Array): Promise<Outcome> {
  const client = createClient(await openMqtt({ url: broker.url, fleet: 'demo', device }));
  try {
    const steps = deliver(client, { file });
    for (let step = await steps.next(); ; step = await steps.next()) if (step.done) return step.value;
  } finally {
    await client.close();
  }
}

describe.skipIf(!have('tmux'))('in a terminal', () => {
  // Delivers from within the console, and types the answer to the question that follows.
  const answered = async (port: string, answer: 'yes' | 'no') => {
    const window = consoleOn(port);
    await window.until('Ctrl-] quits');
    window.press('C-t');
    window.text('d');
    await window.until('package to deliver:');
    window.text(world.path('r1.suit'));
    window.press('Enter');
    await window.until('type yes or no, then Enter');
    window.text(answer);
    window.press('Enter');
    return window;
  };

  it('the question comes up, is answered there, and the package is installed', async () => {
    const board = await world.board({ unapproved: 'prompt' }, { broker: broker.url, name: 'asked' });
    const window = consoleOn(board.port);
    await window.until('Ctrl-] quits');
    const file = world.package('asked.suit', 3n);
    const delivering = deliverOverBroker('asked', file);
    await window.until('type yes or no, then Enter');
    for (const shown of ['Blinky', '1.3.0', 'Vendor, key', 'fingerprint', 'the operator has not approved it']) {
      expect(window.screen()).toContain(shown);
    }
    window.text('perhaps');
    window.press('Enter');
    await window.until('"perhaps" is not an answer');
    window.text('noo');
    window.press('BSpace', 'BSpace', 'BSpace');
    window.text('yes');
    await window.until(/left\): yes$/m);
    window.press('Enter');
    await window.until('the device took the answer: yes');
    expect(await delivering).toMatchObject({ kind: 'installed', version: '1.3.0' });
    await window.until('state 100');
    window.press('C-]');
    await window.until('ended with 0');
    expect(window.screen()).not.toContain('\x06');
    const shown = window.screen().replace(/\nended with 0\n*$/, '');
    // The transcript in docs/operator.md is this one; which of the last two lines comes first is chance.
    const transcript = /```\n(console of [^`]*)```/.exec(readFileSync('docs/operator.md', 'utf8'))![1]!;
    const sorted = (text: string) => shape(text).trim().split('\n').sort();
    expect(sorted(shown)).toEqual(sorted(transcript));
  });

  it('delivers over the line that it shows; that line may not answer unless the policy says so', async () => {
    const board = await world.board({ unapproved: 'prompt' });
    const window = await answered(board.port, 'yes');
    await window.until('the device did not take the answer');
    window.press('C-t');
    window.text('a');
    await window.until('type yes or no, then Enter');
    window.press('Escape');
    await window.until('left unanswered');
    window.press('C-]');
    await window.until('ended with 0');

    const trusting = await world.board({ unapproved: 'prompt', 'consent-channels': ['delivering'] });
    const second = await answered(trusting.port, 'no');
    await second.until('r1.suit: refused by the device: the user said no [121 UserRefused]');
  });

  it('waits for a board that is reset, unplugged and plugged in again; Ctrl-T s and h', async () => {
    const port = place.path('port');
    // Opened behind the console's start: a child inherits the terminals that are open, and would keep them up.
    const window = consoleOn(port, '--wait');
    await window.until('waiting for it');
    const first = await world.board({ unapproved: 'reject' });
    symlinkSync(first.port, port);
    await window.until('Ctrl-] quits');
    window.press('C-t');
    window.text('s');
    await window.until(/device +0a0b/);
    first.reset();
    await first.close();
    await window.until('is gone');
    unlinkSync(port);
    await window.until(/is gone[\s\S]*waiting for it/);
    const second = await world.board({ unapproved: 'reject' });
    symlinkSync(second.port, port);
    await window.until('is back');
    window.press('C-t');
    window.text('h');
    await window.until('Ctrl-T d  deliver');
    window.press('C-]');
    await window.until('ended with 0');
  });
});

// A device that says what it is told to, and hears.
function device(): Pty & { heard(): string } {
  const chunks: Uint8Array[] = [];
  const pty = openPty((bytes) => chunks.push(bytes));
  cleanups.push(() => pty.close());
  return Object.assign(pty, { heard: () => Buffer.concat(chunks).toString('latin1') });
}

describe.skipIf(!have('tmux'))('keys and text', () => {
  it('pass both ways untouched; Ctrl-C is the device’s, and nothing is sent unasked', async () => {
    const line = device();
    const window = consoleOn(line.path, '--eol', 'crlf', '--timestamps', '--log', place.path('seen.log'));
    await window.until('Ctrl-] quits');
    expect(line.heard()).toBe('');
    line.write(Buffer.from('boot \x1b[32mgreen\x1b[0m\r\nuart:~$ '));
    await window.until(/^\d{4}-\d\d-\d\dT[\d:.]+Z uart:~\$/m);
    window.text('help');
    window.press('Enter', 'C-c', 'C-t', 'C-]');
    for (let wait = 0; wait < 1800 && line.heard().length < 8; wait++) await sleep(50);
    expect(line.heard()).toBe('help\r\n\x03\x1d');
    expect(window.screen()).toContain('boot green');
    window.press('C-]');
    await window.until('ended with 0');
  });
});

describe('in a pipe and in CI', () => {
  // Text is written again and again until the console, which starts some time, has heard it.
  const repeat = (line: Pty, text: string) => {
    const timer = setInterval(() => line.write(Buffer.from(text)), 100);
    cleanups.push(() => clearInterval(timer));
  };

  const written = async (log: string, text: string) => {
    for (let wait = 0; !(existsSync(log) && readFileSync(log, 'utf8').includes(text)); wait++) {
      if (wait === 1000) throw new Error(`${log} never had "${text}"`);
      await sleep(50);
    }
  };

  it('--until ends it; the text is on stdout, the rest on stderr, all in the log', async () => {
    const line = device();
    repeat(line, 'first\nboot complete\nlast\n');
    const log = place.path('ci.log');
    const words = ['--no-input', '--until', 'complete', '--for', '40', '--log', log];
    const ended = await place.must('console', '-p', line.path, ...words);
    expect(ended.stdout).toMatch(/^first\nboot complete\n/);
    expect(ended.stderr).toContain(`console of ${line.path}`);
    expect(readFileSync(log, 'utf8')).toMatch(/^\S+Z -- console of .*\n\S+Z first\n\S+Z boot complete\n/);
  });

  it('a pause does not end a line: --until finds text that came in pieces, and the log has it whole', async () => {
    const line = device();
    const log = place.path('pieces.log');
    const words = ['--no-input', '--until', 'self test ok', '--for', '40', '--log', log, '--json'];
    const running = place.start('console', '-p', line.path, ...words);
    await running.said('"event":"open"');
    line.write(Buffer.from('self test'));
    await running.said('"text":"self test","open":true');
    line.write(Buffer.from(' ok\n'));
    const ended = await running.ended;
    expect(ended.code).toBe(0);
    expect(ended.stdout).toContain('"text":"self test ok"}');
    expect(readFileSync(log, 'utf8')).toMatch(/Z self test ok\n$/);
    expect(readFileSync(log, 'utf8')).not.toMatch(/Z self test\n/);
  });

  it('--until finds a prompt, which has no end', async () => {
    const line = device();
    const running = place.start('console', '-p', line.path, '--no-input', '--until', 'login:', '--for', '40');
    await running.said('console of');
    line.write(Buffer.from('login: '));
    expect((await running.ended).code).toBe(0);
  });

  it('--for without the text is a time-out; a line that is lost is 40 with --once', async () => {
    const line = device();
    const none = await place.run(
      'console',
      '-p',
      line.path,
      '--no-input',
      '--until',
      'never',
      '--for',
      '0.3',
      '--json',
    );
    expect([none.code, none.json().error.reason.name]).toEqual([32, 'TimedOut']);
    const port = place.path('mortal');
    const log = place.path('mortal.log');
    const running = place.run('console', '-p', port, '--no-input', '--wait', '--once', '--json', '--log', log);
    const mortal = openPty(() => undefined); // behind its start: see above
    symlinkSync(mortal.path, port);
    await written(log, 'console of');
    mortal.close();
    const lost = await running;
    expect([lost.code, lost.json().error.reason.name]).toEqual([40, 'LinkLost']);
  });

  it('what is piped in is typed, but a bare yes or no never is', async () => {
    const line = device();
    repeat(line, 'ready\n');
    const ended = await place.runWith(
      { input: 'version\nYES\nno\nyes please\n' },
      ...['console', '-p', line.path, '--eol', 'lf', '--for', '2'],
    );
    expect(ended.code).toBe(0);
    expect(line.heard()).toBe('version\nyes please\n');
    expect(ended.stderr).toContain('"YES" was not sent');
  });

  it('--json: one document a line', async () => {
    const line = device();
    repeat(line, 'hello\n');
    const ended = await place.must('console', '-p', line.path, '--no-input', '--until', 'hello', '--json');
    const documents = ended.stdout
      .trim()
      .split('\n')
      .map((one) => JSON.parse(one));
    expect(documents[0]).toMatchObject({ event: 'open', port: line.path });
    expect(documents).toContainEqual({ version: 1, time: expect.any(String), text: 'hello' });
    expect(documents.at(-1)).toMatchObject({ port: line.path, found: true });
  });

  it('a question is shown, and that nobody can answer here', async () => {
    const board = await world.board(
      { unapproved: 'prompt', 'prompt-timeout': 3 },
      { broker: broker.url, name: 'unheard' },
    );
    const log = place.path('unheard.log');
    const running = place.must('console', '-p', board.port, '--no-input', '--until', 'reason 122', '--log', log);
    await written(log, 'console of');
    expect(await deliverOverBroker('unheard', world.package('u.suit', 4n))).toEqual({ kind: 'deferred' });
    const ended = await running;
    expect(ended.stdout).toContain('Install Blinky 1.4.0, reason 80? yes/no');
    for (const shown of ['1.4.0', 'fingerprint', 'nobody can answer here']) expect(ended.stderr).toContain(shown);
  });
});

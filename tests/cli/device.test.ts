// The commands that reach a device, as a person and a script use them: the built program, real processes, a real
// terminal for the board's panel.

import { rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { spawn } from '@lydell/node-pty';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openPty } from '../../boards/virtual/pty.js';
import { commands } from '../../host/cli/commands/index.js';
import { parse } from '../../host/cli/parse.js';
import { startBroker } from '../../host/links/broker.js';
import { listPorts } from '../../host/links/serial.js';
import { makePlace, type Place } from '../support/command.js';

const PROGRAM = fileURLToPath(new URL('../../dist/bin/countersign.js', import.meta.url));

let place: Place;
const running: { close(): Promise<unknown> | undefined }[] = [];
afterEach(async () => {
  for (const one of running.splice(0).reverse()) await one.close();
});

beforeAll(async () => {
  place = await makePlace();
  await place.given('keygen', 'vendor');
  await place.given('keygen', 'operator');
  for (const sequence of [1, 2, 3]) {
    writeFileSync(place.path(`app${sequence}.bin`), new Uint8Array(5000).fill(sequence));
    const names = [
      '--vendor',
      'vendor.example',
      '--class',
      'virtual',
      '--name',
      'Blinky',
      '--version',
      `1.${sequence}.0`,
    ];
    const output = ['-k', 'vendor.pem', '-s', String(sequence), '-o', `r${sequence}.suit`];
    await place.given('package', `app${sequence}.bin`, ...names, ...output);
  }
  await place.given('approve', 'r1.suit', '-k', 'operator.pem', '-o', 'r1.cose');
  writeFileSync(
    place.path('big.bin'),
    new Uint8Array(80_000).map((_, at) => at >> 4),
  );
  const big = ['--vendor', 'vendor.example', '--class', 'virtual', '--version', '9'];
  await place.given('package', 'big.bin', '-k', 'vendor.pem', '-s', '9', ...big, '-o', 'big.suit');
  await place.given('approve', 'big.suit', '-k', 'operator.pem', '-o', 'big.cose');
  for (const policy of ['unapproved: reject', 'unapproved: prompt, prompt-timeout: 3', 'unapproved: prompt']) {
    writeFileSync(
      place.path(`${policy.replace(/\W+/g, '-')}.yaml`),
      `device: "0a0b"
vendor: vendor.example
class: virtual
anchors:
  - {role: vendor, key: vendor.pub.pem}
  - {role: operator, key: operator.pub.pem}
policy: {${policy}, trial-boots: 0}
`,
    );
  }
});
afterAll(() => place.remove());

const REJECT = 'unapproved-reject.yaml';
const PROMPT = 'unapproved-prompt.yaml';
const PROMPT_SHORT = 'unapproved-prompt-prompt-timeout-3.yaml';

interface Terminal {
  port: string;
  said(): string;
  type(text: string): void;
  until(text: string): Promise<void>;
  kill(): void;
  killAt(text: string, unplugged: string): Promise<number>; // as by a power cut, as soon as it has said that; its port's name goes first
  close(): Promise<number>;
}

// Another one for each try: one that failed may leave a provisioned flash behind.
let names = 0;
const nextName = (what: string) => `${what.replaceAll(' ', '-')}-${++names}`;

// `countersign board virtual` on a terminal of its own; a new flash file each time.
let boards = 0;
async function startBoard(...words: string[]): Promise<Terminal> {
  boards += 1;
  const child = spawn(process.execPath, [PROGRAM, 'board', 'virtual', '--flash', `flash${boards}`, ...words], {
    cwd: place.folder,
    env: { ...process.env, HOME: place.folder, XDG_STATE_HOME: '' }, // as place.run has it
    cols: 200,
  });
  let said = '';
  let deadly: { text: string; unplugged: string } | undefined;
  child.onData((text) => {
    said += stripVTControlCharacters(text);
    if (!deadly || !said.includes(deadly.text)) return;
    rmSync(deadly.unplugged, { force: true });
    child.kill('SIGKILL');
  });
  let gone = false;
  const ended = new Promise<number>((resolve) =>
    child.onExit(({ exitCode }) => {
      gone = true;
      resolve(exitCode);
    }),
  );
  const terminal: Terminal = {
    port: '',
    said: () => said,
    type: (text) => child.write(text),
    async until(text) {
      for (let wait = 0; !said.includes(text); wait++) {
        if (wait === 1200 || gone) throw new Error(`the board did not say "${text}" but:\n${said}`);
        await sleep(50);
      }
    },
    kill: () => child.kill('SIGKILL'),
    killAt(text, unplugged) {
      deadly = { text, unplugged };
      return ended;
    },
    close() {
      child.write('\x03');
      return ended;
    },
  };
  running.push(terminal);
  await terminal.until('running until Ctrl-C');
  terminal.port = /\/dev\/[\w/]+/.exec(said)?.[0] ?? '';
  return terminal;
}

async function provisioned(bootstrap: string, ...words: string[]): Promise<Terminal> {
  const board = await startBoard(...words);
  await place.must('provision', bootstrap, '--port', board.port);
  return board;
}

describe('provision', () => {
  it('once, by YAML; --dry-run writes nothing', async () => {
    const board = await startBoard();
    const dry = await place.must('provision', REJECT, '-p', board.port, '--dry-run', '--json');
    expect(dry.json()).toMatchObject({ provisioned: false, device: '0a0b' });
    const done = await place.must('provision', REJECT, '-p', board.port, '--json');
    expect(done.json()).toMatchObject({ provisioned: true, device: '0a0b', anchors: 2 });
    const again = await place.run('provision', REJECT, '-p', board.port, '--json');
    expect([again.code, again.json().error.reason.name]).toEqual([1, 'BootstrapLocked']);
    const dryAgain = await place.run('provision', REJECT, '-p', board.port, '--dry-run', '--json');
    expect([dryAgain.code, dryAgain.json().error.reason.name]).toEqual([1, 'BootstrapLocked']);
  });
});

describe('deliver', () => {
  it('20 when not approved, with the reason; 0 with the approval; 2 when it is there already', async () => {
    const { port } = await provisioned(REJECT);
    const refused = await place.run('deliver', 'r1.suit', '-p', port, '--json');
    expect(refused.code).toBe(20);
    expect(refused.json()).toMatchObject({
      result: 'refused',
      exit: 20,
      reason: { code: 80, name: 'NotApproved' },
      fumo: 450,
      verdict: { verdict: 'reject', threshold: 1, approvals: 0 },
    });
    const installed = await place.must('deliver', 'r1.suit', '-p', port, '--approval', 'r1.cose', '--json');
    expect(installed.json()).toMatchObject({ result: 'installed', firmwareVersion: '1.1.0', sequence: '1' });
    expect(installed.stdout.trim().split('\n')).toHaveLength(1);
    for (const phase of ['deciding', 'sending 100%', 'checking']) expect(installed.stderr).toContain(phase);
    expect((await place.run('deliver', 'r1.suit', '-p', port)).code).toBe(2);

    // The denial takes nothing away from what runs: whoever delivers it again is told so, and what follows.
    await place.must('revoke', 'r1.suit', '-k', 'operator.pem', '-o', 'r1.denied.cose');
    await place.must('tree', 'set', '+Approvals', '--file', 'r1.denied.cose', '-p', port);
    const denied = await place.run('deliver', 'r1.suit', '-p', port, '--json');
    expect([denied.code, denied.json()]).toMatchObject([23, { result: 'unchanged', reason: { name: 'Denied' } }]);
    const { stdout } = await place.run('deliver', 'r1.suit', '-p', port);
    expect(stdout).toContain('the device runs this package already, but the operator has denied it');
    expect(stdout).toContain('when-denied: report) keeps it running');
  });

  it('--dry-run offers nothing', async () => {
    const { port } = await provisioned(REJECT);
    const { stdout } = await place.must('deliver', 'r1.suit', '-p', port, '--approval', 'r1.cose', '--dry-run');
    expect(stdout).toContain('would offer');
    expect((await place.run('deliver', 'r1.suit', '-p', port)).code).toBe(20);
  });

  it('the board asks on its own terminal: only what is typed while it asks counts', async () => {
    const board = await provisioned(PROMPT);
    board.type('y\n'); // nothing was asked yet
    await sleep(200);
    const first = place.run('deliver', 'r2.suit', '-p', board.port, '--json');
    await board.until('y or n');
    for (const shown of ['Blinky', '1.2.0', 'the operator has not approved it']) expect(board.said()).toContain(shown);
    board.type('\n');
    board.type('maybe\n');
    await sleep(500);
    board.type('n\n');
    const no = await first;
    expect([no.code, no.json().reason.name]).toEqual([31, 'UserRefused']);
    expect(no.stderr).toContain('waiting for the user of the device');

    const second = place.run('deliver', 'r2.suit', '-p', board.port, '--json');
    for (let wait = 0; wait < 1200 && board.said().split('y or n').length < 5; wait++) await sleep(50);
    board.type('YES\n');
    expect((await second).json()).toMatchObject({ result: 'installed', firmwareVersion: '1.2.0' });
    expect(await board.close()).toBe(130);
  });

  it('30 when nobody answers', async () => {
    const board = await provisioned(PROMPT_SHORT);
    const ended = await place.run('deliver', 'r1.suit', '-p', board.port, '--json');
    expect([ended.code, ended.json().result]).toEqual([30, 'deferred']);
    expect(board.said()).toContain('the question is over');
    const waited = await place.run('deliver', 'r1.suit', '-p', board.port, '--wait', '0.5', '--json');
    expect([waited.code, waited.json().result]).toEqual([30, 'asked']);
  });

  // Not approved at first, so that the delivery cannot end before the board does, however slow this machine is. By a name
  // of its own: the number of the terminal is free as soon as the board is dead, and a board of another test may get it.
  it.each([
    ['while it takes the package', 'state 30', ['--approval', 'big.cose'], [0, 'installed']],
    ['while it asks its user', 'y or n', ['--wait', '0.5'], [30, 'asked']],
  ])('40 when the board dies %s; the same command goes on from there', async (when, sign, more, then) => {
    const name = nextName(when);
    const flash = ['--flash', name];
    const port = place.path(`port-${name}`);
    const board = await provisioned(PROMPT, ...flash);
    symlinkSync(board.port, port);
    const limits = ['--timeout', '3', '--retries', '1'];
    const delivering = place.run('deliver', 'big.suit', '-p', port, ...limits, '--json');
    await board.killAt(sign, port);
    const lost = await delivering;
    expect([lost.code, lost.json().result]).toEqual([40, 'link-lost']);
    expect(lost.stderr).toContain(`${port} is gone: waiting for it, at most 6 s`);
    const again = await startBoard(...flash);
    const ended = await place.run('deliver', 'big.suit', '-p', again.port, ...more, '--json');
    expect([ended.code, ended.json().result]).toEqual(then);
  });

  // A name that stays, as udev gives one; whoever is to see the port go is started before the board (a child inherits it).
  it.each([
    ['in the midst of sending', 'sending 40%'],
    ['while the device asks its user', 'waiting for the user of the device'],
  ])('a port that goes away %s and comes back is met again, and the delivery goes on', async (when, sign) => {
    const name = nextName(when);
    const flash = ['--flash', name];
    const usb = place.path(`port-${name}`);
    const board = await provisioned(PROMPT, ...flash);
    symlinkSync(board.port, usb);
    const delivering = place.start('deliver', 'big.suit', '-p', usb, '--timeout', '20', '--json');
    await delivering.said(sign);
    rmSync(usb); // first: the number of its terminal is free then, and the next terminal gets it
    board.kill();
    await delivering.said(`${usb} is gone: waiting for it, at most 80 s`);
    const again = await startBoard(...flash);
    symlinkSync(again.port, usb);
    await delivering.said(`${usb} is back`);
    await again.until('y or n');
    again.type('yes\n');
    const ended = await delivering.ended;
    expect([ended.code, ended.json().result]).toEqual([0, 'installed']);
    const [before = '', after] = ended.stderr.split('is gone');
    if (!before.includes('sending 100%')) expect(after).toContain('bytes of it already: going on there');
  });

  it('41 when nothing answers, as fast as --timeout and --retries say', async () => {
    const pty = openPty(() => undefined);
    running.push({ close: async () => pty.close() });
    const ask = async (...words: string[]): Promise<string> => {
      const ended = await place.run('deliver', 'r1.suit', '-p', pty.path, '--json', ...words);
      const { reason, message } = ended.json().error;
      expect([ended.code, reason.name]).toEqual([41, 'NoAnswer']);
      return message;
    };
    expect(await ask('--timeout', '0.1', '--retries', '0')).toMatch(/ in 1 try: try 1: nothing in 100 ms$/);
    const began = performance.now();
    expect(await ask('--timeout', '0.5', '--retries', '7')).toMatch(/ in 8 tries: .*try 8: nothing in 500 ms$/);
    expect(performance.now() - began).toBeGreaterThan(3500);
  });

  it.each<[string, string[], number]>([
    ['no such package', ['nothing.suit', '-p', '/dev/null'], 3],
    ['no such port', ['r1.suit', '-p', '/dev/no-such-port'], 41],
    ['no such socket', ['r1.suit', '-p', 'tcp://127.0.0.1:1'], 41],
    ['a socket without a port', ['r1.suit', '-p', 'tcp://somewhere'], 4],
  ])('%s', async (_, words, code) => {
    expect((await place.run('deliver', ...words)).code).toBe(code);
  });

  it.each<[string, string[]]>([
    ['a device name with a wildcard', ['--broker', 'mqtt://127.0.0.1:1', '--device', '+']],
    ['a baud rate that is none', ['-b', 'fast']],
    ['a time-out of zero', ['--timeout', '0']],
    ['retries without end', ['--retries', '101']],
    ['an answer to the approval question', ['-y']],
    ['another word for it', ['--assume-yes']],
    ['force', ['--force']],
  ])('%s is a bad argument', (_, words) => {
    const reading = () => parse(commands, ['deliver', 'r1.suit', ...words], () => ({ lookup: () => undefined }));
    expect(reading).toThrow(expect.objectContaining({ reason: expect.objectContaining({ exit: 4 }) }));
  });

  it('nothing chosen: an error that says what there is, never a guess among several', async () => {
    // The only port of the machine would be taken, and the only board that runs here.
    if ((await listPorts()).length === 1) await Promise.all([startBoard(), startBoard()]);
    const { code, stderr } = await place.run('deliver', 'r1.suit');
    expect(code).toBe(4);
    expect(stderr).toContain('--port');
  });
});

describe('a board that runs here', () => {
  it('is listed, and is the port that is meant when it is the only one', async (context) => {
    const board = await startBoard();
    const listed = await place.must('devices', '--json');
    expect(listed.json().ports).toContainEqual({ path: board.port, about: expect.stringContaining('virtual board') });
    if ((await listPorts()).length === 0) {
      const ended = await place.run('deliver', 'r1.suit', '--json');
      expect([ended.code, ended.json().reason.name]).toEqual([26, 'NotProvisioned']);
      expect(ended.stderr).toContain(`over ${board.port}`);
    } else context.annotate('this machine has serial ports of its own: the second half is not shown');
    await board.close();
    expect((await place.must('devices', '--json')).json().ports).not.toContainEqual(
      expect.objectContaining({ path: board.port }),
    );
  });
});

describe('over a broker', () => {
  it('devices lists them; deliver takes the only one, or the one that is named', async () => {
    const { url, close } = await startBroker();
    running.push({ close });
    const board = await provisioned(REJECT, '--broker', url, '--device', 'one');
    const listed = await place.must('devices', '--broker', url, '--json');
    expect(listed.json().devices).toMatchObject([{ fleet: 'demo', name: 'one', online: true, device: '0a0b' }]);
    expect((await place.run('deliver', 'r1.suit', '--broker', url)).code).toBe(20);
    await startBoard('--broker', url, '--device', 'two');
    const several = await place.run('deliver', 'r1.suit', '--broker', url);
    expect([several.code, several.stderr]).toEqual([4, expect.stringContaining('one, two')]);
    const named = ['--broker', url, '--device', 'one', '--approval', 'r1.cose'];
    expect((await place.must('deliver', 'r1.suit', ...named, '--json')).json()).toMatchObject({ result: 'installed' });
    await board.close();
    const gone = await place.must('devices', '--broker', url, '--json');
    expect(gone.json().devices[0]).toMatchObject({ name: 'one', online: false });
  });

  it('--device alone starts a broker, and waits for the device to come', async () => {
    const delivering = place.start('deliver', 'r1.suit', '--device', 'late', '--json');
    await delivering.said('waiting for demo/late');
    await startBoard('--broker', 'mqtt://127.0.0.1:1883', '--device', 'late');
    const ended = await delivering.ended;
    expect([ended.code, ended.json().reason.name]).toEqual([26, 'NotProvisioned']);
    expect(ended.stderr).toContain('waiting for demo/late');
  });
});

describe('board', () => {
  it('says on one line of JSON where it is reached', async () => {
    const board = await startBoard('--json');
    const line = /\{.*\}/.exec(board.said())?.[0] ?? '';
    expect(JSON.parse(line)).toEqual({
      version: 1,
      board: 'virtual',
      port: board.port,
      flash: expect.stringMatching(/flash\d+$/),
    });
  });
  it('an unknown board names those there are', async () => {
    const { code, stderr } = await place.run('board', 'toaster');
    expect([code, stderr]).toEqual([3, expect.stringContaining('virtual')]);
  });
});

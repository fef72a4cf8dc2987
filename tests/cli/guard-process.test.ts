// A guard and the program that it runs, as processes: the question on a terminal, signals, two at once, and one that is killed.

import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { connectBroker } from '../../host/links/mqtt.js';
import { sleep } from '../../host/wait.js';
import { PROGRAM } from '../support/command.js';
import { type ForeignWorld, makeForeignWorld } from '../support/foreign-world.js';
import { startMosquitto } from '../support/mosquitto.js';
import { have } from '../support/need.js';
import { runOnTerminal } from '../support/terminal.js';

const APPROVED = ['r.suit', '--bootstrap', 'reject.cbor', '--approval', 'r.cose', '--installed', '1'];
const ASKED = ['r.suit', '--bootstrap', 'prompt.cbor', '--installed', '1'];
const KEPT = ['--remember', 'guard.json', '--log', 'log.jsonl'];
const PATIENCE_MS = 60_000;

let world: ForeignWorld;
let at: (name: string) => string;
beforeAll(async () => {
  world = await makeForeignWorld();
  at = world.place.path;
  world.bootstrap('reject.cbor', { unapproved: 'reject' });
  world.bootstrap('prompt.cbor', { unapproved: 'prompt' });
  world.package('r.suit', 5n, new Uint8Array(3000).fill(7));
  world.approval('r.cose', 'r.suit', 2n);
  world.approval('denied.cose', 'r.suit', 3n, 'deny');
  // Says that it runs, and goes on until it is told; TERM and INT are noted.
  const waits = `trap 'echo INT >> got; exit 9' INT\ntrap 'echo TERM >> got; exit 9' TERM\necho run > runs\n`;
  writeFileSync(at('waits.sh'), `${waits}while [ ! -e go ]; do sleep 0.05; done\nexit 0\n`);
  writeFileSync(at('deaf.sh'), `trap '' INT TERM\necho $$ > runs\nwhile :; do sleep 0.05; done\n`);
  writeFileSync(at('reads.sh'), `echo tool asks; read line; echo "tool heard $line"; cp "$1" kept\n`);
});
beforeEach(() => mkdirSync(at('tmp')));
afterEach(() => {
  for (const name of ['guard.json', 'link.json', 'log.jsonl', 'runs', 'go', 'got', 'kept', 'tmp'])
    rmSync(at(name), { recursive: true, force: true });
});
afterAll(() => world.close());

const start = (...words: string[]) => {
  process.env.TMPDIR = at('tmp');
  try {
    return world.place.start('guard', ...KEPT, ...words);
  } finally {
    delete process.env.TMPDIR;
  }
};
const events = () =>
  readFileSync(at('log.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).event);

async function until(what: () => boolean): Promise<void> {
  for (let waited = 0; !what(); waited += 50) {
    if (waited > PATIENCE_MS) throw new Error(`in vain: ${what}`);
    await sleep(50);
  }
}
const running = () => until(() => existsSync(at('runs')) && readFileSync(at('runs'), 'utf8') !== '');

describe('on a terminal', () => {
  const onTerminal = (words: string[], steps: Parameters<typeof runOnTerminal>[1]) =>
    runOnTerminal([PROGRAM, 'guard', ...KEPT, ...words], steps, {
      folder: world.place.folder,
      environment: { HOME: world.place.folder, NO_COLOR: '1', TMPDIR: at('tmp') },
    });

  it('a person is asked first, and then the program has the terminal', async () => {
    const { text, status } = await onTerminal(
      [...ASKED, '--', 'sh', 'reads.sh', '{image}'],
      [
        ['Type yes or no', 'yes\r'],
        ['tool asks', 'all is well\r'],
      ],
    );
    expect(text).toContain('THIS BOARD CANNOT ASK, NOR CHECK FOR ITSELF: install this on it?');
    expect(text.replace(/\r/g, '')).toMatch(/version +1\.5\.0\n/);
    expect(text).toContain('tool heard all is well');
    expect([status, existsSync(at('kept'))]).toEqual([0, true]);
    const [begun] = readFileSync(at('log.jsonl'), 'utf8')
      .split('\n')
      .map((line) => JSON.parse(line || '{}'));
    expect(begun).toMatchObject({ event: 'begun', answer: 'yes', row: 7, operators: [] });
  });

  it.each([
    ['no', 'no\r', 31, 'refused by the person'],
    ['Ctrl-C', '\x03', 130, 'cancelled'],
  ])('%s runs nothing', async (_, typed, exit, said) => {
    const words = [...ASKED, '--', 'sh', 'reads.sh', '{image}'];
    const { text, status } = await onTerminal(words, [['Type yes or no', typed]]);
    expect([status, text]).toEqual([exit, expect.stringContaining(said)]);
    expect(text).not.toContain('tool asks');
    expect(events()).toEqual(['refused']);
  });

  it('Ctrl-C reaches the program once, and what it wanted to do is done', async () => {
    const { status } = await onTerminal(
      [...APPROVED, '--', 'sh', 'waits.sh', '{image}'],
      [['running sh', () => running().then(() => '\x03')]],
    );
    expect([status, readFileSync(at('got'), 'utf8')]).toEqual([130, 'INT\n']);
    expect([events(), readdirSync(at('tmp'))]).toEqual([['begun', 'ended'], []]);
  });

  it.skipIf(!have('mosquitto'))('a denial that comes while the person thinks counts', async () => {
    const { url, close } = await startMosquitto();
    const client = await connectBroker(url);
    try {
      const deny = async () => {
        await client.publishAsync('cs/plant/approvals/op', readFileSync(at('denied.cose')), { qos: 1, retain: true });
        return 'yes\r';
      };
      const words = [...ASKED, '--approvals-from', `${url}/plant`, '--', 'sh', 'reads.sh', '{image}'];
      const { text, status } = await onTerminal(words, [['Type yes or no', deny]]);
      expect([status, text]).toEqual([23, expect.stringContaining('sh was not run')]);
      expect(text).not.toContain('tool asks');
    } finally {
      await client.endAsync();
      await close();
    }
  });
});

describe('a signal', () => {
  const SIGNALS = [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const;
  it.each(SIGNALS)('%s is passed on, and the end of the program is waited for', async (signal, code) => {
    const guard = start(...APPROVED, '--', 'sh', 'waits.sh', '{image}');
    await running();
    expect(readdirSync(at('tmp'))).toHaveLength(1);
    process.kill(guard.pid, signal);
    const ended = await guard.ended;
    expect([ended.code, readFileSync(at('got'), 'utf8')]).toEqual([code, `${signal.slice(3)}\n`]);
    expect([events(), readdirSync(at('tmp'))]).toEqual([['begun', 'ended'], []]);
    expect(existsSync(at('guard.json.0a01.lock'))).toBe(false);
  });

  it('SIGHUP ends the program, which is told', async () => {
    const guard = start(...APPROVED, '--json', '--', 'sh', 'waits.sh', '{image}');
    await running();
    process.kill(guard.pid, 'SIGHUP');
    const ended = await guard.ended;
    expect([ended.code, ended.json().tool.signal, readdirSync(at('tmp'))]).toEqual([129, 'SIGHUP', []]);
  });

  it('that comes twice ends a program that does not listen, and leaves no image behind', async () => {
    const guard = start(...APPROVED, '--', 'sh', 'deaf.sh', '{image}');
    await running();
    process.kill(guard.pid, 'SIGTERM');
    await sleep(200);
    process.kill(guard.pid, 'SIGTERM');
    expect((await guard.ended).code).toBe(143);
    expect([events(), readdirSync(at('tmp'))]).toEqual([['begun'], []]);
    const pid = Number(readFileSync(at('runs'), 'utf8'));
    await until(() => !existsSync(`/proc/${pid}/cwd`));
  });
});

describe('two at once', () => {
  it('do not work on one board; on two boards they do', async () => {
    const first = start(...APPROVED, '--', 'sh', 'waits.sh', '{image}');
    await running();
    const second = await world.place.run('guard', ...KEPT, ...APPROVED, '--json', '--', 'sh', 'reads.sh', '{image}');
    expect([second.code, second.json().error.reason.code]).toEqual([1, 331]);
    expect(second.json().error.message).toContain(String(first.pid));
    writeFileSync(at('go'), '');
    expect((await first.ended).code).toBe(0);
    expect(events()).toEqual(['begun', 'ended']);
  });

  it('do not work on one board either where they know its memory by two names, and there is one memory', async () => {
    writeFileSync(at('guard.json'), '{"operators":{},"boards":{}}');
    symlinkSync('guard.json', at('link.json'));
    const first = start(...APPROVED, '--', 'sh', 'waits.sh', '{image}');
    await running();
    const by = ['--remember', 'link.json', '--log', 'log.jsonl', ...APPROVED, '--json', '--', 'true', '{image}'];
    expect((await world.place.run('guard', ...by)).json().error?.reason.name).toBe('BoardBusy');
    writeFileSync(at('go'), '');
    expect((await first.ended).code).toBe(0);
    writeFileSync(at('guard.json'), '{"operators":{},"boards":{}}');
    expect((await world.place.run('guard', ...by)).code).toBe(0);
    expect(JSON.parse(readFileSync(at('guard.json'), 'utf8')).boards).toEqual({ '0a01': '5' });
    expect(readlinkSync(at('link.json'))).toBe('guard.json');
  });

  it('that begin at the same moment are told apart: one is run at a time', async () => {
    writeFileSync(at('once.sh'), 'mkdir tmp/inside || exit 8\nsleep 0.5\nrmdir tmp/inside\n');
    writeFileSync(at('guard.json.0a01.lock'), '999999999\n'); // of one that was killed
    const ends = await Promise.all(
      Array.from({ length: 4 }, () => start(...APPROVED, '--', 'sh', 'once.sh', '{image}').ended),
    );
    const codes = ends.map(({ code }) => code);
    expect(codes).toContain(0);
    expect(codes.filter((code) => code !== 0 && code !== 1)).toEqual([]);
    expect(readdirSync(world.place.folder).filter((name) => name.includes('.lock'))).toEqual([]);
  });
});

describe('one that is killed', () => {
  it('has begun and not ended, says its log; the next one tells so, and takes over', async () => {
    const guard = start(...APPROVED, '--', 'sh', 'waits.sh', '{image}');
    await running();
    // It says whom it has started a moment after that runs.
    await until(() => readFileSync(at('guard.json.0a01.lock'), 'utf8').split('\n').length > 2);
    process.kill(guard.pid, 'SIGKILL');
    await until(() => !existsSync(`/proc/${guard.pid}/cwd`));
    expect([events(), existsSync(at('guard.json.0a01.lock'))]).toEqual([['begun'], true]);
    // The program goes on alone, and has the board until it ends.
    const early = await world.place.run('guard', ...KEPT, ...APPROVED, '--json', '--', 'sh', 'reads.sh', '{image}');
    expect([early.code, early.json().error?.reason.name, existsSync(at('kept'))]).toEqual([1, 'BoardBusy', false]);
    const [, program] = /process (\d+) works/.exec(early.json().error.message)!;
    writeFileSync(at('go'), '');
    await guard.ended; // and of whoever has its output
    await until(() => !existsSync(`/proc/${program}/cwd`));
    const next = await world.place.run('guard', ...KEPT, ...APPROVED, '--', 'true', '{image}');
    expect([next.code, next.stderr]).toEqual([0, expect.stringContaining('may hold half of r.suit')]);
    const after = await world.place.run('guard', ...KEPT, ...APPROVED, '--', 'true', '{image}');
    expect(after.stderr).not.toContain('may hold half');
    expect(events()).toEqual(['begun', 'begun', 'ended', 'begun', 'ended']);
  });
});

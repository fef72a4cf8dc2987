// A program that writes a board, behind the verdict: what it is given, what it is not, how its end is told, and what is remembered
// and noted of it. Signals and the terminal are in guard-process.test.ts, real flashers in foreign/flashers.test.ts.

import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { schemas } from '../../host/describe/schemas/index.js';
import { hex } from '../../host/formats/bytes.js';
import { connectBroker } from '../../host/links/mqtt.js';
import { runHere } from '../support/command.js';
import { type ForeignWorld, makeForeignWorld } from '../support/foreign-world.js';
import { startMosquitto } from '../support/mosquitto.js';
import { have } from '../support/need.js';

/** No MCUboot image: any bytes may be firmware here. */
const IMAGE = new Uint8Array(3000).map((_, at) => at * 7);
const KNOWN = ['--installed', '1'];
const REJECT = ['r.suit', '--bootstrap', 'reject.cbor', ...KNOWN];
const APPROVED = [...REJECT, '--approval', 'r.cose'];

let world: ForeignWorld;
let at: (name: string) => string;
beforeAll(async () => {
  world = await makeForeignWorld();
  at = world.place.path;
  world.bootstrap('reject.cbor', { unapproved: 'reject' });
  world.bootstrap('prompt.cbor', { unapproved: 'prompt' });
  world.bootstrap('remote.cbor', { unapproved: 'prompt', 'consent-channels': ['remote'] });
  world.package('r.suit', 5n, IMAGE);
  world.approval('r.cose', 'r.suit', 2n);
  world.approval('denied.cose', 'r.suit', 3n, 'deny');
  world.package('older.suit', 4n, IMAGE.slice(1));
  world.approval('older.cose', 'older.suit', 9n);
  // Says what it was given, keeps what it found, ends as it is told.
  writeFileSync(at('tool.sh'), `printf '%s\\n' "$@" > '${at('words')}'\ncp "$2" '${at('kept')}'\nexit "$1"\n`);
});
beforeEach(() => mkdirSync(at('tmp')));
afterEach(() => {
  for (const name of ['guard.json', 'log.jsonl', 'words', 'kept', 'tmp'])
    rmSync(at(name), { recursive: true, force: true });
});
afterAll(() => world.close());

/** In a process of its own, whose temporary files are in tmp/. */
const guard = (...words: string[]) =>
  world.place.runWith({ environment: { TMPDIR: at('tmp') } }, 'guard', '--json', ...KEPT, ...words);
const KEPT = ['--remember', 'guard.json', '--log', 'log.jsonl'];
/** In this one. */
const guardHere = (...words: string[]) =>
  runHere(world.place, 'guard', '--remember', at('guard.json'), '--log', at('log.jsonl'), ...words);
const tool = (exit: number | string, ...more: string[]) => [
  '--',
  'sh',
  at('tool.sh'),
  String(exit),
  '{image}',
  ...more,
];
const ran = () => readdirSync(world.place.folder).includes('words');
const log = () =>
  readFileSync(at('log.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
    .map((line) => {
      expect(schemas['guard-log']!.safeParse(line).error).toBeUndefined();
      return line;
    });
const boards = () => JSON.parse(readFileSync(at('guard.json'), 'utf8')).boards;

describe('a program', () => {
  it('gets exactly the image, in a file and a folder that are for it alone, and leaves none of it behind', async () => {
    const look = 'stat -c %a "$1" "$(dirname "$1")"; basename "$1"; cp "$1" "$0"';
    const { code, json, stdout, stderr } = await guard(...APPROVED, '--', 'sh', '-c', look, at('kept'), '{image}');
    expect([code, json().result]).toEqual([0, 'written']);
    expect(stderr).toContain('600\n700\nimage.bin\n'); // with --json, stdout is not its own
    expect(stdout.split('\n')).toHaveLength(2);
    expect(new Uint8Array(readFileSync(at('kept')))).toEqual(IMAGE);
    expect(readdirSync(at('tmp'))).toEqual([]);
    expect(statSync(at('guard.json')).isFile()).toBe(true);
  });

  it('is not run for what is not approved, denied, an older package, or where a person would be asked', async () => {
    const cases: [string[], number, string][] = [
      [REJECT, 20, 'refused'],
      [[...APPROVED, '--approval', 'denied.cose'], 23, 'refused'],
      [['older.suit', '--bootstrap', 'reject.cbor', '--approval', 'older.cose', '--installed', '6'], 24, 'refused'],
      [['r.suit', '--bootstrap', 'prompt.cbor', '--installed', '1'], 30, 'asked'],
      [['r.suit', '--bootstrap', 'remote.cbor', '--installed', '1'], 30, 'asked'],
    ];
    for (const [words, code, result] of cases) {
      const ended = await guardHere(...words, ...tool(0));
      expect([ended.code, ended.json().result, words]).toEqual([code, result, words]);
    }
    expect(ran()).toBe(false);
    expect(log().map(({ event, reason }) => `${event} ${reason.name}`)).toEqual([
      'refused NotApproved',
      'refused Denied',
      'refused Rollback',
      'refused AwaitingUser',
      'refused AwaitingUser',
    ]);
    expect(boards()).toEqual({});
  });

  it('gets its words as they stand: by no shell, with braces that name nothing, and a path with spaces', async () => {
    mkdirSync(at('tmp/a b'));
    const words = ['$HOME', '{}', '{ image }', 'a;b', '-U', 'flash:w:{image}:r', '--json', '--dry_run', '{1,2}', ''];
    const environment = { TMPDIR: at('tmp/a b') };
    const ended = await world.place.runWith({ environment }, 'guard', ...KEPT, ...APPROVED, ...tool(0, ...words));
    expect([ended.code, ended.stdout]).toEqual([0, expect.stringContaining('written: sh ended with success')]);
    const [, image, ...rest] = readFileSync(at('words'), 'utf8').split('\n');
    expect(image).toMatch(/\/tmp\/a b\/countersign-\w+\/image\.bin$/);
    expect(rest).toEqual([...words.map((word) => word.replace('{image}', image!)), '']);
    expect(new Uint8Array(readFileSync(at('kept')))).toEqual(IMAGE);
  });

  it('is given nothing of ours by the environment, and everything else', async () => {
    const environment = { COUNTERSIGN_PIN: '2718', COUNTERSIGN_BROKER: 'mqtt://u:secret@h', PORT_OF_BOARD: '/dev/x' };
    const words = ['--', 'sh', '-c', 'env', 'sh', '{image}'];
    const { code, stdout } = await world.place.runWith({ environment }, 'guard', ...KEPT, ...APPROVED, ...words);
    expect([code, stdout]).toEqual([0, expect.stringContaining('PORT_OF_BOARD=/dev/x')]);
    expect(stdout).not.toMatch(/COUNTERSIGN|2718|secret/);
  });

  it.each([
    ['with one of its own', 74, 74],
    ['with one that says something of ours: not approved', 20, 1],
    ['with one that says something of ours: nothing to do', 2, 1],
    ['with one', 1, 1],
  ])('passes its exit code on, %s (%i)', async (_, exit, code) => {
    const ended = await guardHere(...APPROVED, ...tool(exit));
    const { result, tool: said, reason } = ended.json();
    expect([ended.code, result, said, reason.code]).toEqual([code, 'failed', { program: 'sh', exit }, 332]);
    expect(boards()).toEqual({});
    expect(log().at(-1)).toMatchObject({ event: 'ended', exit, remembered: false });
  });

  it('that a signal ends has failed, and is not said to be us', async () => {
    for (const [signal, code] of [
      ['SEGV', 139],
      ['TERM', 1],
    ] as const) {
      const ended = await guardHere(...APPROVED, '--', 'sh', '-c', `kill -${signal} $$`, 'sh', '{image}');
      expect([ended.code, ended.json().tool]).toEqual([code, { program: 'sh', signal: `SIG${signal}` }]);
    }
    expect(log().at(-1)).toMatchObject({ event: 'ended', signal: 'SIGTERM', remembered: false });
  });
});

describe('before anything is decided', () => {
  const wrong: [string, string[], number, number][] = [
    ['a program that is not there', ['no-such-flasher', '{image}'], 3, 222],
    ['a path that is no program', ['./r.suit', '{image}'], 3, 222],
    ['a folder', ['/tmp', '{image}'], 3, 222],
    ['an empty name', ['', '{image}'], 3, 222],
    ['no {image}', ['cat', 'image'], 4, 202],
    ['another name in braces', ['cat', '{image}', '{adress}'], 4, 202],
    ['the image as the program', ['{image}', '{image}'], 4, 202],
    ['no program at all', [], 4, 202],
  ];
  it.each(wrong)('%s is an error', async (_, words, code, reason) => {
    const ended = await guardHere(...APPROVED, '--', ...words);
    expect([ended.code, ended.json().error.reason.code]).toEqual([code, reason]);
    expect(readdirSync(world.place.folder)).not.toContain('log.jsonl');
  });

  it('a file that is no package, and no bootstrap file, are errors', async () => {
    writeFileSync(at('app.bin'), IMAGE);
    const ended = await guardHere('app.bin', ...REJECT.slice(1), ...tool(0));
    expect([ended.code, ended.json().error.reason.name]).toEqual([1, 'FileUnsupported']);
    expect((await guardHere('r.suit', ...tool(0))).json().error.message).toContain('--bootstrap');
    expect(ran()).toBe(false);
  });

  it('a program that the system cannot start is noted as ended', async () => {
    writeFileSync(at('junk'), '#!/no/such/interpreter\n');
    chmodSync(at('junk'), 0o755);
    const ended = await guardHere(...APPROVED, '--', at('junk'), '{image}');
    expect([ended.code, ended.json().error.reason.name]).toEqual([3, 'ToolMissing']);
    expect(log().map(({ event }) => event)).toEqual(['begun', 'ended']);
    expect(log().at(-1)).toMatchObject({ remembered: false, reason: { code: 222 } });
  });

  it('a folder for temporary files in which others may replace ours is refused', async () => {
    chmodSync(at('tmp'), 0o777);
    const { code, json } = await guard(...APPROVED, ...tool(0));
    expect([code, json().error.reason.code]).toEqual([1, 333]);
    chmodSync(at('tmp'), 0o1777);
    expect((await guard(...APPROVED, ...tool(0))).code).toBe(0);
    expect(
      (await world.place.runWith({ environment: { TMPDIR: at('none') } }, 'guard', ...KEPT, ...APPROVED, ...tool(0)))
        .code,
    ).toBe(1);
  });

  it('--dry-run says what would be run, and writes nothing', async () => {
    const before = await world.place.listing();
    const ended = await world.place.run('guard', '--dry-run', ...KEPT, ...APPROVED, ...tool(0, 'a b'));
    expect(ended).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^would run: sh \S+tool.sh 0 '\{image\}' 'a b'\n/),
    });
    expect(await world.place.listing()).toEqual(before);
    expect((await guardHere('--dry-run', ...REJECT, ...tool(0))).code).toBe(20);
  });
});

describe('what is kept', () => {
  it('a board has no way back once a program has ended with success, and only then', async () => {
    const older = ['older.suit', '--bootstrap', 'reject.cbor', '--approval', 'older.cose', ...KNOWN];
    expect((await guardHere(...APPROVED, ...tool(7))).code).toBe(7);
    expect((await guardHere(...APPROVED, ...tool(0))).code).toBe(0);
    expect(boards()).toEqual({ '0a01': '5' });
    expect((await guardHere(...older, ...tool(0))).code).toBe(24);
    expect((await guardHere(...APPROVED, ...tool(0))).code).toBe(0); // the same once more: a board that lost it
  });

  it('the log says who approved what, what was run, and how it ended', async () => {
    await guardHere(...APPROVED, ...tool(0, '--password', 'hunter2'));
    const [begun, ended] = log();
    const kid = hex(world.operator.public.kid);
    expect(begun).toMatchObject({
      event: 'begun',
      device: '0a01',
      sequence: '5',
      row: 6,
      verdict: 'install',
      tool: 'sh',
    });
    expect(begun.operators).toEqual([{ kid, document: '2', source: 'tree' }]);
    expect(ended).toMatchObject({ event: 'ended', run: begun.run, exit: 0, remembered: true });
    expect(readFileSync(at('log.jsonl'), 'utf8')).not.toContain('hunter2');
  });

  it('a log that is another file, or cannot be written, stops it before the program is run', async () => {
    writeFileSync(at('log.jsonl'), '-----BEGIN PRIVATE KEY-----\n');
    const other = await guardHere(...APPROVED, ...tool(0));
    expect([other.code, other.json().error.reason.name]).toEqual([1, 'FileMalformed']);
    rmSync(at('log.jsonl'));
    mkdirSync(at('log.jsonl'));
    const folder = await guardHere(...APPROVED, ...tool(0));
    expect([folder.code, folder.json().error.reason.name, ran()]).toEqual([1, 'FileUnwritable', false]);
  });

  it('a memory that is not of its form stops it, too', async () => {
    writeFileSync(at('guard.json'), '');
    const ended = await guardHere(...APPROVED, ...tool(0));
    expect([ended.code, ended.json().error.reason.name, ran()]).toEqual([1, 'FileMalformed', false]);
  });

  it('a line that was torn is left alone, and the next one stands on its own', async () => {
    await guardHere(...APPROVED, ...tool(0));
    writeFileSync(at('log.jsonl'), `${readFileSync(at('log.jsonl'), 'utf8')}{"version":1,"ti`);
    await guardHere(...APPROVED, ...tool(0));
    const lines = readFileSync(at('log.jsonl'), 'utf8').trimEnd().split('\n');
    expect(lines.map((line) => line.endsWith('}'))).toEqual([true, true, false, true, true]);
  });
});

describe.skipIf(!have('mosquitto'))('an approval on a broker', () => {
  it('counts as long as it stands there', async () => {
    const { url, close } = await startMosquitto();
    const client = await connectBroker(url);
    const keep = (name: string) =>
      client.publishAsync('cs/plant/approvals/op', readFileSync(at(name)), { qos: 1, retain: true });
    try {
      await keep('r.cose');
      const words = [...REJECT, '--approvals-from', `${url}/plant`];
      expect((await guardHere(...words, ...tool(0))).code).toBe(0);
      rmSync(at('words'));
      await keep('denied.cose');
      expect([(await guardHere(...words, ...tool(0))).code, ran()]).toEqual([23, false]);
    } finally {
      await client.endAsync();
      await close();
    }
  });
});

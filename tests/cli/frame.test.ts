// The frame of the command: what is an error, what help says, where output goes. Runs the built program.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { flagOf } from '../../host/cli/command.js';
import { commands } from '../../host/cli/commands/index.js';
import { parse } from '../../host/cli/parse.js';
import { rows } from '../../host/formats/wording.js';
import { toJson } from '../../host/json.js';
import { printable } from '../../host/printable.js';
import { exitCodes } from '../../host/reasons.js';
import { packageVersion } from '../../host/root.js';
import { makePlace, type Place } from '../support/command.js';

let place: Place;
beforeAll(async () => {
  place = await makePlace();
});
afterAll(() => place.remove());

const noConfig = () => ({ lookup: () => undefined });
const parsed = (...words: string[]) => parse(commands, words, noConfig);

describe('words that make no sense', () => {
  it.each<[string, string[]]>([
    ['nothing', []],
    ['an unknown command', ['bake']],
    ['an unknown option', ['keygen', 'x', '--tpye', 'p256']],
    ['a missing argument', ['keygen']],
    ['a surplus argument', ['keygen', 'a', 'b']],
    ['an option without its value', ['keygen', 'a', '--type']],
    ['a value that is none of the choices', ['keygen', 'a', '--type', 'rsa']],
    ['a required option that is missing', ['package', 'a.bin', '--vendor', 'x', '--class', 'y', '-s', '1']],
    ['a number that is none', ['package', 'a.bin', '-k', 'k', '--vendor', 'x', '--class', 'y', '-s', '1e3']],
    [
      'a number over 64 bits',
      ['package', 'a.bin', '-k', 'k', '--vendor', 'x', '--class', 'y', '-s', '18446744073709551616'],
    ],
    ['a negative number', ['package', 'a.bin', '-k', 'k', '--vendor', 'x', '--class', 'y', '-s', '-1']],
    ['a moment that is none', ['approve', 'a.suit', '-k', 'k', '--expires', 'soon']],
    ['a range upside down', ['approve', '-k', 'k', '--class', 'x', '--vendor', 'y', '--range', '9..5']],
    ['a range of three', ['approve', '-k', 'k', '--class', 'x', '--vendor', 'y', '--range', '1..5..9']],
    ['a device id that is not hex', ['approve', 'a.suit', '-k', 'k', '--device', 'xyz']],
  ])('%s ends with 4, explained on stderr', async (_, words) => {
    const { code, stdout, stderr } = await place.run(...words);
    expect(code).toBe(4);
    expect(stdout).toBe('');
    expect(stderr.length).toBeGreaterThan(20);
  });

  it('under --json the error is a document on stdout', async () => {
    const ended = await place.run('keygen', 'x', '--tpye', 'p256', '--json');
    expect(ended.code).toBe(4);
    expect(ended.json()).toEqual({
      version: 1,
      error: {
        reason: { code: 202, name: 'BadArgument', text: expect.any(String) },
        message: expect.stringContaining('--tpye'),
        hint: expect.stringContaining('--type'),
        exit: 4,
      },
    });
  });
});

const COLUMNS = 80; // of a terminal that nobody knows

describe('help', () => {
  it('is on stdout, lists every command under a heading of what it is for, and says where the exit codes are', async () => {
    const { code, stdout, stderr } = await place.run('--help');
    expect([code, stderr]).toEqual([0, '']);
    const [, ...paragraphs] = stdout.split('\n\n');
    for (const { name, group } of commands) {
      const own = paragraphs.filter((text) => new RegExp(`^ {2}${name}\\b`, 'm').test(text));
      expect(own, name).toEqual([expect.stringMatching(new RegExp(`^${group}:\n`))]);
    }
    expect(stdout).toContain('countersign help exit-codes');
  });

  it.each(['exit-codes', 'exit_codes'])('%s: all of them, in one place', async (topic) => {
    const { code, stdout, stderr } = await place.run('help', topic);
    expect([code, stderr]).toEqual([0, '']);
    for (const [exit, text] of exitCodes) expect(stdout).toContain(`${exit}`.padEnd(4) + text);
  });

  it.each(commands.map((one) => [one.name, one] as const))('of %s lists all its options', async (name, one) => {
    const { code, stdout } = await place.run(name, '--help');
    expect(code).toBe(0);
    for (const key of Object.keys(one.options)) expect(stdout).toContain(flagOf(key));
    for (const argument of Object.keys(one.arguments)) expect(stdout).toContain(argument);
    expect(stdout.includes('--dry-run')).toBe(one.writes === true);
    expect(stdout).toContain('Exit codes: countersign help exit-codes');
    const [, , details = ''] = one.details ? stdout.split('\n\n') : []; // a paragraph, each line as full as it can be
    const rows = details.split('\n');
    for (const [at, row] of rows.slice(1).entries()) {
      expect(`${rows[at]} ${row.split(' ')[0]}`.length).toBeGreaterThan(COLUMNS);
    }
  });

  const examples = commands.flatMap((one) => one.examples.map((line) => [line, one.name] as const));
  it.each(examples)('example is understood: %s', (line, name) => {
    const own = line.split(' | ').at(-1)!;
    const words = own.match(/"[^"]*"|\S+/g)!.map((word) => word.replace(/"/g, ''));
    expect(words[0]).toBe('countersign');
    expect(parsed(...words.slice(1)), name).toMatchObject({ kind: 'run' });
  });

  it('every command has an example and a summary of one line', () => {
    for (const one of commands) {
      expect(one.examples.join('\n')).toContain(`countersign ${one.name} `);
      expect(one.summary, one.name).toMatch(/^[a-z][^\n]*[^.\n]$/);
    }
  });

  it('--version prints the version', async () => {
    expect((await place.run('--version')).stdout).toBe(`${packageVersion}\n`);
  });
});

describe('kindness', () => {
  it.each([
    ['an alias', ['dumpinfo', 'x'], 'inspect', {}],
    [
      'underscores in a flag',
      ['package', 'a', '-k', 'k', '--vendor', 'x', '--class', 'y', '-s', '1', '--ask_authorization'],
      'package',
      { askAuthorization: true },
    ],
    [
      'underscores and a value',
      ['approve', 'a', '-k', 'k', '--not_before=2027-01-01'],
      'approve',
      { notBefore: 1798761600 },
    ],
  ])('%s', (_, words, name, options) => {
    expect(parsed(...words)).toMatchObject({ kind: 'run', command: { name }, options });
  });

  it('common options are taken before and after the command', () => {
    const common = (...words: string[]) => (parsed(...words) as { common: object }).common;
    expect(common('--json', '-v', 'keygen', 'x', '-v', '--no-input')).toEqual({
      json: true,
      level: 2,
      input: false,
      dryRun: false,
    });
    expect(common('keygen', 'x', '--dry-run', '-q')).toEqual({ json: false, level: -1, input: true, dryRun: true });
    expect(common('keygen', 'x', '--dry_run')).toMatchObject({ dryRun: true });
  });

  it('moments may be dates, seconds or spans', () => {
    const moment = (text: string) =>
      (parsed('approve', 'a', '-k', 'k', '--expires', text) as unknown as { options: { expires: number } }).options
        .expires;
    const now = Math.floor(Date.now() / 1000);
    expect(moment('2027-01-31')).toBe(1801353600);
    expect(moment('2027-01-31T12:00:00Z')).toBe(1801396800);
    expect(() => moment('2027-01-31T12:00:00')).toThrow(/offset/);
    expect(moment('2027-01-31T12:00:00+02:00')).toBe(1801389600);
    expect(moment('1800000000')).toBe(1800000000);
    expect(Math.abs(moment('30d') - now - 30 * 86400)).toBeLessThan(5);
    expect(Math.abs(moment('+2h') - now - 7200)).toBeLessThan(5);
  });
});

describe('output', () => {
  it('as JSON keeps every digit and every byte', () => {
    const value = {
      big: 2n ** 64n - 1n,
      small: 5n,
      bytes: Uint8Array.of(0, 255),
      at: new Date(0),
      none: undefined,
      list: [1n],
    };
    expect(toJson(value)).toBe(
      '{"big":"18446744073709551615","small":"5","bytes":"00ff","at":"1970-01-01T00:00:00.000Z","list":["1"]}',
    );
  });

  it('text from a file cannot move the cursor', () => {
    expect(printable('a\u001b[2Jb\r\n\u202ec')).toBe('a\\x1b[2Jb\\x0d\\x0a\\x202ec');
    expect(rows([['name', '\u001b[A'], ['none', undefined]])).toEqual(['  name          \\x1b[A']); // biome-ignore format: two rows
  });

  it('says nothing but results and errors with -q, and no colours in a pipe', async () => {
    const { stderr, stdout } = await place.run('keygen', 'quiet', '-q');
    expect(stderr).toBe('');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: looking for escape sequences
    expect(stdout).not.toMatch(/\u001b/);
  });
});

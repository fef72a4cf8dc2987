// Settings: flag, environment, project file, user file, default, in this order.

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { command } from '../../host/cli/command.js';
import { parse } from '../../host/cli/parse.js';
import { loadConfig } from '../../host/config.js';
import { makePlace, type Place } from '../support/command.js';

let root = '';
let deep = '';
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'countersign-config-'));
  deep = join(root, 'project', 'deep', 'folder');
  await mkdir(deep, { recursive: true });
  await mkdir(join(root, 'home', '.config', 'countersign'), { recursive: true });
  await writeFile(
    join(root, 'home', '.config', 'countersign', 'config.yaml'),
    'fleet: user\nbaud: 9600\nkey: user.pem\n',
  );
  await writeFile(join(root, 'project', 'countersign.yaml'), 'fleet: project\nkey: keys/vendor.pem\ntags: [a, b]\n');
});
afterAll(() => rm(root, { recursive: true }));

const KNOWN = new Set(['fleet', 'baud', 'key', 'tags', 'loud']);
const config = (environment: Record<string, string> = {}, folder = deep) =>
  loadConfig({ folder, environment: { HOME: join(root, 'home'), ...environment } }, KNOWN);

const probe = command({
  name: 'probe',
  summary: 'try',
  arguments: {},
  options: {
    fleet: { value: 'name', text: 'x', schema: z.string().default('none'), config: 'fleet' },
    baud: { value: 'rate', text: 'x', schema: z.coerce.number().int().default(115200), config: 'baud' },
    key: { value: 'file', text: 'x', schema: z.string().optional(), config: 'key', path: true },
    tags: { value: 'tag', text: 'x', schema: z.array(z.string()).default([]), config: 'tags', repeat: true },
    loud: { text: 'x', schema: z.boolean().default(false), config: 'loud' },
    secret: { value: 'x', text: 'x', schema: z.string().optional() },
  },
  examples: [],
  run: async () => ({ data: {}, lines: [] }),
});

const options = (words: string[], environment: Record<string, string> = {}, folder = deep) => {
  const made = parse([probe], ['probe', ...words], () => config(environment, folder));
  if (made.kind !== 'run') throw new Error('not a run');
  return made.options;
};

describe('settings', () => {
  it.each<[string, string[], Record<string, string>, string, string]>([
    ['flag', ['--fleet', 'flag'], { COUNTERSIGN_FLEET: 'environment' }, 'deep', 'flag'],
    ['environment', [], { COUNTERSIGN_FLEET: 'environment' }, 'deep', 'environment'],
    ['project file, from a folder below', [], {}, 'deep', 'project'],
    ['user file', [], {}, 'outside', 'user'],
    ['default', [], { HOME: '/nowhere' }, 'outside', 'none'],
  ])('come from: %s', (_, words, environment, where, expected) => {
    expect(options(words, environment, where === 'deep' ? deep : root).fleet).toBe(expected);
  });

  it('fall through one by one', () => expect(options([]).baud).toBe(9600));

  it('that are paths are relative to their file', () => {
    expect(options([]).key).toBe(join(root, 'project', 'keys', 'vendor.pem'));
    expect(options(['--key', 'here.pem']).key).toBe('here.pem');
  });

  it('may be lists and switches', () => {
    expect(options([]).tags).toEqual(['a', 'b']);
    expect(options(['--tags', 'x', '--tags', 'y']).tags).toEqual(['x', 'y']);
    expect(options([], { COUNTERSIGN_LOUD: '1' }).loud).toBe(true);
    expect(options([], { COUNTERSIGN_LOUD: '0' }).loud).toBe(false);
  });

  it('an option that is not a setting has no variable', () => {
    expect(options([], { COUNTERSIGN_SECRET: 'x' }).secret).toBeUndefined();
  });

  it('wrong values say where they came from', () => {
    expect(() => options([], { COUNTERSIGN_BAUD: 'fast' })).toThrow(/--baud \(from COUNTERSIGN_BAUD\)/);
  });

  it.each([
    ['an unknown name', 'flet: x', /sets "flet", which nothing uses/],
    ['no map', '- x', /countersign.yaml: the document: is not a map of names to values/],
    ['a nested map', 'fleet: {a: 1}', /countersign.yaml: fleet: is neither a value nor a list of values/],
    ['no YAML', 'fleet: a\n  port: [', /countersign.yaml is not YAML at line 2, column 3: it is indented under/],
  ])('a file with %s is an error', async (_, text, message) => {
    const folder = await mkdtemp(join(root, 'bad-'));
    await writeFile(join(folder, 'countersign.yaml'), text);
    expect(() => config({}, folder).lookup('fleet')).toThrow(message);
    expect(() => config({}, folder)).toThrow(expect.objectContaining({ code: 218 }));
  });

  it('an empty file sets nothing', async () => {
    const folder = await mkdtemp(join(root, 'empty-'));
    await writeFile(join(folder, 'countersign.yaml'), '');
    expect(config({ HOME: '/nowhere' }, folder).lookup('fleet')).toBeUndefined();
  });
});

describe('config show', () => {
  let place: Place;
  beforeAll(async () => {
    place = await makePlace();
    await mkdir(place.path('project/deep'), { recursive: true });
    await mkdir(place.path('.config/countersign'), { recursive: true });
    await writeFile(
      place.path('project/countersign.yaml'),
      'broker: mqtt://project\nvendor-key: keys/vendor.pem\nbaud: 5\n',
    );
    await writeFile(place.path('.config/countersign/config.yaml'), 'broker: mqtt://user\ndevice: users\n');
  });
  afterAll(() => place.remove());

  it('--origin: each value as a command gets it, and where it is from', async () => {
    const where = { folder: place.path('project/deep'), environment: { COUNTERSIGN_FLEET: 'env' } };
    const { code, stdout } = await place.runWith(where, 'config', 'show', '--origin');
    expect(code).toBe(0);
    const file = place.path('project/countersign.yaml');
    for (const line of [
      `broker mqtt://project (project: ${file})`,
      `vendor-key ${place.path('project/keys/vendor.pem')} (project: ${file})`,
      `baud 5 (project: ${file}) WRONG: is not from 50 to 4000000`,
      `device users (user: ${place.path('.config/countersign/config.yaml')})`,
      'fleet env (environment: COUNTERSIGN_FLEET)',
      'retries 3 (default)',
      'operator-key not set',
    ]) {
      expect(stdout.split('\n').map((one) => one.replace(/ +/g, ' '))).toContain(line);
    }
    const plain = await place.runWith(where, 'config', 'show', 'broker');
    expect(plain.stdout).toBe('broker  mqtt://project\n');
  });

  it('--json, and a setting that there is not', async () => {
    const one = (await place.must('config', 'show', 'device', '--json')).json();
    expect(one).toMatchObject({
      settings: [{ name: 'device', origin: 'user', value: 'users', variable: 'COUNTERSIGN_DEVICE' }],
    });
    expect(one.settings[0].commands).toContain('deliver');
    expect((await place.run('config', 'show', 'brokr')).code).toBe(3);
    expect((await place.run('config', 'set', 'broker')).code).toBe(4);
  });
});

// The manners of the tree, as a test: imports run downwards, rooms stay closed, nothing names this or that machine.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PLANTS } from './powercut/plants.js';

const files = execFileSync('git', ['ls-files'], { encoding: 'utf8' }).trim().split('\n');
const sources = (folder: string) => files.filter((file) => file.startsWith(`${folder}/`) && file.endsWith('.ts'));
const text = (file: string) => readFileSync(file, 'utf8');

const STATIC = /^(?:import|export)\s[^;]*?from '(\.[^']*)'/gms;
const BARE = /^import '(\.[^']*)'/gm; // for what it does
const LATER = /\bimport\(\s*'(\.[^']*)'\s*\)/g; // await import(…), and types
const TYPES = /^(?:import|export) type\s[^;]*?;/gms;

function imports(file: string, { types = true } = {}): string[] {
  const source = types ? text(file) : text(file).replace(TYPES, '');
  const specifiers = [STATIC, BARE, LATER].flatMap((pattern) =>
    [...source.matchAll(pattern)].map((match) => match[1]!),
  );
  return specifiers.map((to) => `${normalize(join(dirname(file), to)).replace(/\.(ts|js)$/, '')}.ts`);
}

// Lower rooms first: a file may import from its own room and from rooms above it in this list.
const ASSEMBLY_ROOMS = [
  ['assembly/reason.ts', 'assembly/profile.ts', 'assembly/scratch.ts', 'assembly/hal.ts'],
  ['assembly/crypto/'],
  ['assembly/codec/'],
  ['assembly/package/'],
  ['assembly/approval/'],
  ['assembly/policy/'],
  ['assembly/flash/'],
  ['assembly/update/'],
  ['assembly/tree/'],
  ['assembly/smp/'],
  ['assembly/agent.ts', 'assembly/core.ts', 'assembly/core-image.ts'],
];
const HOST_ROOMS = [
  [
    'host/errors.ts',
    'host/reasons.ts',
    'host/secret-url.ts',
    'host/printable.ts',
    'host/root.ts',
    'host/setting-name.ts',
    'host/progress.ts',
    'host/wait.ts',
    'host/process.ts',
    'host/native.ts',
    'host/webassembly.d.ts',
  ],
  [
    'host/formats/',
    'host/core-exports.ts',
    'host/core-components.ts',
    'host/core-name.ts',
    'host/core.ts',
    'host/wasm.ts',
    'host/file-work.ts',
    'host/open-file.ts',
    'host/files.ts',
    'host/json.ts',
    'host/keys/',
    'host/boards.ts',
    'host/config.ts',
  ],
  ['host/smp/'],
  ['host/links/', 'host/card/', 'host/pkcs11/'],
  ['host/ceremony.ts', 'host/named-key.ts'],
  ['host/vendor/', 'host/operator/'],
  ['host/named-files.ts'],
  ['host/device.ts', 'host/device/'],
  ['host/radio/'],
  ['host/describe/'],
  ['host/console/'],
  ['host/library.ts'],
  ['host/local/'],
  ['host/fleet/'],
  ['host/index.ts', 'host/browser.ts'],
  ['boards/'],
  ['host/cli/', 'host/story/'],
];

const room = (rooms: string[][], file: string) =>
  rooms.findIndex((names) => names.some((name) => file.startsWith(name)));

function upwardImports(folder: string, rooms: string[][]): string[] {
  return sources(folder).flatMap((file) => {
    if (room(rooms, file) < 0) return [`${file} is in no room`];
    return imports(file)
      .filter((to) => room(rooms, to) < 0 || room(rooms, to) > room(rooms, file))
      .map((to) => `${file} imports ${to}`);
  });
}

describe('imports run downwards', () => {
  it('in assembly/', () => expect(upwardImports('assembly', ASSEMBLY_ROOMS)).toEqual([]));
  it('in host/ and boards/', () =>
    expect([...upwardImports('host', HOST_ROOMS), ...upwardImports('boards', HOST_ROOMS)]).toEqual([]));
  it('and the story does all by the library', () => {
    const beyond = sources('host/story').flatMap((file) => imports(file).filter((to) => !to.startsWith('host/story/')));
    expect([...new Set(beyond)]).toEqual(['host/index.ts']);
  });
  it('and only flash/ and the agent touch the HAL', () => {
    const others = sources('assembly').filter(
      (file) => !file.startsWith('assembly/flash/') && file !== 'assembly/agent.ts',
    );
    expect(others.filter((file) => imports(file).includes('assembly/hal.ts'))).toEqual([]);
  });
});

// What a browser runs: whatever these import, however far down, names nothing of Node.
const FOR_BROWSERS = [
  'host/formats/',
  'host/json.ts',
  'host/core.ts',
  'host/vendor/',
  'host/operator/',
  'host/smp/',
  'host/device/',
  'host/describe/',
  'host/console/',
  'host/ceremony.ts',
  'host/browser.ts',
];
describe('rooms for browsers', () => {
  const code = (file: string) => text(file).replace(/\/\/.*$/gm, '');
  const ofNode = (file: string) =>
    /'node:|\bBuffer\b|\bprocess\.|\bNodeJS\.|\brequire\(|\bsetImmediate\b/.test(code(file));

  it('name nothing of Node, nor does what they import', () => {
    const found = new Set(sources('host').filter((file) => FOR_BROWSERS.some((name) => file.startsWith(name))));
    for (const file of found) for (const to of imports(file, { types: false })) found.add(to);
    expect([...found].filter(ofNode)).toEqual([]);
  });
});

describe('the core and the agent do without a heap', () => {
  const code = (file: string) =>
    text(file)
      .replace(/\/\/.*$/gm, '')
      .replace(/'[^']*'/g, "''");
  it.each([
    ['new', /\bnew\s/],
    ['throw', /\bthrow\b/],
    ['arrays', /\b(StaticArray|Array|Uint8Array|ArrayBuffer|Map|Set)</],
    ['heap', /\b(heap\.|__new|memory\.grow)/],
  ])('no %s', (_, pattern) => {
    expect(sources('assembly').filter((file) => pattern.test(code(file)))).toEqual([]);
  });
});

describe('assembly/ has one dialect', () => {
  const code = (file: string) => text(file).replace(/\/\/.*$/gm, '');
  it.each([
    ['=== and !==, never == and !=', /[^=!<>]==[^=]|!=[^=]/],
    ['// comments, no blocks', /\/\*/],
    ['a fault is a Reason, not a number', /\b(fault|reason): i32\b/],
  ])('%s', (_, pattern) => {
    expect(sources('assembly').filter((file) => pattern.test(code(file)))).toEqual([]);
  });
});

describe('every file', () => {
  const ours = files.filter((file) => /\.(ts|mjs|c|h)$/.test(file));
  it('opens with its promise', () => {
    expect(ours.filter((file) => !/^(#!.*\n)?(\/\/|\/\*)/.test(text(file)) && !file.endsWith('.config.ts'))).toEqual(
      [],
    );
  });
  it('has one idea: at most 400 lines', () => {
    expect(ours.filter((file) => text(file).split('\n').length > 400)).toEqual([]);
  });
  it('names no machine, no registry and nothing unfinished', () => {
    const own = 'tests/tidy.test.ts';
    const prose = files.filter(
      (file) => file !== own && !file.startsWith('tests/vectors/') && !/\.(hex|bin|wasm)$/.test(file),
    );
    const bad = /\/(work|root|home)\/[a-z]|registry\.npmjs|"resolved":|\b(TODO|FIXME|XXX)\b/;
    expect(prose.filter((file) => bad.test(text(file)))).toEqual([]);
  });
});

describe('a planted bug of the power-cut loop', () => {
  it.each(PLANTS)('$name: has its place in assembly/$file', ({ file, right }) => {
    expect(text(`assembly/${file}`).split(right)).toHaveLength(2);
  });
});

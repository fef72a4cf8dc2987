// What the command loads before it does anything: the built command, asked by V8 which scripts it ran. Its time is a row of
// `npm run bench`; the files and bytes are the same on every machine.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commands } from '../../host/cli/commands/index.js';
import { parse } from '../../host/cli/parse.js';
import { PROGRAM } from '../support/command.js';

interface Coverage {
  result: { url: string }[];
}

/** A module in a part of the bundle stands behind its path. */
const MODULE = /^\/\/ (?:dist\/host\/|node_modules\/)(\S+)$/gm;

/** The files that the command loaded, by name without its hash, and their bytes together; and the modules in them. */
function loadedBy(words: string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-start-'));
  try {
    const env = { ...process.env, NODE_V8_COVERAGE: folder };
    const { stdout } = spawnSync(process.execPath, [PROGRAM, ...words], { env, cwd: folder, encoding: 'utf8' });
    const reports = readdirSync(folder).map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as Coverage);
    const urls = reports.flatMap(({ result }) => result.map(({ url }) => url)).filter((url) => url.startsWith('file:'));
    const bytes = urls.reduce((sum, url) => sum + statSync(new URL(url)).size, 0);
    const names = urls.map((url) => basename(url).replace(/-[\w-]{8}\.js$|\.js$/, '')).sort();
    const modules = urls.flatMap((url) =>
      Array.from(readFileSync(new URL(url), 'utf8').matchAll(MODULE), ([, id]) => id!),
    );
    return { stdout, bytes, names, modules };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const START = ['countersign', 'rolldown-runtime', 'start'];

describe('the built command', () => {
  it('lists its commands without loading one', () => {
    const { names, bytes, stdout, modules } = loadedBy(['--help']);
    expect(names).toEqual(START);
    expect(bytes).toBeLessThan(180_000);
    expect(modules).toContain('cli/parse.js');
    expect(modules.filter((id) => /^(zod|yaml)\//.test(id))).toEqual([]);
    const source = parse(commands, ['--help'], () => ({ lookup: () => undefined }));
    expect(source).toMatchObject({ text: stdout });
  });

  it('loads for a check what judges, and nothing that reaches a device, a broker, a card or a key', () => {
    const { names, bytes, modules } = loadedBy(['check', 'none.suit', '--bootstrap', 'none.yaml']);
    expect(names).toEqual(['check', 'config', ...START, 'judging'].sort());
    expect(bytes).toBeLessThan(690_000);
    expect(modules).toEqual(expect.arrayContaining(['core.js', 'describe/verdict.js', 'local/foresee.js']));
    const others =
      /^(smp\/(?!defaults)|card\/|pkcs11\/(?!uri)|keys\/|fleet\/|links\/(papers|stream|mqtt\.)|mqtt\/|formats\/key-forms)/;
    expect(modules.filter((id) => others.test(id))).toEqual([]);
  });

  it('loads for a device on a socket neither a library for serial ports nor one for brokers', () => {
    const { names, bytes, modules } = loadedBy(['deliver', 'none.suit', '--port', 'tcp://127.0.0.1:1']);
    expect(modules).toEqual(expect.arrayContaining(['links/tcp.js', 'links/mqtt.js', 'links/serial.js']));
    expect(modules.filter((id) => /^(mqtt|mqtt-packet|aedes)\//.test(id))).toEqual([]);
    expect(names.filter((one) => one.startsWith('serialport'))).toEqual([]);
    expect(bytes).toBeLessThan(1_100_000);
  });

  it.each([
    ['inspect', ['inspect', 'none.suit']],
    ['keygen', ['keygen', 'none/none']],
  ])('loads for %s what that needs', (name, words) => {
    const { names, bytes } = loadedBy(words);
    expect(names).toContain(name);
    expect(names.length).toBeLessThanOrEqual(24);
    expect(bytes).toBeLessThan(900_000);
    expect(names.filter((one) => ['mqtt', 'connect', 'token', 'deliver', 'tree'].includes(one))).toEqual([]);
  });
});

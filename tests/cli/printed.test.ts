// What people copy: every `countersign …` line of README.md, of docs/, of the pages that export-c writes, and of the hints of
// errors.
//
// Each is parsed by the program's own parser, so that no flag is named that does not exist. Those that need neither a device
// nor a broker nor a token are run, in their order, in a folder with an image and a device.yaml in it: they may refuse a
// package (that is what some show), but never for want of a file, an argument or a command. The tutorial is run as a whole
// elsewhere (tests/port/tutorial.test.ts).

import { spawnSync } from 'node:child_process';
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { flagOf } from '../../host/cli/command.js';
import { commands } from '../../host/cli/commands/index.js';
import { parse } from '../../host/cli/parse.js';
import { reasons } from '../../host/reasons.js';
import { makePlace, type Place } from '../support/command.js';

const ROOT = new URL('../../', import.meta.url);
const page = (name: string) => readFileSync(new URL(name, ROOT), 'utf8');
const DOCS = readdirSync(new URL('docs/', ROOT)).filter((name) => name.endsWith('.md'));
/** Pages whose examples are about one folder: each line leaves what the next one needs. */
const RUN = ['README.md', 'docs/operator.md', 'docs/port.md', 'build/c/m0/README.md', 'build/c/m4/README.md'];
const PAGES = [...new Set([...RUN, ...DOCS.map((name) => `docs/${name}`)])];

/** Lines of code blocks, fenced or indented by four, and what stands in them one after the other. */
function linesOf(text: string): string[] {
  let fenced = false;
  const code = text.split('\n').flatMap((line) => {
    if (line.startsWith('```')) fenced = !fenced;
    return fenced ? [line] : (/^ {4}(\S.*)$/.exec(line)?.slice(1) ?? []);
  });
  return code
    .flatMap((line) => line.split(' && '))
    .map((line) =>
      line
        .replace(/\s+#.*$/, '')
        .replace(/\s*&$/, '')
        .replace(/^\$ /, '')
        .trim(),
    )
    .filter((line) => line.startsWith('countersign '));
}

/** As a shell would split it: words, with quotes of both kinds. */
const wordsOf = (line: string): string[] =>
  Array.from(line.matchAll(/(?:[^\s'"]|'[^']*'|"[^"]*")+/g), ([word]) => word.replace(/['"]/g, '')).slice(1);

/** Settings that `countersign init` writes (init.test.ts): lines behind it on a page go by them. */
const WRITTEN = {
  ...{ vendor: 'example.com', class: 'sensor', bootstrap: 'device.yaml' },
  ...{ 'vendor-key': 'vendor.pem', 'vendor-public-key': 'vendor.pub.pem', 'operator-key': 'operator.pem' },
};
const settings = new Map(Object.entries(WRITTEN));
const lookup = (name: string) => ({ value: settings.get(name)!, place: 'project', origin: '', folder: '.' }) as const;

const lines = PAGES.flatMap((name) => {
  const found = linesOf(page(name));
  const init = found.findIndex((line) => line.startsWith('countersign init'));
  return found.map((line, at) => [name, line, init >= 0 && at > init] as const);
});

describe('every line that is printed', () => {
  it('is found', () => {
    expect(lines.length).toBeGreaterThan(30);
    for (const name of RUN) expect(lines.some(([of]) => of === name)).toBe(true);
    expect(lines.map(([, line]) => line)).toContain('countersign board virtual');
  });

  it.each(lines)('%s: %s', (_, line, initialized) => {
    const config = { lookup: (name: string) => (initialized && settings.has(name) ? lookup(name) : undefined) };
    const made = parse(commands, wordsOf(line), () => config);
    expect(made.kind).toBe('run');
  });

  // Spans in running text need not be whole: the command and the flags in them exist.
  const spans = [...PAGES.map(page), ...Object.values(reasons).map(({ hint }) => hint)].flatMap((text) =>
    Array.from(text.matchAll(/`(countersign [a-z][^`\n]+)`/g), ([, span]) => span!),
  );
  it.each([...new Set(spans)])('in running text: %s', (span) => {
    const [name, ...words] = wordsOf(span);
    if (name === 'help') {
      const asked = wordsOf(span.replace('COMMAND', 'check'));
      return expect(parse(commands, asked, () => ({}) as never)).toMatchObject({ kind: 'text', asked: true });
    }
    const found = commands.find((one) => one.name === name || one.aliases?.includes(name!));
    expect(found?.name).toBeDefined();
    const flags = [...Object.keys(found!.options).map(flagOf), '--dry-run', '--json', '--help', '--no-input'];
    const ours = words.includes('--') ? words.slice(0, words.indexOf('--')) : words; // behind it another program's
    for (const word of ours.filter((one) => one.startsWith('--'))) expect(flags).toContain(word.split('=')[0]);
  });
});

describe('those that this machine can do by itself', () => {
  let place: Place;
  beforeAll(async () => {
    place = await makePlace();
    const app = fileURLToPath(new URL('boards/microbit/app/', ROOT));
    const [hex] = spawnSync('ls', [app], { encoding: 'utf8' })
      .stdout.split('\n')
      .filter((name) => name.endsWith('.hex'));
    copyFileSync(`${app}${hex}`, place.path('app.hex'));
    const image = new Uint8Array(new Uint32Array([0x20004000, 0x101, 0, 0, 1, 2, 3, 4]).buffer);
    writeFileSync(place.path('firmware.bin'), image);
    const yaml = /```yaml\n(device: [\s\S]*?)```/.exec(page('README.md'))![1]!;
    writeFileSync(place.path('device.yaml'), yaml);
    const rotation = /```yaml\n(anchors:[\s\S]*?)```/.exec(page('docs/operator.md'))![1]!;
    writeFileSync(place.path('rotate.yaml'), rotation);
    await place.given('keygen', 'second');
  });
  afterAll(() => place.remove());

  const LOCAL = [
    'keygen',
    'package',
    'approve',
    'revoke',
    'check',
    'lint',
    'change',
    'bootstrap',
    'inspect',
    'export-c',
  ];
  const ELSEWHERE = /pkcs11:|:\/\/|zephyr|consenter/;
  const FAULTS = [1, 3, 4];

  it('run in their order', { timeout: 300_000 }, async () => {
    const wanted = lines
      .filter(([name]) => RUN.includes(name))
      .map(([, line]) => line)
      .filter((line) => LOCAL.includes(wordsOf(line)[0]!) && !ELSEWHERE.test(line));
    expect(wanted.length).toBeGreaterThan(12);
    const done = new Set<string>();
    for (const line of wanted) {
      if (done.has(line)) continue;
      done.add(line);
      const names = wordsOf(line).map((word) => (word === 'demo*.cose' ? 'demo.cose' : word));
      const { code, stderr } = await place.run(...names);
      expect([line, FAULTS.includes(code ?? 1) ? stderr : '']).toEqual([line, '']);
    }
    expect(new Uint8Array(readFileSync(place.path('bootstrap.cbor')))[0]! >> 5).toBe(5);
  });
});

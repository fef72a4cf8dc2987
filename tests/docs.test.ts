// The pages in docs/ are true as far as the code can say: what it makes is what it makes now, what it knows by name is there,
// links lead somewhere, command lines parse, and what is marked `run` runs. `npm run docs` writes the parts that the code makes.

import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { flagOf } from '../host/cli/command.js';
import { commands } from '../host/cli/commands/index.js';
import { ownWords, parse } from '../host/cli/parse.js';
import { CountersignError } from '../host/errors.js';
import { documentParts, exchangePart, keysPart, makeDocuments } from './docs/documents.js';
import { anchorsOf, fill, linksOf, partsOf, splitCode, titleOf } from './docs/markdown.js';
import { exitsPart, fumoPart, reasonsPart } from './docs/reasons.js';
import { schemasPart } from './docs/schemas.js';
import { countersignsIn } from './docs/shell.js';
import { makePlace } from './support/command.js';

const page = (name: string) => readFileSync(`docs/${name}`, 'utf8');
const PAGES = readdirSync('docs').filter((name) => name.endsWith('.md'));
/** Those that are not committed yet, too. */
const MARKDOWN = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*.md'], { encoding: 'utf8' })
  .trim()
  .split('\n')
  .filter((file) => existsSync(file) && !file.endsWith('.in.md')); // templates have gaps

const REFERENCE = ['bootstrap-and-policy', 'encodings', 'formats', 'json', 'protocol', 'reasons'];
/** In this order; others follow. */
const GUIDES = [
  'tutorial',
  'operator',
  'fleet',
  'gateway',
  'home-assistant',
  'port',
  'browser',
  'ci',
  'coming-from',
  'flashers',
  'brokers',
  'security',
  'performance',
];

/** The index: every page, with its first sentence. */
function index(reference: boolean): string {
  const names = PAGES.map((name) => name.replace('.md', '')).filter(
    (name) => name !== 'README' && REFERENCE.includes(name) === reference,
  );
  const place = (name: string) => (GUIDES.includes(name) ? GUIDES.indexOf(name) : GUIDES.length);
  const rows = names
    .sort((a, b) => place(a) - place(b) || (a < b ? -1 : 1))
    .map((name) => [name, titleOf(page(`${name}.md`))] as const)
    .map(([name, { title, about }]) => `| [${title}](${name}.md) | ${about} |`);
  const heading = reference ? '## Reference' : '## Guides';
  return rows.length > 0 ? [heading, '', '| page | what it is about |', '|---|---|', ...rows].join('\n') : '';
}

describe('the parts that the code makes', () => {
  let parts: Record<string, string>;
  beforeAll(async () => {
    parts = {
      reasons: reasonsPart(),
      exits: exitsPart(),
      fumo: fumoPart(),
      keys: await keysPart(),
      exchange: exchangePart(),
      schemas: schemasPart(),
      guides: index(false),
      reference: index(true),
      ...documentParts(page('formats.md'), await makeDocuments()),
    };
  });

  it.each(PAGES.filter((name) => partsOf(page(name)).length > 0))('of %s are what it makes now', async (name) => {
    await expect(fill(page(name), parts)).toMatchFileSnapshot(`../docs/${name}`);
  });

  it('stand on a page each', () => {
    expect(PAGES.flatMap((name) => partsOf(page(name))).sort()).toEqual(Object.keys(parts).sort());
  });
});

describe('links', () => {
  const anchors = (file: string) => anchorsOf(readFileSync(file, 'utf8'));

  /** Why a link leads nowhere; undefined: it does, or leaves the repository. */
  function broken(from: string, link: string): string | undefined {
    if (/^(https?|mailto):/.test(link)) return undefined;
    if (/^(\w+:|\/)/.test(link)) return 'it is neither relative nor of the web';
    const [path = '', anchor] = decodeURI(link).split('#');
    const to = path === '' ? from : normalize(join(dirname(from), path));
    if (to.startsWith('..') || !existsSync(to)) return `there is no ${to}`;
    if (anchor === undefined) return undefined;
    if (!to.endsWith('.md') || statSync(to).isDirectory()) return `${to} has no anchors`;
    return anchors(to).has(anchor) ? undefined : `${to} has no #${anchor}`;
  }

  it.each(MARKDOWN)('of %s lead somewhere', (file) => {
    const found = linksOf(readFileSync(file, 'utf8')).map((link) => [link, broken(file, link)] as const);
    expect(found.filter(([, why]) => why !== undefined)).toEqual([]);
  });

  it('are found, and missed where they lead nowhere', () => {
    const text = '[a](b.md#c) ![d](<e.png>)\n[f]: g.md "h"\n<a href="i">j</a> `[k](l)`\n```sh\n[m](n)\n```\n';
    expect(linksOf(text)).toEqual(['b.md#c', 'e.png', 'g.md', 'i']);
    expect([...anchorsOf('# A `b_c`: d & e!\n## [F](g) 1.2\n# A `b_c`: d & e!\n')]).toEqual([
      'a-b_c-d--e',
      'f-12',
      'a-b_c-d--e-1',
    ]);
    expect(broken('docs/README.md', 'reasons.md#80-notapproved')).toBeUndefined();
    expect(broken('docs/README.md', 'reasons.md#80-approved')).toBe('docs/reasons.md has no #80-approved');
    expect(broken('docs/README.md', '../nothing')).toBe('there is no nothing');
  });
});

describe('commands', () => {
  const SHELLS = ['sh', 'bash', 'shell', 'console'];
  /** Of a transcript, what was typed. */
  const typed = (language: string, text: string) =>
    language === 'console' ? text.replace(/^(?!\$ ).*$/gm, '').replace(/^\$ /gm, '') : text;
  const lines = PAGES.flatMap((name) =>
    splitCode(page(name))
      .blocks.filter(({ language }) => SHELLS.includes(language))
      .flatMap(({ language, text }) => countersignsIn(typed(language, text)))
      .map((words) => [name, words.join(' '), words] as const),
  );

  const commandOf = (name: string | undefined) =>
    commands.find((one) => one.name === name || one.aliases?.includes(name!));
  const COMMON = ['--dry-run', '--json', '--help', '--no-input', '--verbose', '--quiet', '--version'];

  /** The flags among the words that the command does not have. */
  function strangers([name, ...words]: readonly string[]): string[] {
    const found = commandOf(name === 'help' ? commands[0]!.name : name);
    if (!found) return [`countersign ${name}`];
    const flags = [...Object.keys(found.options).map(flagOf), ...COMMON];
    return ownWords(words).filter((word) => word.startsWith('--') && !flags.includes(word.split('=')[0]!));
  }

  /** What may stand in a configuration file or in the environment is not missing on a line. */
  function configured(words: readonly string[], error: unknown): boolean {
    if (!(error instanceof CountersignError)) return false;
    const [, missing] = /^argument: (.*): (?:is|are) required$/.exec(error.message) ?? [];
    const options = Object.entries(commandOf(words[0])?.options ?? {});
    const may = options.filter(([, { config }]) => config !== undefined).map(([key]) => flagOf(key));
    return missing?.split(', ').every((flag) => may.includes(flag)) ?? false;
  }

  it.each(lines)('%s: countersign %s', (_, _line, words) => {
    expect(strangers(words)).toEqual([]);
    // What the shell puts in is not known here.
    if (words.some((word) => word.includes('$'))) return;
    try {
      const { kind } = parse(commands, words, () => ({ lookup: () => undefined }) as never);
      expect(kind === 'run' || words.includes('--help') || words.includes('help')).toBe(true);
    } catch (error) {
      if (!configured(words, error)) throw error;
    }
  });

  const spans = PAGES.flatMap((name) =>
    Array.from(
      splitCode(page(name)).prose.matchAll(/`countersign ([a-z][^`\n]*)`/g),
      ([, span]) => [name, span!] as const,
    ),
  );
  it.each(spans)('%s, in running text: countersign %s', (_, span) => {
    expect(strangers(span.split(/\s+/))).toEqual([]);
  });
});

describe('blocks that are marked', () => {
  const marked = PAGES.filter((name) => splitCode(page(name)).blocks.some(({ marks }) => marks.includes('run')));
  const program = fileURLToPath(new URL('../dist/bin/countersign.js', import.meta.url));

  it('are there', () => expect(marked.length).toBeGreaterThan(0));

  it.each(marked)('%s: run in their order', { timeout: 300_000 }, async (name) => {
    const place = await makePlace();
    try {
      mkdirSync(place.path('bin'));
      writeFileSync(place.path('bin/countersign'), `#!/bin/sh\nexec "${process.execPath}" "${program}" "$@"\n`);
      chmodSync(place.path('bin/countersign'), 0o755);
      mkdirSync(place.path('here'));
      const environment = { HOME: place.folder, PATH: `${place.path('bin')}:${process.env.PATH}` };
      for (const { marks, text, line } of splitCode(page(name)).blocks) {
        const file = marks.find((mark) => mark.startsWith('file='))?.slice('file='.length);
        if (file) writeFileSync(place.path(`here/${file}`), text);
        if (!marks.includes('run')) continue;
        const words = ['-e', '-u', '-c', text];
        const options = { cwd: place.path('here'), env: environment, encoding: 'utf8', stdio: 'pipe' } as const;
        expect(() => execFileSync('bash', words, options), `docs/${name}, line ${line}`).not.toThrow();
      }
    } finally {
      await place.remove();
    }
  });
});

it('README.md is one page', () => {
  expect(readFileSync('README.md', 'utf8').split('\n').length - 1).toBeLessThanOrEqual(150);
});

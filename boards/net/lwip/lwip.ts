// lwIP, the TCP/IP stack of boards with a network: Debian's source package, unpacked in build/lwip and never part of this repository.
//
// It comes from where this machine gets its packages: the entries of its own apt sources that serve Debian's main, read as sources,
// in folders of our own, so that nothing of the machine is changed. apt checks what it brings by the keys that those entries name.
//
//   node dist/boards/net/lwip/lwip.js      fetches it, once, and prints where it is

import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CountersignError } from '../../../host/errors.js';
import { packageRoot } from '../../../host/root.js';

const FOLDER = fileURLToPath(new URL('build/lwip/', packageRoot));
const FETCH_MS = 120_000;
const SUITES = /^(bookworm|stable|oldstable)$/; // 2.1.3, which lwipopts.h was written for
const KEYRING = /debian-archive-keyring/;

const CORE = [
  'init',
  'def',
  'inet_chksum',
  'ip',
  'mem',
  'memp',
  'netif',
  'pbuf',
  'tcp',
  'tcp_in',
  'tcp_out',
  'timeouts',
];
const FILES = [...CORE, 'udp', 'dns', ...['etharp', 'icmp', 'ip4', 'ip4_addr', 'dhcp'].map((name) => `ipv4/${name}`)];

export interface Lwip {
  /** What a board compiles of it. */
  sources: string[];
  include: string;
}

/** Undefined: it has not been fetched. */
export function findLwip(): Lwip | undefined {
  const at = (path: string) => join(FOLDER, 'src', path);
  if (!existsSync(at('core'))) return undefined;
  return { sources: [...FILES.map((name) => at(`core/${name}.c`)), at('netif/ethernet.c')], include: at('include') };
}

interface Entry {
  uri: string;
  suite: string;
  signedBy: string | undefined;
}

/** Entries of a file in the style of one a line: `deb [options] URI SUITE COMPONENT...`. */
export function readOneLine(text: string): Entry[] {
  return text.split('\n').flatMap((line) => {
    const [, options = '', uri, suite, components = ''] =
      /^deb(?:-src)?\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+(.*?)\s*(?:#.*)?$/.exec(line.trim()) ?? [];
    if (!uri || !suite || !components.split(/\s+/).includes('main')) return [];
    return [{ uri, suite, signedBy: /signed-by=(\S+)/.exec(options)?.[1] }];
  });
}

/** Entries of a file in the style of deb822: paragraphs of fields, whose further lines are indented. */
export function readDeb822(text: string): Entry[] {
  return text
    .replace(/^#.*\n/gm, '')
    .split(/\n\s*\n/)
    .flatMap((paragraph) => {
      const fields = new Map<string, string>();
      for (const [, name, value] of paragraph.matchAll(/^([A-Za-z-]+):(.*(?:\n[ \t].*)*)/gm))
        fields.set(name!.toLowerCase(), value!.trim());
      const list = (name: string) => fields.get(name)?.split(/\s+/) ?? [];
      if (fields.get('enabled') === 'no' || !list('components').includes('main')) return [];
      const signedBy = fields.get('signed-by');
      return list('uris').flatMap((uri) => list('suites').map((suite) => ({ uri, suite, signedBy })));
    });
}

/** Those that serve Debian's own packages of the release that we know. */
export const ofDebian = (entries: Entry[]): Entry[] =>
  entries.filter(({ suite, signedBy }) => SUITES.test(suite) && (signedBy === undefined || KEYRING.test(signedBy)));

export const toDebSrc = (entries: Entry[]): string =>
  entries
    .map(
      ({ uri, suite, signedBy }) =>
        `Types: deb-src\nURIs: ${uri}\nSuites: ${suite}\nComponents: main\n${signedBy ? `Signed-By: ${signedBy}\n` : ''}`,
    )
    .join('\n');

function sourcesOfThisMachine(): Entry[] {
  const apt = '/etc/apt';
  const folder = join(apt, 'sources.list.d');
  const files = [
    join(apt, 'sources.list'),
    ...(existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : []),
  ];
  return ofDebian(
    files.filter(existsSync).flatMap((file) => {
      if (file.endsWith('.list')) return readOneLine(readFileSync(file, 'utf8'));
      return file.endsWith('.sources') ? readDeb822(readFileSync(file, 'utf8')) : [];
    }),
  );
}

/** Fetches it unless it is there. Throws ToolMissing where there is no apt, or nothing that it could be fetched from. */
export function fetchLwip(): Lwip {
  const known = findLwip();
  if (known) return known;
  const entries = sourcesOfThisMachine();
  if (entries.length === 0) throw missing('this machine has no apt sources of Debian bookworm');
  mkdirSync(dirname(FOLDER), { recursive: true });
  const work = mkdtempSync(join(dirname(dirname(FOLDER)), 'lwip-'));
  try {
    for (const path of ['lists/partial', 'cache/archives/partial']) mkdirSync(join(work, path), { recursive: true });
    const list = join(work, 'debian.sources');
    writeFileSync(list, toDebSrc(entries));
    const own = [`Dir::Etc::sourcelist=${list}`, 'Dir::Etc::sourceparts=/dev/null', 'APT::Sandbox::User=root'];
    own.push(`Dir::State::Lists=${join(work, 'lists')}`, `Dir::Cache=${join(work, 'cache')}`);
    const apt = (...words: string[]) =>
      execFileSync('apt-get', ['-qq', ...own.flatMap((one) => ['-o', one]), ...words], {
        cwd: work,
        stdio: ['ignore', 'ignore', 'pipe'],
        timeout: FETCH_MS,
      });
    apt('update');
    apt('source', '--download-only', 'lwip');
    const archive = readdirSync(work).find((name) => /^lwip_.*\.orig\.tar\.\w+$/.test(name));
    if (!archive) throw missing('apt brought no source of it');
    const unpacked = join(work, 'unpacked');
    mkdirSync(unpacked);
    // Debian's patches are about parts that no board uses: sockets, PPP, cmake.
    execFileSync('tar', ['-xf', join(work, archive), '-C', unpacked, '--strip-components=1']);
    rmSync(FOLDER, { recursive: true, force: true });
    renameSync(unpacked, FOLDER.replace(/\/$/, ''));
  } catch (cause) {
    if (cause instanceof CountersignError) throw cause;
    throw missing(String((cause as { stderr?: Buffer }).stderr ?? (cause as Error).message).trim(), cause);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  const made = findLwip();
  if (!made) throw missing('the package is not what it was: it has no src/core');
  return made;
}

const missing = (why: string, cause?: unknown) =>
  new CountersignError('ToolMissing', `lwip: ${why}`, {
    hint: 'on Debian bookworm: npm run lwip; elsewhere unpack lwIP 2.1.3 into build/lwip',
    ...(cause !== undefined && { cause }),
  });

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  fetchLwip();
  process.stdout.write(`${FOLDER}\n`);
}

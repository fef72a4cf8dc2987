// Where assembly/ can be broken, and how: every place of every file, one small change each.
//
//   comparison   === !== < <= > >=, each to its neighbour     condition   if (x) -> if (!(x))
//   check        if (x) return …; is dropped                  call        a statement that is a call is dropped
//   number       n -> n + 1, in expressions                   logic       && <-> ||, true <-> false that is returned
//
// Left out: comments, imports, types and enums, tables of constants, and the layout of memory (memory.data, offsetof),
// which the compiler checks or which only moves things. A place is named by its file, its line's text and the change, so
// that a name stays true when other lines move.

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Mutant {
  /** Its name, and which of those that share it. */
  key: string;
  file: string;
  line: number; // from 1
  kind: string;
  /** The line before and after. */
  right: string;
  wrong: string;
}

const COMPARISONS: Record<string, string> = {
  '===': '!==',
  '!==': '===',
  '<': '<=',
  '<=': '<',
  '>': '>=',
  '>=': '>',
};

/** Files of assembly/, sorted. */
function filesOf(root: string): string[] {
  const all = readdirSync(join(root, 'assembly'), { recursive: true, encoding: 'utf8' });
  return all.filter((name) => name.endsWith('.ts')).sort();
}

const spliced = (line: string, at: number, length: number, by: string) =>
  line.slice(0, at) + by + line.slice(at + length);

/** The index of the bracket that closes the one at `open`, or -1. */
function closing(line: string, open: number): number {
  let depth = 0;
  for (let i = open; i < line.length; i++) {
    if (line[i] === '(') depth++;
    if (line[i] === ')' && --depth === 0) return i;
  }
  return -1;
}

/** All changes of one line of code. */
function changes(line: string): [kind: string, wrong: string][] {
  const code = line.replace(/\/\/.*$/, (comment) => ' '.repeat(comment.length));
  const found: [string, string][] = [];
  for (const match of code.matchAll(/ (===|!==|<=|>=|<|>) /g))
    found.push(['comparison', spliced(line, match.index + 1, match[1]!.length, COMPARISONS[match[1]!]!)]);
  for (const match of code.matchAll(/ (&&|\|\|) /g))
    found.push(['logic', spliced(line, match.index + 1, 2, match[1] === '&&' ? '||' : '&&')]);
  for (const match of code.matchAll(/\breturn (true|false);/g))
    found.push(['logic', spliced(line, match.index + 7, match[1]!.length, match[1] === 'true' ? 'false' : 'true')]);
  for (const match of code.matchAll(/\b(if|while) \(/g)) {
    const open = match.index + match[0].length - 1;
    const close = closing(code, open);
    if (close > 0)
      found.push(['condition', `${line.slice(0, open)}(!${line.slice(open, close + 1)})${line.slice(close + 1)}`]);
  }
  if (/^\s*if \(.*\) return\b.*;\s*$/.test(code)) found.push(['check', line.replace(/\S.*$/, ';')]);
  if (/^\s*[a-zA-Z_.]+\(.*\);\s*$/.test(code)) found.push(['call', line.replace(/\S.*$/, ';')]);
  for (const match of code.matchAll(/(?<![\w.'])(\d{1,5})(?![\w.'])/g))
    found.push(['number', spliced(line, match.index, match[1]!.length, `${Number(match[1]) + 1}`)]);
  return found;
}

/** Lines that are no code of a function. */
const OUTSIDE =
  /^\s*(import|export \*|@|\/\/|case .*:$|type |declare )|memory\.data|offsetof|^\} from|ERROR\(|^\s*[0-9xa-fA-F, ]+$/;

function inFile(root: string, file: string): Mutant[] {
  const lines = readFileSync(join(root, 'assembly', file), 'utf8').split('\n');
  const mutants: Mutant[] = [];
  const times = new Map<string, number>();
  let inFunction = false;
  for (const [i, line] of lines.entries()) {
    if (/^(export )?function /.test(line) || /^ {2}[\w]+\(.*\{$/.test(line)) inFunction = true;
    else if (inFunction && !OUTSIDE.test(line))
      for (const [kind, wrong] of changes(line)) {
        const name = nameOf({ file, right: line, wrong });
        const time = times.get(name) ?? 0;
        times.set(name, time + 1);
        mutants.push({ key: `${name} ${time}`, file, line: i + 1, kind, right: line, wrong });
      }
    if (/^\}/.test(line)) inFunction = false;
  }
  return mutants;
}

/** Every place there is, in order of files and lines. */
export const placesOf = (root: string): Mutant[] => filesOf(root).flatMap((file) => inFile(root, file));

/**
 * All places in the order in which a seed takes them: that of a hash over each place's name, so that a change of the sources
 * neither mixes the others anew nor makes what is known of them useless.
 */
export function shuffled(places: readonly Mutant[], seed: number): Mutant[] {
  const rank = ({ key }: Mutant) => createHash('sha256').update(`${seed} ${key}`).digest('hex');
  const order = places.map((place) => ({ place, rank: rank(place) }));
  return order.sort((a, b) => (a.rank < b.rank ? -1 : 1)).map(({ place }) => place);
}

export const nameOf = ({ file, right, wrong }: Pick<Mutant, 'file' | 'right' | 'wrong'>): string =>
  `${file}: ${right.trim()} -> ${wrong.trim()}`;

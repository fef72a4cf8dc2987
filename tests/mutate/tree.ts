// A copy of the checkout in which mutants live: compiled there in process, and run there, so that the checkout stays as it is.
//
// A mutant is compiled plainly first, without the optimizer, which takes four fifths of the time: it behaves the same and runs about
// as fast. Only what survives the quick suites is made as it ships.

import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, normalize } from 'node:path';
import asc from 'assemblyscript/asc';
import type { Mutant } from './places.js';

const COPIED = [
  'assembly',
  'boards',
  'host',
  'tests',
  'dist',
  'build/c',
  'build/agent-large.wasm', // read by a suite beside the others, and not made anew
  'package.json',
  'tsconfig.json',
  'asconfig.json',
];

/** The modules that tests run, by their target in asconfig.json. */
export const MODULES = { core: 'core', 'core-small': 'core', agent: 'agent' } as const;
export type Module = keyof typeof MODULES;
const NAMES = Object.keys(MODULES) as Module[];
const PLAIN = ['--optimizeLevel', '0', '--shrinkLevel', '0'];

export interface Tree {
  folder: string;
  /** Compiles the original into build/, plainly or as it ships. */
  original(plain: boolean): Promise<void>;
  /**
   * Compiles a mutant into build/, in the place of the one before, and says which modules it changes. None: they are the ones
   * without it. Undefined: it does not compile.
   */
  plant(mutant: Mutant, plain: boolean): Promise<Module[] | undefined>;
  close(): void;
}

/** The files that an entry of assembly/ is made of. */
function closure(root: string, entry: string): Set<string> {
  const seen = new Set<string>();
  const visit = (name: string) => {
    if (seen.has(name)) return;
    seen.add(name);
    for (const [, to, alone] of readFileSync(join(root, 'assembly', name), 'utf8').matchAll(
      /from '(\.[^']*)'|^import '(\.[^']*)'/gm,
    ))
      visit(`${normalize(join(dirname(name), (to ?? alone)!))}.ts`);
  };
  visit(`${entry}.ts`);
  return seen;
}

/** A copy of what tests need of the checkout, without modules; whoever makes it removes it. */
export function copyCheckout(root: string, name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `countersign-${name}-`));
  mkdirSync(join(folder, 'build'));
  for (const part of COPIED) cpSync(join(root, part), join(folder, part), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

/** A module, or undefined where it does not compile. */
export async function compile(root: string, name: Module, plain = false): Promise<Uint8Array | undefined> {
  let wasm: Uint8Array | undefined;
  const files = [`assembly/${MODULES[name]}.ts`, '--target', name, '--outFile', 'm.wasm', '--textFile', ''];
  const { error } = await asc.main([...files, '--baseDir', root, ...(plain ? PLAIN : [])], {
    writeFile(file, contents) {
      if (file === 'm.wasm') wasm = contents as Uint8Array;
    },
    listFiles: () => [],
  });
  return error ? undefined : wasm;
}

/** @param names of the modules that are made anew for each mutant */
export async function createTree(root: string, names: readonly Module[] = NAMES): Promise<Tree> {
  const folder = copyCheckout(root, 'mutate');
  const write = (name: Module, wasm: Uint8Array) => writeFileSync(join(folder, 'build', `${name}.wasm`), wasm);
  const parts = { core: closure(folder, 'core'), agent: closure(folder, 'agent') };
  let planted: { path: string; right: string } | undefined;
  const unplant = () => {
    if (planted) writeFileSync(planted.path, planted.right);
    planted = undefined;
  };

  async function allMade(plain: boolean): Promise<Map<Module, Uint8Array>> {
    const made = new Map<Module, Uint8Array>();
    for (const name of names) {
      const wasm = await compile(folder, name, plain);
      if (!wasm) throw new Error(`mutate: assembly/${MODULES[name]}.ts does not compile as it stands`);
      made.set(name, wasm);
    }
    return made;
  }
  const plainly = await allMade(true);
  let shipped: Map<Module, Uint8Array> | undefined; // not every run needs them
  async function originals(plain: boolean): Promise<Map<Module, Uint8Array>> {
    if (!plain) shipped ??= await allMade(false);
    return plain ? plainly : shipped!;
  }

  /** Those of `concerned` that are others than the original ones; all are written. */
  async function changed(
    concerned: readonly Module[],
    plain: boolean,
    right: Map<Module, Uint8Array>,
  ): Promise<Module[] | undefined> {
    const others: Module[] = [];
    for (const name of names) {
      const wasm = concerned.includes(name) ? await compile(folder, name, plain) : right.get(name)!;
      if (!wasm) return undefined;
      if (Buffer.compare(wasm, right.get(name)!) !== 0) others.push(name);
      write(name, wasm);
    }
    return others;
  }

  return {
    folder,
    async original(plain) {
      unplant();
      for (const [name, wasm] of await originals(plain)) write(name, wasm);
    },
    async plant({ file, line, wrong }, plain) {
      unplant();
      const originally = await originals(plain);
      const path = join(folder, 'assembly', file);
      const right = readFileSync(join(root, 'assembly', file), 'utf8');
      const lines = right.split('\n');
      lines[line - 1] = wrong;
      writeFileSync(path, lines.join('\n'));
      planted = { path, right };
      const concerned = names.filter((name) => parts[MODULES[name]].has(file));
      return changed(concerned, plain, originally);
    },
    close: () => rmSync(folder, { recursive: true }),
  };
}

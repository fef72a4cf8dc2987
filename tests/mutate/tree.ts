// A copy of the checkout in which mutants live: compiled there in process, and run there, so that the checkout stays as it is.

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
  'package.json',
  'tsconfig.json',
  'asconfig.json',
];

/** The modules that tests run, by their target in asconfig.json. */
export const MODULES = { core: 'core', 'core-small': 'core', agent: 'agent' } as const;
export type Module = keyof typeof MODULES;
const NAMES = Object.keys(MODULES) as Module[];

export interface Tree {
  folder: string;
  /** Compiles a mutant into build/, in the place of the one before. `same`: the modules are the ones without it. */
  plant(mutant: Mutant): Promise<'same' | 'invalid' | 'planted'>;
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
export async function compile(root: string, name: Module): Promise<Uint8Array | undefined> {
  let wasm: Uint8Array | undefined;
  const { error } = await asc.main(
    [`assembly/${MODULES[name]}.ts`, '--target', name, '--outFile', 'm.wasm', '--textFile', '', '--baseDir', root],
    {
      writeFile(file, contents) {
        if (file === 'm.wasm') wasm = contents as Uint8Array;
      },
      listFiles: () => [],
    },
  );
  return error ? undefined : wasm;
}

/** @param names of the modules that are made anew for each mutant */
export async function createTree(root: string, names: readonly Module[] = NAMES): Promise<Tree> {
  const folder = copyCheckout(root, 'mutate');
  const made: Partial<Record<Module, Uint8Array>> = {};
  const write = (name: Module, wasm: Uint8Array) => writeFileSync(join(folder, 'build', `${name}.wasm`), wasm);
  for (const name of names) {
    const wasm = await compile(folder, name);
    if (!wasm) throw new Error(`mutate: assembly/${MODULES[name]}.ts does not compile as it stands`);
    made[name] = wasm;
    write(name, wasm);
  }
  const parts = { core: closure(folder, 'core'), agent: closure(folder, 'agent') };
  let planted: { path: string; right: string } | undefined;
  return {
    folder,
    async plant({ file, line, wrong }) {
      if (planted) writeFileSync(planted.path, planted.right);
      const path = join(folder, 'assembly', file);
      const right = readFileSync(join(root, 'assembly', file), 'utf8');
      const lines = right.split('\n');
      lines[line - 1] = wrong;
      writeFileSync(path, lines.join('\n'));
      planted = { path, right };
      let same = true;
      for (const name of names) {
        const wasm = parts[MODULES[name]].has(file) ? await compile(folder, name) : made[name]!;
        if (!wasm) return 'invalid';
        same &&= Buffer.compare(wasm, made[name]!) === 0;
        write(name, wasm);
      }
      return same ? 'same' : 'planted';
    },
    close: () => rmSync(folder, { recursive: true }),
  };
}

// The script in a browser: a page loads player.ts as a module and compiles the .wasm as a page would.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import typescript from 'typescript';
import { inBrowser } from '../../support/browser.js';
import type { Played } from './player.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

export const PLAYER = '/tests/port/conformance/player.js';

/** Sources as a browser takes them: the same file without its types. */
export function javascript(path: string): string {
  const source = readFileSync(join(ROOT, path.replace(/\.js$/, '.ts')), 'utf8');
  const { ESNext } = typescript.ScriptTarget;
  return typescript.transpileModule(source, {
    compilerOptions: { target: ESNext, module: typescript.ModuleKind.ESNext },
  }).outputText;
}

export const playInBrowser = (wasm: Uint8Array, script: Uint8Array): Promise<Played> =>
  inBrowser({
    script: `
      const { play } = await import('${PLAYER}');
      const module = await WebAssembly.compileStreaming(fetch('/core.wasm'));
      return play(module, new Uint8Array(await (await fetch('/script')).arrayBuffer()));`,
    serve(path) {
      if (path === '/core.wasm') return wasm;
      if (path === '/script') return script;
      return path.endsWith('.js') ? javascript(path) : undefined;
    },
  });

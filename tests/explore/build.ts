// The agent for the exploration, compiled from the sources as they stand. Three things are added, none is changed:
//
//   - Ed25519 and P-256 are asked of the host, which remembers each answer (board.ts): they are functions of their inputs
//   - every mutable global is exported, two functions that copy all of them to memory and back, and address and size of every
//     record that memory.data makes
//   - planted faults, asleep unless the board says otherwise (plants.ts)
//
// The classes of records are read from the sources, so that the table (table.ts) can name their fields.

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compiler } from '../support/asc.js';
import { PLANTS } from './plants.js';
import { ACCOUNT, CALM, SIZE, STEPS } from './table.js';

const ED25519 = `
@external('crypto', 'begin') declare function begin(publicKey: usize, signature: usize): void;
@external('crypto', 'update') declare function update(from: usize, length: u32): void;
@external('crypto', 'finish') declare function finish(): i32;
export function ed25519Begin(publicKey: usize, signature: usize): bool { begin(publicKey, signature); return true; }
export function ed25519Update(from: usize, length: u32): void { update(from, length); }
export function ed25519Finish(): bool { return finish() !== 0; }
export function ed25519ValidKey(publicKey: usize): bool { return load<u64>(publicKey) !== 0; }
`;
const P256 = `
@external('crypto', 'p256') declare function p256(publicKey: usize, digest: usize, signature: usize): i32;
export function p256ValidKey(publicKey: usize): bool { return true; }
export function p256Verify(publicKey: usize, digest: usize, signature: usize): bool {
  return p256(publicKey, digest, signature) !== 0;
}
`;
/** What is altered in the sources where the board says so, by number: the account of strangers, then each plant; what is 0 comes with the account. */
const SWITCHES: readonly Switch[] = [ACCOUNT, ...PLANTS, CALM, STEPS];
interface Switch {
  file: string;
  right: string;
  wrong: string;
}
const PLANTED = `@external('crypto', 'planted') declare function planted(fault: i32): bool;\n`;
const REPLACED: Record<string, string> = { 'assembly/crypto/ed25519.ts': ED25519, 'assembly/crypto/p256.ts': P256 };
const AGENT = 'assembly/agent.ts';
/** Of memory: the agent has less. Behind it globals_out() puts the mutable globals, eight bytes each in the order of their exports. */
export const AGENT_BYTES = 32768;
export const GLOBAL_BYTES = 8;
const OPTIONS = ['--target', 'agent', '--optimizeLevel', '2', '--shrinkLevel', '0', '--no-converge', '--debug'];

const KEY = /^ {2}(\w+) = (\d+),/gm;

/** Offsets of the fields of a class, in bytes; under SIZE where the last one ends. */
export type Layout = Record<string, number>;
export interface Agent {
  module: WebAssembly.Module;
  classes: Record<string, Layout>; // by 'file Class'
  keys: Record<string, number>; // of the settings in flash
}

/** Compiled anew only when a source or a plant is another one; kept in build/. */
export async function buildAgent(root: string): Promise<Agent> {
  const files = readdirSync(join(root, 'assembly'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `assembly/${name.replaceAll('\\', '/')}`)
    .sort();
  const hash = createHash('sha256').update(
    JSON.stringify([OPTIONS, SWITCHES, ED25519, P256, instrumented.toString(), withGlobals.toString()]),
  );
  for (const file of files) hash.update(readFileSync(join(root, file)));
  const key = hash.digest('hex');
  const classes = Object.assign({}, ...files.map((file) => classesIn(file, readFileSync(join(root, file), 'utf8'))));
  const kept = join(root, 'build', `explore-${key.slice(0, 16)}.wasm`);
  if (!existsSync(kept)) {
    mkdirSync(join(root, 'build'), { recursive: true });
    writeFileSync(kept, await compile(root));
  }
  const keys: Record<string, number> = {};
  for (const [, name, value] of readFileSync(join(root, 'assembly/flash/keys.ts'), 'utf8').matchAll(KEY)) {
    if (value !== '0') keys[name!] = Number(value);
  }
  return { module: new WebAssembly.Module(readFileSync(kept)), classes, keys };
}

async function compile(root: string): Promise<Uint8Array> {
  const read = (name: string) => readFileSync(join(root, name), 'utf8');
  const exported: string[] = [];
  for (const name of imported(root, AGENT)) {
    const ids = instrumented(name, read(name)).exports;
    if (ids.length > 0 && name !== AGENT) exported.push(`export { ${ids.join(', ')} } from './${name.slice(9, -3)}';`);
  }
  const planted = new Set<Switch>();
  let wasm: Uint8Array | undefined;
  const args = [AGENT, ...OPTIONS, '--outFile', 'agent.wasm', '--textFile', '', '--baseDir', root];
  const asc = await compiler();
  const { error, stderr } = await asc.main(args, {
    readFile(name) {
      if (!existsSync(join(root, name))) return null;
      if (!name.startsWith('assembly/')) return read(name);
      const { text } = instrumented(name, withPlants(name, REPLACED[name] ?? read(name), planted));
      return name === AGENT ? `${text}\n${exported.join('\n')}\n` : text;
    },
    writeFile(name, contents) {
      if (name === 'agent.wasm') wasm = contents as Uint8Array;
    },
    listFiles: () => [],
  });
  if (error || !wasm) throw new Error(`explore: the agent does not compile: ${error?.message} ${stderr}`);
  const lost = SWITCHES.filter((plant) => !planted.has(plant));
  if (lost.length > 0) throw new Error(`explore: never read: ${lost.map(({ file }) => file).join(', ')}`);
  return withGlobals(wasm);
}

function withPlants(name: string, text: string, planted: Set<Switch>): string {
  SWITCHES.forEach((plant, i) => {
    if (`assembly/${plant.file}` !== name) return;
    if (text.split(plant.right).length !== 2) throw new Error(`explore: ${name} has not one "${plant.right}"`);
    text = text.replace(plant.right, () =>
      plant.wrong.replaceAll('HERE', `planted(${plant === CALM || plant === STEPS ? 0 : i})`),
    );
    planted.add(plant);
  });
  return text.includes('planted(') ? PLANTED + text : text;
}

// A file, and exports that tell where its records are. In crypto/ nothing outlives a call, and core.ts is another entry.
function instrumented(name: string, text: string): { text: string; exports: string[] } {
  if (!name.startsWith('assembly/') || name.startsWith('assembly/crypto/') || name === 'assembly/core.ts') {
    return { text, exports: [] };
  }
  const module = name.slice(9, -3).replace(/[/-]/g, '_');
  const records = /^(?:export )?const (\w+)(?:: usize)? = (changetype<\w+>\()?memory\.data\((.+?), \d+\)\)?;/gm;
  const exports: string[] = [];
  const functions: string[] = [];
  for (const [, id, typed, size] of text.matchAll(records)) {
    const at = typed ? `changetype<usize>(${id})` : id;
    functions.push(`export function at_${module}_${id}(): usize { return ${at}; }`);
    functions.push(`export function bytes_${module}_${id}(): usize { return <usize>(${size}); }`);
    exports.push(`at_${module}_${id}`, `bytes_${module}_${id}`);
  }
  return { text: `${text}\n${functions.join('\n')}\n`, exports };
}

function imported(root: string, name: string, seen = new Set<string>()): Set<string> {
  if (seen.has(name)) return seen;
  seen.add(name);
  for (const [, from] of readFileSync(join(root, name), 'utf8').matchAll(/from '(\.[^']+)'/g)) {
    const file = `${join(name, '..', from!)}.ts`;
    if (existsSync(join(root, file))) imported(root, file, seen);
  }
  return seen;
}

async function withGlobals(wasm: Uint8Array): Promise<Uint8Array> {
  const { default: binaryen } = await import('binaryen'); // asc has loaded it
  const module = binaryen.readBinary(wasm);
  const out: number[] = [];
  const back: number[] = [];
  for (let i = 0; i < module.getNumGlobals(); i++) {
    const { name, mutable, type } = binaryen.getGlobalInfo(module.getGlobalByIndex(i));
    if (!mutable) continue;
    module.addGlobalExport(name, `global ${name.replace('assembly/', '')}`);
    const wide = type === binaryen.i64 ? module.i64 : module.i32;
    const place = module.i32.const(AGENT_BYTES + GLOBAL_BYTES * out.length);
    out.push(wide.store(0, 4, place, module.global.get(name, type)));
    back.push(module.global.set(name, wide.load(0, 4, module.copyExpression(place))));
  }
  for (const [name, body] of Object.entries({ globals_out: out, globals_in: back })) {
    module.addFunction(name, binaryen.none, binaryen.none, [], module.block(null, body));
    module.addFunctionExport(name, name);
  }
  const { MutableGlobals, BulkMemory, SignExt } = binaryen.Features;
  module.setFeatures(MutableGlobals | BulkMemory | SignExt);
  return module.emitBinary();
}

const WIDTHS: Record<string, number> = { u8: 1, i8: 1, bool: 1, u16: 2, i16: 2, u64: 8, i64: 8 };

// As the compiler lays them out: each field at a multiple of its size.
function classesIn(file: string, text: string): Record<string, Layout> {
  const found: Record<string, Layout> = {};
  for (const [, name, body] of text.matchAll(/^(?:export )?class (\w+) \{\n(.*?)^\}/gms)) {
    const layout: Layout = {};
    let at = 0;
    for (const [, field, type] of body!.matchAll(/^ {2}(\w+): (\w+);/gm)) {
      const width = WIDTHS[type!] ?? 4;
      at = Math.ceil(at / width) * width;
      layout[field!] = at;
      at += width;
    }
    layout[SIZE] = at;
    found[`${file.slice(9, -3)} ${name}`] = layout;
  }
  return found;
}

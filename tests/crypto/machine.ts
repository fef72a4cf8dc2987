// assembly/crypto by itself, once per build profile: its test entry compiled, and its memory handled as numbers.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** The compiler is WebAssembly itself, and runs for a moment: to optimise its code takes longer than it saves. */
const AT_ONCE = '--liftoff-only';

/** The profiles of assembly/profile.ts. */
export const PROFILES = {
  fast: [],
  small: ['PROFILE_SMALL=1'],
  narrow: ['PROFILE_SMALL=1', 'PROFILE_NARROW=1'],
  'small-sha512': ['PROFILE_SMALL=1', 'PROFILE_SHA512=1'],
  'narrow-sha512': ['PROFILE_SMALL=1', 'PROFILE_NARROW=1', 'PROFILE_SHA512=1'],
} as const;
export type Profile = keyof typeof PROFILES;
/** The last two differ in a hash alone. */
export const hashProfiles = Object.keys(PROFILES) as Profile[];
export const profiles = hashProfiles.slice(0, 3);

export interface Machine {
  /** An exported function; bigint for u64, boolean results are 0 or 1. */
  call(name: string, ...values: number[]): number;
  /** First byte of the area that tests may use, 16-aligned. */
  area: number;
  write(at: number, bytes: Uint8Array): void;
  read(at: number, length: number): Uint8Array;
  /** 256-bit little-endian words. */
  setWords(at: number, value: bigint): void;
  words(at: number): bigint;
  /** Bytes of one field element. */
  elementBytes: number;
}

const compiled = new Map<Profile, WebAssembly.Module>();
const ENTRY = 'tests/assembly/crypto/entry.ts';

/** When the newest of what is compiled was changed. */
const changed = Math.max(
  ...readdirSync(`${root}assembly/crypto`).map((name) => statSync(`${root}assembly/crypto/${name}`).mtimeMs),
  ...[ENTRY, 'assembly/profile.ts', 'assembly/scratch.ts', 'asconfig.json'].map(
    (name) => statSync(root + name).mtimeMs,
  ),
);

function compile(profile: Profile): WebAssembly.Module {
  const known = compiled.get(profile);
  if (known) return known;
  const file = `${root}build/test-crypto-${profile}.wasm`;
  if (!existsSync(file) || statSync(file).mtimeMs < changed) {
    mkdirSync(`${root}build`, { recursive: true });
    const asc = createRequire(import.meta.url).resolve('assemblyscript/bin/asc.js');
    const fresh = `${file}.${process.pid}`; // suites run side by side
    const uses = PROFILES[profile].flatMap((use) => ['--use', use]);
    const options = ['--target', 'core', '--outFile', `${fresh}.wasm`, '--textFile', `${fresh}.wat`];
    execFileSync(process.execPath, [AT_ONCE, asc, ENTRY, ...options, ...uses], {
      cwd: root,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    renameSync(`${fresh}.wat`, `${file}.wat`);
    renameSync(`${fresh}.wasm`, file);
  }
  const module = new WebAssembly.Module(readFileSync(file));
  compiled.set(profile, module);
  return module;
}

export function machine(profile: Profile): Machine {
  const exports = new WebAssembly.Instance(compile(profile), {}).exports as Record<string, unknown>;
  const memory = new Uint8Array((exports.memory as WebAssembly.Memory).buffer);
  const call = (name: string, ...values: number[]) => {
    const f = exports[name];
    if (typeof f !== 'function') throw new Error(`no export ${name}`);
    return f(...values);
  };
  const read = (at: number, length: number) => memory.slice(at, at + length);
  const write = (at: number, bytes: Uint8Array) => memory.set(bytes, at);
  return {
    call,
    area: call('area'),
    read,
    write,
    setWords: (at, value) => write(at, bytesOf(value, 32)),
    words: (at) => numberOf(read(at, 32)),
    elementBytes: (exports.FE_BYTES as { value: number }).value,
  };
}

/** Little-endian. */
export const bytesOf = (value: bigint, length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => Number((value >> BigInt(8 * i)) & 255n));
export const numberOf = (bytes: Uint8Array): bigint => bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);

export const modulo = (value: bigint, m: bigint): bigint => ((value % m) + m) % m;

export function power(base: bigint, exponent: bigint, m: bigint): bigint {
  let result = 1n;
  let square = modulo(base, m);
  for (let e = exponent; e > 0n; e >>= 1n) {
    if (e & 1n) result = (result * square) % m;
    square = (square * square) % m;
  }
  return result;
}

export const inverse = (value: bigint, prime: bigint): bigint => power(value, prime - 2n, prime);

/** The same numbers in every run. */
export function randomNumbers(seed: number): (bits: number) => bigint {
  let state = BigInt(seed) * 0x9e3779b97f4a7c15n + 1n;
  const next = () => {
    state = (state * 6364136223846793005n + 1442695040888963407n) & ((1n << 64n) - 1n);
    return state >> 32n;
  };
  return (bits) => {
    let value = 0n;
    for (let i = 0; i < bits; i += 32) value = (value << 32n) | next();
    return value & ((1n << BigInt(bits)) - 1n);
  };
}

/** Values where carries and reductions turn. */
export const edges = (p: bigint): bigint[] => [
  0n,
  1n,
  2n,
  19n,
  p - 2n,
  p - 1n,
  p,
  p + 1n,
  (1n << 255n) - 1n,
  1n << 255n,
  (1n << 256n) - 1n,
  (1n << 256n) - 38n,
  BigInt(`0x${'80000000'.repeat(8)}`),
  BigInt(`0x${'7fffffff'.repeat(8)}`),
  BigInt(`0x${'5555'.repeat(16)}`),
  (1n << 29n) - 1n,
  1n << 232n,
  (1n << 96n) - 1n,
  (1n << 224n) - (1n << 192n),
];

// The module that is fuzzed: the sources as they stand, with two alterations that are made while asc reads them.
//
// Guards: every static buffer of the top level (`const X = memory.data(bytes, alignment)`) gets GUARD_BYTES that are nobody's behind
// it, and guards() tells the board where they lie; the harness forbids them to the address sanitizer. So an access that
// runs over the end of one buffer into the next is found, which no bound of the linear memory can see.
//
// What a fuzzer cannot guess is made easy: a signature is good unless its first byte is 0, a digest in a package fits if
// its last two bits do. Hashes are real. Keys, packages and approvals that only a signer could make are then found by
// mutation, and the code behind the signatures is reached. The arithmetic itself has its own suites (tests/crypto/).

import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { compiler } from '../support/asc.js';

/** A multiple of 8, the grain of the address sanitizer; as long as the widest access of the module. */
const GUARD_BYTES = 32;

/** What takes the place of a file of assembly/. */
const EASY: Record<string, (text: string) => string> = {
  'assembly/crypto/ed25519.ts': () => `
let good: bool = false;
let read: u32 = 0; // all that the real one reads is read, so that the sanitizer looks at it
export function ed25519Begin(publicKey: usize, signature: usize): bool {
  read = <u32>load<u8>(signature, 63) + <u32>load<u8>(publicKey) + <u32>load<u8>(publicKey, 31);
  good = load<u8>(signature) !== 0;
  return good;
}
export function ed25519Update(from: usize, length: u32): void {
  for (let i: u32 = 0; i < length; i++) read += <u32>load<u8>(from + i);
}
export function ed25519Finish(): bool { return good && read !== 0; }
export function ed25519ValidKey(publicKey: usize): bool { return load<u8>(publicKey) !== load<u8>(publicKey, 31); }
`,
  'assembly/crypto/p256.ts': () => `
export function p256Verify(publicKey: usize, digest: usize, signature: usize): bool {
  const read = <u32>load<u8>(signature, 63) + <u32>load<u8>(publicKey, 63) + <u32>load<u8>(digest, 31);
  return load<u8>(signature) !== 0 && read !== 0;
}
export function p256ValidKey(publicKey: usize): bool { return load<u8>(publicKey) !== load<u8>(publicKey, 63); }
`,
  'assembly/package/digest.ts': (text) =>
    replaceOnce(
      text,
      'return compare(HASHED, digest, DIGEST_BYTES) === 0;',
      'return ((load<u8>(HASHED, 31) ^ load<u8>(digest, 31)) & 3) === 0 && compare(digest, digest, DIGEST_BYTES) === 0;',
    ),
};

/** Entries of parts that are fuzzed alone, with a buffer for what comes in. */
const ALONE: Record<string, string> = {
  'assembly/lz.ts': `
import { LZ_PIECE, lzAsked, lzBegin, lzNext, lzPlace, lzTo } from './codec/lz';
export { lzAsked, lzBegin, lzNext, lzPlace, lzTo };
export const INPUT: usize = memory.data(4096, 8);
export const VARIABLES_END: usize = memory.data(8, 8);
let runs: u32 = 0; // the harness keeps what there is of globals
export function piece(): usize { return LZ_PIECE; }
export function input(): usize { runs++; return INPUT; }
export function memoryBytes(): usize { return VARIABLES_END; }
export function tablesEnd(): usize { return (__heap_base + 7) & ~7; }
`,
};

/** A bug that a run has to find (--plant): one finding too many, which goes over into the buffer behind the table. Only a guard shows it. */
export const PLANT = {
  file: 'assembly/approval/evidence.ts',
  right: 'if (count < FINDINGS_MAX) return count++;',
  wrong: 'if (count <= FINDINGS_MAX) return count++;',
} as const;

function replaceOnce(text: string, from: string, to: string): string {
  if (text.split(from).length !== 2) throw new Error(`fuzz: the sources have not one "${from}"`);
  return text.replace(from, () => to);
}

const BUFFER =
  /^((?:export )?const (\w+)(?:: usize)? = (?:changetype<\w+>\()?)(?:COMPONENTS \? )?memory\.data\(((?:[^()\n]|\([^()\n]*\)|\(\))+), (\d+)\)(?: : 0)?(\)?;)/gm;

export interface Guarded {
  wasm: Uint8Array;
  /** How many buffers have a guard. */
  buffers: number;
}

/** Compiles assembly/ENTRY.ts with the settings of a target of asconfig.json. */
export async function guardedModule(
  root: string,
  entry: 'agent' | 'core' | 'lz',
  target: string,
  planted = false,
): Promise<Guarded> {
  const source = (name: string) => ALONE[name] ?? readFileSync(join(root, name), 'utf8');
  const altered = new Map<string, string>();
  let buffers = 0;
  const calls: string[] = [];
  const first = `assembly/${entry}.ts`;
  const visit = (name: string) => {
    if (altered.has(name)) return;
    altered.set(name, '');
    const right = EASY[name]?.(source(name)) ?? source(name);
    const text = planted && name === PLANT.file ? replaceOnce(right, PLANT.right, PLANT.wrong) : right;
    for (const [, to, alone] of text.matchAll(/from '(\.[^']*)'|^import '(\.[^']*)'/gm))
      visit(`${normalize(join(dirname(name), (to ?? alone)!))}.ts`);
    const told: string[] = [];
    const guarded = text.replace(BUFFER, (whole, head, variable, bytes, alignment, tail) => {
      if (variable === 'VARIABLES_END') return whole;
      const some = whole.includes('COMPONENTS ?'); // there is one only in some profiles
      const guard = `guardHere(changetype<usize>(${variable}) + (${bytes}), ${GUARD_BYTES});`;
      told.push(some ? `  if (COMPONENTS) ${guard}` : `  ${guard}`);
      const buffer = `memory.data((${bytes}) + ${GUARD_BYTES}, ${Math.max(8, Number(alignment))})`;
      return `${head}${some ? `COMPONENTS ? ${buffer} : 0` : buffer}${tail}`;
    });
    const left = guarded.match(/^(?:export )?const \w+.*memory\.data\(.*$/gm) ?? [];
    const missed = left.filter((line) => !line.includes(`) + ${GUARD_BYTES}, `) && !line.includes('VARIABLES_END'));
    if (missed.length > 0) throw new Error(`fuzz: ${name} has a buffer without a guard: ${missed[0]}`);
    buffers += told.length;
    altered.set(name, told.length === 0 ? guarded : `${guarded}\n${guardsOf(calls.length, told)}`);
    if (told.length > 0) calls.push(name);
  };
  visit(first);
  const importing = calls.map((name, i) => {
    const from = name === first ? '' : `import { guards${i} } from './${name.slice('assembly/'.length, -3)}';\n`;
    return from;
  });
  const all = `export function guards(): void {\n${calls.map((_, i) => `  guards${i}();`).join('\n')}\n}\n`;
  altered.set(first, `${altered.get(first)}\n${importing.join('')}${all}`);
  return { wasm: await compile(root, first, target, altered), buffers };
}

const guardsOf = (number: number, told: string[]) => `
@external('hal', 'guard') declare function guardHere(at: usize, length: u32): void;
export function guards${number}(): void {\n${told.join('\n')}\n}
`;

async function compile(root: string, entry: string, target: string, altered: Map<string, string>): Promise<Uint8Array> {
  let wasm: Uint8Array | undefined;
  const asc = await compiler();
  const { error, stderr } = await asc.main(
    [
      entry,
      '--target',
      target,
      ...(entry in ALONE ? ['--use', 'PROFILE_DELTA=1'] : []),
      ...(entry === 'core' ? ['--use', 'PROFILE_COMPONENTS=1'] : []),
      '--outFile',
      'guarded.wasm',
      '--textFile',
      '',
      '--baseDir',
      root,
    ],
    {
      readFile(name) {
        const text = altered.get(name);
        if (text !== undefined) return text;
        try {
          return readFileSync(join(root, name), 'utf8');
        } catch (cause) {
          if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
          throw cause;
        }
      },
      writeFile(name, contents) {
        if (name === 'guarded.wasm') wasm = contents as Uint8Array;
      },
      listFiles: () => [],
    },
  );
  if (error || !wasm) throw new Error(`fuzz: ${entry} does not compile: ${error?.message} ${stderr}`);
  return wasm;
}

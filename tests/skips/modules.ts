// The modules that have instructions left out: the verifier and the agent as they are built for a Cortex-M0, but for their
// cryptography.
//
// A signature is taken for good if it begins with the first bytes of the public key, by a stand-in whose own instructions count
// like the rest: no other key's will do, nor bytes from anywhere else; the real arithmetic, 13 million instructions each, would
// make the same run take days. The agent's SHA-256 is the real one, but its blocks are the board's (hash.c).

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compiler } from '../support/asc.js';
import type { TestKey } from '../support/make.js';

const NAMED_BYTES = 4; // of a signature and of a key
const MASK = 0x5c; // so that no bytes are a signature by themselves

/** Of the stand-in: it names the key in its first bytes. */
export const by = (key: TestKey) => (signature: Uint8Array) => {
  signature.set(key.x.subarray(0, NAMED_BYTES).map((byte) => byte ^ MASK));
  return signature;
};
/** Of no key, nor of memory that is 0. */
export const forged = (signature: Uint8Array) => signature.fill(0xa5, 0, NAMED_BYTES);

/** Each byte by itself, and no other term, which could stand alone: what stands for the arithmetic is not what is tested. */
const GOOD = (signature: string, key: string) =>
  Array.from(
    { length: NAMED_BYTES },
    (_, i) => `<u32>((<u32>load<u8>(${signature}, ${i}) ^ ${MASK}) === <u32>load<u8>(${key}, ${i}))`,
  ).join(' & ');
const SIGNATURES: Record<string, string> = {
  'assembly/crypto/ed25519.ts': `
let at: usize = 0;
let key: usize = 0;
let fed: u32 = 0;
export function ed25519Begin(publicKey: usize, signature: usize): bool { at = signature; key = publicKey; return publicKey !== 0; }
export function ed25519Update(from: usize, length: u32): void { fed += length + <u32>from; }
export function ed25519Finish(): bool { return (${GOOD('at + (fed >>> 31)', 'key')}) !== 0; }
export function ed25519ValidKey(publicKey: usize): bool { return load<u64>(publicKey) !== 0; }
`,
  'assembly/crypto/p256.ts': `
export function p256Verify(publicKey: usize, digest: usize, signature: usize): bool { return (${GOOD('signature', 'publicKey')}) !== 0; }
export function p256ValidKey(publicKey: usize): bool { return load<u64>(publicKey) !== 0; }
`,
};
const HASH: Record<string, string> = {
  'assembly/crypto/sha256-small.ts': `
@external("hal", "sha256") declare function block(state: usize, from: usize): void;
export function sha256CompressSmall(state: usize, from: usize): void { block(state, from); }
`,
};

/** A line of a source that is another one, for a module that is weaker than ours. */
export interface Plant {
  file: string;
  line: string;
  becomes: string;
}

const MODULES = {
  verifier: { entry: 'assembly/core.ts', target: 'core-small', standIns: SIGNATURES },
  agent: {
    entry: 'assembly/agent.ts',
    target: 'agent',
    standIns: { ...SIGNATURES, ...HASH } as Record<string, string>,
  },
};

export async function compile(root: string, name: keyof typeof MODULES, plants: Plant[] = []): Promise<Uint8Array> {
  const { entry, target, standIns } = MODULES[name];
  let wasm: Uint8Array | undefined;
  const left = new Set(plants);
  const asc = await compiler();
  const { error, stderr } = await asc.main(
    [entry, '--target', target, '--outFile', 'skips.wasm', '--textFile', '', '--baseDir', root],
    {
      readFile(file) {
        let text = standIns[file];
        if (text !== undefined) return text;
        try {
          text = readFileSync(join(root, file), 'utf8');
        } catch (cause) {
          if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
          throw cause;
        }
        for (const plant of plants) {
          if (plant.file !== file || !text.includes(plant.line)) continue;
          text = text.replace(plant.line, plant.becomes);
          left.delete(plant);
        }
        return text;
      },
      writeFile(file, contents) {
        if (file === 'skips.wasm') wasm = contents as Uint8Array;
      },
      listFiles: () => [],
    },
  );
  if (error || !wasm) throw new Error(`skips: the ${name} does not compile: ${error?.message} ${stderr}`);
  for (const { file, line } of left) throw new Error(`skips: ${file} has no line to plant in: ${line}`);
  return wasm;
}

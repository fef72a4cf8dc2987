// The agent for the loop, compiled from the sources as they stand and with planted bugs that are asleep (plants.ts).
//
// Their Ed25519 is Node's, by an import, and each signature is checked once: a power cut does not change the answer, and
// the device's own arithmetic would take nine tenths of the time. Everything else is the agent as it is; build/agent.wasm
// itself, own arithmetic included, goes through the loop too (powercut.test.ts).

import { createPublicKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compiler } from '../support/asc.js';
import type { Plant } from './plants.js';

const CRYPTO = 'assembly/crypto/ed25519.ts';
const NODES_ED25519 = `
@external('crypto', 'begin') declare function begin(publicKey: usize, signature: usize): void;
@external('crypto', 'update') declare function update(from: usize, length: u32): void;
@external('crypto', 'finish') declare function finish(): i32;
export function ed25519Begin(publicKey: usize, signature: usize): bool { begin(publicKey, signature); return true; }
export function ed25519Update(from: usize, length: u32): void { update(from, length); }
export function ed25519Finish(): bool { return finish() !== 0; }
export function ed25519ValidKey(publicKey: usize): bool { return load<u64>(publicKey) !== 0; }
`;

// What takes turns in memory is of no use between two calls of the board (assembly/update/rooms.ts): here it is spoilt
// then, so that whoever counts on it fails a scenario without any cut.
const AGENT = 'assembly/agent.ts';
const SPOIL = `
import { OTHER, READING, SCRATCH, SCRATCH_BYTES } from './scratch';
import { PIECE, PIECE_BYTES } from './flash/flash';
function spoil(): void {
  memory.fill(READING, 0xa5, OTHER + 32 - READING);
  memory.fill(SCRATCH, 0xa5, SCRATCH_BYTES);
  memory.fill(PIECE, 0xa5, PIECE_BYTES);
}
export function start(): void { startThen(); spoil(); }
export function receive(link: i32, length: u32): void { receiveThen(link, length); spoil(); }
export function tick(milliseconds: u32): void { tickThen(milliseconds); spoil(); }
`;
const spoiling = (text: string) => text.replace(/export function (start|receive|tick)\(/g, 'function $1Then(') + SPOIL;

/** The agent with every planted bug, in a profile (assembly/profile.ts); which one is in force, if any, is asked of the board: `planted` below. */
export async function buildAgent(root: string, plants: readonly Plant[], profile?: string): Promise<Uint8Array> {
  let wasm: Uint8Array | undefined;
  const asc = await compiler();
  const { error, stderr } = await asc.main(
    ['assembly/agent.ts', '--target', 'agent', '--optimizeLevel', '1', '--shrinkLevel', '0', '--no-converge'].concat([
      ...['--outFile', 'agent.wasm', '--textFile', '', '--baseDir', root],
      ...(profile ? ['--use', `${profile}=1`] : []),
    ]),
    {
      readFile(name) {
        try {
          if (name === CRYPTO) return NODES_ED25519;
          const text = readFileSync(join(root, name), 'utf8');
          if (name === AGENT) return spoiling(text);
          return name.startsWith('assembly/') ? plant(name, text, plants) : text;
        } catch (cause) {
          if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
          throw cause;
        }
      },
      writeFile(name, contents) {
        if (name === 'agent.wasm') wasm = contents as Uint8Array;
      },
      listFiles: () => [],
    },
  );
  if (error || !wasm) throw new Error(`powercut: the agent does not compile: ${error?.message} ${stderr}`);
  return wasm;
}

function plant(file: string, text: string, plants: readonly Plant[]): string {
  plants.forEach((each, i) => {
    if (`assembly/${each.file}` !== file) return;
    if (text.split(each.right).length !== 2) throw new Error(`powercut: ${file} has not one "${each.right}"`);
    text = text.replace(each.right, () => each.wrong.replaceAll('HERE', `planted(${i + 1})`));
    if (each.imports) text = `${each.imports}\n${text}`;
  });
  return text.includes('planted(')
    ? `@external('crypto', 'planted') declare function planted(bug: i32): bool;\n${text}`
    : text;
}

const answers = new Map<string, boolean>();

/** What such an agent imports; `bug` is the number of the plant that is in force, 0 none. */
export function nodesCrypto(memory: () => WebAssembly.Memory, bug: number) {
  let parts: Buffer[] = [];
  let key: Buffer;
  let signature: Buffer;
  const copy = (at: number, length: number) => Buffer.from(new Uint8Array(memory().buffer, at, length));
  return {
    begin(publicKey: number, at: number) {
      key = copy(publicKey, 32);
      signature = copy(at, 64);
      parts = [];
    },
    update: (from: number, length: number) => void parts.push(copy(from, length)),
    planted: (asked: number) => Number(asked === bug),
    finish(): number {
      const message = Buffer.concat(parts);
      const question = Buffer.concat([key, signature, message]).toString('latin1');
      const known = answers.get(question);
      if (known !== undefined) return Number(known);
      const jwk = { kty: 'OKP', crv: 'Ed25519', x: key.toString('base64url') };
      const answer = verify(null, message, createPublicKey({ key: jwk, format: 'jwk' }), signature);
      answers.set(question, answer);
      return Number(answer);
    },
  };
}

// Project Wycheproof's signatures in every profile: the message whole, split at every byte, and one byte at a time.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Machine, machine, profiles } from './machine.js';

interface Case {
  tcId: number;
  comment: string;
  msg: string;
  sig: string;
  result: 'valid' | 'invalid';
}
interface File<Key> {
  numberOfTests: number;
  testGroups: { publicKey: Key; tests: Case[] }[];
}
const vectors = <Key>(name: string) =>
  JSON.parse(readFileSync(new URL(`../vectors/wycheproof/${name}.json`, import.meta.url), 'utf8')) as File<Key>;
const unhex = (text: string) => new Uint8Array(Buffer.from(text, 'hex'));

/** The ways to hand over a message. */
function* roads(message: Uint8Array): Generator<Uint8Array[]> {
  yield [message];
  for (let cut = 0; cut <= message.length; cut++) yield [message.subarray(0, cut), message.subarray(cut)];
  yield Array.from(message, (byte) => Uint8Array.of(byte));
}

// Odd addresses on purpose: nothing that arrives is aligned.
const places = (m: Machine) => ({
  key: m.area + 1,
  signature: m.area + 67,
  digest: m.area + 133,
  piece: m.area + 4097,
});

function ed25519(m: Machine, key: Uint8Array, signature: Uint8Array, pieces: Uint8Array[]): boolean {
  const at = places(m);
  m.write(at.key, key);
  m.write(at.signature, signature);
  m.call('ed25519Begin', at.key, at.signature);
  for (const piece of pieces) {
    m.write(at.piece, piece);
    m.call('ed25519Update', at.piece, piece.length);
  }
  return m.call('ed25519Finish') === 1;
}

function p256(m: Machine, key: Uint8Array, signature: Uint8Array, pieces: Uint8Array[]): boolean {
  const at = places(m);
  const state = m.area + 1024;
  m.write(at.key, key);
  m.write(at.signature, signature);
  m.call('sha256Begin', state);
  for (const piece of pieces) {
    m.write(at.piece, piece);
    m.call('sha256Update', state, at.piece, piece.length);
  }
  m.call('sha256Finish', state, at.digest);
  return m.call('p256Verify', at.key, at.digest, at.signature) === 1;
}

/** Runs every case on every road; a signature of another length than 64 bytes never reaches the verifier. */
function run<Key>(
  file: File<Key>,
  keyOf: (key: Key) => Uint8Array,
  verify: (key: Uint8Array, signature: Uint8Array, pieces: Uint8Array[]) => boolean,
) {
  let cases = 0;
  let runs = 0;
  const wrong: string[] = [];
  for (const { publicKey, tests } of file.testGroups) {
    for (const test of tests) {
      cases++;
      const signature = unhex(test.sig);
      for (const pieces of roads(unhex(test.msg))) {
        runs++;
        const accepted = signature.length === 64 && verify(keyOf(publicKey), signature, pieces);
        if (accepted !== (test.result === 'valid')) wrong.push(`${test.tcId} ${test.comment}`);
      }
    }
  }
  return { cases, runs, wrong };
}

describe.each(profiles)('%s', (profile) => {
  const m = machine(profile);

  it('Ed25519', () => {
    const file = vectors<{ pk: string }>('ed25519_test');
    const { cases, runs, wrong } = run(
      file,
      ({ pk }) => unhex(pk),
      (...given) => ed25519(m, ...given),
    );
    console.log(`Wycheproof Ed25519, ${profile}: ${cases} cases, ${runs} runs`);
    expect(wrong).toEqual([]);
    expect(cases).toBe(file.numberOfTests);
  });

  it('ECDSA P-256 with SHA-256', () => {
    const file = vectors<{ uncompressed: string }>('ecdsa_secp256r1_sha256_p1363_test');
    const { cases, runs, wrong } = run(
      file,
      ({ uncompressed }) => unhex(uncompressed).subarray(1),
      (...given) => p256(m, ...given),
    );
    console.log(`Wycheproof ECDSA P-256, ${profile}: ${cases} cases, ${runs} runs`);
    expect(wrong).toEqual([]);
    expect(cases).toBe(file.numberOfTests);
  });
});

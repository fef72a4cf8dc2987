// core.wasm in V8 beside what a JavaScript program would use instead: node:crypto (OpenSSL, native), @noble (JavaScript),
// hash-wasm and libsodium (WebAssembly).
//
// Everybody gets the same bytes from JavaScript, copies into WebAssembly included, and answers the same question.

import { createHash, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { ed25519 } from '@noble/curves/ed25519.js';
import { p256 } from '@noble/curves/nist.js';
import { sha256, sha512 } from '@noble/hashes/sha2.js';
import { createSHA256, createSHA512 } from 'hash-wasm';
import { sideBySide } from './rounds.mjs';

const TOTAL_BYTES = 1 << 20; // hashed per call
const MESSAGE_BYTES = 256; // signed; about a Sig_structure

/** core.wasm without its typed wrapper, which makes copies of its own. */
function bareCore(path) {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(path)));
  const memory = new Uint8Array(exports.memory.buffer);
  const at = exports.input();
  const size = exports.inputBytes();
  const feed = (update, bytes) => {
    for (let from = 0; from < bytes.length; from += size) {
      const piece = from === 0 && bytes.length <= size ? bytes : bytes.subarray(from, from + size); // as host/core.ts
      memory.set(piece, at);
      update(piece.length);
    }
  };
  return {
    hash: (name, bytes, chunk) => {
      exports[`${name}Begin`]();
      for (let from = 0; from < bytes.length; from += chunk) {
        feed(exports[`${name}Update`], bytes.subarray(from, from + chunk));
      }
      exports[`${name}Finish`]();
      return memory.slice(exports.output(), exports.output() + exports.outputBytes());
    },
    ed25519: (key, signature, message) => {
      memory.set(key, at);
      memory.set(signature, at + 32);
      exports.ed25519Begin();
      feed(exports.ed25519Update, message);
      return exports.ed25519Finish() === 1;
    },
    p256: (key, signature, message) => {
      exports.sha256Begin();
      feed(exports.sha256Update, message);
      exports.sha256Finish();
      memory.copyWithin(at + 128, exports.output(), exports.output() + 32);
      memory.set(key, at);
      memory.set(signature, at + 64);
      return exports.p256Verify() === 1;
    },
  };
}

const chunks = function* (bytes, size) {
  for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size);
};
const through = (hasher, bytes, chunk) => {
  for (const piece of chunks(bytes, chunk)) hasher.update(piece);
  return hasher;
};
const hex = (bytes) => Buffer.from(bytes).toString('hex');

function agree(contenders, right, show = (value) => value) {
  for (const [name, run] of Object.entries(contenders)) {
    if (show(run()) !== right) throw new Error(`bench: ${name} gives another result`);
  }
}

/** Rows of one measurement: ours against each peer; `targets` has the ratios to reach. */
export async function rows(metric, unit, factor, contenders, targets) {
  const { countersign: ours, ...peers } = await sideBySide(contenders);
  return Object.entries(peers).map(([peer, theirs]) => {
    const ratio = ours / theirs;
    const target = targets[peer];
    const judged = target === undefined ? {} : { target, met: ratio >= target };
    return { group: 'V8', metric, ours: ours * factor, peer, theirs: theirs * factor, unit, ratio, ...judged };
  });
}

export async function inV8(corePath) {
  const core = bareCore(corePath);
  const sodium = createRequire(import.meta.url)('libsodium-wrappers-sumo'); // its ESM build lacks a file
  await sodium.ready;
  const bytes = Uint8Array.from({ length: TOTAL_BYTES }, (_, i) => i * 31);
  const hashers = {
    sha256: { label: 'SHA-256', noble: sha256, wasm: await createSHA256(), start: 'crypto_hash_sha256' },
    sha512: { label: 'SHA-512', noble: sha512, wasm: await createSHA512(), start: 'crypto_hash_sha512' },
  };
  const hashing = (name, chunk, targets) => {
    const { label, noble, wasm, start } = hashers[name];
    const contenders = {
      countersign: () => core.hash(name, bytes, chunk),
      'node:crypto': () => through(createHash(name), bytes, chunk).digest(),
      '@noble/hashes': () => through(noble.create(), bytes, chunk).digest(),
      'hash-wasm': () => through(wasm.init(), bytes, chunk).digest('binary'),
      'libsodium-wrappers-sumo': () => {
        const state = sodium[`${start}_init`]();
        for (const piece of chunks(bytes, chunk)) sodium[`${start}_update`](state, piece);
        return sodium[`${start}_final`](state);
      },
    };
    agree(contenders, createHash(name).update(bytes).digest('hex'), hex);
    const size = chunk < 1024 ? `${chunk} B` : `${chunk >> 10} KiB`;
    return rows(`${label}, ${size} chunks`, 'MB/s', TOTAL_BYTES / 1e6, contenders, targets);
  };

  const message = bytes.slice(0, MESSAGE_BYTES);
  const spki = (key, length) => key.export({ type: 'spki', format: 'der' }).subarray(-length);
  const edwards = generateKeyPairSync('ed25519');
  const edKey = new Uint8Array(spki(edwards.publicKey, 32));
  const edSignature = new Uint8Array(sign(null, message, edwards.privateKey));
  const curve = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const ecKey = new Uint8Array(spki(curve.publicKey, 65));
  const ieee = (key) => ({ key, dsaEncoding: 'ieee-p1363' });
  const ecSignature = new Uint8Array(sign('sha256', message, ieee(curve.privateKey)));
  const edObject = createPublicKey(edwards.privateKey);
  const ecObject = createPublicKey(curve.privateKey);

  const ed = {
    countersign: () => core.ed25519(edKey, edSignature, message),
    'node:crypto': () => verify(null, message, edObject, edSignature),
    '@noble/curves': () => ed25519.verify(edSignature, message, edKey, { zip215: false }),
    'libsodium-wrappers-sumo': () => sodium.crypto_sign_verify_detached(edSignature, message, edKey),
  };
  const ec = {
    countersign: () => core.p256(ecKey.subarray(1), ecSignature, message),
    'node:crypto': () => verify('sha256', message, ieee(ecObject), ecSignature),
    '@noble/curves': () => p256.verify(ecSignature, message, ecKey, { lowS: false }),
  };
  agree(ed, true);
  agree(ec, true);
  return [
    ...(await hashing('sha256', 65_536, { 'hash-wasm': 1 })),
    ...(await hashing('sha256', 256, { 'hash-wasm': 1.35 })),
    ...(await hashing('sha512', 65_536, { 'libsodium-wrappers-sumo': 1 })),
    ...(await rows('Ed25519 verify', '/s', 1, ed, { 'libsodium-wrappers-sumo': 1 })),
    ...(await rows('ECDSA P-256 verify', '/s', 1, ec, { '@noble/curves': 15 })),
  ];
}

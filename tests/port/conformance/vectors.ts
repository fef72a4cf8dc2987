// The core's vectors as scripts of calls: hashes of every short length and a long one, Wycheproof's signatures, the COSE
// and SUIT examples, and the worlds of the verdict. What the calls are is written down while build/core.wasm is made to
// do them by the same helpers that the suites of those vectors use.

import { readFileSync } from 'node:fs';
import { cbor, concat, coseKey, keyOf, makeBootstrap, ROLE, sha256, unhex, utf8 } from '../../support/make.js';
import { type RawCore, rawCore } from '../../support/rawcore.js';
import { deliveryOf } from '../../support/world.js';
import { WORLDS } from '../../support/worlds.js';
import { scriptWriter } from './player.js';

const file = (path: string) => readFileSync(new URL(`../../vectors/${path}`, import.meta.url), 'utf8');
const json = (path: string) => JSON.parse(file(path));

const LENGTH_MAX = 300; // two blocks of SHA-512 and more
const MILLION = 1000; // pieces of a thousand bytes

/** One vector: it makes the core do something. */
type Vector = (core: RawCore) => void;

function* hashes(): Generator<Vector> {
  for (const hash of ['sha256', 'sha512']) {
    const run = ({ exports }: RawCore, lengths: readonly number[]) => {
      exports[`${hash}Begin`]!();
      for (const length of lengths) exports[`${hash}Update`]!(length);
      exports[`${hash}Finish`]!();
    };
    const message = Uint8Array.from({ length: 1024 }, (_, i) => i * 167 + (i >> 3));
    yield (core) => {
      core.put(message);
      for (let length = 0; length <= LENGTH_MAX; length++) run(core, [length]);
      run(core, [1, 63, 64, 65, 127, 128, 129, 1000, 1024]);
    };
    yield (core) => {
      core.put(new Uint8Array(1000).fill('a'.charCodeAt(0))); // the third message of FIPS 180's examples
      run(core, new Array<number>(MILLION).fill(1000));
    };
  }
}

interface Group {
  publicKey: { pk?: string; uncompressed?: string };
  tests: { msg: string; sig: string }[];
}

/** Signatures that are not 64 bytes long never reach the core. */
const wycheproof = (path: string) =>
  (json(`wycheproof/${path}.json`).testGroups as Group[]).flatMap(({ publicKey, tests }) =>
    tests
      .map(({ msg, sig }) => ({ publicKey, message: unhex(msg), signature: unhex(sig) }))
      .filter(({ signature }) => signature.length === 64),
  );

function* ed25519(): Generator<Vector> {
  for (const { publicKey, message, signature } of wycheproof('ed25519_test')) {
    yield ({ exports, put }) => {
      put(concat(unhex(publicKey.pk!), signature));
      exports.ed25519Begin!();
      exports.ed25519Update!(put(message));
      exports.ed25519Finish!();
    };
  }
}

function* p256(): Generator<Vector> {
  for (const { publicKey, message, signature } of wycheproof('ecdsa_secp256r1_sha256_p1363_test')) {
    yield ({ exports, put }) => {
      put(concat(unhex(publicKey.uncompressed!).subarray(1), signature, sha256(message)));
      exports.p256Verify!();
    };
  }
}

function* cose(): Generator<Vector> {
  for (const { key, kid, external_aad, cose } of json('cose/sign1.json').vectors) {
    const encoded = cbor(coseKey(keyOf(key.y ? 'p256' : 'ed25519', unhex(key.d), utf8(kid))));
    const [message, aad] = [unhex(cose), unhex(external_aad)];
    yield ({ exports, put }) => {
      put(concat(encoded, message, aad));
      exports.sign1Verify!(encoded.length, message.length, 0, aad.length);
    };
  }
}

function* suit(): Generator<Vector> {
  const { keys, vectors } = json('suit/index.json');
  const key = (kind: 'p256' | 'ed25519', name: string) =>
    keyOf(kind, unhex(keys[name].private_d ?? keys[name].private_seed), keys[name].kid && unhex(keys[name].kid));
  const bootstrap = makeBootstrap({
    anchors: [
      { role: ROLE.vendor, key: key('p256', 'vendor-p256') },
      { role: ROLE.operator, key: key('ed25519', 'operator-ed25519') },
      { role: ROLE.operator, key: key('p256', 'operator-p256') },
    ],
  });
  for (const { file: name } of vectors) {
    const envelope = unhex(file(`suit/${name}`));
    for (const pieces of [[envelope.length], [61, 7]]) {
      yield ({ deliver }) => void deliver({ bootstrap, package: envelope, pieces });
    }
  }
}

function* worlds(): Generator<Vector> {
  for (const [, world] of WORLDS) {
    for (const unapproved of [0, 1] as const) {
      yield ({ deliver }) => void deliver(deliveryOf({ ...world, policy: { ...world.policy, unapproved } }));
    }
  }
}

const PARTS = [hashes, ed25519, p256, cose, suit, worlds];

export interface Play {
  script: Uint8Array;
  /** How many vectors it holds, and of how many. */
  vectors: number;
  of: number;
}

/** The script of all vectors, or of every `step`th one of each part, for slow machines. */
export function scriptOf(module: WebAssembly.Module, step = 1): Play {
  const writer = scriptWriter(module);
  let [vectors, of] = [0, 0];
  for (const part of PARTS) {
    const core = rawCore(writer);
    let place = 0;
    for (const vector of part()) {
      of++;
      if (place++ % step) continue;
      vectors++;
      vector(core);
    }
    writer.reset(); // every part begins with a core of its own
  }
  return { script: writer.end(), vectors, of };
}

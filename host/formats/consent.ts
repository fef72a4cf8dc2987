// A consenter's signed answer to the question of one device (assembly/policy/consent.ts):
//
//   COSE_Sign1_Tagged by a consenter anchor over {1: 1 yes | 2 no, 2: manifest digest, 3: device id, 4: nonce}
//
// The nonce is the device's, for this question alone: an answer counts once, there, and for that package.

import { cborMap, encode } from './cbor.js';
import { sign1 } from './cose.js';
import type { SigningKey } from './keys.js';

export type Answer = 'yes' | 'no';

const ANSWER = { yes: 1, no: 2 } as const satisfies Record<Answer, number>;

export interface Consent {
  answer: Answer;
  digest: Uint8Array;
  device: Uint8Array;
  nonce: Uint8Array;
}

export function signConsent(key: SigningKey, { answer, digest, device, nonce }: Consent): Uint8Array {
  const members = cborMap([
    [1, ANSWER[answer]],
    [2, digest],
    [3, device],
    [4, nonce],
  ]);
  return sign1(key, encode(members));
}

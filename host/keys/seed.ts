// An Ed25519 key of its 32 bytes, which node:crypto takes only inside PKCS#8.

import { createPrivateKey, type KeyObject } from 'node:crypto';

/** PKCS#8 of an Ed25519 key up to its seed (RFC 8410 section 7). */
const ED25519_PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');

export const ed25519FromSeed = (seed: Uint8Array): KeyObject =>
  createPrivateKey({ key: Buffer.concat([ED25519_PKCS8_HEAD, seed]), format: 'der', type: 'pkcs8' });

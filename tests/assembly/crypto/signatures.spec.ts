// Ed25519 by RFC 8032 section 7.1 and P-256 by cases of Wycheproof, each with the ways to spoil them.
// tests/crypto/ has the whole of Wycheproof, and each operation against BigInt.

import { ed25519Begin, ed25519Finish, ed25519Update, ed25519ValidKey } from '../../../assembly/crypto/ed25519';
import { p256ValidKey, p256Verify } from '../../../assembly/crypto/p256';
import { SHA256_STATE_BYTES, sha256Begin, sha256Finish, sha256Update } from '../../../assembly/crypto/sha256';
import { clear, lay, sizeOf } from '../support/bytes';

// RFC 8032 section 7.1, TEST 2
const KEY = '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c';
const MESSAGE = '72';
const R = '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da';
const S = '085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00';
const S_PLUS_L = 'f52db7405830ab8c9d9bb10bb38a3b8e387b2eaeb4302aeeb00d291612bb0c10'; // wrong on purpose: >= L

function ed25519(key: string, signature: string, message: string): bool {
  clear();
  const at = lay(message);
  ed25519Begin(lay(key), lay(signature));
  ed25519Update(at, sizeOf(message));
  return ed25519Finish();
}

describe('Ed25519', () => {
  it('accepts, again and again', () => {
    expect(ed25519(KEY, R + S, MESSAGE)).toBe(true);
    expect(ed25519(KEY, R + S, MESSAGE)).toBe(true);
  });

  it('refuses another message, key, R or S', () => {
    expect(ed25519(KEY, R + S, '73')).toBe(false);
    expect(ed25519('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a', R + S, MESSAGE)).toBe(false);
    expect(ed25519(KEY, S + S, MESSAGE)).toBe(false);
    expect(ed25519(KEY, R + R, MESSAGE)).toBe(false);
  });

  it('refuses S from L on at once', () => {
    clear();
    expect(ed25519Begin(lay(KEY), lay(R + S_PLUS_L))).toBe(false);
    expect(ed25519Finish()).toBe(false);
  });

  it('takes keys that are canonical and of full order', () => {
    clear();
    expect(ed25519ValidKey(lay(KEY))).toBe(true);
    expect(ed25519ValidKey(lay(`01${'00'.repeat(31)}`))).toBe(false); // the neutral point
    expect(ed25519ValidKey(lay('00'.repeat(32)))).toBe(false); // order 4
    expect(ed25519ValidKey(lay(`02${'00'.repeat(31)}`))).toBe(false); // no point
    expect(ed25519ValidKey(lay(`f0${'ff'.repeat(30)}7f`))).toBe(false); // p + 3: not canonical
  });
});

// Wycheproof: tcId 226, and 257, whose x is r + n
const P256_KEY =
  '04aaec73635726f213fb8a9e64da3b8632e41495a944d0045b522eba7240fad587d9315798aaa3a5ba01775787ced05eaaf7b4e09fc81d6d1aa546e8365d525d';
const P256_SIGNATURE =
  '530bd6b0c9af2d69ba897f6b5fb59695cfbf33afe66dbadcf5b8d2a2a6538e23d85e489cb7a161fd55ededcedbf4cc0c0987e3e3f0f242cae934c72caa3f43e9';
const LARGE_X_KEY =
  'ce24c99032d52ac6ead23c0ae3ec68ef41e51a281fd457808c83136d7dcce90e8f7a154b551e9f39c59279357aa491b2a62bdebc2bb78613883fc72936c057e0';
const LARGE_X_SIGNATURE = `${'00'.repeat(31)}03ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc63254e`;
const ORDER = 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551';

const state: usize = memory.data(SHA256_STATE_BYTES, 8);
const digest: usize = memory.data(32);

function p256(key: string, signature: string, message: string): bool {
  clear();
  sha256Begin(state);
  sha256Update(state, lay(message), sizeOf(message));
  sha256Finish(state, digest);
  return p256Verify(lay(key), digest, lay(signature));
}

describe('P-256', () => {
  it('accepts, also where x exceeds the order', () => {
    expect(p256(P256_KEY, P256_SIGNATURE, '4d7367')).toBe(true);
    expect(p256(LARGE_X_KEY, LARGE_X_SIGNATURE, '68656c6c6f2c20776f726c64')).toBe(true);
  });

  it('refuses another message or key, and r or s out of 1..n-1', () => {
    expect(p256(P256_KEY, P256_SIGNATURE, '4d7368')).toBe(false);
    expect(p256(LARGE_X_KEY, P256_SIGNATURE, '4d7367')).toBe(false);
    const r = P256_SIGNATURE.substring(0, 64);
    const zero = '00'.repeat(32);
    expect(p256(P256_KEY, r + zero, '4d7367')).toBe(false);
    expect(p256(P256_KEY, zero + r, '4d7367')).toBe(false);
    expect(p256(P256_KEY, r + ORDER, '4d7367')).toBe(false);
    expect(p256(P256_KEY, ORDER + r, '4d7367')).toBe(false);
  });

  it('takes keys that are on the curve', () => {
    clear();
    expect(p256ValidKey(lay(P256_KEY))).toBe(true);
    expect(p256ValidKey(lay('00'.repeat(64)))).toBe(false);
    expect(p256ValidKey(lay(`${P256_KEY.substring(0, 126)}5c`))).toBe(false);
    expect(p256ValidKey(lay('ff'.repeat(64)))).toBe(false);
  });
});

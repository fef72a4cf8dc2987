// A key that is held as bytes signs as one of node:crypto does, and what it is kept as is read by both.

import { createPublicKey, randomBytes, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { fromHex, hex, utf8 } from '../../host/formats/bytes.js';
import { decode, encode } from '../../host/formats/cbor.js';
import { generateHeldKey, type HeldKey, heldKeyFromCose, holdKey } from '../../host/formats/held-key.js';
import { KEY_KINDS, publicKeyFromSpki, publicKeyToCose, publicKeyToPem } from '../../host/formats/keys.js';
import { generateKey, readPublicKey, readSigningKey } from '../../host/keys/read.js';

const none = async () => '';
const message = utf8('a package');
const code = (name: string) => expect.objectContaining({ reason: expect.objectContaining({ name }) });

describe.each(KEY_KINDS)('%s', (kind) => {
  it('is verified by node:crypto', () => {
    const key = generateHeldKey(kind);
    const open = createPublicKey(publicKeyToPem(key.public));
    const how = kind === 'ed25519' ? null : 'sha256';
    const signature = key.sign(message);
    expect(signature).toHaveLength(64);
    expect(verify(how, message, { key: open, dsaEncoding: 'ieee-p1363' }, signature)).toBe(true);
    expect(verify(how, utf8('another'), { key: open, dsaEncoding: 'ieee-p1363' }, signature)).toBe(false);
  });

  it('is kept as a COSE_Key that the command reads', async () => {
    const key = generateHeldKey(kind);
    const read = await readSigningKey(key.toCose(), 'it', none);
    expect(read.public).toEqual(key.public);
    expect(heldKeyFromCose(key.toCose(), 'it').public).toEqual(key.public);
    expect(heldKeyFromCose(key.toCose(), 'it').sign(message)).toEqual(key.sign(message)); // RFC 8032, RFC 6979
  });

  it('of bytes that are no key is none', () => {
    expect(() => holdKey(kind, new Uint8Array(31))).toThrow(code('KeyInvalid'));
    const { public: open } = generateHeldKey(kind);
    expect(() => heldKeyFromCose(encode(publicKeyToCose(open)), 'it')).toThrow(code('KeyWrong'));
    const other = publicKeyToCose(open).set(-4, Uint8Array.from(randomBytes(32)).fill(1));
    expect(() => heldKeyFromCose(encode(other), 'it')).toThrow(code('KeyInvalid'));
  });

  it('a COSE_Key is read by one rule: both halves, and the id that it has', async () => {
    const [key, other] = [generateHeldKey(kind), generateHeldKey(kind)];
    const cose = (open: HeldKey, secret: HeldKey, more: [number, unknown][] = []) =>
      encode(
        new Map<number | string, unknown>([
          ...publicKeyToCose(open.public),
          [-4, (decode(secret.toCose(), 'it') as Map<number, unknown>).get(-4)],
          ...more,
        ]),
      );
    const both = async (bytes: Uint8Array) =>
      Promise.all(
        [
          async () => heldKeyFromCose(bytes, 'it').public,
          async () => (await readSigningKey(bytes, 'it', none)).public,
          async () => readPublicKey(bytes, 'it'),
        ].map((read) => read().catch((error) => error.reason.name)),
      );
    for (const [bytes, name] of [
      [cose(key, other), 'KeyInvalid'],
      [cose(key, key, [[-4, new Uint8Array(31).fill(1)]]), 'KeyInvalid'],
      [cose(key, key, [[-4, new Uint8Array(32).fill(kind === 'p256' ? 0xff : 1)]]), 'KeyInvalid'],
    ] as const) {
      expect(await both(bytes)).toEqual([name, name, name]);
    }
    const kid = Uint8Array.of(1, 2, 3);
    const named = { ...key.public, kid };
    expect(await both(cose(key, key, [[2, kid]]))).toEqual([named, named, named]);
  });

  it("its SPKI is OpenSSL's, byte for byte, and comes back", () => {
    const { public: open } = generateKey(kind);
    const pem = publicKeyToPem(open);
    expect(createPublicKey(pem).export({ type: 'spki', format: 'pem' })).toBe(pem);
    expect(publicKeyFromSpki(utf8(pem))).toEqual(open);
    expect(publicKeyFromSpki(createPublicKey(pem).export({ type: 'spki', format: 'der' }))).toEqual(open);
    expect(readPublicKey(utf8(pem), 'it')).toEqual(open);
    expect(publicKeyFromSpki(utf8(pem.replace('-----END', 'AAAA\n-----END')))).toBeUndefined();
  });
});

it('P-256: 0 and the order of the group are no private numbers', () => {
  const order = fromHex('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551');
  expect(() => holdKey('p256', new Uint8Array(32))).toThrow(code('KeyInvalid'));
  expect(() => holdKey('p256', order)).toThrow(code('KeyInvalid'));
});

it('Ed25519: RFC 8032 section 7.1, test 2', () => {
  const key = holdKey('ed25519', fromHex('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb'));
  expect(hex(key.public.bytes)).toBe('3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c');
  expect(hex(key.sign(Uint8Array.of(0x72))).slice(0, 32)).toBe('92a009a9f0d4cab8720e820b5f642540');
});

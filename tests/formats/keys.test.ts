// Keys: every form in which they come, the same key out of each; and the forms that must not pass.

import { createPrivateKey, createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { cborMap, encode } from '../../host/formats/cbor.js';
import {
  generateKey,
  isCoseKey,
  type KeyKind,
  publicKeyToCose,
  publicKeyToPem,
  readPublicKey,
  readSigningKey,
  thumbprint,
} from '../../host/formats/keys.js';

const utf8 = (text: string) => new TextEncoder().encode(text);
const never = () => Promise.reject(new Error('no passphrase is needed'));
const KINDS: KeyKind[] = ['ed25519', 'p256'];

describe.each(KINDS)('%s', (kind) => {
  const key = generateKey(kind);
  const pem = key.toPem();
  const node = createPrivateKey(pem);

  it('signs what node verifies, in 64 bytes', () => {
    const message = utf8('approve');
    const signature = key.sign(message);
    expect(signature.length).toBe(64);
    const open = createPublicKey(publicKeyToPem(key.public));
    const digest = kind === 'ed25519' ? null : 'sha256';
    expect(verify(digest, message, { key: open, dsaEncoding: 'ieee-p1363' }, signature)).toBe(true);
  });

  it.each<[string, Uint8Array]>([
    ['PKCS#8 PEM', utf8(pem)],
    ['PKCS#8 DER', node.export({ type: 'pkcs8', format: 'der' })],
    ...(kind === 'p256'
      ? ([
          ['SEC1 PEM', utf8(node.export({ type: 'sec1', format: 'pem' }).toString())],
          ['SEC1 DER', node.export({ type: 'sec1', format: 'der' })],
        ] as [string, Uint8Array][])
      : []),
    [
      'COSE_Key',
      encode(
        new Map([...publicKeyToCose(key.public), [-4, Buffer.from(node.export({ format: 'jwk' }).d!, 'base64url')]]),
      ),
    ],
  ])('is read from %s', async (_, bytes) => {
    const read = await readSigningKey(bytes, 'key', never);
    expect(read.public).toEqual(key.public);
    expect(read.toPem()).toBe(pem);
    expect(readPublicKey(bytes, 'key')).toEqual(key.public);
  });

  it.each<[string, Uint8Array]>([
    ['SPKI PEM', utf8(publicKeyToPem(key.public))],
    ['SPKI DER', createPublicKey(node).export({ type: 'spki', format: 'der' })],
    ['COSE_Key', encode(publicKeyToCose(key.public))],
  ])('public half is read from %s, and cannot sign', async (_, bytes) => {
    expect(readPublicKey(bytes, 'key')).toEqual(key.public);
    await expect(readSigningKey(bytes, 'key', never)).rejects.toMatchObject({ code: 210 });
  });

  it.each([
    ['PEM', (passphrase: string) => utf8(key.toPem(passphrase))],
    ['DER', (passphrase: string) => node.export({ type: 'pkcs8', format: 'der', cipher: 'aes-256-cbc', passphrase })],
  ])('encrypted %s opens with its passphrase alone', async (_, make) => {
    const bytes = make('open sesame');
    const read = await readSigningKey(bytes, 'key', async () => 'open sesame');
    expect(read.public).toEqual(key.public);
    await expect(readSigningKey(bytes, 'key', async () => 'close')).rejects.toMatchObject({ code: 213 });
    expect(() => readPublicKey(bytes, 'key')).toThrow(/encrypted/);
  });
});

describe('raw 32 bytes', () => {
  const key = generateKey('ed25519');
  const seed = Buffer.from(createPrivateKey(key.toPem()).export({ format: 'jwk' }).d!, 'base64url');

  it('are a seed where a private key is wanted', async () => {
    const read = await readSigningKey(new Uint8Array(seed), 'key', never);
    expect(read.public).toEqual(key.public);
  });

  it('are a public key where a public one is', () => {
    expect(readPublicKey(key.public.bytes, 'key')).toEqual(key.public);
  });
});

describe('key id', () => {
  // RFC 9679 section 6: the example's COSE_Key and its SHA-256 thumbprint.
  const x = Buffer.from('65eda5a12577c2bae829437fe338701a10aaa375e1bb5b5de108de439c08551d', 'hex');
  const y = Buffer.from('1e52ed75701163f7f9e40ddf9f341b3dc9ba860af7e0ca7ca7e9eecd0084d19c', 'hex');

  it('is the beginning of the thumbprint of RFC 9679', () => {
    const expected = '496bd8afadf307e5b08c64b0421bf9dc01528a344a43bda88fadd1669da253ec';
    expect(Buffer.from(thumbprint('p256', Buffer.concat([x, y]))).toString('hex')).toBe(expected);
  });

  it('is kept when the COSE_Key has one of its own', () => {
    const own = utf8('key-1');
    const bytes = encode(cborMap([[1, 2], [2, own], [-1, 1], [-2, x], [-3, y]])); // biome-ignore format: one key, one line
    expect(readPublicKey(bytes, 'key').kid).toEqual(own);
  });

  it('is not part of a thumbprint', () => {
    const key = generateKey('ed25519');
    expect(thumbprint('ed25519', key.public.bytes).slice(0, 8)).toEqual(key.public.kid);
  });
});

describe('what is no key', () => {
  const other = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  it.each<[string, Uint8Array, number]>([
    ['text', utf8('hello'), 211],
    ['an RSA key', utf8(other.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()), 28],
    ['a P-384 key', utf8(p384.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()), 28],
    ['half a PEM', utf8(generateKey('p256').toPem().slice(0, 80)), 211],
    [
      'a COSE_Key of another curve',
      encode(
        cborMap([
          [1, 1],
          [-1, 4],
          [-2, new Uint8Array(32)],
        ]),
      ),
      28,
    ],
  ])('%s is refused', async (_, bytes, code) => {
    expect(() => readPublicKey(bytes, 'it')).toThrow(expect.objectContaining({ code }));
  });

  it('a COSE_Key that is cut off is not taken for one', () => {
    const whole = encode(publicKeyToCose(generateKey('p256').public));
    for (let length = 0; length < whole.length; length++) expect(isCoseKey(whole.slice(0, length))).toBe(false);
  });
});

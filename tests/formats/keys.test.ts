// Keys: every form in which they come, the same key out of each; and the forms that must not pass.

import { execFileSync } from 'node:child_process';
import { createPrivateKey, createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cborMap, encode } from '../../host/formats/cbor.js';
import { type KeyKind, publicKeyToCose, publicKeyToPem, thumbprint } from '../../host/formats/keys.js';
import { generateKey, holdsPrivateKey, keyForm, readPublicKey, readSigningKey } from '../../host/keys/read.js';
import { have } from '../support/need.js';

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
  const seed = new Uint8Array(Buffer.from(createPrivateKey(key.toPem()).export({ format: 'jwk' }).d!, 'base64url'));

  it('are a seed or a public key as the caller says', async () => {
    const read = await readSigningKey(seed, 'key', never, 'seed');
    expect(read.public).toEqual(key.public);
    expect(readPublicKey(seed, 'key', 'seed')).toEqual(key.public);
    expect(readPublicKey(key.public.bytes, 'key', 'public')).toEqual(key.public);
  });

  it('are nothing if nobody says so: a public key would sign, a seed would be published', async () => {
    const named = { code: 211, hint: expect.stringContaining('raw-seed:key') };
    for (const bytes of [seed, key.public.bytes]) {
      await expect(readSigningKey(bytes, 'key', never)).rejects.toMatchObject(named);
      expect(() => readPublicKey(bytes, 'key')).toThrow(expect.objectContaining(named));
    }
  });

  it.each([0x00, 0x41, 0x80, 0xa5, 0xff])('may be a key whatever they are: 0x%i', (byte) => {
    const bytes = seed.map((one, i) => (i === 0 ? 0xff : i % 2 ? byte : one));
    expect(holdsPrivateKey(bytes)).toBe(true);
  });

  it('said to be public do not sign, and others than 32 are none', async () => {
    await expect(readSigningKey(key.public.bytes, 'key', never, 'public')).rejects.toMatchObject({ code: 210 });
    await expect(readSigningKey(seed.slice(1), 'key', never, 'seed')).rejects.toMatchObject({ code: 211 });
  });
});

describe('forms of other tools', () => {
  const b64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
  const pem = (label: string, der: Uint8Array) =>
    utf8(`-----BEGIN ${label}-----\n${b64(der)}\n-----END ${label}-----\n`);

  it.each(KINDS)('JWK of %s, private and public', async (kind) => {
    const key = generateKey(kind);
    const node = createPrivateKey(key.toPem());
    const jwk = (object: typeof node) => utf8(JSON.stringify(object.export({ format: 'jwk' })));
    expect((await readSigningKey(jwk(node), 'key', never)).public).toEqual(key.public);
    expect(readPublicKey(jwk(createPublicKey(node)), 'key')).toEqual(key.public);
    await expect(readSigningKey(jwk(createPublicKey(node)), 'key', never)).rejects.toMatchObject({ code: 210 });
  });

  it('PKCS#8 version 2, with its public key inside', async () => {
    const key = generateKey('ed25519');
    const one = createPrivateKey(key.toPem()).export({ type: 'pkcs8', format: 'der' });
    const body = Buffer.concat([
      Buffer.from('020101', 'hex'),
      one.subarray(5),
      Buffer.from('812100', 'hex'),
      key.public.bytes,
    ]);
    const two = Buffer.concat([Uint8Array.of(0x30, body.length), body]);
    for (const bytes of [two, pem('PRIVATE KEY', two)]) {
      expect((await readSigningKey(bytes, 'key', never)).public).toEqual(key.public);
    }
  });

  it('text in UTF-16, as shells of Windows write it', async () => {
    const key = generateKey('p256');
    const bytes = Buffer.from(`\ufeff${key.toPem()}`, 'utf16le');
    expect((await readSigningKey(bytes, 'key', never)).public).toEqual(key.public);
    expect(holdsPrivateKey(bytes)).toBe(true);
  });

  describe.runIf(have('ssh-keygen', 'openssl'))('made by their own tools', () => {
    const made = (make: (file: string) => [string, ...string[]], ending = '') => {
      const folder = mkdtempSync(join(tmpdir(), 'countersign-keys-'));
      try {
        const [tool, ...words] = make(join(folder, 'key'));
        execFileSync(tool, words, { stdio: 'pipe' });
        return new Uint8Array(readFileSync(join(folder, `key${ending}`)));
      } finally {
        rmSync(folder, { recursive: true });
      }
    };
    const ssh = (type: string, passphrase = '', ending = '') =>
      made((file) => ['ssh-keygen', '-q', '-t', type, '-N', passphrase, '-f', file], ending);

    it.each(['ed25519', 'ecdsa'])('OpenSSH: %s', async (type) => {
      const read = await readSigningKey(ssh(type), 'key', never);
      expect(read.sign(utf8('x')).length).toBe(64);
      expect(readPublicKey(ssh(type, '', '.pub'), 'key').kind).toBe(type === 'ecdsa' ? 'p256' : 'ed25519');
    });

    it('OpenSSH, private and public: one key', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'countersign-keys-'));
      execFileSync('ssh-keygen', ['-q', '-t', 'ecdsa', '-N', '', '-f', join(folder, 'k')]);
      const [secret, open] = ['k', 'k.pub'].map((name) => new Uint8Array(readFileSync(join(folder, name))));
      rmSync(folder, { recursive: true });
      expect((await readSigningKey(secret!, 'k', never)).public).toEqual(readPublicKey(open!, 'k.pub'));
    });

    it('OpenSSH with a passphrase is refused by name, with the way out', async () => {
      await expect(readSigningKey(ssh('ed25519', 'secret'), 'key', never)).rejects.toMatchObject({
        code: 211,
        message: expect.stringContaining('OpenSSH private key, encrypted'),
        hint: expect.stringContaining('ssh-keygen -p'),
      });
      expect(keyForm(ssh('ed25519', 'secret'))).toMatchObject({ kind: 'openssh', secret: true });
    });

    it('OpenSSH of other kinds is no key for this', async () => {
      await expect(readSigningKey(ssh('rsa'), 'key', never)).rejects.toMatchObject({ code: 28 });
    });

    it('PBES1 that OpenSSL has given up is named, not called a wrong passphrase', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'countersign-keys-'));
      writeFileSync(join(folder, 'in'), generateKey('p256').toPem());
      const words = [
        '-topk8',
        '-v1',
        'PBE-MD5-DES',
        '-passout',
        'pass:x',
        '-in',
        join(folder, 'in'),
        '-out',
        join(folder, 'out'),
      ];
      execFileSync('openssl', ['pkcs8', '-provider', 'legacy', '-provider', 'default', ...words]);
      const bytes = new Uint8Array(readFileSync(join(folder, 'out')));
      rmSync(folder, { recursive: true });
      await expect(readSigningKey(bytes, 'key', async () => 'x')).rejects.toMatchObject({
        code: 211,
        message: expect.stringContaining('PBES1'),
        hint: expect.stringContaining('openssl pkcs8'),
      });
    });
  });

  it.each<[string, Uint8Array]>([
    ['PuTTY', utf8('PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n')],
    ['SSH2', utf8('---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nAAAA\n---- END SSH2 ENCRYPTED PRIVATE KEY ----\n')],
    ['PGP', utf8('-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nAAAA\n-----END PGP PRIVATE KEY BLOCK-----\n')],
    ['a JWK set', utf8(JSON.stringify({ keys: [{ kty: 'OKP', crv: 'Ed25519', d: 'AA', x: 'AA' }] }))],
    ['Java', Uint8Array.of(0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2)],
  ])('%s is refused by name, with what converts it, and is never overwritten', async (_, bytes) => {
    await expect(readSigningKey(bytes, 'key', never)).rejects.toMatchObject({
      code: 211,
      message: expect.stringContaining('not read here'),
    });
    expect(holdsPrivateKey(bytes)).toBe(true);
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
    for (let length = 0; length < whole.length; length++)
      expect(keyForm(whole.slice(0, length))?.kind).not.toBe('cose');
  });

  it.each(['P-384', 'P-521', 'secp256k1'])('%s is unsupported in every form', async (namedCurve) => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve });
    await unsupported(privateKey, publicKey);
  });
  it.each(['ed448', 'x25519'] as const)('%s likewise', async (type) => {
    const { privateKey, publicKey } = generateKeyPairSync(type as 'ed448');
    await unsupported(privateKey, publicKey);
  });

  async function unsupported(secret: typeof other.privateKey, open: typeof other.publicKey): Promise<void> {
    const forms = [
      utf8(secret.export({ type: 'pkcs8', format: 'pem' }).toString()),
      secret.export({ type: 'pkcs8', format: 'der' }),
      utf8(JSON.stringify(secret.export({ format: 'jwk' }))),
    ];
    for (const bytes of forms) await expect(readSigningKey(bytes, 'key', never)).rejects.toMatchObject({ code: 28 });
    for (const bytes of [
      utf8(open.export({ type: 'spki', format: 'pem' }).toString()),
      open.export({ type: 'spki', format: 'der' }),
    ])
      expect(() => readPublicKey(bytes, 'key')).toThrow(expect.objectContaining({ code: 28 }));
  }

  it('a private COSE_Key of another curve is of another curve, not public', async () => {
    const long = new Uint8Array(48);
    const key = encode(cborMap([[1, 2], [-1, 2], [-2, long], [-3, long], [-4, long]])); // biome-ignore format: one key, one line
    await expect(readSigningKey(key, 'key', never)).rejects.toMatchObject({ code: 28 });
  });
});

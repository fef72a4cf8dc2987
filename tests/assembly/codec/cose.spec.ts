// COSE_Key and COSE_Sign1: what is taken, and the number of each refusal. The two signatures are the COSE working group's
// (ecdsa-sig-01, eddsa-sig-01); tests/core/cose-vectors.test.ts runs all of theirs.

import { Cursor } from '../../../assembly/codec/cbor';
import { Key, KeyKind, keyRead, keysEqual, Sign1, sign1Open, signedBy } from '../../../assembly/codec/cose';
import { Reason } from '../../../assembly/reason';
import { bstr, clear, lay, repeat, sizeOf } from '../support/bytes';

const cursor = changetype<Cursor>(memory.data(64, 8));
const key = changetype<Key>(memory.data(64, 8));
const second = changetype<Key>(memory.data(64, 8));
const message = changetype<Sign1>(memory.data(64, 8));

const X25519 = 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a';
const X256 = 'bac5b11cad8f99f9c72b05cf4b9e26d244dc189f745228255a219a86d6a09eff';
const Y256 = '20138bf82dc1b6d562be0fa54ab7804a3a64b6d72ccfed6b6fb6ed28bbfc117e';
const OKP = `a3 0101 2006 21 ${bstr(X25519)}`;
const EC2 = `a4 0102 2001 21 ${bstr(X256)} 22 ${bstr(Y256)}`;

const PAYLOAD = '546869732069732074686520636f6e74656e742e';
const EDDSA_SIGNATURE =
  '7142fd2ff96d56db85bee905a76ba1d0b7321a95c8c4d3607c5781932b7afb87' +
  '11497dfa751bf40b58b3bcc32300b1487f3db34085eef013bf08f4a44d6fef0d';
const ECDSA_SIGNATURE =
  '6520bbaf2081d7e0ed0f95f76eb0733d667005f7467cec4b87b9381a6ba1ede8' +
  'e00df29f32a37230f39a842a54821fdd223092819d7728efb9d3a0080b75380b';
const EDDSA = sign1('a201270300', 'a104423131', bstr(PAYLOAD), EDDSA_SIGNATURE);
const ECDSA = sign1('a201260300', 'a104423131', bstr(PAYLOAD), ECDSA_SIGNATURE);

function sign1(header: string, unprotected: string, payload: string, signature: string): string {
  return `d284${bstr(header)}${unprotected}${payload}${bstr(signature)}`;
}

function readKey(hex: string, into: Key): i32 {
  cursor.open(lay(hex), sizeOf(hex));
  const reason = keyRead(cursor, into);
  return reason != Reason.Ok ? reason : cursor.close();
}

function faultOfKey(hex: string): i32 {
  clear();
  return readKey(hex, key);
}

function openMessage(hex: string): i32 {
  return sign1Open(message, lay(hex), sizeOf(hex));
}

function faultOf(hex: string): i32 {
  clear();
  return openMessage(hex);
}

// Opens key and message and checks the attached payload.
function verify(keyHex: string, hex: string): i32 {
  clear();
  const unusable = readKey(keyHex, key);
  if (unusable != Reason.Ok) return unusable;
  const fault = openMessage(hex);
  return fault != Reason.Ok ? fault : signedBy(message, key, message.payload, message.payloadBytes, 0, 0);
}

describe('COSE_Key', () => {
  it('is Ed25519 or P-256, with or without kid, alg and key_ops', () => {
    expect(faultOfKey(OKP)).toBe(Reason.Ok);
    expect(key.kind).toBe(KeyKind.Ed25519);
    expect(key.kid).toBe(0);
    expect(faultOfKey(EC2)).toBe(Reason.Ok);
    expect(key.kind).toBe(KeyKind.P256);
    expect(faultOfKey(`a6 0101 02423131 0332 048102 2006 21${bstr(X25519)}`)).toBe(Reason.Ok);
    expect(key.kidBytes).toBe(2);
    expect(faultOfKey(`a4 0101 0327 2006 21${bstr(X25519)}`)).toBe(Reason.Ok); // -8 means -19 for this key
    expect(faultOfKey(`a5 0102 0326 2001 21${bstr(X256)} 22${bstr(Y256)}`)).toBe(Reason.Ok);
  });

  it('of another kind, for another purpose or algorithm is unsupported', () => {
    expect(faultOfKey(`a3 0101 2004 21${bstr(X25519)}`)).toBe(Reason.KeyUnsupported); // X25519
    expect(faultOfKey(`a3 0101 2007 21${bstr(X25519)}`)).toBe(Reason.KeyUnsupported); // Ed448
    expect(faultOfKey(`a4 0102 2002 21${bstr(X256)} 22${bstr(Y256)}`)).toBe(Reason.KeyUnsupported); // P-384
    expect(faultOfKey(`a4 0101 0326 2006 21${bstr(X25519)}`)).toBe(Reason.KeyUnsupported); // ES256 on Ed25519
    expect(faultOfKey(`a4 0101 048101 2006 21${bstr(X25519)}`)).toBe(Reason.KeyUnsupported); // to sign only
    expect(faultOfKey(`a4 0102 2001 21${bstr(X256)} 22f5`)).toBe(Reason.KeyUnsupported); // compressed
    expect(faultOfKey('a0')).toBe(Reason.KeyUnsupported);
    expect(faultOfKey(`a2 2006 21${bstr(X25519)}`)).toBe(Reason.KeyUnsupported);
  });

  it('never brings its private part', () => {
    expect(faultOfKey(`a4 0101 2006 21${bstr(X25519)} 23${bstr(X25519)}`)).toBe(Reason.KeyUnsupported);
  });

  it('is whole, and a point of its curve', () => {
    expect(faultOfKey('a2 0101 2006')).toBe(Reason.MissingMember);
    expect(faultOfKey(`a3 0102 2001 21${bstr(X256)}`)).toBe(Reason.MissingMember);
    expect(faultOfKey(`a4 0101 2006 21${bstr(X25519)} 22${bstr(Y256)}`)).toBe(Reason.MissingMember); // y of no use
    expect(faultOfKey(`a3 0101 2006 21${bstr(repeat('11', 31))}`)).toBe(Reason.OutOfRange);
    expect(faultOfKey(`a4 0102 2001 21${bstr(Y256)} 22${bstr(X256)}`)).toBe(Reason.KeyInvalid);
    expect(faultOfKey(`a3 0101 2006 21${bstr(`01${repeat('00', 31)}`)}`)).toBe(Reason.KeyInvalid); // small order
    expect(faultOfKey(`a3 0101 2006 2006 21${bstr(X25519)}`)).toBe(Reason.NotDeterministic);
    expect(faultOfKey(`a3 2006 0101 21${bstr(X25519)}`)).toBe(Reason.NotDeterministic);
  });

  it('is the same key by its point alone', () => {
    clear();
    readKey(OKP, key);
    readKey(`a4 0101 02423131 2006 21${bstr(X25519)}`, second);
    expect(keysEqual(key, second)).toBe(true);
    readKey(EC2, second);
    expect(keysEqual(key, second)).toBe(false);
  });
});

describe('a signature', () => {
  it('of the right key is taken', () => {
    expect(verify(OKP, EDDSA)).toBe(Reason.Ok);
    expect(verify(EC2, ECDSA)).toBe(Reason.Ok);
  });

  it('under an algorithm that is not the key’s is a mismatch', () => {
    expect(verify(EC2, EDDSA)).toBe(Reason.AlgorithmMismatch);
    expect(verify(OKP, ECDSA)).toBe(Reason.AlgorithmMismatch);
  });

  it('covers the protected header and the payload', () => {
    expect(verify(OKP, sign1('a201270301', 'a0', bstr(PAYLOAD), EDDSA_SIGNATURE))).toBe(Reason.SignatureInvalid);
    expect(verify(OKP, sign1('a10127', 'a0', bstr(PAYLOAD), EDDSA_SIGNATURE))).toBe(Reason.SignatureInvalid);
    expect(verify(OKP, sign1('a201270300', 'a0', bstr(`${PAYLOAD}00`), EDDSA_SIGNATURE))).toBe(Reason.SignatureInvalid);
    expect(verify(EC2, sign1('a201260300', 'a0', bstr(`${PAYLOAD}00`), ECDSA_SIGNATURE))).toBe(Reason.SignatureInvalid);
  });

  it('does not cover the unprotected header', () => {
    expect(verify(OKP, sign1('a201270300', 'a1044101', bstr(PAYLOAD), EDDSA_SIGNATURE))).toBe(Reason.Ok);
  });

  it('may be over a payload that comes by another way', () => {
    clear();
    readKey(OKP, key);
    expect(openMessage(sign1('a201270300', 'a0', 'f6', EDDSA_SIGNATURE))).toBe(Reason.Ok);
    expect(message.payload).toBe(0);
    expect(signedBy(message, key, lay(PAYLOAD), sizeOf(PAYLOAD), 0, 0)).toBe(Reason.Ok);
    expect(signedBy(message, key, lay(PAYLOAD), sizeOf(PAYLOAD), message.signature, 1)).toBe(Reason.SignatureInvalid);
  });
});

function body(header: string, unprotected: string): string {
  return sign1(header, unprotected, '40', repeat('55', 64));
}

describe('COSE_Sign1', () => {
  it('has its tag, four members, and nothing after', () => {
    expect(faultOf(EDDSA.slice(2))).toBe(Reason.CoseTag);
    expect(faultOf(`d903e6${EDDSA.slice(2)}`)).toBe(Reason.CoseTag);
    expect(faultOf(`d862${EDDSA.slice(2)}`)).toBe(Reason.CoseTag);
    expect(faultOf('')).toBe(Reason.Truncated);
    expect(faultOf(`${EDDSA}00`)).toBe(Reason.TrailingBytes);
    expect(faultOf(`d283 43a10127 a0 f6`)).toBe(Reason.WrongType);
    expect(faultOf(`d284 43a10127 a0 00 ${bstr(repeat('55', 64))}`)).toBe(Reason.WrongType);
  });

  it('names its algorithm where it is signed', () => {
    expect(faultOf(body('', 'a10127'))).toBe(Reason.AlgorithmMissing);
    expect(faultOf(body('a0', 'a10127'))).toBe(Reason.AlgorithmMissing);
    expect(faultOf(body('a10127', 'a10127'))).toBe(Reason.CoseHeader); // one label in both maps
    expect(faultOf(body('a1013903e6', 'a0'))).toBe(Reason.AlgorithmUnsupported); // -999
    expect(faultOf(body('a10100', 'a0'))).toBe(Reason.AlgorithmUnsupported); // reserved
    expect(faultOf(body('a1013b0000000100000006', 'a0'))).toBe(Reason.AlgorithmUnsupported); // -7 if cut to 32 bits
    expect(faultOf(body('a10167756e6b6e6f776e', 'a0'))).toBe(Reason.AlgorithmUnsupported);
    expect(faultOf(body('a10128', 'a0'))).toBe(Reason.Ok);
    expect(faultOf(body('a10132', 'a0'))).toBe(Reason.Ok);
  });

  it('is refused for critical labels that we do not understand', () => {
    expect(faultOf(body('a20127028101', 'a0'))).toBe(Reason.Ok);
    expect(faultOf(body('a20127028103', 'a0'))).toBe(Reason.CoseCritical);
    expect(faultOf(body('a2012702816161', 'a0'))).toBe(Reason.CoseCritical);
    expect(faultOf(body('a201270280', 'a0'))).toBe(Reason.CoseHeader); // empty
    expect(faultOf(body('a10127', 'a1028101'))).toBe(Reason.CoseHeader); // unprotected
  });

  it('has headers in one deterministic form', () => {
    expect(faultOf(body('a203000127', 'a0'))).toBe(Reason.CoseHeader);
    expect(faultOf(body('a201270127', 'a0'))).toBe(Reason.CoseHeader);
    expect(faultOf(body('a1012700', 'a0'))).toBe(Reason.CoseHeader);
    expect(faultOf(body('80', 'a0'))).toBe(Reason.CoseHeader);
    expect(faultOf(body('a10127', 'a2044101044101'))).toBe(Reason.NotDeterministic);
    expect(faultOf(body('a20127044131', 'a1044131'))).toBe(Reason.CoseHeader);
  });

  it('has unprotected labels in any order, each once', () => {
    expect(faultOf(body('a10127', 'a21821410104423131'))).toBe(Reason.Ok); // 33 before 4
    expect(message.kidBytes).toBe(2);
    expect(faultOf(body('a10127', 'a361610004413120f6'))).toBe(Reason.Ok); // "a", 4, -1
    expect(faultOf(body('a10127', 'a3182141010441311821f6'))).toBe(Reason.NotDeterministic);
    expect(faultOf(body('a10127', 'a36161000441316161f6'))).toBe(Reason.NotDeterministic);
    expect(faultOf(body('a20127182141ff', 'a204413118214101'))).toBe(Reason.CoseHeader); // 33 in both
    let many = '';
    for (let label = 16; label >= 0; label--)
      if (label !== 2) many += `${label < 16 ? '0' : ''}${label.toString(16)}00`;
    expect(faultOf(body('a10126', `b0${many.replace('0400', '044131').replace('0100', '1818f6')}`))).toBe(Reason.Ok);
    expect(faultOf(body('a10126', `b1${many.replace('0400', '044131').replace('0100', '1818f6')}1819f6`))).toBe(
      Reason.TooLarge,
    );
  });

  it('takes the kid from either header, as bytes', () => {
    expect(faultOf(body('a10127', 'a104423131'))).toBe(Reason.Ok);
    expect(message.kidBytes).toBe(2);
    expect(faultOf(body('a2012704423131', 'a0'))).toBe(Reason.Ok);
    expect(message.kidBytes).toBe(2);
    expect(faultOf(body('a10127', 'a0'))).toBe(Reason.Ok);
    expect(message.kid).toBe(0);
    expect(faultOf(body('a10127', 'a10401'))).toBe(Reason.WrongType);
  });

  it('has a signature of 64 bytes', () => {
    expect(faultOf(sign1('a10126', 'a0', '40', repeat('55', 63)))).toBe(Reason.SignatureLength);
    expect(faultOf(sign1('a10126', 'a0', '40', repeat('55', 72)))).toBe(Reason.SignatureLength); // DER, say
    expect(faultOf(sign1('a10126', 'a0', '40', ''))).toBe(Reason.SignatureLength);
  });

  it('is refused at every truncation', () => {
    for (let length = 0; length < EDDSA.length; length += 2) {
      expect(faultOf(EDDSA.slice(0, length))).not.toBe(Reason.Ok, `${length}`);
    }
  });
});

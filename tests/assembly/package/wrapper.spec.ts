// The authentication wrapper: the digest is looked at before any signature, and its frame is sound before any block is.

import { Sign1 } from '../../../assembly/codec/cose';
import { sha256Begin, sha256Finish, sha256Update } from '../../../assembly/crypto/sha256';
import { envelope, envelopeBegin } from '../../../assembly/package/envelope';
import { BLOCKS_MAX, wrapper, wrapperNext, wrapperOpen } from '../../../assembly/package/wrapper';
import { Reason } from '../../../assembly/reason';
import { array, bstr, clear, lay, repeat, sizeOf, toHex } from '../support/bytes';

const MANIFEST = '43 a10101';
const SIGNATURE = repeat('55', 64);
const BLOCK: string = bstr(`d284 43a10127 a0 f6 ${bstr(SIGNATURE)}`);
const block = changetype<Sign1>(memory.data(64, 8));
const state: usize = memory.data(128, 8);
const result: usize = memory.data(32, 8);

function digestOf(hex: string): string {
  const at = lay(hex);
  sha256Begin(state);
  sha256Update(state, at, sizeOf(hex));
  sha256Finish(state, result);
  return toHex(result, 32);
}

function digest(): string {
  return bstr(`822f5820${digestOf(MANIFEST)}`);
}

function open(hex: string): i32 {
  clear();
  envelopeBegin();
  envelope.wrapper = lay(hex);
  envelope.wrapperBytes = sizeOf(hex);
  envelope.manifest = lay(MANIFEST);
  envelope.manifestBytes = sizeOf(MANIFEST);
  return wrapperOpen();
}

describe('a wrapper', () => {
  it('holds the manifest’s digest and at least one block', () => {
    expect(open(array([digest(), BLOCK]))).toBe(Reason.Ok);
    expect(wrapper.blocks).toBe(1);
    expect(toHex(wrapper.signed, wrapper.signedBytes)).toBe(digest().slice(4));
    expect(toHex(wrapper.digest, 32)).toBe(digestOf(MANIFEST));
    expect(open(array([digest()]))).toBe(Reason.Unsigned);
    expect(open('80')).not.toBe(Reason.Ok);
    expect(open('a0')).toBe(Reason.WrongType);
  });

  it('is refused with another digest, or one of another algorithm', () => {
    expect(open(array([bstr(`822f5820${digestOf('a10101')}`), BLOCK]))).toBe(Reason.ManifestDigest); // without the head
    expect(open(array([bstr(`82382b5820${digestOf(MANIFEST)}`), BLOCK]))).toBe(Reason.DigestAlgorithm); // SHA-512
    expect(open(array([bstr(`822e5820${digestOf(MANIFEST)}`), BLOCK]))).toBe(Reason.DigestAlgorithm);
    expect(open(array([bstr(`822f581f${digestOf(MANIFEST).slice(2)}`), BLOCK]))).toBe(Reason.OutOfRange);
    expect(open(array([bstr(`832f5820${digestOf(MANIFEST)}00`), BLOCK]))).toBe(Reason.WrongType);
    expect(open(array([bstr(`822f5820${digestOf(MANIFEST)}00`), BLOCK]))).toBe(Reason.TrailingBytes);
    expect(wrapper.blocks).toBe(0);
  });

  it('is framed to its end before a block is believed', () => {
    expect(open(`${array([digest(), BLOCK])}00`)).toBe(Reason.TrailingBytes);
    expect(open(array([digest(), BLOCK, '00']))).toBe(Reason.WrongType);
    expect(open(array([digest(), BLOCK, '41']))).toBe(Reason.Truncated);
  });

  it('has blocks up to a bound', () => {
    const most = [digest()];
    for (let i: u32 = 0; i < BLOCKS_MAX; i++) most.push('40');
    expect(open(array(most))).toBe(Reason.Ok);
    most.push('40');
    expect(open(array(most))).toBe(Reason.BlocksTooMany);
  });
});

describe('a block', () => {
  it('is read or faulty by itself', () => {
    const attached = bstr(`d284 43a10127 a0 40 ${bstr(SIGNATURE)}`);
    open(array([digest(), '40', attached, bstr('d18400'), BLOCK]));
    expect(wrapperNext(block)).toBe(Reason.Truncated);
    expect(wrapperNext(block)).toBe(Reason.PayloadPlace);
    expect(wrapperNext(block)).toBe(Reason.CoseTag); // 17, a MAC
    expect(wrapperNext(block)).toBe(Reason.Ok);
    expect(wrapper.blocks).toBe(0);
  });
});

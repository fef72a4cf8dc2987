// SHA-256 and SHA-512 by the examples of FIPS 180-4 ("abc", and two blocks), in pieces, and with states side by side.

import { SHA256_STATE_BYTES, sha256Begin, sha256Finish, sha256Update } from '../../../assembly/crypto/sha256';
import { SHA512_STATE_BYTES, sha512Begin, sha512Finish, sha512Update } from '../../../assembly/crypto/sha512';
import { clear, lay, sizeOf, toHex } from '../support/bytes';

const ABC = '616263';
// "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq": the padding takes a second block
const LONG =
  '6162636462636465636465666465666765666768666768696768696a68696a6b696a6b6c6a6b6c6d6b6c6d6e6c6d6e6f6d6e6f706e6f7071';
const ABC_256 = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
const LONG_256 = '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1';
const NONE_256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const ABC_512 =
  'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f';

const state256: usize = memory.data(SHA256_STATE_BYTES, 8);
const state512: usize = memory.data(SHA512_STATE_BYTES, 8);
const digest: usize = memory.data(64);

function sha256(hex: string, cut: u32): string {
  clear();
  const at = lay(hex);
  sha256Begin(state256);
  sha256Update(state256, at, cut);
  sha256Update(state256, at + cut, sizeOf(hex) - cut);
  sha256Finish(state256, digest);
  return toHex(digest, 32);
}

describe('SHA-256', () => {
  it('of nothing, "abc" and two blocks', () => {
    expect(sha256('', 0)).toBe(NONE_256);
    expect(sha256(ABC, 0)).toBe(ABC_256);
    expect(sha256(LONG, 0)).toBe(LONG_256);
  });

  it('does not depend on how the bytes are cut', () => {
    for (let cut: u32 = 0; cut <= sizeOf(LONG); cut++) expect(sha256(LONG, cut)).toBe(LONG_256);
  });

  it('of several whole blocks, read where they lie', () => {
    clear();
    const at = lay('61'.repeat(200));
    sha256Begin(state256);
    sha256Update(state256, at, 200);
    sha256Finish(state256, digest);
    const whole = toHex(digest, 32);
    sha256Begin(state256);
    for (let i = 0; i < 200; i++) sha256Update(state256, at + i, 1);
    sha256Finish(state256, digest);
    expect(toHex(digest, 32)).toBe(whole);
  });
});

describe('SHA-512', () => {
  it('of "abc", beside an open SHA-256', () => {
    clear();
    const at = lay(ABC);
    sha256Begin(state256);
    sha512Begin(state512);
    for (let i: usize = 0; i < 3; i++) {
      sha256Update(state256, at + i, 1);
      sha512Update(state512, at + i, 1);
    }
    sha512Finish(state512, digest);
    expect(toHex(digest, 64)).toBe(ABC_512);
    sha256Finish(state256, digest);
    expect(toHex(digest, 32)).toBe(ABC_256);
  });
});

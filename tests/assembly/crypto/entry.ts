// Reaches every operation of assembly/crypto by itself; core.wasm reaches only whole verifications. tests/crypto/machine.ts
// compiles it once per profile. What is worked on lies in AREA.

export { base25519Entry, base25519High } from '../../../assembly/crypto/base25519';
export { curveAdd, curveBase, curveDouble, curvePoint, curveTable } from '../../../assembly/crypto/curve256';
export { digitAt, digitsBegin } from '../../../assembly/crypto/digits';
export {
  ed25519Begin,
  ed25519Finish,
  ed25519Update,
  ed25519ValidKey,
} from '../../../assembly/crypto/ed25519';
export {
  edwardsAdd,
  edwardsBase,
  edwardsDecode,
  edwardsDouble,
  edwardsIsNeutral,
  edwardsNegate,
  edwardsNeutral,
  edwardsSmallOrder,
  edwardsTable,
} from '../../../assembly/crypto/edwards25519';
export {
  gfAdd,
  gfCanonical,
  gfFromWords,
  gfInvert,
  gfMul,
  gfMulSub,
  gfNegate,
  gfOne,
  gfSquare,
  gfSquareSub,
  gfSub,
  gfToWords,
  gfZero,
} from '../../../assembly/crypto/field256';
export {
  FE_BYTES,
  feAdd,
  feCanonical,
  feFromWords,
  feMul,
  feNegate,
  fePow22523,
  feSet,
  feSquare,
  feSub,
  feToWords,
  feZero,
} from '../../../assembly/crypto/field25519';
export { halvesOf } from '../../../assembly/crypto/halves';
export { wordsInvert } from '../../../assembly/crypto/inverse';
export { p256ValidKey, p256Verify } from '../../../assembly/crypto/p256';
export { sha256Begin, sha256Finish, sha256Update } from '../../../assembly/crypto/sha256';
export { sha512Begin, sha512Finish, sha512Update } from '../../../assembly/crypto/sha512';
export {
  wordsAdd,
  wordsFromBigEndian,
  wordsLess,
  wordsMontgomery,
  wordsSub,
  wordsZero,
} from '../../../assembly/crypto/words';

const BYTES: i32 = 32768;
const AREA: usize = memory.data(BYTES, 16);

export function area(): usize {
  return AREA;
}

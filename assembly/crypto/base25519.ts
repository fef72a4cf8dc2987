// Multiples of Ed25519's base point for the small profile: B, 3 B, 5 B, 7 B, then the same of 2^128 B.
//
// Each entry is three numbers of eight words: y + x, y - x, 2 d x y. As a function of constants they become a table in
// flash, where a data segment would be copied to RAM. tests/crypto/group.test.ts computes them anew.

import { FIELD_WORDS } from './areas';
import { FE_BYTES, feFromWords, feSet } from './field25519';

export const BASE25519_WIDTH: i32 = 4; // the window that these entries serve
const WORDS_PER_ENTRY: u32 = 24;

// to = the table entry of (2 index + 1) B, or of (2 index + 1) 2^128 B if high
export function base25519Entry(to: usize, index: u32, high: bool): void {
  let at = (index + (high ? 1 << (BASE25519_WIDTH - 2) : 0)) * WORDS_PER_ENTRY;
  for (let part: usize = 0; part < 3; part++) {
    for (let i: usize = 0; i < 32; i += 4) store<u32>(FIELD_WORDS + i, word(at++));
    feFromWords(to + part * FE_BYTES, FIELD_WORDS);
  }
  feSet(to + 3 * FE_BYTES, 2); // twice Z
}

function word(i: u32): u32 {
  // biome-ignore format: a table
  switch (i) {
    case 0: return 0xf58c3b85; case 1: return 0x2fbc93c6; case 2: return 0xfb8c0e19; case 3: return 0xcf932dc6;
    case 4: return 0x643d42c2; case 5: return 0x270b4898; case 6: return 0x33d4ba65; case 7: return 0x07cf9d3a;
    case 8: return 0xd740913e; case 9: return 0x9d103905; case 10: return 0xd140beb3; case 11: return 0xfd399f05;
    case 12: return 0x688f8a09; case 13: return 0xa5c18434; case 14: return 0x98f81267; case 15: return 0x44fd2f92;
    case 16: return 0x877aaa68; case 17: return 0xabc91205; case 18: return 0xccaac49e; case 19: return 0x26d9e823;
    case 20: return 0xdd43598c; case 21: return 0x5a1b7dcb; case 22: return 0x9f0c65a8; case 23: return 0x6f117b68;
    case 24: return 0x4cee9730; case 25: return 0xaf25b0a8; case 26: return 0xe8864b8a; case 27: return 0x025a8430;
    case 28: return 0x9f016732; case 29: return 0xc11b5002; case 30: return 0x9a80f8f4; case 31: return 0x7a164e1b;
    case 32: return 0xa4fcd265; case 33: return 0x56611fe8; case 34: return 0xe5c1ba7d; case 35: return 0x3bd353fd;
    case 36: return 0x214bd6bd; case 37: return 0x8131f31a; case 38: return 0x555bda62; case 39: return 0x2ab91587;
    case 40: return 0x0dd0d889; case 41: return 0x14ae933f; case 42: return 0x1c35da62; case 43: return 0x58942322;
    case 44: return 0x8cf2db4c; case 45: return 0xd170e545; case 46: return 0x12b9b4c6; case 47: return 0x5a2826af;
    case 48: return 0x08a5bb33; case 49: return 0xa212bc44; case 50: return 0xc75eed02; case 51: return 0x8d5048c3;
    case 52: return 0x5abfec44; case 53: return 0xdd1beb0c; case 54: return 0x46e206eb; case 55: return 0x2945ccf1;
    case 56: return 0xa447d6ba; case 57: return 0x7f9182c3; case 58: return 0x4b2729b7; case 59: return 0xd50014d1;
    case 60: return 0xb864a087; case 61: return 0xe33cf11c; case 62: return 0xeb1b55f3; case 63: return 0x154a7e73;
    case 64: return 0x812a8285; case 65: return 0xbcbbdbf1; case 66: return 0xd0bdd1fc; case 67: return 0x270e0807;
    case 68: return 0x1bbda72d; case 69: return 0xb41b670b; case 70: return 0x6b3bb69a; case 71: return 0x43aabe69;
    case 72: return 0x944ea3bf; case 73: return 0x6b1a5cd0; case 74: return 0xb39dc0d2; case 75: return 0x7470353a;
    case 76: return 0x28542e49; case 77: return 0x71b25282; case 78: return 0x283c927e; case 79: return 0x461bea69;
    case 80: return 0xaa3221b1; case 81: return 0xba6f2c9a; case 82: return 0x3bba23a7; case 83: return 0x6ca02153;
    case 84: return 0x92192c3a; case 85: return 0x9dea764f; case 86: return 0x2e5317e0; case 87: return 0x1d6edd5d;
    case 88: return 0x01b8b3a2; case 89: return 0xf1836dc8; case 90: return 0x053ea49a; case 91: return 0xb3035f47;
    case 92: return 0x5877adf3; case 93: return 0x529c41ba; case 94: return 0x6a0f90a7; case 95: return 0x7a9fbb1c;
    case 96: return 0xacad8ea2; case 97: return 0x583b04bf; case 98: return 0x148be884; case 99: return 0x29b743e8;
    case 100: return 0x0810c5db; case 101: return 0x2b1e583b; case 102: return 0x8eb3bbaa; case 103: return 0x2b5449e5;
    case 104: return 0xeb3dbe47; case 105: return 0x5f3a7562; case 106: return 0x8ebda0b8; case 107: return 0xf7ea3854;
    case 108: return 0x45747299; case 109: return 0x00c3e531; case 110: return 0x1627d551; case 111: return 0x1304e9e7;
    case 112: return 0x6adc9cfe; case 113: return 0x789814d2; case 114: return 0x8b48dd0b; case 115: return 0x3c1bab3f;
    case 116: return 0xf979c60a; case 117: return 0xda0fe1ff; case 118: return 0x7c2dd693; case 119: return 0x4468de2d;
    case 120: return 0x710ecdf6; case 121: return 0x4b5a64bf; case 122: return 0x462c293c; case 123: return 0xb14ce538;
    case 124: return 0xd50b3ab9; case 125: return 0x3643d056; case 126: return 0x185b4870; case 127: return 0x6af93724;
    case 128: return 0x8de73e68; case 129: return 0xe90ecfab; case 130: return 0x377e76a5; case 131: return 0x54036f9f;
    case 132: return 0xbe015982; case 133: return 0xf0495b0b; case 134: return 0xa7f41e36; case 135: return 0x577629c4;
    case 136: return 0x09c6a888; case 137: return 0x32200245; case 138: return 0x4b558973; case 139: return 0xd2e03613;
    case 140: return 0x3c33289f; case 141: return 0x83e23623; case 142: return 0x0caec18f; case 143: return 0x701f25bb;
    case 144: return 0x5db1beee; case 145: return 0x8dee9bd5; case 146: return 0x0a723fb9; case 147: return 0xc9c3ab37;
    case 148: return 0x1c68d791; case 149: return 0x44a8f1bf; case 150: return 0x1cfd3cde; case 151: return 0x366d4419;
    case 152: return 0xfb5720ad; case 153: return 0xfbbad48f; case 154: return 0xdbf90d0e; case 155: return 0xee81916b;
    case 156: return 0x635543bf; case 157: return 0xd4813152; case 158: return 0x3f337bd8; case 159: return 0x221104eb;
    case 160: return 0xf2bc8c14; case 161: return 0x9e3c1743; case 162: return 0xb5856c3b; case 163: return 0x2eda26fc;
    case 164: return 0x68a7fb97; case 165: return 0xccb82f0e; case 166: return 0xbc593244; case 167: return 0x4167a4e6;
    case 168: return 0x49770eb8; case 169: return 0xdb90e289; case 170: return 0xacf440a3; case 171: return 0x98fbcc2a;
    case 172: return 0xded7879b; case 173: return 0x21354ffe; case 174: return 0xf26906b6; case 175: return 0x1f6a3e54;
    case 176: return 0x5b9c619b; case 177: return 0xb4af6cd0; case 178: return 0xb2a58480; case 179: return 0x2ddfc9f4;
    case 180: return 0xebe94dc4; case 181: return 0x3d4fa502; case 182: return 0x677d5f34; case 183: return 0x08fc3a4c;
    case 184: return 0xd30734ea; case 185: return 0x60a4c199; case 186: return 0x31165cd6; case 187: return 0x40c085b6;
    case 188: return 0xf7598295; case 189: return 0xe2333e23; case 190: return 0x16b900d1; default: return 0x4f2fad01;
  }
}

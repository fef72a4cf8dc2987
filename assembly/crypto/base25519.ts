// Multiples of Ed25519's base point for the small profile: B, 3 B, and the same of 2^128 B, which a Cortex-M0 goes without.
//
// Each entry is three numbers of eight words: y + x, y - x, 2 d x y. A window wider by one takes twice the flash and
// saves 4 % of a verification. tests/crypto/group.test.ts computes the entries anew.

import { FIELD_WORDS } from './areas';
import { FE_BYTES, feFromWords, feSet } from './field25519';
import { WORDS_BYTES, wordsCopy } from './words';

export const BASE25519_WIDTH: i32 = 3; // the window that these entries serve
const NUMBERS: usize = 3; // per entry

// to = the table entry of (2 index + 1) B
export function base25519Entry(to: usize, index: u32): void {
  // biome-ignore format: a table
  const table = memory.data<u32>([
    0xf58c3b85, 0x2fbc93c6, 0xfb8c0e19, 0xcf932dc6, 0x643d42c2, 0x270b4898, 0x33d4ba65, 0x07cf9d3a,
    0xd740913e, 0x9d103905, 0xd140beb3, 0xfd399f05, 0x688f8a09, 0xa5c18434, 0x98f81267, 0x44fd2f92,
    0x877aaa68, 0xabc91205, 0xccaac49e, 0x26d9e823, 0xdd43598c, 0x5a1b7dcb, 0x9f0c65a8, 0x6f117b68,
    0x4cee9730, 0xaf25b0a8, 0xe8864b8a, 0x025a8430, 0x9f016732, 0xc11b5002, 0x9a80f8f4, 0x7a164e1b,
    0xa4fcd265, 0x56611fe8, 0xe5c1ba7d, 0x3bd353fd, 0x214bd6bd, 0x8131f31a, 0x555bda62, 0x2ab91587,
    0x0dd0d889, 0x14ae933f, 0x1c35da62, 0x58942322, 0x8cf2db4c, 0xd170e545, 0x12b9b4c6, 0x5a2826af,
  ]);
  entryOf(to, table, index);
}

// to = the table entry of (2 index + 1) 2^128 B
export function base25519High(to: usize, index: u32): void {
  // biome-ignore format: a table
  const table = memory.data<u32>([
    0xacad8ea2, 0x583b04bf, 0x148be884, 0x29b743e8, 0x0810c5db, 0x2b1e583b, 0x8eb3bbaa, 0x2b5449e5,
    0xeb3dbe47, 0x5f3a7562, 0x8ebda0b8, 0xf7ea3854, 0x45747299, 0x00c3e531, 0x1627d551, 0x1304e9e7,
    0x6adc9cfe, 0x789814d2, 0x8b48dd0b, 0x3c1bab3f, 0xf979c60a, 0xda0fe1ff, 0x7c2dd693, 0x4468de2d,
    0x710ecdf6, 0x4b5a64bf, 0x462c293c, 0xb14ce538, 0xd50b3ab9, 0x3643d056, 0x185b4870, 0x6af93724,
    0x8de73e68, 0xe90ecfab, 0x377e76a5, 0x54036f9f, 0xbe015982, 0xf0495b0b, 0xa7f41e36, 0x577629c4,
    0x09c6a888, 0x32200245, 0x4b558973, 0xd2e03613, 0x3c33289f, 0x83e23623, 0x0caec18f, 0x701f25bb,
  ]);
  entryOf(to, table, index);
}

function entryOf(to: usize, table: usize, index: u32): void {
  let from = table + <usize>index * NUMBERS * WORDS_BYTES;
  for (let part: usize = 0; part < NUMBERS; part++) {
    wordsCopy(FIELD_WORDS, from);
    feFromWords(to + part * FE_BYTES, FIELD_WORDS);
    from += WORDS_BYTES;
  }
  feSet(to + NUMBERS * FE_BYTES, 2); // twice Z
}

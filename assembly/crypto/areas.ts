// Where each part of a signature check works inside SCRATCH. Upper parts call lower ones, so each has its own room:
//
//   0         144     176       208     244       388                               SCRATCH_BYTES
//   | columns | words | modulus | spare | inverse | the group that verifies: points, tables, digits
//
// A hash works from 0 on: it never runs inside a group operation.

import { SCRATCH } from '../scratch';

export const COLUMNS: usize = SCRATCH; // product-*.ts: 17 columns of 64 bits, and one above
export const WORDS_PRODUCT: usize = COLUMNS; // words.ts: 17 words, while there are no columns
export const FIELD_WORDS: usize = SCRATCH + 144; // field*.ts: an element in canonical words
export const FIELD_MODULUS: usize = SCRATCH + 176; // field*.ts: p in words
export const FIELD_SPARE: usize = SCRATCH + 208; // field256.ts: an element
export const INVERSE: usize = SCRATCH + 244; // inverse.ts: four numbers of nine limbs
export const GROUP: usize = SCRATCH + 388;

// Where each part of a signature check works inside SCRATCH. Upper parts call lower ones, so each has its own room:
//
//   0         160       200     232       264     304       448                               SCRATCH_BYTES
//   | columns | product | words | modulus | spare | inverse | the group that verifies: points, tables, digits
//
// A hash works from 0 on: it never runs inside a group operation.

import { SCRATCH } from '../scratch';

export const COLUMNS: usize = SCRATCH; // product-*.ts: 17 columns of 64 bits, and one above
export const WORDS_PRODUCT: usize = SCRATCH + 160; // words.ts: 10 words
export const FIELD_WORDS: usize = SCRATCH + 200; // field*.ts: an element in canonical words
export const FIELD_MODULUS: usize = SCRATCH + 232; // field*.ts: p in words
export const FIELD_SPARE: usize = SCRATCH + 264; // field256.ts: an element
export const INVERSE: usize = SCRATCH + 304; // inverse.ts: four numbers of nine limbs
export const GROUP: usize = SCRATCH + 448;

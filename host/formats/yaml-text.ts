// Values of YAML files that people write. YAML takes bare digits, 12e5, yes-like words and dates for something else than
// text: what was meant as text is refused then, with the advice that helps, never guessed back.

import * as z from 'zod';

const QUOTES = 'is no text: write it in quotes, or YAML takes it for a number, a date or a truth value';

/** Text that is not empty. */
export const yamlText = z.string({ error: QUOTES }).min(1, 'is empty');

/** Bytes as hex, such as a device id. */
export const yamlHex = z.string({ error: QUOTES }).regex(/^([0-9a-f]{2})+$/i, 'is not hex');

/** A list of some of these words. */
export const yamlWords = <T extends string>(words: readonly [T, ...T[]]) =>
  z.array(z.enum(words), { error: `is a list of some of: ${words.join(', ')}` });

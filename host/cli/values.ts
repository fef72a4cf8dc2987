// Schemas of the values that options take: what is typed anywhere (formats/typed.ts), and what only a command line has.

import { z } from 'zod';

export {
  addressSchema,
  countSchema,
  familySchema,
  hexSchema,
  momentSchema,
  regionSchema,
  secondsSchema,
  sequenceRangeSchema,
  sequenceSchema,
} from '../formats/typed.js';

/** A path, as given. */
export const pathSchema = z.string().min(1, 'is empty');

/** Any text but none. */
export const textSchema = z.string().min(1, 'is empty');

/** A switch: given or not. */
export const switchSchema = z.boolean().default(false);

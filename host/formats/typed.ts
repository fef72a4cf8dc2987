// What people type, in an option or a form, as the types inside: schemas from text to sequence numbers, bytes, moments, addresses.
// Each is made when it is first used: a command has many options, and is given few.

import { z } from 'zod';
import { fromHex } from './bytes.js';
import { UF2_FAMILIES } from './images/uf2.js';
import { MOMENT_MAX, NO_MOMENT, parseMoment } from './moment.js';

const U64_MAX = 2n ** 64n - 1n;

/** A sequence number: unsigned, 64 bit. */
export const sequenceSchema = z.lazy(() =>
  z
    .string()
    .regex(/^\d{1,20}$/, 'is not a whole number')
    .transform((text) => BigInt(text))
    .refine((value) => value <= U64_MAX, 'is larger than 64 bits'),
);

/** Bytes as hex, colons and spaces allowed between them. */
export const hexSchema = z.lazy(() =>
  z
    .string()
    .transform((text) => text.replace(/[\s:]/g, ''))
    .refine((text) => text.length > 0 && /^([0-9a-f]{2})+$/i.test(text), 'is not hex')
    .transform(fromHex),
);

const DURATION = /^\+?(\d{1,10})\s*([smhdwy])$/;
const SECONDS = { s: 1, m: 60, h: 3600, d: 86400, w: 604800, y: 31536000 };

/**
 * A moment, as Unix seconds: a date or a time with its offset (formats/moment.ts), Unix seconds, or a distance from now
 * such as 30d, 12h, 2w. None lies behind the year 9999.
 */
export const momentSchema = z.lazy(() =>
  z
    .string()
    .transform(momentOf)
    .refine((seconds): seconds is number => seconds !== undefined, `${NO_MOMENT}, nor a span (30d)`),
);

function momentOf(text: string): number | undefined {
  const [, count, unit] = DURATION.exec(text) ?? [];
  const span = Number(count) * (SECONDS[unit as keyof typeof SECONDS] ?? Number.NaN);
  const seconds = count === undefined ? Number(/^\d{9,12}$/.exec(text)?.[0]) : Math.floor(Date.now() / 1000) + span;
  return Number.isNaN(seconds) ? parseMoment(text) : seconds <= MOMENT_MAX ? seconds : undefined;
}

/** As RFC 9562 writes it. */
export const uuidSchema = z.lazy(() =>
  z
    .string()
    .regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i, 'is no UUID')
    .transform((text) => fromHex(text.replaceAll('-', ''))),
);

/** A memory address: 0x… or decimal. */
export const addressSchema = z.lazy(() =>
  z
    .string()
    .regex(/^(0x[0-9a-f]{1,8}|\d{1,10})$/i, 'is not an address')
    .transform(Number)
    .refine((address) => address <= 0xffffffff, 'is larger than 32 bits'),
);

/** A UF2 family: by its name, or its number as an address is written. */
export const familySchema = z.lazy(() =>
  z
    .string()
    .transform((text) => UF2_FAMILIES[text.toLowerCase()] ?? addressSchema.safeParse(text).data)
    .refine((family) => family !== undefined, 'is not a UF2 family: give a number such as 0xe48bff56, or a name'),
);

/** START..END, up to and without END. */
export const regionSchema = z.lazy(() =>
  z
    .string()
    .transform((text) => text.split('..').map((part) => addressSchema.safeParse(part).data))
    .refine(
      (parts) => parts.length === 2 && parts.every((part) => part !== undefined) && parts[0]! < parts[1]!,
      'is not a region such as 0x10000..0x40000',
    )
    .transform(([start, end]) => ({ start: start!, end: end! })),
);

/** LOWEST..HIGHEST sequence number, both included; one number stands for itself. */
export const sequenceRangeSchema = z.lazy(() =>
  z
    .string()
    .transform((text) => text.split('..').map((part) => sequenceSchema.safeParse(part).data))
    .refine((parts) => parts.length <= 2 && parts.every((part) => part !== undefined), 'is not a range such as 5..9')
    .refine(([low, high]) => (high ?? low)! >= low!, 'goes from lowest to highest')
    .transform(([low, high]): [bigint, bigint] => [low!, high ?? low!]),
);

/** A whole number from `low` to `high`. */
export const countSchema = (low: number, high: number) =>
  z
    .union([
      z.number(),
      z
        .string()
        .regex(/^\d{1,10}$/, 'is not a whole number')
        .transform(Number),
    ])
    .refine((count) => count >= low && count <= high, `is not from ${low} to ${high}`);

/** A span of time in seconds, fractions allowed. */
export const secondsSchema = z.lazy(() =>
  z
    .union([
      z.number(),
      z
        .string()
        .regex(/^\d{1,6}(\.\d{1,3})?$/, 'is not a number of seconds')
        .transform(Number),
    ])
    .refine((seconds) => seconds > 0, 'is not above 0'),
);

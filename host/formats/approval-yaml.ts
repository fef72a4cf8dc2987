// The readable twin of an approval document: YAML that a person can review, and that encodes to the same bytes.
//
//   issuer: Example Operator
//   issued: 2026-11-23T10:00:00Z   # moments as in moment.ts: a date, or RFC 3339 with its offset
//   not-before: …            # optional, as expires
//   expires: 2027-11-23T10:00:00Z
//   id: 0011223344556677
//   sequence: 1795428000
//   entries:
//     - verdict: approve     # or deny
//       digest: <64 hex digits>
//     - verdict: approve
//       class: 1492af14-2569-5e48-bf42-9b2d51f2ab45
//       range: [5, 9]
//       vendor-key: <kid, hex>
//       devices: [<device id, hex>]
//       confirm: ask         # or no-ask
//     - verdict: approve
//       image: <64 hex digits>   # MCUboot's hash of an image
//
// `issued`, `id` and `sequence` may be left out of a file that is to be signed: whoever signs fills them in.

import { Document, isScalar, visit } from 'yaml';
import * as z from 'zod';
import { CountersignError } from '../errors.js';
import { type Claims, claimsSchema, type Entry } from './approval.js';
import { fromHex, hex, uuidText } from './bytes.js';
import { momentText, NO_MOMENT, parseMoment } from './moment.js';
import { readYaml } from './yaml-text.js';

const hexText = z
  .string()
  .transform((text) => text.replaceAll('-', ''))
  .refine((text) => /^([0-9a-f]{2})+$/i.test(text), 'is not hex')
  .transform(fromHex);

const moment = z.string().transform((text, context) => {
  const seconds = parseMoment(text);
  if (seconds === undefined) context.addIssue({ code: 'custom', message: `"${text}" ${NO_MOMENT}` });
  return seconds ?? z.NEVER;
});

const numberText = z
  .string()
  .regex(/^\d{1,20}$/, 'is not a whole number')
  .transform(BigInt);

const entryYaml = z.strictObject({
  verdict: z.enum(['approve', 'deny']),
  digest: hexText.optional(),
  image: hexText.optional(),
  class: hexText.optional(),
  range: z.tuple([numberText, numberText]).optional(),
  'vendor-key': hexText.optional(),
  devices: z.array(hexText).optional(),
  confirm: z.enum(['no-ask', 'ask']).optional(),
});

const documentYaml = z.strictObject({
  issuer: z.string(),
  issued: moment.optional(),
  'not-before': moment.optional(),
  expires: moment.optional(),
  id: hexText.optional(),
  sequence: numberText.optional(),
  entries: z.array(entryYaml),
});

/** What the signer adds where the file leaves it open. */
export type ClaimDefaults = Pick<Claims, 'issuedAt' | 'id' | 'sequence'>;

/** The YAML twin of a document: claimsFromYaml() gives the same claims. */
export function claimsToYaml(claims: Claims): string {
  const written = (seconds: number | undefined) => (seconds === undefined ? undefined : momentText(seconds));
  const document = new Document({
    issuer: claims.issuer,
    issued: written(claims.issuedAt),
    'not-before': written(claims.notBefore),
    expires: written(claims.expires),
    id: hex(claims.id),
    sequence: claims.sequence,
    entries: claims.entries.map(entryToYaml),
  });
  visit(document, {
    Seq(_, list) {
      if (list.items.every(isScalar)) list.flow = true;
    },
  });
  return document.toString({ lineWidth: 0 });
}

function entryToYaml(entry: Entry): Record<string, unknown> {
  return {
    verdict: entry.verdict,
    digest: entry.digest && hex(entry.digest),
    image: entry.imageHash && hex(entry.imageHash),
    class: entry.classId && uuidText(entry.classId),
    range: entry.range,
    'vendor-key': entry.vendorKid && hex(entry.vendorKid),
    devices: entry.devices?.map(hex),
    confirm: entry.confirm,
  };
}

/** Reads a twin. `what` (a path) names it in errors; without `defaults` every claim must be there. */
export function claimsFromYaml(text: string, what: string, defaults?: ClaimDefaults): Claims {
  const hint = 'compare it with `countersign inspect FILE --yaml` of an approval document';
  // Every scalar stays the text that is written: 0011 and 12e5 are hex here, and no digit of a number is lost.
  const file = { area: 'approval', what, hint, scalars: { schema: 'failsafe' } } as const;
  const { entries, issued, 'not-before': notBefore, ...rest } = readYaml(text, documentYaml, file);
  const claims = claimsSchema.safeParse({
    issuedAt: issued ?? defaults?.issuedAt,
    ...(notBefore === undefined ? {} : { notBefore }),
    ...rest,
    id: rest.id ?? defaults?.id,
    sequence: rest.sequence ?? defaults?.sequence,
    entries: entries.map(({ class: classId, 'vendor-key': vendorKid, image: imageHash, ...entry }) => ({
      ...{ classId, vendorKid, imageHash },
      ...entry,
    })),
  });
  if (claims.success) return claims.data;
  const [issue] = claims.error.issues;
  const why = `${issue?.path.join('.') || 'the document'}: ${issue?.message}`;
  throw new CountersignError('FileMalformed', `approval: ${what}: ${why}`, { hint, cause: claims.error });
}

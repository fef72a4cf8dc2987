// The parts that documents share, each with its one form (../../json.ts).

import * as z from 'zod';
import { SOURCES } from '../../formats/policy.js';
import { reasonSchema } from '../../formats/reason-schema.js';
import { JSON_VERSION } from '../../json.js';

type Shape = z.core.$ZodLooseShape;

/** A document: no member but these. */
export const document = <S extends Shape>(about: string, shape: S) =>
  z.strictObject({ version: z.literal(JSON_VERSION), ...shape }).meta({ description: about });

export const reason = reasonSchema;
export const text = z.string();
export const time = text.meta({ description: 'ISO 8601, of this machine' });
export const count = z.number().int().min(0);
export const flag = z.boolean();
export const path = text.meta({ description: 'a file, as it was named' });
export const hex = text.regex(/^([0-9a-f]{2})*$/).meta({ id: 'Hex', description: 'bytes in lower-case hex' });
export const digest = text.regex(/^[0-9a-f]{64}$/).meta({ id: 'Digest', description: 'SHA-256 in lower-case hex' });
export const uuid = text.regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
export const sequence = text
  .regex(/^\d{1,20}$/)
  .meta({ id: 'Sequence', description: 'unsigned number of 64 bits, as decimal text' });
export const moment = text.meta({
  id: 'Moment',
  description: 'ISO 8601 in UTC; a moment that no calendar shows, as "N s after 1970"',
});
export const state = z.number().int().meta({ description: 'FUMO state, 10 to 100' });
export const address = text.regex(/^0x[0-9a-f]+$/);

export const signer = z.strictObject({ kid: hex, name: text.optional() });
export const sources = z.enum(SOURCES);
const confirm = z.enum(['ask', 'no-ask']);

const entry = z.strictObject({
  verdict: z.enum(['approve', 'deny']),
  digest: digest.optional(),
  classId: uuid.optional(),
  range: z.tuple([sequence, sequence]).optional(),
  vendorKid: hex.optional(),
  devices: z.array(hex).optional(),
  confirm: confirm.optional(),
  imageHash: digest.optional(),
});
const claims = {
  issuer: text,
  id: hex,
  sequence,
  issuedAt: moment,
  notBefore: moment.optional(),
  expires: moment.optional(),
  entries: z.array(entry),
};
/** What an approval document says. */
export const approval = z.strictObject(claims).meta({ id: 'Approval' });
/** The same, and what its signature claims. */
export const signature = { algorithm: z.number().int().optional(), kid: hex.optional() };
export const signedClaims = { ...claims, ...signature };
export const signedApproval = z.strictObject(signedClaims).meta({ id: 'SignedApproval' });

export const key = { kind: z.enum(['ed25519', 'p256']), kid: hex, thumbprint: digest, public: hex };
export const anchor = z.strictObject({ role: text, name: text.optional(), kid: hex }).meta({ id: 'Anchor' });
export const policy = z
  .record(text, z.unknown())
  .meta({ id: 'Policy', description: 'members as in docs/bootstrap-and-policy.md' });
/** Names of groups of devices. */
export const groups = z.array(text);
export const change = {
  sequence,
  issuedAt: moment,
  devices: z.array(hex).optional(),
  anchors: z.array(anchor).optional(),
  policy: policy.optional(),
  groups: groups.optional(),
  signers: z.array(hex.nullable()).meta({ description: 'key ids; null: the signature names none' }),
};

export const installed = z.strictObject({ sequence, digest: hex, version: text });

const finding = z.strictObject({
  source: sources,
  reason,
  operator: signer.optional(),
  sequence: sequence.optional(),
  entry: count.optional(),
  says: text.optional(),
});

const several = { description: 'of a package of several components' };
/** What a manifest names for each. */
export const images = z
  .array(z.strictObject({ component: text, digest: digest.optional(), bytes: count.optional(), uri: text.optional() }))
  .meta(several);
export const payloads = z.array(z.strictObject({ key: text, bytes: count })).meta(several);

/** A verdict explained (../verdict.ts). */
export const verdict = {
  verdict: z.enum(['install', 'ask', 'reject']),
  reason,
  hint: text,
  fumo: z.number().int().meta({ description: 'FUMO result code; 0: nothing is reported' }),
  lwm2m: z.number().int().meta({ description: 'LwM2M Update Result (/5/0/5)' }),
  compared: z.strictObject({ package: text, device: text }).optional(),
  row: z.number().int().min(1).max(8).meta({ description: 'row of the verdict table' }),
  rowText: text,
  digest: digest.optional(),
  sequence: sequence.optional(),
  text: z.strictObject({ name: text.optional(), version: text.optional(), description: text.optional() }),
  image: z.strictObject({ digest, bytes: count, uri: text }).optional(),
  images: z
    .array(
      z.strictObject({
        component: text,
        digest,
        bytes: count,
        uri: text,
        origin: z.enum(['fetched', 'copied', 'loaded']),
      }),
    )
    .optional()
    .meta({ description: 'of a device that has several components' }),
  payload: z.strictObject({ intact: flag, reason, bytes: count }).optional(),
  headBytes: count,
  vendor: signer.optional(),
  threshold: count,
  approvals: count,
  confirm: confirm.optional(),
  asks: z.strictObject({ download: flag, install: flag }).optional(),
  now: moment,
  findings: z.array(finding),
  toPass: z.array(text).meta({ description: 'what would make it pass' }),
};

export const alert = z
  .strictObject({
    number: count,
    operation: text,
    uri: text.optional(),
    result: z.number().int().optional().meta({ description: 'FUMO result code' }),
    reason,
    correlator: text.optional(),
  })
  .meta({ id: 'Alert' });

export const node = {
  uri: text,
  format: text,
  value: z.union([text, z.number(), flag, z.array(text)]).nullable(),
  meaning: z.unknown().optional().meta({ description: 'what the bytes of a node of ours say' }),
};

export const answer = z.strictObject({ channel: text, consenter: hex.nullable().optional() });
/** What is wrong with an audit log, and its newest record. */
export const logEnds = {
  faults: z.array(
    z.strictObject({ number: count, what: z.enum(['missing', 'altered', 'unconfirmed', 'cut back']), why: text }),
  ),
  newest: z.strictObject({ number: count, hash: digest }).optional(),
};

/** A record of the audit log. */
export const record = z.strictObject({
  number: count,
  time: moment.nullable().meta({ description: 'null: the device knew no time' }),
  event: text,
  reason,
  digest: hex.optional(),
  from: sequence.optional(),
  to: sequence.optional(),
  row: count.optional(),
  operators: z.array(z.strictObject({ kid: hex.nullable(), document: sequence.nullable(), source: text })).optional(),
  answer: answer.optional(),
  omitted: count.optional(),
});

// A signing request: what a key on another machine shall sign, as YAML that a person can read before they do.
//
//   form        document (an approval document), countersignature (of a package's digest) or package (its vendor's own)
//   kind, public, kid: the key that shall sign
//   payload     what the COSE_Sign1 will hold or be about: the claims, or the SUIT digest
//   envelope    of a package: all of it but signature and firmware, so that whoever signs sees what it installs
//   bytes       what the signature is over: the Sig_structure of RFC 9052 section 4.4
//
// The comments are for people and prove nothing; whoever signs is shown the payload itself. The bytes are written so
// that any tool can sign them, and computed again by whoever reads the request: one that does not agree with itself is
// RequestMismatch. A vendor's signature and a countersignature are over the same bytes; the form tells them apart, so that
// nobody approves as an operator what they meant to publish as a vendor, or the reverse.

import * as z from 'zod';
import { CountersignError } from '../errors.js';
import { fromHex, hex, same } from './bytes.js';
import { toBeSigned } from './cose.js';
import { type Envelope, MEMBER, requireDigest, splitEnvelope } from './envelope.js';
import { KEY_KINDS, type PublicKey } from './keys.js';
import { viewManifest } from './manifest.js';
import { readYaml } from './yaml-text.js';

export const FORMS = ['document', 'countersignature', 'package'] as const;
export type Form = (typeof FORMS)[number];

const hexSchema = z
  .string()
  .regex(/^([0-9a-f]{2})+$/)
  .transform(fromHex);
const schema = z.strictObject({
  form: z.enum(FORMS),
  kind: z.enum(KEY_KINDS),
  public: hexSchema,
  kid: hexSchema,
  payload: hexSchema,
  envelope: hexSchema.optional(),
  bytes: hexSchema,
});

const DRAFT_MEMBERS: readonly (number | string)[] = [MEMBER.wrapper, MEMBER.manifest, MEMBER.text];

export type SigningRequest = { key: PublicKey; payload: Uint8Array } & (
  | { form: 'document' | 'countersignature' }
  | { form: 'package'; envelope: Uint8Array }
);

/** `summary` becomes the comment at its head. */
export function requestToYaml(request: SigningRequest, summary: readonly string[]): string {
  const { form, key, payload } = request;
  const members = {
    form,
    kind: key.kind,
    public: hex(key.bytes),
    kid: hex(key.kid),
    payload: hex(payload),
    ...(request.form === 'package' && { envelope: hex(request.envelope) }),
    bytes: hex(toBeSigned(key, payload)),
  };
  const comment = summary.map((line) => `# ${line}`.trimEnd());
  // Quoted: a kid of digits alone is text, too.
  return [...comment, ...Object.entries(members).map(([name, value]) => `${name}: "${value}"`), ''].join('\n');
}

export function requestFromYaml(text: string, what: string): SigningRequest {
  const { form, payload, bytes, kind, public: open, kid, envelope } = checked(text, what);
  const key: PublicKey = { kind, bytes: open, kid };
  if (!same(bytes, toBeSigned(key, payload))) {
    throw new CountersignError('RequestMismatch', `request: the bytes to sign in ${what} are not those of its payload`);
  }
  if (form !== 'package' && envelope === undefined) return { form, key, payload };
  if (form !== 'package' || envelope === undefined) {
    throw new CountersignError('FileMalformed', `request: ${what} is not a signing request`);
  }
  if (same(splitDraft(envelope, what).suitDigest, payload)) return { form, key, payload, envelope };
  throw new CountersignError('RequestMismatch', `request: the payload in ${what} is not the digest of its envelope`);
}

/** The envelope of a request for a package: nothing in it but what is signed, and all of that as it was signed. */
export function splitDraft(bytes: Uint8Array, what: string): Envelope {
  const draft = splitEnvelope(bytes, what);
  requireDigest(draft, what);
  const { intact } = viewManifest(draft, what);
  const signedOnly = draft.members.every(({ key }) => DRAFT_MEMBERS.includes(key));
  if (signedOnly && draft.blocks.length === 0 && intact.text !== false) return draft;
  throw new CountersignError('RequestMismatch', `request: the envelope in ${what} holds more than what is signed`);
}

function checked(text: string, what: string): z.output<typeof schema> {
  return readYaml(text, schema, { area: 'request', what, hint: 'a signing request is what --prepare writes' });
}

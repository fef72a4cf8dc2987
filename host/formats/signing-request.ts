// A signing request: what a key on another machine shall sign, as YAML that a person can read before they do.
//
//   form        document (an approval document) or countersignature (of a package's digest)
//   kind, public, kid: the key that shall sign
//   payload     what the COSE_Sign1 will hold or be about: the claims, or the SUIT digest
//   bytes       what the signature is over: the Sig_structure of RFC 9052 section 4.4
//
// The comments are for people and prove nothing; whoever signs is shown the payload itself. The bytes are written so
// that any tool can sign them, and computed again by whoever reads the request: one that does not agree with itself is
// RequestMismatch.

import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { CountersignError } from '../errors.js';
import { fromHex, hex, same } from './bytes.js';
import { toBeSigned } from './cose.js';
import { KEY_KINDS, type PublicKey } from './keys.js';

const hexSchema = z
  .string()
  .regex(/^([0-9a-f]{2})+$/)
  .transform(fromHex);
const schema = z.strictObject({
  form: z.enum(['document', 'countersignature']),
  kind: z.enum(KEY_KINDS),
  public: hexSchema,
  kid: hexSchema,
  payload: hexSchema,
  bytes: hexSchema,
});

export interface SigningRequest {
  form: 'document' | 'countersignature';
  key: PublicKey;
  payload: Uint8Array;
}

/** `summary` becomes the comment at its head. */
export function requestToYaml({ form, key, payload }: SigningRequest, summary: readonly string[]): string {
  const members = {
    form,
    kind: key.kind,
    public: hex(key.bytes),
    kid: hex(key.kid),
    payload: hex(payload),
    bytes: hex(toBeSigned(key, payload)),
  };
  const comment = summary.map((line) => `# ${line}`.trimEnd());
  // Quoted: a kid of digits alone is text, too.
  return [...comment, ...Object.entries(members).map(([name, value]) => `${name}: "${value}"`), ''].join('\n');
}

export function requestFromYaml(text: string, what: string): SigningRequest {
  const { form, payload, bytes, kind, public: open, kid } = checked(text, what);
  const key: PublicKey = { kind, bytes: open, kid };
  if (same(bytes, toBeSigned(key, payload))) return { form, key, payload };
  throw new CountersignError('RequestMismatch', `request: the bytes to sign in ${what} are not those of its payload`);
}

function checked(text: string, what: string): z.output<typeof schema> {
  try {
    return schema.parse(parseYaml(text));
  } catch (cause) {
    throw new CountersignError('FileMalformed', `request: ${what} is not a signing request`, { cause });
  }
}

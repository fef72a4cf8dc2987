// Which packages an operator speaks about: exactly one, or all that a rule fits; and who made the one.

import type { Core } from '../core.js';
import { CountersignError } from '../errors.js';
import { type Confirm, type Entry, entrySchema } from '../formats/approval.js';
import type { Bytes } from '../formats/byte-source.js';
import { classIdOf, vendorIdOf } from '../formats/bytes.js';
import { encode } from '../formats/cbor.js';
import type { Envelope } from '../formats/envelope.js';
import { type PublicKey, publicKeyToCose } from '../formats/keys.js';
import { requireWhole } from '../formats/manifest.js';

/**
 * Exactly one package, by itself or by its manifest digest; or a rule: a class, a vendor's key, or both, and a range of
 * sequence numbers with either. All that is named must match. `devices` and `confirm` go with each.
 */
export interface Selection {
  /** Must be whole: throws ManifestDigest if its manifest or text is not what was signed. */
  envelope?: Envelope<Bytes> | undefined;
  /** SHA-256 of the manifest, 32 bytes. */
  digest?: Uint8Array | undefined;
  /** MCUboot's hash of an image, 32 bytes: for boot loaders that know no packages. */
  imageHash?: Uint8Array | undefined;
  /** Name of the class, which wants `vendor` beside it, or its UUID. */
  class?: string | undefined;
  /** Domain of the vendor that named the class. */
  vendor?: string | undefined;
  /** Lowest and highest sequence number, both included. */
  range?: [lowest: bigint, highest: bigint] | undefined;
  /** Key id of the vendor that signed the package. */
  vendorKid?: Uint8Array | undefined;
  /** Only on the devices with these ids: 1 to 32 bytes each. */
  devices?: Uint8Array[] | undefined;
  /** Whether the user is asked all the same; left out: the policy of the device decides. */
  confirm?: Confirm | undefined;
}

/** The entry of an approval document. Throws BadArgument if it names nothing, or two things that exclude each other. */
export function entryOf(verdict: Entry['verdict'], selection: Selection): Entry {
  const { envelope, range, vendorKid, devices, confirm, imageHash } = selection;
  if (imageHash !== undefined && (selection.digest ?? envelope) !== undefined) {
    throw new CountersignError('BadArgument', 'argument: give an image, or a package');
  }
  if (selection.digest !== undefined && envelope !== undefined) {
    throw new CountersignError('BadArgument', 'argument: give a package or --digest, not both');
  }
  if (envelope !== undefined) requireWhole(envelope, 'the package');
  const digest = envelope?.digest ?? selection.digest;
  const rule = selection.class ?? range ?? vendorKid;
  if ((digest ?? imageHash) !== undefined && rule !== undefined) {
    throw new CountersignError('BadArgument', 'argument: give a package, or a rule of --class, --range, --vendor-kid');
  }
  const classId = selection.class === undefined ? undefined : classOf(selection.class, selection.vendor);
  const parsed = entrySchema.safeParse({ verdict, digest, classId, range, vendorKid, devices, confirm, imageHash });
  if (parsed.success) return parsed.data;
  throw new CountersignError('BadArgument', `argument: ${parsed.error.issues[0]?.message}`, {
    hint: 'say which: a package or an image file, --digest, --image-hash, --class or --vendor-kid',
  });
}

function classOf(name: string, vendor: string | undefined): Uint8Array {
  const uuid = /^[0-9a-f-]{32,36}$/i.test(name);
  if (!uuid && vendor === undefined) throw new CountersignError('BadArgument', 'argument: --class NAME needs --vendor');
  return classIdOf(vendorIdOf(vendor ?? ''), name);
}

/** Whether this vendor key signed the package, as the core finds: one of its blocks is a signature of the SUIT digest. */
export function isSignedBy(core: Pick<Core, 'sign1Verify'>, envelope: Envelope<Bytes>, vendor: PublicKey): boolean {
  const key = encode(publicKeyToCose(vendor));
  const { blocks, suitDigest } = envelope;
  return blocks.some((block) => core.sign1Verify(key, block, { payload: suitDigest }) === 0);
}

/** Throws VendorSignature unless the vendor signed the package; `names` for the message. */
export function requireSignedBy(
  core: Pick<Core, 'sign1Verify'>,
  envelope: Envelope<Bytes>,
  vendor: PublicKey,
  names: { package: string; key: string },
): void {
  if (isSignedBy(core, envelope, vendor)) return;
  throw new CountersignError('VendorSignature', `package: ${names.package} is not signed with ${names.key}`);
}

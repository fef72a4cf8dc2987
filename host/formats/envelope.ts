// A SUIT envelope (tag 107) taken apart into its members and put together again without touching what is signed.
//
// Every member keeps the very bytes it arrived with; adding a signature block or an approval document changes the
// authentication wrapper or "#approval" alone. Before anything is added, the SUIT_Digest in the wrapper is compared with
// the hash of the manifest as it stands: a signer signs what it has looked at (draft-ietf-suit-manifest, section 6.2).
// Order: wrapper, manifest, severed members, "#approval", payload last, so that a device can judge before it takes bytes.

import { CountersignError } from '../errors.js';
import { FILE_BYTES_MAX } from '../files.js';
import { hex, join, same, sha256 } from './bytes.js';
import { type Cbor, decode, decodePrefix, encode, MAJOR, readHead, writeHead } from './cbor.js';

export const TAG_ENVELOPE = 107;

/** Envelope keys of draft-ietf-suit-manifest. */
export const MEMBER = { wrapper: 2, manifest: 3, payloadFetch: 16, install: 20, text: 23 } as const;

/** Our member for approval documents that travel with the package: bstr .cbor [1*4 bstr .cbor COSE_Sign1]. */
export const APPROVAL_MEMBER = '#approval';

/** A device looks at no more. */
export const APPROVALS_MAX = 4;

/** Digest algorithm SHA-256 in a SUIT_Digest. */
export const ALG_SHA256 = -16;

export interface Member {
  key: number | string;
  /** Content of the member's byte string. */
  value: Uint8Array;
  /** Key and value as encoded. */
  raw: Uint8Array;
}

export interface Envelope {
  members: Member[];
  /** The encoded SUIT_Digest: what every block signs. */
  suitDigest: Uint8Array;
  /** The digest in it; a package's name everywhere. */
  digest: Uint8Array;
  /** Authentication blocks: tagged COSE structures. */
  blocks: Uint8Array[];
  /** The manifest, without its byte string head. */
  manifest: Uint8Array;
}

/** Unassigned tags that drafts and their tools used: the first drafts, libcsuit's manifest tag. */
const OLDER_TAGS = [48, 1070];

/** Takes an envelope apart. Trusts nothing in it: sizes are checked against the bytes that are there. */
export function splitEnvelope(bytes: Uint8Array, what: string): Envelope {
  const tag = readHead(bytes, 0, what);
  if (tag.major !== MAJOR.tag || tag.argument !== TAG_ENVELOPE) {
    // What other tools and older drafts write: the map without tag 107, or under another one.
    const suit = tag.major === MAJOR.map || (tag.major === MAJOR.tag && OLDER_TAGS.includes(tag.argument));
    const why = suit ? 'no SUIT envelope with tag 107, but untagged, or an older draft' : 'not a SUIT envelope';
    throw new CountersignError('EnvelopeTag', `package: ${what} is ${why}`);
  }
  const map = readHead(bytes, tag.end, what);
  if (map.major !== MAJOR.map) throw new CountersignError('WrongType', `package: ${what} holds no map`);
  const members: Member[] = [];
  let rest = bytes.subarray(map.end);
  for (let left = map.argument; left > 0; left--) {
    const [member, after] = takeMember(rest, what);
    members.push(member);
    rest = after;
  }
  if (rest.length > 0)
    throw new CountersignError('TrailingBytes', `package: ${what} has ${rest.length} bytes after its end`);
  const wrapper = contentOf(members, MEMBER.wrapper);
  const manifest = contentOf(members, MEMBER.manifest);
  if (wrapper === undefined)
    throw new CountersignError('WrapperMissing', `package: ${what} has no authentication wrapper`);
  if (manifest === undefined) throw new CountersignError('ManifestMissing', `package: ${what} has no manifest`);
  return { members, manifest, ...readWrapper(wrapper, what) };
}

function takeMember(bytes: Uint8Array, what: string): [Member, Uint8Array] {
  const [key, afterKey] = decodePrefix(bytes, what);
  const [value, rest] = decodePrefix(afterKey, what);
  if ((typeof key !== 'number' && typeof key !== 'string') || !(value instanceof Uint8Array)) {
    throw new CountersignError('WrongType', `package: ${what} has a member that is not a byte string`);
  }
  return [{ key, value, raw: bytes.subarray(0, bytes.length - rest.length) }, rest];
}

function readWrapper(wrapper: Uint8Array, what: string): Pick<Envelope, 'suitDigest' | 'digest' | 'blocks'> {
  const parts = decode(wrapper, `${what}: authentication wrapper`);
  if (!Array.isArray(parts) || !parts.every((part) => part instanceof Uint8Array) || parts[0] === undefined) {
    throw new CountersignError('WrongType', `package: the authentication wrapper of ${what} is malformed`);
  }
  const [suitDigest, ...blocks] = parts as [Uint8Array, ...Uint8Array[]];
  const digest = digestOf(decode(suitDigest, `${what}: digest`));
  if (digest === undefined)
    throw new CountersignError('DigestAlgorithm', `package: ${what} is not named by a SHA-256 digest`);
  return { suitDigest, digest, blocks };
}

/** The bytes in a SUIT_Digest by SHA-256, or undefined if it is another or none. */
export function digestOf(value: Cbor | undefined): Uint8Array | undefined {
  if (!Array.isArray(value) || value.length !== 2 || value[0] !== ALG_SHA256) return undefined;
  return value[1] instanceof Uint8Array ? value[1] : undefined;
}

export function contentOf(members: readonly Member[], key: number | string): Uint8Array | undefined {
  return members.find((member) => member.key === key)?.value;
}

export function makeMember(key: number | string, value: Uint8Array): Member {
  return { key, value, raw: join([encode(key), encode(value)]) };
}

/** Members in the order given, which the caller answers for. */
export function joinEnvelope(members: readonly Member[]): Uint8Array {
  const parts = [
    writeHead(MAJOR.tag, TAG_ENVELOPE),
    writeHead(MAJOR.map, members.length),
    ...members.map(({ raw }) => raw),
  ];
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  if (length <= FILE_BYTES_MAX) return join(parts); // what is written can be read
  throw new CountersignError(
    'FileTooLarge',
    `package: it would have ${length} bytes, and at most ${FILE_BYTES_MAX} are read`,
    {
      hint: 'make a detached package (--detached) of an image of this size',
    },
  );
}

export function makeWrapper(suitDigest: Uint8Array, blocks: readonly Uint8Array[]): Member {
  return makeMember(MEMBER.wrapper, encode([suitDigest, ...blocks]));
}

/** Hash over a byte string with its head, as SUIT wants it for manifests and severable members. */
export function memberDigest(content: Uint8Array): Uint8Array {
  return sha256(encode(content));
}

/** Throws unless the digest that is signed is that of the manifest that is there. */
export function requireDigest(envelope: Envelope, what: string): void {
  const actual = memberDigest(envelope.manifest);
  if (same(actual, envelope.digest)) return;
  throw new CountersignError(
    'ManifestDigest',
    `package: the manifest of ${what} has digest ${hex(actual)}, not the signed one`,
  );
}

/** The envelope with one more authentication block; all other bytes as they were. */
export function addBlock(envelope: Envelope, block: Uint8Array, what: string): Uint8Array {
  requireDigest(envelope, what);
  const wrapper = makeWrapper(envelope.suitDigest, [...envelope.blocks, block]);
  return joinEnvelope(envelope.members.map((member) => (member.key === MEMBER.wrapper ? wrapper : member)));
}

/** The approval documents that travel in the envelope. */
export const approvalsIn = (envelope: Envelope, what: string): Uint8Array[] => documentsIn(envelope.members, what);

function documentsIn(members: readonly Member[], what: string): Uint8Array[] {
  const content = contentOf(members, APPROVAL_MEMBER);
  if (content === undefined) return [];
  const list = decode(content, `${what}: ${APPROVAL_MEMBER}`);
  if (Array.isArray(list) && list.every((one) => one instanceof Uint8Array)) return list as Uint8Array[];
  throw new CountersignError('WrongType', `package: ${APPROVAL_MEMBER} of ${what} is not a list of documents`);
}

/** The same of an envelope whose payload is cut off. */
export function approvalsInHead(head: Uint8Array, what: string): Uint8Array[] {
  const map = readHead(head, readHead(head, 0, what).end, what);
  const members: Member[] = [];
  let rest = head.subarray(map.end);
  for (let left = map.argument; left > 0; left--) {
    try {
      const [member, after] = takeMember(rest, what);
      members.push(member);
      rest = after;
    } catch {
      break; // the payload, which comes last
    }
  }
  return documentsIn(members, what);
}

/** The envelope with one more approval document, placed before the payload. */
export function addApproval(envelope: Envelope, document: Uint8Array, what: string): Uint8Array {
  requireDigest(envelope, what);
  const documents = [...approvalsIn(envelope, what), document];
  if (documents.length > APPROVALS_MAX) {
    throw new CountersignError('TooLarge', `package: ${what} carries ${APPROVALS_MAX} approval documents already`);
  }
  const member = makeMember(APPROVAL_MEMBER, encode(documents));
  const others = envelope.members.filter((one) => one.key !== APPROVAL_MEMBER);
  const payload = others.findIndex((one) => typeof one.key === 'string');
  const at = payload < 0 ? others.length : payload;
  return joinEnvelope([...others.slice(0, at), member, ...others.slice(at)]);
}

/** The payload that travels in the envelope, if one does. */
export function payloadIn(envelope: Envelope): Member | undefined {
  return envelope.members.find((member) => typeof member.key === 'string' && member.key !== APPROVAL_MEMBER);
}

/** The envelope without its payload; what is signed stays as it is. */
export function detachPayload(envelope: Envelope): Uint8Array {
  const payload = payloadIn(envelope);
  return joinEnvelope(envelope.members.filter((member) => member !== payload));
}

// A SUIT envelope (tag 107) taken apart into its members and put together again without touching what is signed.
//
// Every member keeps the very bytes it arrived with; adding a signature block or an approval document changes the
// authentication wrapper or "#approval" alone. Before anything is added, the SUIT_Digest in the wrapper is compared with
// the hash of the manifest as it stands: a signer signs what it has looked at (draft-ietf-suit-manifest, section 6.2).
// Order: wrapper, manifest, severed members, "#approval", payload last, so that a device can judge before it takes bytes.
//
// Of an envelope in a file (`openEnvelope`) everything is read but payloads: those stay where they are, as ranges of it.

import { CountersignError } from '../errors.js';
import { type Bytes, FILE_BYTES_MAX, partOf, readFrom, sizeOf, viewOf } from './byte-source.js';
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

export interface Member<B extends Bytes = Uint8Array> {
  key: number | string;
  /** Content of the member's byte string. */
  value: B;
  /** Key and value as encoded. */
  raw: B;
}

export interface Envelope<B extends Bytes = Uint8Array> {
  /** Payloads are of type B; all others are in memory. */
  members: Member<B>[];
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
  const steps = take(bytes, what);
  let step = steps.next();
  while (!step.done) step = steps.next(viewOf(bytes, step.value.at, step.value.length));
  return step.value as Envelope; // all parts of bytes in memory are in memory
}

/** The same of one that may be in a file: its payload is not read, and is there as long as the file is open. */
export async function openEnvelope(file: Bytes, what: string): Promise<Envelope<Bytes>> {
  const steps = take(file, what);
  let step = steps.next();
  while (!step.done) step = steps.next(await readFrom(file, step.value.at, step.value.length));
  return step.value;
}

/** Tag, or map, and key and length of a member: more than any of them has. */
const HEADS_BYTES = 512;
/** What is not payload, all together: a device takes a few kilobytes of it. */
const MEMBERS_BYTES_MAX = 1024 * 1024;
/** A device takes seven. */
const MEMBERS_MAX = 16;

export const isPayload = ({ key }: Pick<Member<Bytes>, 'key'>): boolean =>
  typeof key === 'string' && key !== APPROVAL_MEMBER;

type Wanted = { at: number; length: number };

/** Asks for the bytes that it wants to see, wherever they are, at most so many as there are. */
function* take(file: Bytes, what: string): Generator<Wanted, Envelope<Bytes>, Uint8Array> {
  const size = sizeOf(file);
  const start = yield { at: 0, length: HEADS_BYTES };
  const tag = readHead(start, 0, what);
  if (tag.major !== MAJOR.tag || tag.argument !== TAG_ENVELOPE) {
    // What other tools and older drafts write: the map without tag 107, or under another one.
    const suit = tag.major === MAJOR.map || (tag.major === MAJOR.tag && OLDER_TAGS.includes(tag.argument));
    const why = suit ? 'no SUIT envelope with tag 107, but untagged, or an older draft' : 'not a SUIT envelope';
    throw new CountersignError('EnvelopeTag', `package: ${what} is ${why}`);
  }
  const map = readHead(start, tag.end, what);
  if (map.major !== MAJOR.map) throw new CountersignError('WrongType', `package: ${what} holds no map`);
  if (map.argument > MEMBERS_MAX) {
    throw new CountersignError(
      'TooLarge',
      `package: ${what} has ${map.argument} members, and at most ${MEMBERS_MAX} are read`,
    );
  }
  const members: Member<Bytes>[] = [];
  let at = map.end;
  let room = MEMBERS_BYTES_MAX;
  for (let left = map.argument; left > 0; left--) {
    const { key, start: from, end } = outline(yield { at, length: HEADS_BYTES }, at, what);
    if (end > size) throw new CountersignError('Truncated', `package: ${what} ends at byte ${size}, in a member`);
    let raw: Bytes = partOf(file, at, end - at);
    if (!isPayload({ key })) {
      room -= end - at;
      if (room < 0) throw new CountersignError('TooLarge', `package: ${what} has a megabyte in front of its firmware`);
      raw = yield { at, length: end - at };
    }
    members.push({ key, value: partOf(raw, from - at), raw });
    at = end;
  }
  if (at < size) throw new CountersignError('TrailingBytes', `package: ${what} has ${size - at} bytes after its end`);
  const wrapper = contentOf(members, MEMBER.wrapper);
  const manifest = contentOf(members, MEMBER.manifest);
  if (wrapper === undefined)
    throw new CountersignError('WrapperMissing', `package: ${what} has no authentication wrapper`);
  if (manifest === undefined) throw new CountersignError('ManifestMissing', `package: ${what} has no manifest`);
  return { members, manifest, ...readWrapper(wrapper, what) };
}

/** Key of the member at `at`, of which `heads` are the first bytes, and where its content begins and ends. */
function outline(heads: Uint8Array, at: number, what: string): { key: number | string; start: number; end: number } {
  const [key, rest] = decodePrefix(heads, what);
  const afterKey = heads.length - rest.length;
  const { major, argument, end } = readHead(heads, afterKey, what);
  const named = ([MAJOR.uint, MAJOR.negative, MAJOR.text] as number[]).includes(readHead(heads, 0, what).major); // 2.0 is another key than 2
  if ((typeof key !== 'number' && typeof key !== 'string') || !named || major !== MAJOR.bytes) {
    throw new CountersignError('WrongType', `package: ${what} has a member that is not a byte string`);
  }
  if (writeHead(major, argument).length !== end - afterKey) {
    throw new CountersignError('FileMalformed', `package: ${what} has a length that is not the shortest`);
  }
  return { key, start: at + end, end: at + end + argument };
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

/** Content of a member that is no payload. */
export function contentOf(members: readonly Member<Bytes>[], key: number | string): Uint8Array | undefined {
  const value = members.find((member) => member.key === key)?.value;
  return value instanceof Uint8Array ? value : undefined;
}

export function makeMember(key: number | string, value: Uint8Array): Member {
  return { key, value, raw: join(memberParts(key, value)) };
}

/** A member as it is written, its content where it is. */
export function memberParts<B extends Bytes>(key: number | string, content: B): (Uint8Array | B)[] {
  return [encode(key), writeHead(MAJOR.bytes, sizeOf(content)), content];
}

/** An envelope as it is written, of members as they are, which stand in the order given; the caller answers for that. */
export function envelopeParts<B extends Bytes>(members: readonly (readonly B[])[]): (Uint8Array | B)[] {
  const parts = [writeHead(MAJOR.tag, TAG_ENVELOPE), writeHead(MAJOR.map, members.length), ...members.flat()];
  const length = partsSize(parts);
  if (length <= FILE_BYTES_MAX) return parts; // what is written can be read
  throw new CountersignError(
    'FileTooLarge',
    `package: it would have ${length} bytes, and at most ${FILE_BYTES_MAX} are read`,
    {
      hint: 'make a detached package (--detached) of an image of this size',
    },
  );
}

export const partsSize = (parts: readonly Bytes[]): number => parts.reduce((sum, part) => sum + sizeOf(part), 0);

const partsOf = <B extends Bytes>(members: readonly Member<B>[]): (Uint8Array | B)[] =>
  envelopeParts(members.map(({ raw }) => [raw]));

export const joinEnvelope = (members: readonly Member[]): Uint8Array => join(partsOf(members));

export function makeWrapper(suitDigest: Uint8Array, blocks: readonly Uint8Array[]): Member {
  return makeMember(MEMBER.wrapper, encode([suitDigest, ...blocks]));
}

/** Hash over a byte string with its head, as SUIT wants it for manifests and severable members. */
export function memberDigest(content: Uint8Array): Uint8Array {
  return sha256(encode(content));
}

/** Throws unless the digest that is signed is that of the manifest that is there. */
export function requireDigest(envelope: Envelope<Bytes>, what: string): void {
  const actual = memberDigest(envelope.manifest);
  if (same(actual, envelope.digest)) return;
  throw new CountersignError(
    'ManifestDigest',
    `package: the manifest of ${what} has digest ${hex(actual)}, not the signed one`,
  );
}

/** The envelope with one more authentication block; all other bytes as they were. */
export const addBlock = (envelope: Envelope, block: Uint8Array, what: string): Uint8Array =>
  join(withBlock(envelope, block, what));

/** The same in parts, to be written one after the other. */
export function withBlock<B extends Bytes>(envelope: Envelope<B>, block: Uint8Array, what: string): (Uint8Array | B)[] {
  requireDigest(envelope, what);
  const wrapper = makeWrapper(envelope.suitDigest, [...envelope.blocks, block]);
  return partsOf<Uint8Array | B>(envelope.members.map((member) => (member.key === MEMBER.wrapper ? wrapper : member)));
}

/** The approval documents that travel in the envelope. */
export function approvalsIn(envelope: Envelope<Bytes>, what: string): Uint8Array[] {
  const content = contentOf(envelope.members, APPROVAL_MEMBER);
  if (content === undefined) return [];
  const list = decode(content, `${what}: ${APPROVAL_MEMBER}`);
  if (Array.isArray(list) && list.every((one) => one instanceof Uint8Array)) return list as Uint8Array[];
  throw new CountersignError('WrongType', `package: ${APPROVAL_MEMBER} of ${what} is not a list of documents`);
}

/** The envelope with one more approval document, placed before the payload. */
export const addApproval = (envelope: Envelope, document: Uint8Array, what: string): Uint8Array =>
  join(withApproval(envelope, document, what));

/** The same in parts, to be written one after the other. */
export function withApproval<B extends Bytes>(
  envelope: Envelope<B>,
  document: Uint8Array,
  what: string,
): (Uint8Array | B)[] {
  requireDigest(envelope, what);
  const documents = [...approvalsIn(envelope, what), document];
  if (documents.length > APPROVALS_MAX) {
    throw new CountersignError('TooLarge', `package: ${what} carries ${APPROVALS_MAX} approval documents already`);
  }
  const member = makeMember(APPROVAL_MEMBER, encode(documents));
  const others = envelope.members.filter((one) => one.key !== APPROVAL_MEMBER);
  const payload = others.findIndex(isPayload);
  const at = payload < 0 ? others.length : payload;
  return partsOf<Uint8Array | B>([...others.slice(0, at), member, ...others.slice(at)]);
}

/** The payload that travels in the envelope, if one does; of several the first. */
export function payloadIn<B extends Bytes>(envelope: Envelope<B>): Member<B> | undefined {
  return envelope.members.find(isPayload);
}

/** All of them: a package of several components has one for each. */
export const payloadsIn = <B extends Bytes>(envelope: Envelope<B>): Member<B>[] => envelope.members.filter(isPayload);

/** Bytes of an envelope up to its first payload: what a device takes to decide. */
export function headBytesOf(envelope: Envelope<Bytes>, bytes: number): number {
  const [first, ...others] = payloadsIn(envelope);
  return bytes - (first ? sizeOf(first.value) : 0) - partsSize(others.map(({ raw }) => raw));
}

/** The envelope without its payloads; what is signed stays as it is. */
export const detachPayload = (envelope: Envelope): Uint8Array => join(withoutPayload(envelope));

/** The same in parts, to be written one after the other. */
export function withoutPayload<B extends Bytes>(envelope: Envelope<B>): (Uint8Array | B)[] {
  return partsOf(envelope.members.filter((member) => !isPayload(member)));
}

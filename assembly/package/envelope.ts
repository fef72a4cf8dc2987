// The SUIT envelope (draft-ietf-suit-manifest-37, section 8.2): found member by member while its bytes arrive.
//
// Tag 107 around a map whose members stand in this order, each a byte string, each at most once:
//   2 authentication wrapper | 3 manifest | 16 payload-fetch | 20 install | 23 text | "#approval" | payload
// Wrapper and manifest are required. The payload is the member with any other text key; it is the last one, and the
// head ends where its first byte would stand. Nothing inside a member is looked at here, and nothing is believed:
// these are ranges of HEAD, whose bytes are yet to be authenticated.

import { reading, Type } from '../codec/cbor';
import { COMPONENTS } from '../profile';
import { Reason } from '../reason';
import { COMPONENTS_MAX, componentsOwned } from './components';
import { HEAD, HEAD_BYTES_MAX } from './head';

const ENVELOPE_TAG: u64 = 107;
const MEMBERS_MAX: u64 = 7; // one of each kind
export const KEY_BYTES_MAX: u64 = 255; // the longest URI that FUMO and LwM2M let a package have

// Places in the order above.
const enum Rank {
  None = 0,
  Wrapper = 1,
  Manifest = 2,
  PayloadFetch = 3,
  Install = 4,
  Text = 5,
  Approvals = 6,
  Payload = 7,
}

// A member that may stand here or in the manifest: 0 = not here. `from` is the string's head, which is hashed too.
@unmanaged
export class Severable {
  from: usize;
  bytes: u32; // head included
}

@unmanaged
export class Envelope {
  wrapper: usize; // content
  wrapperBytes: u32;
  manifest: usize; // with its head, as it is hashed
  manifestBytes: u32;
  approvals: usize; // content, 0: none
  approvalsBytes: u32;
  payloadKey: usize; // 0: the payload is not in the envelope
  payloadKeyBytes: u32;
  payloadBytes: u32;
}

// Side by side, so that one call clears them.
const MEMBERS_BYTES: usize = offsetof<Envelope>() + 3 * offsetof<Severable>();
const MEMBERS: usize = memory.data(<i32>MEMBERS_BYTES, 4);
export const envelope = changetype<Envelope>(MEMBERS);
export const payloadFetchMember = changetype<Severable>(MEMBERS + offsetof<Envelope>());
export const installMember = changetype<Severable>(MEMBERS + offsetof<Envelope>() + offsetof<Severable>());
export const textMember = changetype<Severable>(MEMBERS + offsetof<Envelope>() + 2 * offsetof<Severable>());

let at: u32 = 0; // bytes of HEAD that are understood
let wanted: u32 = 0; // bytes of HEAD that the next step needs, 0: the head is whole
let opened: bool = false; // tag and map head are read
let left: u32 = 0; // members to come
let last: i32 = Rank.None;

export function envelopeBegin(): void {
  memory.fill(MEMBERS, 0, MEMBERS_BYTES);
  at = 0;
  wanted = 1;
  opened = false;
  left = 0;
  last = Rank.None;
}

// How many bytes HEAD must hold before envelopeScan can go on; 0: the head is whole.
export function envelopeWanted(): u32 {
  return wanted;
}

// Bytes of the head, once it is whole.
export function envelopeHeadBytes(): u32 {
  return at;
}

// Images in the envelope behind the first one, whose bytes the head ends with (payloads.ts).
export function envelopePayloadsLeft(): u32 {
  return left;
}

function severalPayloads(): bool {
  return COMPONENTS && componentsOwned();
}

// Goes on as far as the first `have` bytes of HEAD allow.
export function envelopeScan(have: u32): Reason {
  while (wanted !== 0 && wanted <= have) {
    reading.open(HEAD + at, have - at);
    const fault = opened ? member(have) : open();
    if (fault === Reason.Truncated)
      wanted = have + 1; // a head that is not all there yet
    else if (fault !== Reason.Ok) return fault;
    if (wanted > HEAD_BYTES_MAX) return Reason.TooLarge;
  }
  return Reason.Ok;
}

function open(): Reason {
  if (reading.tag() !== ENVELOPE_TAG) return reading.fault === Reason.Truncated ? Reason.Truncated : Reason.EnvelopeTag;
  if (reading.head() !== Type.Map) return reading.fault !== Reason.Ok ? reading.fault : Reason.WrongType;
  if (reading.value > MEMBERS_MAX + (severalPayloads() ? COMPONENTS_MAX - 1 : 0)) return Reason.EnvelopeMember;
  left = <u32>reading.value;
  opened = true;
  return advance();
}

// The next step starts where the cursor is, and needs a byte at least.
function advance(): Reason {
  at = <u32>(reading.at - HEAD);
  if (left !== 0 && !(COMPONENTS && envelope.payloadKey !== 0)) {
    wanted = at + 1;
    return Reason.Ok;
  }
  wanted = 0;
  if (envelope.wrapper === 0) return Reason.WrapperMissing;
  return envelope.manifest === 0 ? Reason.ManifestMissing : Reason.Ok;
}

function member(have: u32): Reason {
  const rank = key();
  const keyAt = reading.from;
  const keyBytes = reading.length;
  if (reading.fault !== Reason.Ok) return reading.fault;
  if (rank === Rank.None) return Reason.EnvelopeMember;
  if (rank <= last || (rank === Rank.Payload && left !== 1 && !severalPayloads())) return Reason.EnvelopeOrder;
  const from = reading.at;
  const type = reading.head();
  if (reading.fault !== Reason.Ok) return reading.fault;
  if (type !== Type.Bytes) return Reason.WrongType;
  const bytes = reading.value;
  if (rank === Rank.Payload) {
    if (bytes > <u64>u32.MAX_VALUE) return Reason.TooLarge;
    envelope.payloadKey = keyAt;
    envelope.payloadKeyBytes = keyBytes;
    envelope.payloadBytes = <u32>bytes;
  } else {
    if (bytes > <u64>HEAD_BYTES_MAX) return Reason.TooLarge;
    const end = <u32>(reading.at - HEAD) + <u32>bytes;
    if (end > have) {
      wanted = end;
      return Reason.Ok;
    }
    keep(rank, from, reading.at, <u32>bytes);
    reading.at += <usize>bytes;
  }
  last = rank;
  left--;
  return advance();
}

// Reads the key; leaves a text key in the cursor's string.
function key(): i32 {
  const type = reading.head();
  if (type === Type.Uint) {
    if (reading.value === 2) return Rank.Wrapper;
    if (reading.value === 3) return Rank.Manifest;
    if (reading.value === 16) return Rank.PayloadFetch;
    if (reading.value === 20) return Rank.Install;
    return reading.value === 23 ? Rank.Text : Rank.None;
  }
  if (type !== Type.Text || reading.value > KEY_BYTES_MAX) return Rank.None;
  const bytes = <u32>reading.value;
  if (bytes > <u32>(reading.end - reading.at)) {
    reading.fail(Reason.Truncated);
    return Rank.None;
  }
  const from = reading.at;
  reading.at += bytes;
  reading.from = from;
  reading.length = 8;
  const approvals = bytes === 9 && reading.word() === 0x61766f7270706123 && load<u8>(from + 8) === 0x6c; // "#approva" "l"
  reading.length = bytes;
  return approvals ? Rank.Approvals : Rank.Payload;
}

function keep(rank: i32, from: usize, content: usize, bytes: u32): void {
  const whole = <u32>(content - from) + bytes;
  switch (rank) {
    case Rank.Wrapper:
      envelope.wrapper = content;
      envelope.wrapperBytes = bytes;
      break;
    case Rank.Manifest:
      envelope.manifest = from;
      envelope.manifestBytes = whole;
      break;
    case Rank.Approvals:
      envelope.approvals = content;
      envelope.approvalsBytes = bytes;
      break;
    default: {
      const severable =
        rank === Rank.PayloadFetch ? payloadFetchMember : rank === Rank.Install ? installMember : textMember;
      severable.from = from;
      severable.bytes = whole;
    }
  }
}

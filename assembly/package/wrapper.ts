// The authentication wrapper: [bstr .cbor SUIT_Digest, 1*8 bstr .cbor COSE_Sign1_Tagged with detached payload].
//
// wrapperOpen proves that the digest is that of the manifest with its byte string's head (draft section 5.2, both of
// the checks are needed: the other one is a signature over this digest). It comes before any signature, because it is
// cheap, and before anything in the manifest is parsed. What each block signs is the encoded SUIT_Digest, not wrapped
// again.

import { Cursor, inside } from '../codec/cbor';
import { Sign1, sign1Open } from '../codec/cose';
import { Reason } from '../reason';
import { digestMatches, digestRead } from './digest';
import { envelope } from './envelope';

// A vendor, a few operators, room for a change of algorithm. Each block may cost several signature checks.
export const BLOCKS_MAX: u32 = 8;

@unmanaged
export class Wrapper {
  digest: usize; // 32 bytes
  signed: usize; // the encoded SUIT_Digest: the detached payload of every block
  signedBytes: u32;
  blocks: u32; // left to read
}

export const wrapper = changetype<Wrapper>(memory.data(offsetof<Wrapper>(), 4));
const blocks = changetype<Cursor>(memory.data(offsetof<Cursor>(), 8));

export function wrapperOpen(): Reason {
  wrapper.digest = 0;
  wrapper.blocks = 0;
  blocks.open(envelope.wrapper, envelope.wrapperBytes);
  const elements = blocks.array();
  blocks.enter(inside);
  wrapper.signed = inside.at;
  wrapper.signedBytes = <u32>(inside.end - inside.at);
  const digest = digestRead(inside);
  blocks.leave(inside);
  if (blocks.fault !== Reason.Ok) return blocks.fault;
  const fault = blocksWhole(elements);
  if (fault !== Reason.Ok) return fault;
  if (!digestMatches(digest, envelope.manifest, envelope.manifestBytes)) return Reason.ManifestDigest;
  wrapper.digest = digest;
  wrapper.blocks = elements - 1;
  return Reason.Ok;
}

// The frame of the wrapper must be sound to its end before the first block is believed.
function blocksWhole(elements: u32): Reason {
  if (elements < 2) return Reason.Unsigned;
  if (elements - 1 > BLOCKS_MAX) return Reason.BlocksTooMany;
  const first = blocks.at;
  for (let left = elements - 1; blocks.more(left); left--) blocks.bytes();
  if (blocks.close() !== Reason.Ok) return blocks.fault;
  blocks.at = first;
  return Reason.Ok;
}

// Opens the next block. Its fault concerns this block alone: a block that we cannot read is as good as none.
export function wrapperNext(view: Sign1): Reason {
  wrapper.blocks--;
  const from = blocks.bytes();
  const fault = sign1Open(view, from, blocks.length);
  if (fault === Reason.Ok && view.payload !== 0) return Reason.PayloadPlace;
  return fault;
}

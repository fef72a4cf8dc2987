// One SMP packet in, one SMP packet out (in REPLY), or silence.
//
//   header, 8 bytes   0 version << 3 | op   1 flags 0   2..3 length of the body   4..5 group   6 sequence   7 command
//   op                0 read, 2 write; the response has op + 1 and copies version, group, sequence and command
//
// Silence for what is no request: a header cut short, a response, a protocol version above 2, reserved bits, a length
// that is not the packet's. Of responses one is heard: a block that the device asked for. Everything else gets an answer: a number of SMP's own list when the command is unknown or
// the body malformed, otherwise what the group says.
//
// What is answered stays true: of what was found at the last reset, a record whose last word was torn may read well now
// and badly at the next one. So it is made certain before the first answer that could tell of it. That is a compaction of
// the store, and none where nothing was committed since the last one.

import { storeDamaged, storeDetached, storeSettle } from '../flash/store';
import { Reason } from '../reason';
import { alertHeard } from '../update/alert';
import { bootStay } from '../update/boot';
import { imageErase, imageSlots, imageState, imageStateWrite, imageUpload } from './image';
import { osBootloader, osEcho, osInformation, osParameters, osReset } from './os';
import {
  BLOCK,
  oursAlert,
  oursAnswer,
  oursBlock,
  oursDelete,
  oursExec,
  oursGet,
  oursLog,
  oursOffer,
  oursPut,
  oursQuestion,
} from './ours';
import { failure, Group, HEADER_BYTES, ours, Rc, replyEnd, replyHead } from './reply';
import { requestRead } from './request';

const OP_READ_RESPONSE: u32 = 1;
const OP_WRITE: u32 = 2;
const PUT: u32 = 1; // of our group
const RESIDENT: u32 = (1 << 1) | (1 << 3) | (1 << 7); // image upload, or put; exec; offer
const VERSION_MAX: u32 = 1; // the second version of the protocol is number 1 on the wire

export function smpAnswer(link: i32, packet: usize, length: u32): u32 {
  if (length < HEADER_BYTES) return 0;
  const first: u32 = load<u8>(packet);
  const op = first & 7;
  const version = first >>> 3;
  const body = byte16(packet + 2);
  const response = op === OP_READ_RESPONSE;
  if (
    (op & ~OP_WRITE && !response) ||
    version > VERSION_MAX ||
    load<u8>(packet, 1) !== 0 ||
    body !== length - HEADER_BYTES
  )
    return 0;

  // The header is kept aside: a verdict may use the packet's memory for other things.
  const group = byte16(packet + 4);
  const sequence: u32 = load<u8>(packet, 6);
  const id: u32 = load<u8>(packet, 7);
  const malformed = requestRead(packet + HEADER_BYTES, body) !== Reason.Ok;
  if (response) {
    if (!malformed && group === Group.Ours && id === BLOCK && oursBlock(link, sequence)) bootStay();
    return 0;
  }
  const failed = malformed ? failure(Group.None, Rc.Invalid) : command(link, group, id, op === OP_WRITE);
  return replyHead(first + 1, replyEnd(version, group, failed), group, sequence, id);
}

function byte16(at: usize): u32 {
  return ((<u32>load<u8>(at)) << 8) | load<u8>(at, 1);
}

// Group, command and op as one number, so that the table reads as one: group << 9 | id << 1 | write.
function command(link: i32, group: u32, id: u32, write: bool): i32 {
  const settled = group === Group.Os ? Reason.Ok : storeSettle();
  if (settled !== Reason.Ok) return ours(settled);
  // On a damaged store everything can be read, and a change of anchors, policy or groups be put.
  if (write && group !== Group.Os && (group !== Group.Ours || id !== PUT) && storeDamaged())
    return ours(Reason.StoreDamaged);
  // A resident agent takes a package and its order, and keeps nothing else.
  if (write && group !== Group.Os && storeDetached() && ((RESIDENT >>> min(id, 31)) & 1) === 0)
    return ours(Reason.ApplicationRuns);
  if (group === Group.Ours) alertHeard(link);
  switch ((group << 9) | (id << 1) | (write ? 1 : 0)) {
    case (0 << 9) | (0 << 1) | 0:
    case (0 << 9) | (0 << 1) | 1:
      return osEcho();
    case (0 << 9) | (5 << 1) | 1:
      return osReset();
    case (0 << 9) | (6 << 1) | 0:
      return osParameters();
    case (0 << 9) | (7 << 1) | 0:
      return osInformation();
    case (0 << 9) | (8 << 1) | 0:
      return osBootloader();

    case (1 << 9) | (0 << 1) | 0:
      return imageState();
    case (1 << 9) | (0 << 1) | 1:
      return imageStateWrite();
    case (1 << 9) | (1 << 1) | 1:
      return imageUpload(link);
    case (1 << 9) | (5 << 1) | 1:
      return imageErase();
    case (1 << 9) | (6 << 1) | 0:
      return imageSlots();

    case (64 << 9) | (0 << 1) | 0:
      return oursGet();
    case (64 << 9) | (1 << 1) | 1:
      return oursPut(link);
    case (64 << 9) | (2 << 1) | 1:
      return oursDelete();
    case (64 << 9) | (3 << 1) | 1:
      return oursExec(link);
    case (64 << 9) | (4 << 1) | 0:
      return oursQuestion();
    case (64 << 9) | (4 << 1) | 1:
      return oursAnswer();
    case (64 << 9) | (5 << 1) | 0:
      return oursLog();
    case (64 << 9) | (6 << 1) | 0:
      return oursAlert();
    case (64 << 9) | (7 << 1) | 1:
      return oursOffer(link);

    default:
      return failure(Group.None, Rc.NotSupported);
  }
}

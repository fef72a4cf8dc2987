// One SMP packet in, one SMP packet out (in REPLY), or silence.
//
//   header, 8 bytes   0 version << 3 | op   1 flags 0   2..3 length of the body   4..5 group   6 sequence   7 command
//   op                0 read, 2 write; the response has op + 1 and copies version, group, sequence and command
//
// Silence for what is no request: a header cut short, a response, a protocol version above 2, reserved bits, a length
// that is not the packet's. Everything else gets an answer: a number of SMP's own list when the command is unknown or
// the body malformed, otherwise what the group says.

import { Reason } from '../reason';
import { osBootloader, osEcho, osInformation, osParameters } from './os';
import { failure, Group, HEADER_BYTES, Rc, REPLY, replyEnd, replyMap } from './reply';
import { requestRead } from './request';

const OP_WRITE: u32 = 2;
const VERSION_MAX: u32 = 1; // the second version of the protocol is number 1 on the wire

export function smpAnswer(packet: usize, length: u32): u32 {
  if (length < HEADER_BYTES) return 0;
  const first: u32 = load<u8>(packet);
  const op = first & 7;
  const version = first >>> 3;
  const body = byte16(packet + 2);
  if (op & ~OP_WRITE || version > VERSION_MAX || load<u8>(packet, 1) !== 0 || body !== length - HEADER_BYTES) return 0;

  replyMap(0);
  const malformed = requestRead(packet + HEADER_BYTES, body) !== Reason.Ok;
  const answer = replyEnd(
    version,
    malformed ? failure(Group.None, Rc.Invalid) : command(byte16(packet + 4), load<u8>(packet, 7), op === OP_WRITE),
  );
  store<u8>(REPLY, first + 1);
  store<u8>(REPLY, 0, 1);
  store<u8>(REPLY, answer >>> 8, 2);
  store<u8>(REPLY, answer, 3);
  memory.copy(REPLY + 4, packet + 4, 4);
  return HEADER_BYTES + answer;
}

function byte16(at: usize): u32 {
  return ((<u32>load<u8>(at)) << 8) | load<u8>(at, 1);
}

// Group, command and op as one number, so that the table below reads as one.
//   row(group, id, write) = group << 9 | id << 1 | write
function command(group: u32, id: u32, write: bool): i32 {
  switch ((group << 9) | (id << 1) | (write ? 1 : 0)) {
    case (0 << 9) | (0 << 1) | 0:
    case (0 << 9) | (0 << 1) | 1:
      return osEcho();
    case (0 << 9) | (6 << 1) | 0:
      return osParameters();
    case (0 << 9) | (7 << 1) | 0:
      return osInformation();
    case (0 << 9) | (8 << 1) | 0:
      return osBootloader();
    default:
      return failure(Group.None, Rc.NotSupported);
  }
}

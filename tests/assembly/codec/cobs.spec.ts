// Cobs framing: what is made a frame goes into the receiver of the line, at every packet length and with zeros everywhere; and
// what a frame may not be.

import { Cobs, cobsBegin, cobsFrame, cobsMissing, cobsPacketBytes, cobsTake } from '../../../assembly/codec/cobs';
import { FRAME_PACKET, Frame, framePacketBytes, frameReceive, PACKET_BYTES_MAX } from '../../../assembly/codec/frame';
import { clear, lay, sizeOf } from '../support/bytes';

const PACKET: usize = memory.data(660, 16);
const FRAMED: usize = memory.data(660, 16);

function feed(from: usize, length: u32): i32 {
  let packets = 0;
  for (let i: u32 = 0; i < length; i++) if (frameReceive(load<u8>(from + i)) == Frame.Packet) packets++;
  return packets;
}

// A packet of that length: zeros in one of so many bytes, nowhere for 0.
function makePacket(length: u32, zeros: u32): void {
  for (let i: u32 = 8; i < length; i++) store<u8>(PACKET + i, zeros && i % zeros == 0 ? 0 : <u8>((i % 255) + 1));
  store<u64>(PACKET, 0);
  store<u8>(PACKET, 10);
  store<u8>(PACKET, (length - 8) >>> 8, 2);
  store<u8>(PACKET, length - 8, 3);
}

describe('cobs frames', () => {
  it('carry packets of every length, wherever they have zeros', () => {
    let same = true;
    for (let length: u32 = 8; length <= PACKET_BYTES_MAX; length++) {
      for (let zeros: u32 = 0; zeros <= 3; zeros++) {
        makePacket(length, zeros);
        memory.copy(FRAMED, PACKET, length);
        const bytes = cobsFrame(FRAMED, length);
        same = same && bytes <= length + 4 + (length + 2) / 254;
        for (let i: u32 = 0; i < bytes; i++) same = same && (load<u8>(FRAMED + i) == 0) == (i == bytes - 1);
        same = same && feed(FRAMED, bytes) == 1 && framePacketBytes() == length;
        same = same && memory.compare(FRAME_PACKET, PACKET, length) == 0;
      }
    }
    expect(same).toBe(true);
  });

  it('a packet that is longer than one may be is dropped, and nothing is written past its room', () => {
    makePacket(PACKET_BYTES_MAX + 1, 7);
    const bytes = cobsFrame(PACKET, PACKET_BYTES_MAX + 1);
    expect(feed(PACKET, bytes)).toBe(0);
    // The length says little, and more comes.
    clear();
    expect(feed(lay('020a0101010101010141414141414100'), 16)).toBe(0);
  });

  it('the room is looked at though somebody wrote over the length meanwhile', () => {
    cobsBegin(2);
    const begins = [0x0a, 1, 2, 0x10, 1, 2, 1, 1, 0xff];
    for (let i = 0; i < begins.length; i++) expect(cobsTake(begins[i], PACKET, 32)).toBe(Cobs.More);
    store<u16>(PACKET, 0xffff, 2);
    store<u8>(PACKET + 34, 0x5a);
    let taken = Cobs.More;
    for (let i = 0; i < 40; i++) taken = cobsTake(0x41, PACKET, 32);
    expect(taken).toBe(Cobs.Damaged);
    expect(load<u8>(PACKET + 34)).toBe(0x5a);
  });

  it('a first byte that is no version and operation is none, nor are flags', () => {
    for (let byte: u32 = 1; byte < 256; byte++) {
      cobsBegin(2);
      expect(cobsTake(byte, PACKET, 32)).toBe(byte & ~0x0b ? Cobs.Damaged : Cobs.More);
      cobsBegin(3);
      cobsTake(0x0a, PACKET, 32);
      expect(cobsTake(byte, PACKET, 32)).toBe(Cobs.Damaged);
    }
  });

  it('says how much is missing of one that ended early', () => {
    const frame = '020a010206010101010141'; // 6 bytes of body; header and one byte of it are there
    clear();
    const at = lay(frame);
    cobsBegin(load<u8>(at));
    for (let i: u32 = 1; i < sizeOf(frame) - 1; i++) cobsTake(load<u8>(at + i), PACKET, 32);
    expect(cobsTake(0, PACKET, 32)).toBe(Cobs.Damaged);
    expect(cobsMissing(PACKET)).toBe(16 - cobsPacketBytes() - 2);
  });
});

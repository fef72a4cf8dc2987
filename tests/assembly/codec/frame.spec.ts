// Console framing: what comes out of the sender goes into the receiver, at every packet length; and each row of the
// receiver's table that drops, byte by byte.

import { BASE64_INVALID, base64Character, base64Value } from '../../../assembly/codec/base64';
import {
  FRAME_PACKET,
  Frame,
  frameNextLine,
  framePacketBytes,
  frameReceive,
  frameSend,
  LINE_BYTES_MAX,
  PACKET_BYTES_MAX,
} from '../../../assembly/codec/frame';
import { clear, lay, sizeOf } from '../support/bytes';

const PACKET: usize = memory.data(700, 16);
const LINE: usize = memory.data(128, 4);

// Feeds bytes; how many packets came out.
function feed(from: usize, length: u32): i32 {
  let packets = 0;
  for (let i: u32 = 0; i < length; i++) if (frameReceive(load<u8>(from + i)) == Frame.Packet) packets++;
  return packets;
}

function feedHex(hex: string): i32 {
  clear();
  return feed(lay(hex), sizeOf(hex));
}

// Echo request "hello" as a frame: 06 09 ABMKAAAJAABCAKFhZGVoZWxsb0YZ 0a
const GOOD = '060941424d4b4141414a41414243414b46685a47566f5a5778736230595a0a';

describe('base64', () => {
  it('every value has its character and back', () => {
    for (let value: u32 = 0; value < 64; value++) expect(base64Value(base64Character(value))).toBe(value);
  });

  it('has 64 characters and no more', () => {
    let valid = 0;
    for (let character: u32 = 0; character < 256; character++) if (base64Value(character) != BASE64_INVALID) valid++;
    expect(valid).toBe(64);
  });
});

describe('frames', () => {
  it('carry packets of every length, in lines of at most 127 bytes', () => {
    for (let i: u32 = 0; i < PACKET_BYTES_MAX; i++) store<u8>(PACKET + i, (i * 37 + 6) & 0xff);
    for (let length: u32 = 8; length <= PACKET_BYTES_MAX; length++) {
      let packets = 0;
      let longest: u32 = 0;
      frameSend(PACKET, length);
      for (let bytes = frameNextLine(LINE); bytes; bytes = frameNextLine(LINE)) {
        longest = max(longest, bytes);
        packets += feed(LINE, bytes);
      }
      expect(packets).toBe(1);
      expect(longest <= LINE_BYTES_MAX).toBe(true);
      expect(framePacketBytes()).toBe(length);
      expect(memory.compare(FRAME_PACKET, PACKET, length)).toBe(0);
    }
  });

  it('longer or shorter ones than a packet may be are dropped', () => {
    frameSend(PACKET, PACKET_BYTES_MAX + 1);
    let packets = 0;
    for (let bytes = frameNextLine(LINE); bytes; bytes = frameNextLine(LINE)) packets += feed(LINE, bytes);
    frameSend(PACKET, 7);
    for (let bytes = frameNextLine(LINE); bytes; bytes = frameNextLine(LINE)) packets += feed(LINE, bytes);
    expect(packets).toBe(0);
    expect(feedHex(GOOD)).toBe(1);
  });

  it('every single wrong byte is noticed, and the next frame is taken', () => {
    clear();
    const at = lay(GOOD);
    const length = sizeOf(GOOD);
    for (let i: u32 = 0; i < length - 1; i++) {
      for (let bit = 0; bit < 8; bit++) {
        const byte = load<u8>(at + i);
        store<u8>(at + i, byte ^ ((<u8>1) << (<u8>bit)));
        expect(feed(at, length)).toBe(0);
        store<u8>(at + i, byte);
        expect(feed(at, length)).toBe(1);
      }
    }
  });

  it('a continuation without a beginning is ignored', () => {
    expect(feedHex(GOOD.replace('0609', '0414'))).toBe(0);
  });

  it('a new beginning drops the packet that was open', () => {
    expect(feedHex(`060941424d4b0a${GOOD}`)).toBe(1);
    expect(feedHex(`060941424d4b${GOOD}`)).toBe(1);
  });

  it('text is handed on, frames are not', () => {
    clear();
    const text = lay('6c6f670a06');
    for (let i = 0; i < 4; i++) expect(frameReceive(load<u8>(text + i))).toBe(Frame.Text);
    expect(frameReceive(6)).toBe(Frame.Nothing);
    expect(frameReceive(0x79)).toBe(Frame.Text);
  });
});

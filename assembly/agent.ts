// The agent: what a board calls, and the only place besides flash/ that calls the board (hal.ts).
//
//   start()                  once after a reset, on fresh memory, before anything else
//   receive(link, length)    `length` bytes stand at input(): any piece of the console's stream (link 0), or one whole
//                            packet of a packet link (1 and up)
//   tick(milliseconds)       time since the last tick; does the waiting work
//   busy()                   1: call tick again at once, there is work

import {
  FRAME_PACKET,
  Frame,
  frameNextLine,
  framePacketBytes,
  frameReceive,
  frameReset,
  frameSend,
  LINE_BYTES_MAX,
  PACKET_BYTES_MAX,
} from './codec/frame';
import { link_write } from './hal';
import { smpAnswer } from './smp/dispatch';
import { REPLY } from './smp/reply';

const CONSOLE: i32 = 0;

const INPUT: usize = memory.data(PACKET_BYTES_MAX, 16);
const LINE: usize = memory.data(LINE_BYTES_MAX + 1, 4);

export function input(): usize {
  return INPUT;
}

export function inputBytes(): u32 {
  return PACKET_BYTES_MAX;
}

export function start(): void {
  frameReset();
}

export function receive(link: i32, length: u32): void {
  if (length > PACKET_BYTES_MAX) return;
  if (link !== CONSOLE) {
    answer(link, INPUT, length);
    return;
  }
  for (let i: u32 = 0; i < length; i++) {
    if (frameReceive(load<u8>(INPUT + i)) === Frame.Packet) answer(CONSOLE, FRAME_PACKET, framePacketBytes());
  }
}

function answer(link: i32, packet: usize, length: u32): void {
  const bytes = smpAnswer(packet, length);
  if (bytes) send(link, REPLY, bytes);
}

function send(link: i32, packet: usize, length: u32): void {
  if (link !== CONSOLE) {
    link_write(link, packet, length);
    return;
  }
  frameSend(packet, length);
  for (let bytes = frameNextLine(LINE); bytes; bytes = frameNextLine(LINE)) link_write(CONSOLE, LINE, bytes);
}

export function tick(_milliseconds: u32): void {}

export function busy(): i32 {
  return 0;
}

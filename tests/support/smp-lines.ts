// Lines to the tests' SMP servers: real UDP sockets and real pseudo-terminals, with the framings as servers have them.
//
//   console   lines of at most 127 characters between log text (zephyr serial_util.c); base64 of the whole packet cut into
//             lines (mcuboot boot_serial_output)
//   raw       header and body; what does not look like a request is thrown away with all that was received, half a packet
//             after 3 s of silence (zephyr smp_raw_uart.c, mcuboot boot_serial_input_raw)
//   cobs      frames that end with 00; what is none is dropped (mcuboot boot_serial_input_cobs, mcu-tools/mcuboot#2773)

import { createSocket } from 'node:dgram';
import { openPty } from '../../boards/virtual/pty.js';
import { cobs, crc16, uncobs } from './smp.js';
import type { Server } from './smp-server.js';

const LINE_BYTES_MAX = 127;
const INPUT_TIMEOUT_MS = 3000;

export interface Line {
  /** What --port takes. */
  port: string;
  /** Bytes that the server's side says by itself. */
  say(bytes: Uint8Array): void;
  close(): void;
}

type Slow = { take(packet: Uint8Array): ReturnType<Server['take']> | Promise<ReturnType<Server['take']>> };

export async function overUdp(server: Slow): Promise<Line> {
  const socket = createSocket('udp4');
  socket.on('message', async (bytes, from) => {
    const answer = await server.take(bytes);
    if (answer) socket.send(answer, from.port, from.address);
  });
  await new Promise<void>((done) => socket.bind(0, '127.0.0.1', done));
  return { port: `udp://127.0.0.1:${socket.address().port}`, say: () => undefined, close: () => socket.close() };
}

export function overConsole(server: Pick<Server, 'take'>, log = 'uart:~$ '): Line {
  let line = '';
  let open: Buffer | undefined;
  const pty = openPty((bytes) => {
    for (const byte of bytes) {
      if (byte !== 0x0a) line += String.fromCharCode(byte);
      else {
        take(line);
        line = '';
      }
    }
  });
  function take(text: string): void {
    if (text.length + 1 > LINE_BYTES_MAX) return;
    const first = text.startsWith('\x06\x09');
    if (!first && !(text.startsWith('\x04\x14') && open)) return;
    open = Buffer.concat([first ? Buffer.alloc(0) : open!, Buffer.from(text.slice(2), 'base64')]);
    const whole = open.length >= 2 ? open.readUInt16BE(0) + 2 : Number.POSITIVE_INFINITY;
    if (open.length < whole) return;
    const content = open.subarray(2);
    open = undefined;
    if (content.length + 2 !== whole || crc16(content) !== 0) return;
    const answer = server.take(content.subarray(0, -2));
    if (answer) pty.write(Buffer.concat([Buffer.from(log), frames(answer)]));
  }
  return { port: pty.path, say: (bytes) => pty.write(bytes), close: () => pty.close() };
}

function frames(packet: Uint8Array): Buffer {
  const raw = Buffer.alloc(packet.length + 4);
  raw.writeUInt16BE(packet.length + 2, 0);
  raw.set(packet, 2);
  raw.writeUInt16BE(crc16(packet), packet.length + 2);
  const pieces = raw.toString('base64').match(/.{1,124}/g)!;
  return Buffer.from(pieces.map((piece, at) => `${at === 0 ? '\x06\x09' : '\x04\x14'}${piece}\n`).join(''), 'latin1');
}

export function overRaw(server: Pick<Server, 'take'>, packetBytesMax = 512): Line {
  let heard = Buffer.alloc(0);
  let timer: NodeJS.Timeout | undefined;
  const pty = openPty((bytes) => {
    heard = Buffer.concat([heard, bytes]);
    clearTimeout(timer);
    while (heard.length >= 8) {
      const whole = 8 + heard.readUInt16BE(2);
      if (![0, 2].includes(heard[0]! & 7) || whole > packetBytesMax) heard = Buffer.alloc(0);
      if (heard.length < whole) break;
      const answer = server.take(heard.subarray(0, whole));
      heard = heard.subarray(whole);
      if (answer) pty.write(answer);
    }
    timer = setTimeout(() => {
      heard = Buffer.alloc(0);
    }, INPUT_TIMEOUT_MS);
    timer.unref();
  });
  return {
    port: pty.path,
    say: (bytes) => pty.write(bytes),
    close() {
      clearTimeout(timer);
      pty.close();
    },
  };
}

export function overCobs(server: Pick<Server, 'take'>, packetBytesMax = 512): Line {
  let heard = Buffer.alloc(0);
  const pty = openPty((bytes) => {
    heard = Buffer.concat([heard, bytes]);
    for (let end = heard.indexOf(0); end >= 0; end = heard.indexOf(0)) {
      take(heard.subarray(0, end + 1));
      heard = heard.subarray(end + 1);
    }
  });
  function take(frame: Buffer): void {
    if (frame.length === 1) return;
    try {
      const [packet] = uncobs(frame);
      const answer = packet && packet.length <= packetBytesMax ? server.take(packet) : undefined;
      if (answer) pty.write(cobs(answer));
    } catch {
      // Damaged, or another framing: the client asks again.
    }
  }
  return { port: pty.path, say: (bytes) => pty.write(bytes), close: () => pty.close() };
}

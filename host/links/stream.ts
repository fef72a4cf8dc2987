// A link over any byte stream (serial port, socket): SMP's console framing, with the text between the frames handed on.
//
// The stream is opened already, and closed by the function that comes with it: serial ports and sockets differ there.

import type { Duplex } from 'node:stream';
import { CountersignError } from '../errors.js';
import { CONSOLE_START, decodeConsole, encodeConsole } from '../smp/console.js';
import { createListeners, type Link } from '../smp/link.js';

const FRAMING_BYTES = 4; // length and checksum stand in the device's packet buffer (SMP over console)

export interface Opening {
  untouched?: boolean; // what was said before is read, and nothing is written
}

export function streamLink(name: string, stream: Duplex, closeStream: () => Promise<void>): Link {
  const { emit, listen, closed, end } = createListeners();
  let rest = CONSOLE_START;

  stream.on('data', (chunk: Uint8Array) => {
    const [items, next] = decodeConsole(rest, chunk);
    rest = next;
    for (const item of items) {
      if (item.kind === 'packet') emit.packet(item.bytes);
      else if (item.kind === 'text') emit.text(item.bytes);
      else emit.fault(item.why, item.bytes);
    }
  });
  stream.on('error', (cause) => end(new CountersignError('LinkLost', `link ${name}: ${cause.message}`, { cause })));
  stream.on('close', () => end(new CountersignError('LinkLost', `link ${name}: closed by the other side`)));

  // One write each: what is typed stands between frames, never in one.
  const write = (bytes: Uint8Array): Promise<void> =>
    new Promise((resolve, reject) => {
      stream.write(bytes, (cause) => {
        if (!cause) return resolve();
        reject(new CountersignError('LinkLost', `link ${name}: ${cause.message}`, { cause }));
      });
    });

  return {
    name,
    framingBytes: FRAMING_BYTES,
    listen,
    closed,
    send: (packet) => write(Buffer.concat(encodeConsole(packet))),
    type: write,
    async close() {
      end();
      await closeStream();
    },
  };
}

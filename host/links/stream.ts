// A link over any byte stream (serial port, socket): SMP's console framing, or its raw one, with the text between the
// packets handed on.
//
// The stream is opened already, and closed by the function that comes with it: serial ports and sockets differ there.

import type { Duplex } from 'node:stream';
import { CountersignError } from '../errors.js';
import { CONSOLE_START, type ConsoleItem, decodeConsole, encodeConsole } from '../smp/console.js';
import { createListeners, type Link } from '../smp/link.js';
import { decodeRaw, type RawItem } from '../smp/raw.js';

const FRAMING_BYTES = 4; // length and checksum stand in the device's packet buffer (SMP over console)

export const FRAMINGS = ['console', 'raw'] as const;
export type Framing = (typeof FRAMINGS)[number];

export interface Opening {
  untouched?: boolean; // what was said before is read, and nothing is written
  framing?: Framing;
}

export function streamLink(
  name: string,
  stream: Duplex,
  closeStream: () => Promise<void>,
  framing: Framing = 'console',
): Link {
  const { emit, listen, closed, end } = createListeners();
  let rest = CONSOLE_START;
  let rawRest: Uint8Array = new Uint8Array();

  function decode(chunk: Uint8Array): (ConsoleItem | RawItem)[] {
    if (framing === 'raw') {
      const [items, next] = decodeRaw(rawRest, chunk);
      rawRest = next;
      return items;
    }
    const [items, next] = decodeConsole(rest, chunk);
    rest = next;
    return items;
  }

  stream.on('data', (chunk: Uint8Array) => {
    for (const item of decode(chunk)) {
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
    framingBytes: framing === 'raw' ? 0 : FRAMING_BYTES,
    listen,
    closed,
    send: (packet) => write(framing === 'raw' ? packet : Buffer.concat(encodeConsole(packet))),
    type: write,
    async close() {
      end();
      await closeStream();
    },
  };
}

// A port of which every byte passes to another one and back, as it does in somebody's adapter. It is none of our links: those read what
// passes, and hold for a second what may be the beginning of a frame.

import { once } from 'node:events';
import { SerialPort } from 'serialport';
import { openPty } from '../../boards/virtual/pty.js';

type Bytes = (bytes: Buffer) => Buffer;
const asTheyAre: Bytes = (bytes) => bytes;

/** `to` makes of bytes what reaches `port`, `from` of those that come from there. */
export async function byteLine(port: string, { to = asTheyAre, from = asTheyAre }: { to?: Bytes; from?: Bytes } = {}) {
  const inner = new SerialPort({ path: port, baudRate: 115_200 });
  await once(inner, 'open');
  const outer = openPty((bytes) => void inner.write(to(Buffer.from(bytes))));
  inner.on('data', (bytes: Buffer) => outer.write(from(bytes)));
  return {
    port: outer.path,
    async close() {
      outer.close();
      if (!inner.isOpen) return;
      inner.close();
      await once(inner, 'close');
    },
  };
}

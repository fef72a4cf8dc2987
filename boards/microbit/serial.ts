// The board's serial line for everybody: QEMU's socket takes one client at a time and lets the next one wait in silence, a
// real port's line can be heard by many.
//
// All hear what the board sends, and what each sends reaches the board. A UART sends whether or not anybody listens: what a
// client does not read is dropped beyond a small buffer.

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { streamLink } from '../../host/links/stream.js';
import { lines } from '../../host/smp/link.js';

const HOST = '127.0.0.1';
const UNREAD_BYTES_MAX = 256 * 1024;

export interface SharedLine {
  readonly url: string;
  close(): void;
}

/** @param onText takes what the board says beside frames, whole lines */
export async function shareLine(url: string, onText: (text: string) => void): Promise<SharedLine> {
  const uart = connect(Number(new URL(url).port), HOST);
  await once(uart, 'connect');
  uart.setNoDelay(true);
  streamLink(url, uart, async () => undefined).listen({ text: lines(onText) });

  const clients = new Set<Socket>();
  uart.on('data', (bytes) => {
    for (const client of clients) if (client.writableLength < UNREAD_BYTES_MAX) client.write(bytes);
  });
  const server = createServer({ noDelay: true }, (client) => {
    clients.add(client);
    client.on('error', () => undefined); // the other side went away: a UART does not notice
    client.once('close', () => clients.delete(client));
    client.pipe(uart, { end: false });
  });
  await once(server.listen(0, HOST), 'listening');
  return {
    url: `tcp://${HOST}:${(server.address() as AddressInfo).port}`,
    close() {
      server.close();
      uart.destroy();
      for (const client of clients) client.destroy();
    },
  };
}

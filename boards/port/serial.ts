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
  /** The same line, with another emulator at its other end. */
  attach(url: string): Promise<void>;
  /** As a client's. */
  send(bytes: Uint8Array): void;
  close(): void;
}

/** @param onText takes what the board says beside frames, whole lines */
export async function shareLine(url: string, onText: (text: string) => void): Promise<SharedLine> {
  const clients = new Set<Socket>();
  let uart: Socket | undefined;
  const attach = async (to: string): Promise<void> => {
    uart?.destroy();
    const opened = connect(Number(new URL(to).port), HOST);
    await once(opened, 'connect');
    opened.setNoDelay(true);
    streamLink(to, opened, async () => undefined).listen({ text: lines(onText) });
    opened.on('data', (bytes) => {
      for (const client of clients) if (client.writableLength < UNREAD_BYTES_MAX) client.write(bytes);
    });
    uart = opened;
  };
  await attach(url);
  const send = (bytes: Uint8Array) => void (uart?.writable && uart.write(bytes)); // between two emulators nobody hears it
  const server = createServer({ noDelay: true }, (client) => {
    clients.add(client);
    client.on('error', () => undefined); // the other side went away: a UART does not notice
    client.once('close', () => clients.delete(client));
    client.on('data', send);
  });
  await once(server.listen(0, HOST), 'listening');
  return {
    url: `tcp://${HOST}:${(server.address() as AddressInfo).port}`,
    attach,
    send,
    close() {
      server.close();
      uart?.destroy();
      for (const client of clients) client.destroy();
    },
  };
}

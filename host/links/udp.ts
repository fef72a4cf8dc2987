// A link over UDP: `udp://host[:port]`, one packet a datagram, as Zephyr's SMP server has it (port 1337).
//
// Nothing tells when the other side is gone: requests time out then. A datagram that is lost is asked for again by the
// client; one that comes twice it drops.

import { createSocket } from 'node:dgram';
import { CountersignError } from '../errors.js';
import { createListeners, type Link } from '../smp/link.js';
import { orAbort } from '../wait.js';
import { hostOf } from './host.js';

const PORT_DEFAULT = 1337;

/** A link over UDP: one packet is one datagram. Throws LinkUnavailable. */
export async function openUdp(url: string, signal?: AbortSignal): Promise<Link> {
  const { host, port = PORT_DEFAULT } = hostOf(url);
  if (!host) throw new CountersignError('BadArgument', `udp: "${url}" is not udp://host[:port]`);
  const { emit, listen, closed, end } = createListeners();
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  const failed = (cause: Error) => new CountersignError('LinkUnavailable', `udp ${host}: ${cause.message}`, { cause });
  const connected = new Promise<void>((resolve, reject) => {
    socket.once('error', (cause) => reject(failed(cause)));
    socket.connect(port, host, () => resolve());
  });
  try {
    await orAbort(connected, signal); // a name may have to be looked up
  } catch (error) {
    socket.close();
    throw error;
  }
  socket.removeAllListeners('error');
  // A host that refuses the port says so by ICMP; the board may only be restarting: the time-out decides.
  socket.on('error', () => undefined);
  socket.on('message', (bytes) => emit.packet(Uint8Array.from(bytes)));
  return {
    name: url,
    framingBytes: 0,
    listen,
    closed,
    send: (packet) => new Promise((resolve) => socket.send(packet, () => resolve())),
    async close() {
      end();
      await new Promise<void>((done) => socket.close(() => done()));
    },
  };
}

// A link over UDP: `udp://host[:port]`, one packet a datagram, as Zephyr's SMP server has it (port 1337).
//
// Nothing tells when the other side is gone: requests time out then. A datagram that is lost is asked for again by the
// client; one that comes twice it drops.

import { createSocket } from 'node:dgram';
import { CountersignError } from '../errors.js';
import { createListeners, type Link } from '../smp/link.js';

const PORT_DEFAULT = 1337;

export async function openUdp(url: string): Promise<Link> {
  const { hostname, port } = URL.canParse(url) ? new URL(url) : { hostname: '', port: '' };
  if (!hostname) throw new CountersignError('BadArgument', `udp: "${url}" is not udp://host[:port]`);
  const host = hostname.replace(/^\[|\]$/g, '');
  const { emit, listen, closed, end } = createListeners();
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  const failed = (cause: Error) => new CountersignError('LinkUnavailable', `udp ${host}: ${cause.message}`, { cause });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', (cause) => reject(failed(cause)));
    socket.connect(port ? Number(port) : PORT_DEFAULT, host, () => resolve());
  });
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

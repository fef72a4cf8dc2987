// A link over a TCP socket that carries a serial line: `tcp://host:port`, as emulators and serial servers offer it.

import { connect } from 'node:net';
import { CountersignError } from '../errors.js';
import type { Link } from '../smp/link.js';
import { orAbort, throwIfAborted } from '../wait.js';
import { type Opening, streamLink } from './stream.js';

export async function openTcp(url: string, signal?: AbortSignal, opening: Opening = {}): Promise<Link> {
  const { hostname, port } = URL.canParse(url) ? new URL(url) : { hostname: '', port: '' };
  if (!hostname || !port) throw new CountersignError('BadArgument', `tcp: "${url}" is not tcp://host:port`);
  throwIfAborted(signal);
  // Not with connect's own signal: it would stay on it for good, and later end the line as if it had been lost.
  const socket = connect({ host: hostname, port: Number(port) });
  const connected = new Promise<void>((resolve, reject) => {
    socket.once('connect', () => resolve());
    socket.once('error', (cause) => {
      reject(new CountersignError('LinkUnavailable', `tcp ${hostname}:${port}: ${cause.message}`, { cause }));
    });
  });
  try {
    await orAbort(connected, signal);
  } catch (error) {
    socket.destroy();
    throw error;
  }
  socket.setNoDelay(true);
  if (!opening.untouched && opening.framing !== 'raw') socket.write('\n'); // ends a half-typed line of a shell
  const close = async () => {
    socket.destroy();
  };
  return streamLink(url, socket, close, opening.framing);
}

// A link over a TCP socket that carries a serial line: `tcp://host:port`, as emulators and serial servers offer it.

import { connect } from 'node:net';
import { CountersignError } from '../errors.js';
import type { Link } from '../smp/link.js';
import { abortError } from '../wait.js';
import { type Opening, streamLink } from './stream.js';

export async function openTcp(url: string, signal?: AbortSignal, opening: Opening = {}): Promise<Link> {
  const { hostname, port } = URL.canParse(url) ? new URL(url) : { hostname: '', port: '' };
  if (!hostname || !port) throw new CountersignError('BadArgument', `tcp: "${url}" is not tcp://host:port`);
  const socket = connect({ host: hostname, port: Number(port), ...(signal ? { signal } : {}) });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', () => resolve());
    socket.once('error', (cause) => {
      reject(
        signal?.aborted
          ? abortError(signal)
          : new CountersignError('LinkUnavailable', `tcp ${hostname}:${port}: ${cause.message}`, { cause }),
      );
    });
  });
  socket.setNoDelay(true);
  if (!opening.untouched && opening.framing !== 'raw') socket.write('\n'); // ends a half-typed line of a shell
  const close = async () => {
    socket.destroy();
  };
  return streamLink(url, socket, close, opening.framing);
}

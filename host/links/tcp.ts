// A link over a TCP socket that carries a serial line: `tcp://host:port`, as emulators and serial servers offer it.

import { connect } from 'node:net';
import { CountersignError } from '../errors.js';
import type { Link } from '../smp/link.js';
import { limited, orAbort } from '../wait.js';
import { hostOf } from './host.js';
import { cleanLine, type Opening, streamLink } from './stream.js';

const CONNECT_MS_MAX = 10_000; // the system itself would try for two minutes

/** The signal ends the opening, and leaves nothing behind; the open link is closed by whoever has it. */
export async function openTcp(url: string, signal?: AbortSignal, opening: Opening = {}): Promise<Link> {
  const { host, port } = hostOf(url);
  if (!host || port === undefined) throw new CountersignError('BadArgument', `tcp: "${url}" is not tcp://host:port`);
  const failed = (why: string, cause: unknown) =>
    new CountersignError('LinkUnavailable', `tcp ${host}:${port}: ${why}`, { cause });
  const socket = connect({ host, port });
  const connected = new Promise<void>((resolve, reject) => {
    socket.once('connect', () => resolve());
    socket.on('error', (cause) => reject(failed(cause.message, cause)));
  });
  try {
    await limited(CONNECT_MS_MAX, signal, (limit) => orAbort(connected, limit));
  } catch (error) {
    socket.destroy();
    if (signal?.aborted || !(error instanceof CountersignError) || error.reason.name !== 'TimedOut') throw error;
    throw failed(`no connection in ${CONNECT_MS_MAX / 1000} s`, error);
  }
  socket.setNoDelay(true);
  const clean = cleanLine(opening.framing);
  if (clean && !opening.untouched) socket.write(clean);
  const close = async () => {
    socket.destroy();
  };
  return streamLink(url, socket, close, opening.framing);
}

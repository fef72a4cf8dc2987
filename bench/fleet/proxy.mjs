// A TCP line to a broker that counts what passes, and makes it late: `delayMs` each way.

import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/** { url, counts: { up, down }, close() }; bytes to the broker go up. */
export async function startProxy(port, { delayMs = 0 } = {}) {
  const counts = { up: 0, down: 0 };
  const sockets = new Set();
  const pass = (from, to, way) => {
    sockets.add(from);
    const later = delayMs === 0 ? (work) => work() : (work) => setTimeout(work, delayMs);
    from.on('data', (bytes) => {
      counts[way] += bytes.length;
      later(() => to.destroyed || to.write(bytes));
    });
    from.on('close', () => later(() => to.destroy()));
    from.on('error', () => undefined);
  };
  const server = createServer({ noDelay: true }, (client) => {
    const broker = connect({ port, host: '127.0.0.1', noDelay: true });
    pass(client, broker, 'up');
    pass(broker, client, 'down');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `mqtt://127.0.0.1:${server.address().port}`,
    counts,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

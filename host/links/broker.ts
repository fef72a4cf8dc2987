// An MQTT broker in this process, for the first minute: when no broker is given. Loopback only, no accounts; a fleet
// wants a real one.

import { createServer, type Socket } from 'node:net';
import { Aedes } from 'aedes';
import { CountersignError } from '../errors.js';
import { withResolvers } from '../wait.js';

const HOST = '127.0.0.1';
export const BROKER_PORT_DEFAULT = 1883;

export interface Broker {
  url: string;
  close(): Promise<void>;
}

// Port 0: any free one.
export async function startBroker(port = 0): Promise<Broker> {
  const aedes = await Aedes.createBroker();
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    aedes.handle(socket);
  });
  const { promise, resolve, reject } = withResolvers<void>();
  server.once('error', (cause) => {
    reject(new CountersignError('LinkUnavailable', `broker ${HOST}:${port}: ${cause.message}`, { cause }));
  });
  server.listen(port, HOST, () => resolve());
  await promise;
  const address = server.address();
  const bound = typeof address === 'object' && address !== null ? address.port : port;
  return {
    url: `mqtt://${HOST}:${bound}`,
    async close() {
      await new Promise<void>((done) => aedes.close(() => done()));
      const closed = new Promise<void>((done) => server.close(() => done()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

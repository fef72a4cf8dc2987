// QMP, how a running QEMU is controlled, over a socket that QEMU opened to us. No more of it than emulated boards need.

import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { CountersignError } from '../../host/errors.js';

export interface Listener {
  path: string;
  /** The one connection that is taken. */
  accepted: Promise<Socket>;
  close(): void;
}

export function listen(path: string): Listener {
  const server = createServer();
  const accepted = once(server.listen(path), 'connection').then(([socket]: Socket[]) => {
    server.close();
    socket!.on('error', () => {}); // QEMU going away shows as its end, not here
    return socket!;
  });
  return { path, accepted, close: () => server.close() };
}

/** readline hands on the errors of its input, and an error that nobody listens to ends this process. */
export const readLines = (socket: Socket) => createInterface({ input: socket }).on('error', () => {});

export type Qmp = (command: string, parameters?: Record<string, unknown>) => Promise<unknown>;

/** QEMU Machine Protocol: JSON, one object a line. Events are dropped. Rejects with Fault, and LinkLost once QEMU has ended. */
export async function openQmp(socket: Socket): Promise<Qmp> {
  const lines = readLines(socket);
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  let last = 0;
  lines.on('line', (line) => {
    const message = JSON.parse(line) as { id?: number; return?: unknown; error?: { desc: string } };
    const asked = message.id === undefined ? undefined : waiting.get(message.id);
    if (!asked) return;
    waiting.delete(message.id!);
    if (message.error) asked.reject(new CountersignError('Fault', `qemu: ${message.error.desc}`));
    else asked.resolve(message.return);
  });
  lines.once('close', () => {
    for (const { reject } of waiting.values()) reject(new CountersignError('LinkLost', 'qemu: it has ended'));
    waiting.clear();
  });
  const qmp: Qmp = (command, parameters = {}) =>
    new Promise((resolve, reject) => {
      if (socket.destroyed) return reject(new CountersignError('LinkLost', 'qemu: it has ended'));
      last += 1;
      waiting.set(last, { resolve, reject });
      socket.write(`${JSON.stringify({ execute: command, arguments: parameters, id: last })}\n`);
    });
  await qmp('qmp_capabilities');
  return qmp;
}

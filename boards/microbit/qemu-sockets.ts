// Two ways to talk to a running QEMU, each over a socket that QEMU opened to us: QMP commands, and qtest's pins and registers.
// No more of each than the micro:bit needs; the third way is debugger.ts.

import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { CountersignError } from '../../host/errors.js';

interface Listener {
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

// readline hands on the errors of its input, and an error that nobody listens to ends this process.
const readLines = (socket: Socket) => createInterface({ input: socket }).on('error', () => {});

export type Qmp = (command: string, parameters?: Record<string, unknown>) => Promise<unknown>;

/** QEMU Machine Protocol: JSON, one object a line. Events are dropped. */
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

export interface Probe {
  /** The level of one GPIO input of the nRF51. */
  setPin(pin: number, level: 0 | 1): Promise<void>;
  /** A word as the processor would read it, registers too, while it runs. */
  readWord(address: number): Promise<number>;
}

/** qtest: one command a line, one answer a line, in order. */
export function openProbe(socket: Socket): Probe {
  const waiting: { resolve(answer: string): void; reject(error: Error): void }[] = [];
  const lines = readLines(socket);
  lines.on('line', (line) => waiting.shift()?.resolve(line));
  lines.once('close', () => {
    for (const { reject } of waiting.splice(0)) reject(new CountersignError('LinkLost', 'qemu: it has ended'));
  });
  const ask = async (question: string): Promise<string> => {
    const answer = await new Promise<string>((resolve, reject) => {
      if (socket.destroyed) return reject(new CountersignError('LinkLost', 'qemu: it has ended'));
      waiting.push({ resolve, reject });
      socket.write(`${question}\n`);
    });
    if (!answer.startsWith('OK')) throw new CountersignError('Fault', `qemu: ${question}: ${answer}`);
    return answer.slice(3);
  };
  return {
    setPin: async (pin, level) => void (await ask(`set_irq_in /machine/nrf51 unnamed-gpio-in ${pin} ${level}`)),
    readWord: async (address) => Number(await ask(`readl 0x${address.toString(16)}`)),
  };
}

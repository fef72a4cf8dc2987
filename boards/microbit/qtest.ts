// qtest, the way to the pins and registers of a running QEMU, over a socket that QEMU opened to us.

import type { Socket } from 'node:net';
import { CountersignError } from '../../host/errors.js';
import { readLines } from '../port/qmp.js';

export interface Probe {
  /** The level of one GPIO input of the nRF51. */
  setPin(pin: number, level: 0 | 1): Promise<void>;
  /** A word as the processor would read it, registers too, while it runs. */
  readWord(address: number): Promise<number>;
}

/** One command a line, one answer a line, in order. */
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

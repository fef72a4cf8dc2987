// The board's look at its own agent, over a packet link of its own: what a display or a broker shows of the device.
//
// Only reads, but for what makes a blank board a device. What cannot be read just now (the agent restarts, the application runs) is simply not shown.

import { NODE } from '../../host/device/identity.js';
import type { DeviceState } from '../../host/links/topics.js';
import { readDevice } from '../../host/radio/look.js';
import { createClient } from '../../host/smp/client.js';
import { type Question, readQuestion, treePut } from '../../host/smp/commands.js';
import { createListeners, type Link } from '../../host/smp/link.js';

const TIMEOUT_MS = 1000; // the agent answers at once, or after a restart not at all

export interface Self {
  receive(bytes: Uint8Array): void;
  /** All that is told of a device; undefined for what it does not have. */
  look(): Promise<DeviceState | undefined>;
  question(): Promise<Question | undefined>;
  provision(bootstrap: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

export function createSelf(send: (bytes: Uint8Array) => void): Self {
  const { emit, listen, closed, end } = createListeners();
  const link: Link = {
    name: 'own agent',
    framingBytes: 0,
    listen,
    closed,
    async send(bytes) {
      send(bytes);
    },
    async close() {
      end();
    },
  };
  const client = createClient(link, { timeoutMs: TIMEOUT_MS, retries: 0 });

  let seen: DeviceState | undefined;
  const attempt = async <T>(read: () => Promise<T>): Promise<T | undefined> => read().catch(() => undefined);

  return {
    receive: emit.packet,
    look: async () => (seen = (await attempt(() => readDevice(client, {}, seen))) ?? seen),
    provision: (bootstrap) => treePut(client, NODE.bootstrap, bootstrap),
    question: () => attempt(() => readQuestion(client)),
    close: () => client.close(),
  };
}

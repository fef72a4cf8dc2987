// What the agent of a board would say of itself before it has said anything: asked of the same agent on a copy of the same flash.
//
// The board's own agent is not held up by that: a packet would keep its application from starting for ten seconds. On a chip, the radio
// reads the same from the store that it shares with the agent. Nobody outside is believed in its place, the broker least of all.

import { randomFillSync } from 'node:crypto';
import type { FlashMap } from '../../host/boards.js';
import type { DeviceState } from '../../host/links/topics.js';
import type { Flash } from './flash.js';
import { createMachine } from './machine.js';
import { createSelf } from './self.js';

/** Undefined: it cannot say. */
export async function stateBefore(
  module: WebAssembly.Module,
  map: FlashMap,
  flash: Flash,
  link: number,
): Promise<DeviceState | undefined> {
  const nothing = () => undefined;
  const machine = createMachine(module, map, flash.copy(), {
    linkWrite: (_, bytes) => self.receive(bytes),
    random: (to) => void randomFillSync(to),
    clock: () => 0n,
    card: () => 'none',
    ...{ asking: nothing, started: nothing, trapped: nothing },
  });
  const self = createSelf((bytes) => machine.receive(link, bytes));
  try {
    machine.reset();
    return await self.look();
  } finally {
    await self.close();
  }
}

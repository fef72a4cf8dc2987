// The desk of the radio: several clients share the agent's one packet link, and each gets its own answers.
//
// The agent answers while it is called, so whoever's packet is being handed in is whom it answers. From outside only
// requests pass: an answer that nobody here gave is nobody's, and a block of a package could be one.

import { createListeners, type Link } from '../smp/link.js';
import { OP } from '../smp/packet.js';

/** The agent, as a radio sees it. */
export interface Agent {
  receive(packet: Uint8Array): void;
  /** The application runs, or nothing: a packet is a knock then, which resets the board. */
  readonly away: boolean;
}

export interface Desk {
  /** Hands a request in; `answered` gets what the agent answers, if it does so at once. */
  ask(request: Uint8Array, answered: (packet: Uint8Array) => void): void;
  /** What the agent sends on the link, if it is an answer. */
  answer(packet: Uint8Array): void;
  /** A link for a client of the radio's own. */
  link(name: string): Link;
}

export function createDesk(agent: Agent): Desk {
  let waiting: ((packet: Uint8Array) => void) | undefined;

  function ask(request: Uint8Array, answered: (packet: Uint8Array) => void): void {
    if (!isRequest(request)) return;
    const before = waiting;
    waiting = answered;
    try {
      agent.receive(request);
    } finally {
      waiting = before;
    }
  }

  return {
    ask,
    answer: (packet) => waiting?.(packet),
    link(name) {
      const { emit, listen, closed, end } = createListeners();
      return {
        name,
        framingBytes: 0,
        listen,
        closed,
        async send(packet) {
          ask(packet, emit.packet);
        },
        async close() {
          end();
        },
      };
    },
  };
}

/** By the operation in the first byte of the header (SMP): reads and writes ask, everything else answers. */
export const isRequest = ([first = OP.readResponse]: Uint8Array): boolean => {
  const op = first & 7;
  return op === OP.read || op === OP.write;
};

// The desk of the radio: several clients share the agent's one packet link, and each gets its own answers.
//
//   the agent is           a request goes to it       its answer
//   in this process        at once                    comes while it is called: whoever's request that is gets it
//   behind a line          in turn (line-desk.ts)     comes later: the desk knows by the sequence number whose it is
//
// From outside only requests pass: an answer that nobody here gave is nobody's, and a block of a package could be one.

import { createListeners, type Link } from '../smp/link.js';
import { OP } from '../smp/packet.js';
import { createLineDesk } from './line-desk.js';

/** The agent, as a radio sees it. */
export interface Agent {
  receive(packet: Uint8Array): void;
  /** The application runs, or nothing: a packet is a knock then, which resets the board. */
  readonly away: boolean;
  /** It is behind a line; absent: it answers while it is called, or not at all. */
  readonly line?: Pace;
  /** Somebody has been answered, other than by a link of the board's own: what is known of it may be old now. */
  used?(): void;
}

/** How long it may take until an agent behind a line has answered. */
export interface Pace {
  /** Until another request goes out all the same. */
  turnMs: number;
  /** As of a client: for one try of the radio's own requests, and how many more there are. */
  timeoutMs: number;
  retries: number;
}

/** Who asks, by a name; OWN is the radio itself, and its board: they go first. */
export const OWN = '';

export interface Desk {
  /** Hands a request in; `answered` gets what the agent answers to it. */
  ask(who: string, request: Uint8Array, answered: (packet: Uint8Array) => void): void;
  /** One block that the agent has asked for. */
  give(block: Uint8Array): void;
  /** What the agent sends on the link, if it is an answer. */
  answer(packet: Uint8Array): void;
  /** The agent sends anything: it listens again. */
  heard(): void;
  close(): void;
}

export const createDesk = (agent: Agent, refused: () => void): Desk =>
  agent.line ? createLineDesk(agent, agent.line, refused) : createCallDesk(agent);

function createCallDesk(agent: Agent): Desk {
  let waiting: ((packet: Uint8Array) => void) | undefined;
  return {
    ask(_, request, answered) {
      if (!isRequest(request)) return;
      const before = waiting;
      waiting = answered;
      try {
        agent.receive(request);
      } finally {
        waiting = before;
      }
    },
    give: (block) => agent.receive(block),
    answer: (packet) => waiting?.(packet),
    heard: () => undefined,
    close: () => undefined,
  };
}

/** A link for a client of the radio's own, or its board's. `heard` is told of each answer. */
export function deskLink(desk: Desk, name: string, heard: () => void = () => undefined): Link {
  const { emit, listen, closed, end } = createListeners();
  return {
    name,
    framingBytes: 0,
    listen,
    closed,
    async send(packet) {
      desk.ask(OWN, packet, (answer) => {
        emit.packet(answer);
        heard();
      });
    },
    async close() {
      end();
    },
  };
}

/** By the operation in the first byte of the header (SMP): reads and writes ask, everything else answers. */
export const isRequest = ([first = OP.readResponse]: Uint8Array): boolean => {
  const op = first & 7;
  return op === OP.read || op === OP.write;
};

// A swarm: many virtual boards in one process, each a real agent with flash and a broker connection of its own.
//
// They have no serial port and no card slot, and their flash is memory: they are there to be many. The agent is compiled once.

import { loadAgent, startVirtualBoard, type VirtualBoard, type VirtualBoardOptions } from './board.js';

const CONNECTING_MAX = 50; // at a time: a broker has a backlog
export const SWARM_MAX = 10_000;

export interface SwarmOptions extends Pick<VirtualBoardOptions, 'broker' | 'fleet' | 'groups' | 'wasm' | 'signal'> {
  count: number;
  /** Of the devices: NAME-1, NAME-2 and so on. */
  name: string;
  /** The bootstrap document of each; undefined: it stays blank. */
  bootstrap?(name: string, number: number): Uint8Array | undefined;
}

export interface Swarm {
  readonly boards: readonly VirtualBoard[];
  close(): Promise<void>;
}

export async function startSwarm({ count, name, bootstrap, wasm, ...options }: SwarmOptions): Promise<Swarm> {
  const module = await loadAgent(wasm);
  const boards: VirtualBoard[] = [];
  const close = async () => void (await Promise.all(boards.map((board) => board.close())));
  const start = async (number: number) => {
    const one = `${name}-${number}`;
    const board = await startVirtualBoard({ ...options, module, serial: false, name: one });
    boards.push(board);
    const document = bootstrap?.(one, number);
    if (document) await board.provision(document);
  };
  try {
    for (let first = 1; first <= Math.min(count, SWARM_MAX); first += CONNECTING_MAX) {
      const last = Math.min(first + CONNECTING_MAX - 1, count, SWARM_MAX);
      const some = await Promise.allSettled(Array.from({ length: last - first + 1 }, (_, at) => start(first + at)));
      for (const one of some) if (one.status === 'rejected') throw one.reason;
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { boards, close };
}

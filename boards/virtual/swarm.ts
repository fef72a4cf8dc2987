// A swarm: many virtual boards in one process, each a real agent with flash and a broker connection of its own.
//
// They have no serial port and no card slot, and nobody sits at them: they are there to be many. Their flash is memory, or a file
// of each in one folder. The agent is compiled once.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { asCountersignError, CountersignError } from '../../host/errors.js';
import { onAbort, throwIfAborted } from '../../host/wait.js';
import { loadAgent, startVirtualBoard, type VirtualBoard, type VirtualBoardOptions } from './board.js';

const AT_A_TIME = 50; // that connect, or say goodbye: a broker has a backlog
export const SWARM_MAX = 10_000;

export interface SwarmOptions
  extends Pick<VirtualBoardOptions, 'broker' | 'fleet' | 'groups' | 'wasm' | 'map' | 'signal'> {
  /** At most SWARM_MAX. */
  count: number;
  /** Of the devices: NAME-1, NAME-2 and so on. */
  name: string;
  /** Path of the folder with their flash; made when absent. Without one their flash is gone when they close. */
  flash?: string | undefined;
  /** The bootstrap document of each; undefined: it stays blank. A device that has one already keeps it. */
  bootstrap?: ((name: string, number: number) => Uint8Array | undefined) | undefined;
}

export interface Swarm {
  /** In the order of their numbers. */
  readonly boards: readonly VirtualBoard[];
  close(): Promise<void>;
}

/** Throws BadArgument for a count that is none, and what starting a board throws; nothing stays behind then. */
export async function startSwarm(wanted: SwarmOptions): Promise<Swarm> {
  const { count, name, flash, bootstrap, wasm, signal, ...options } = wanted;
  if (!Number.isInteger(count) || count < 1 || count > SWARM_MAX)
    throw new CountersignError('BadArgument', `swarm: ${count} is not from 1 to ${SWARM_MAX}`);
  const module = await loadAgent(wasm);
  if (flash !== undefined) await makeFolder(flash);
  const starting = new AbortController(); // ends what is being started; whoever has a swarm closes it
  const settled = signal && onAbort(signal, () => starting.abort());
  const started = new Map<number, VirtualBoard>();
  const close = async () => {
    const all = [...started.values()];
    started.clear();
    for (const some of batches(all)) await Promise.all(some.map((board) => board.close()));
  };
  const start = async (number: number) => {
    throwIfAborted(signal);
    const one = `${name}-${number}`;
    const own = flash === undefined ? {} : { flash: join(flash, `${one}.flash`) };
    const board = await startVirtualBoard({
      ...options,
      ...own,
      signal: starting.signal,
      module,
      serial: false,
      name: one,
    });
    started.set(number, board);
    const document = bootstrap?.(one, number);
    if (document) await board.provision(document).catch(unlessLocked);
  };
  try {
    for (const numbers of batches(Array.from({ length: count }, (_, at) => at + 1))) {
      const some = await Promise.allSettled(numbers.map(start));
      for (const one of some) if (one.status === 'rejected') throw one.reason;
    }
  } catch (error) {
    await close();
    throw error;
  } finally {
    settled?.();
  }
  const boards = [...started].sort(([a], [b]) => a - b).map(([, board]) => board);
  return { boards, close };
}

function* batches<T>(all: readonly T[]): Generator<T[]> {
  for (let at = 0; at < all.length; at += AT_A_TIME) yield all.slice(at, at + AT_A_TIME);
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (cause) {
    throw new CountersignError('FileUnwritable', `flash: cannot make the folder ${path}`, { cause });
  }
}

function unlessLocked(error: unknown): void {
  if (asCountersignError(error).reason.name !== 'BootstrapLocked') throw error;
}

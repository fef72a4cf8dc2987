// What a machine that guards third-party boards remembers from one delivery to the next, as a device would in its own
// flash:
//
//   operators   the newest document sequence that was seen, by operator (kid): an older one counts for nothing any more,
//               on whichever board, so that a revocation cannot be undone by the approval that it revoked
//   boards      sequence number of the package that was installed last, by device id: no way back to an older one
//
// Numbers in it only grow. Where it is kept is the caller's choice (GuardStore). A store that cannot be read or written
// throws, and that stops the delivery: what is not known must not pass. It is read again before each write, and nobody else
// writes in between, so of two deliveries at once each takes up what the other wrote.

import * as z from 'zod';

const sequence = z
  .string()
  .regex(/^\d{1,20}$/)
  .transform(BigInt)
  .refine((number) => number < 1n << 64n, 'is more than a sequence number can be');
const memorySchema = z.strictObject({
  operators: z.record(z.string().regex(/^[0-9a-f]+$/), sequence),
  boards: z.record(z.string().regex(/^[0-9a-f]+$/), sequence),
});

/** Sequence numbers by kid of the operator, and by id of the device, both in hex. */
export type GuardMemory = z.output<typeof memorySchema>;

/** Where a guard keeps its memory. Both throw rather than guess. */
export interface GuardStore {
  /** What was written last; noGuardMemory() if nothing ever was. */
  read(): Promise<GuardMemory>;
  /** Done when it will be there after a restart. */
  write(memory: GuardMemory): Promise<void>;
  /** Works while no other process reads and writes it. Without it, the store must not be shared between processes. */
  alone?<T>(work: () => Promise<T>): Promise<T>;
}

/** A memory that has seen nothing yet. */
export const noGuardMemory = (): GuardMemory => ({ operators: {}, boards: {} });

/** From the JSON that guardMemoryText() wrote. Throws on anything else. */
export const parseGuardMemory = (text: string): GuardMemory => memorySchema.parse(JSON.parse(text));

/** As JSON, for parseGuardMemory(). */
export const guardMemoryText = (memory: GuardMemory): string =>
  `${JSON.stringify(memory, (_, value) => (typeof value === 'bigint' ? String(value) : value), 2)}\n`;

const turns = new WeakMap<GuardStore, Promise<unknown>>();

/** Adds to what is remembered; returns what is remembered then. What is added to one store at once is added in turn. */
export function remember(store: GuardStore, news: GuardMemory): Promise<GuardMemory> {
  const mine = (turns.get(store) ?? Promise.resolve()).then(() => add(store, news));
  turns.set(
    store,
    mine.catch(() => undefined),
  );
  return mine;
}

async function add(store: GuardStore, news: GuardMemory): Promise<GuardMemory> {
  const before = await store.read();
  if (guardMemoryText(merged(before, news)) === guardMemoryText(before)) return before; // it only grows: what is there stays
  const write = async () => {
    const now = merged(await store.read(), news);
    await store.write(now);
    return now;
  };
  return store.alone ? store.alone(write) : write();
}

const merged = (one: GuardMemory, other: GuardMemory): GuardMemory => ({
  operators: highest(one.operators, other.operators),
  boards: highest(one.boards, other.boards),
});

function highest(one: Record<string, bigint>, other: Record<string, bigint>): Record<string, bigint> {
  const names = [...new Set([...Object.keys(one), ...Object.keys(other)])].sort();
  return Object.fromEntries(
    names.map((name) => {
      const [a, b] = [one[name] ?? 0n, other[name] ?? 0n];
      return [name, a > b ? a : b];
    }),
  );
}

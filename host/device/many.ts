// The same work with many devices, some at a time: one that fails stops none of the others.

import { asCountersignError, type CountersignError } from '../errors.js';

/** How it went with one of many. */
export type OneOf<T> = { device: string } & ({ value: T } | { error: CountersignError });

/** Works with each of these devices, and yields it as it is done. Throws only when the signal ends it. */
export async function* eachOf<T>(
  devices: readonly string[],
  atATime: number,
  work: (device: string) => Promise<T>,
  signal?: AbortSignal,
): AsyncGenerator<OneOf<T>, void, undefined> {
  const done: OneOf<T>[] = [];
  let running = 0;
  let next = 0;
  let wake: () => void = () => undefined;
  const start = async (device: string) => {
    try {
      done.push({ device, value: await work(device) });
    } catch (thrown) {
      done.push({ device, error: asCountersignError(thrown) });
    }
    running -= 1;
    wake();
  };
  for (;;) {
    signal?.throwIfAborted();
    for (; next < devices.length && running < atATime; next++) {
      running += 1;
      void start(devices[next]!);
    }
    const one = done.shift();
    if (one) yield one;
    else if (running === 0) return;
    else {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }
}

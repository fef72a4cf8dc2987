// Waiting that can be given up: every wait of this library takes an AbortSignal and ends by it.
//
// The error tells the two kinds of giving up apart: a time limit (TimedOut) and a person or caller (Cancelled). A
// signal aborted with an error of ours hands on just that error.

import { CountersignError } from './errors.js';

export function abortError(signal: AbortSignal): CountersignError {
  const why: unknown = signal.reason;
  if (why instanceof CountersignError) return why;
  return why instanceof Error && why.name === 'TimeoutError'
    ? new CountersignError('TimedOut', 'wait: the time given for this is over', { cause: why })
    : new CountersignError('Cancelled', 'wait: stopped', { cause: why });
}

export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortError(signal);
}

/** Who waits for a signal, by the signal: it is listened to once, and a fleet's worth of waits are nothing to warn of. */
const followers = new WeakMap<AbortSignal, Set<() => void>>();

/** Calls `over` when the signal ends, or has ended already, unless what is returned was called before. */
export function onAbort(signal: AbortSignal, over: () => void): () => void {
  if (signal.aborted) {
    over();
    return () => undefined;
  }
  const waiting = followers.get(signal) ?? listenTo(signal);
  const mine = () => over(); // the same function may wait twice
  waiting.add(mine);
  return () => {
    waiting.delete(mine);
    if (waiting.size === 0 && followers.get(signal) === waiting) forget(signal);
  };
}

function listenTo(signal: AbortSignal): Set<() => void> {
  const waiting = new Set<() => void>();
  followers.set(signal, waiting);
  signal.addEventListener('abort', tell, { once: true });
  return waiting;
}

function tell(event: Event): void {
  const signal = event.target as AbortSignal;
  const waiting = [...(followers.get(signal) ?? [])];
  forget(signal);
  for (const over of waiting) {
    try {
      over();
    } catch (error) {
      queueMicrotask(() => {
        throw error; // as that of any listener: nobody's wait is lost, and the fault is not hidden
      });
    }
  }
}

/** A signal that outlives what waits for it keeps nothing of it. */
function forget(signal: AbortSignal): void {
  followers.delete(signal);
  signal.removeEventListener('abort', tell);
}

export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  try {
    await orAbort(over, signal);
  } finally {
    clearTimeout(timer);
  }
}

// The promise, or the abort, whichever comes first. What the promise does later is ignored.
export async function orAbort<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  throwIfAborted(signal);
  let stop: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = onAbort(signal, () => reject(abortError(signal)));
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    stop?.();
  }
}

// What the promise gives, or undefined after `ms`.
export async function orNothing<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  try {
    return await Promise.race([promise, over]);
  } finally {
    clearTimeout(timer);
  }
}

// A signal that ends with the caller's or after `ms`, whichever is first. By a timer of its own: AbortSignal.any holds the
// signals that it follows only weakly, and a time limit that nobody else holds never comes then.
export function within(ms: number, signal: AbortSignal | undefined): AbortSignal {
  return startLimit(ms, signal).signal;
}

/** Work that gets `ms`; nothing of the limit stays behind when it is done. */
export async function limited<T>(
  ms: number,
  signal: AbortSignal | undefined,
  work: (limit: AbortSignal) => Promise<T>,
): Promise<T> {
  const limit = startLimit(ms, signal);
  try {
    return await work(limit.signal);
  } finally {
    limit.dispose();
  }
}

function startLimit(ms: number, signal: AbortSignal | undefined): { signal: AbortSignal; dispose(): void } {
  const ending = new AbortController();
  let stop: (() => void) | undefined;
  const timer = setTimeout(() => end(new DOMException('the time is over', 'TimeoutError')), ms);
  (timer as { unref?(): void }).unref?.(); // a limit alone keeps no process of Node running
  function dispose() {
    clearTimeout(timer);
    stop?.(); // a line that comes and goes for weeks has many limits
  }
  function end(why: unknown) {
    dispose();
    ending.abort(why);
  }
  if (signal) stop = onAbort(signal, () => end(signal.reason));
  return { signal: ending.signal, dispose };
}

/** A controller whose signal also ends with `outer`. */
export function follower(outer: AbortSignal): AbortController {
  const ending = new AbortController();
  ending.signal.addEventListener(
    'abort',
    onAbort(outer, () => ending.abort(outer.reason)),
    { once: true },
  );
  return ending;
}

// Promise.withResolvers, which Node 20 does not have yet.
export function withResolvers<T>(): { promise: Promise<T>; resolve(value: T): void; reject(error: unknown): void } {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

/** Lets so many work at a time; the others wait for their turn, in order. */
export function limiter(atATime: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running >= atATime) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  };
}

// Waiting that can be given up: every wait of this library takes an AbortSignal and ends by it.
//
// The error tells the two kinds of giving up apart: a time limit (TimedOut) and a person or caller (Cancelled). A
// signal aborted with an error of ours hands on just that error.

import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
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

// A fleet's worth of waits may follow one signal, and each takes its listener back: no leak, and nothing to warn of.
function join(signal: AbortSignal | undefined): void {
  throwIfAborted(signal);
  if (signal) setMaxListeners(0, signal);
}

export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  join(signal);
  try {
    await delay(ms, undefined, signal ? { signal } : {});
  } catch (cause) {
    if (signal?.aborted) throw abortError(signal);
    throw cause;
  }
}

// The promise, or the abort, whichever comes first. What the promise does later is ignored.
export async function orAbort<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  join(signal);
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(abortError(signal));
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort!);
  }
}

// What the promise gives, or undefined after `ms`.
export async function orNothing<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
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
  setMaxListeners(0, ending.signal); // each wait under it listens for as long as it takes
  const timer = setTimeout(over, ms).unref();
  function dispose() {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop); // a line that comes and goes for weeks has many limits
  }
  function over() {
    dispose();
    ending.abort(new DOMException('the time is over', 'TimeoutError'));
  }
  function stop() {
    dispose();
    ending.abort(signal?.reason);
  }
  if (signal?.aborted) stop();
  else {
    join(signal);
    signal?.addEventListener('abort', stop, { once: true });
  }
  return { signal: ending.signal, dispose };
}

/** A controller whose signal many may wait for at once, which also ends with `outer`. */
export function follower(outer: AbortSignal): AbortController {
  const ending = new AbortController();
  setMaxListeners(0, ending.signal);
  if (outer.aborted) ending.abort(outer.reason);
  else outer.addEventListener('abort', () => ending.abort(outer.reason), { once: true, signal: ending.signal });
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

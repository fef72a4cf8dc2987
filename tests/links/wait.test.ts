// A wait with a limit ends by whichever comes first, says which, and leaves nothing behind on the caller's signal.
import { getEventListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { openTcp } from '../../host/links/tcp.js';
import { onAbort, orAbort, sleep, within } from '../../host/wait.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const forever = () => new Promise<never>(() => {});
const name = (error: { reason: { name: string } }) => error.reason.name;

describe('within', () => {
  it('ends by the time, although nobody holds the limit but who waits', async () => {
    const caller = new AbortController();
    const waiting = orAbort(forever(), within(50, caller.signal)).catch(name);
    await delay(10);
    collect();
    expect(await Promise.race([waiting, delay(20_000, 'not ended')])).toBe('TimedOut');
    expect(getEventListeners(caller.signal, 'abort')).toEqual([]);
  });

  it('ends by the caller, before and meanwhile', async () => {
    const caller = new AbortController();
    const waiting = orAbort(forever(), within(60_000, caller.signal)).catch(name);
    caller.abort();
    expect(await waiting).toBe('Cancelled');
    expect(await orAbort(forever(), within(60_000, caller.signal)).catch(name)).toBe('Cancelled');
  });
});

it('many waits by one signal are nothing to warn of, and leave nothing on it', async () => {
  const warnings: Error[] = [];
  const warned = (warning: Error) => void warnings.push(warning);
  process.on('warning', warned);
  const caller = new AbortController();
  const refused = () => openTcp('tcp://127.0.0.1:1', caller.signal).catch(name);
  const many = <T>(wait: () => Promise<T>) => Promise.all(Array.from({ length: 20 }, wait));
  await many(() => sleep(20, caller.signal));
  await many(() => orAbort(delay(20), caller.signal));
  expect(new Set(await many(refused))).toEqual(new Set(['LinkUnavailable']));
  expect(getEventListeners(caller.signal, 'abort')).toEqual([]);
  await delay(20);
  process.off('warning', warned);
  expect(warnings).toEqual([]);
});

it('one that throws when the signal ends keeps none of the others waiting, and its fault is told', async () => {
  const faults: unknown[] = [];
  const before = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.once('uncaughtException', (error) => faults.push(error));
  const caller = new AbortController();
  const ended: number[] = [];
  onAbort(caller.signal, () => ended.push(1));
  onAbort(caller.signal, () => {
    throw new Error('mine alone');
  });
  onAbort(caller.signal, () => ended.push(3));
  const waiting = orAbort(forever(), caller.signal).catch(name);
  caller.abort();
  expect(await waiting).toBe('Cancelled');
  await delay(10);
  for (const listener of before) process.on('uncaughtException', listener);
  expect([ended, faults]).toEqual([[1, 3], [new Error('mine alone')]]);
});

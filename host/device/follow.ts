// Stays with a device from an order to its final alert, through swap, restarts and trial.
//
// The device may be silent meanwhile; only a link that has ended for good ends the waiting early. An image on trial
// starts only if the device is left alone, so it is: until the device sends its final alert, the new firmware says something
// on the line, or the time for its start is over. What to do while a person is asked, the caller says.

import { CountersignError } from '../errors.js';
import { hex } from '../formats/bytes.js';
import type { Progress } from '../progress.js';
import type { Client } from '../smp/client.js';
import {
  type Alert,
  echo,
  imageState,
  onAlert,
  type Question,
  readAlert,
  readQuestion,
  reset,
} from '../smp/commands.js';
import { orAbort, orNothing, withResolvers } from '../wait.js';
import { readState, STATE, type Waits } from './identity.js';

export const INSTALL_MS_DEFAULT = 120_000; // a Cortex-M0 swaps a full slot in some ten seconds; restarts and trial on top
export const POLL_MS = 300;

// An image on trial starts after a reset, once the agent was left alone for a second and has hashed it; whoever talks
// sooner holds it up for 10 s. On a slow core the hash takes seconds: each further try waits longer.
const START_MS_FIRST = 2000;
const START_MS_MIN = 1000; // text before that is not the new firmware's
const START_FACTOR = 2;
const KNOCK_MS = 500; // the first frame after the silence only wakes the agent; the application confirms itself by that

export type Steps<T> = AsyncGenerator<Progress, T, undefined>;

interface Talk {
  client: Client;
  waits: Waits;
}

export interface Order extends Talk {
  alerts: number; // that the device had sent before we began
  correlator: string | undefined; // marks the order as ours; undefined: whoever gave it, its end is what we wait for
}

export const CORRELATOR_CHARACTERS_MAX = 32; // what a device keeps

/** A random one: it comes back in the final alert of the order, and tells ours from others'. */
export const newCorrelator = (): string => hex(crypto.getRandomValues(new Uint8Array(8)));

interface Sight {
  state: number;
  alert: Alert;
  question: Question;
  onTrial: boolean;
}

/** The end of somebody else's update is not the end of ours. */
export function isOurs(order: Order, alert: Alert): boolean {
  if (alert.n <= order.alerts) return false;
  return alert.corr === undefined || order.correlator === undefined || alert.corr === order.correlator;
}

/** The end of the very order with our correlator. */
export const isAnswerTo = (order: Order, alert: Alert): boolean =>
  alert.n > order.alerts && alert.corr !== undefined && alert.corr === order.correlator;

/** The alert that ends our order, or what `person` ended the waiting with while the device asked its user. */
export async function* untilAlert<T>(
  order: Order,
  patienceMs: number,
  person: () => Steps<T | undefined>,
): Steps<{ alert: Alert } | { ended: T }> {
  const end = yield* untilSeen(order, patienceMs, person, ({ alert }) => (isOurs(order, alert) ? alert : undefined));
  return 'seen' in end ? { alert: end.seen } : end;
}

/** Until an update that somebody else ordered is over, trial and all. The state that it left. */
export async function* untilSettled(order: Talk, patienceMs: number): Steps<number> {
  const nobody = async function* (): Steps<undefined> {};
  const over = ({ state }: Sight) => (state === STATE.updating ? undefined : state);
  const end = yield* untilSeen<never, number>(order, patienceMs, nobody, over);
  return 'seen' in end ? end.seen : end.ended;
}

async function* untilSeen<T, S>(
  { client, waits }: Talk,
  patienceMs: number,
  person: () => Steps<T | undefined>,
  wanted: (sight: Sight) => S | undefined,
): Steps<{ seen: S } | { ended: T }> {
  let deadline = Date.now() + patienceMs;
  let installing = false;
  let asked = false;
  let startMs = START_MS_FIRST;
  while (Date.now() < deadline) {
    const sight = await look({ client, waits });
    if (client.gone) throw client.gone;
    const seen = sight && wanted(sight);
    if (seen !== undefined) return { seen };
    if (sight?.question.pending) {
      const ended = yield* person();
      if (ended !== undefined) return { ended };
      if (!asked) deadline = Date.now() + patienceMs; // the person's time is not the installation's
      asked = true;
    }
    if (sight?.state === STATE.updating && !installing) {
      installing = true;
      yield { kind: 'work', phase: 'installing', done: 0, total: 0 };
    }
    if (sight?.onTrial) {
      yield { kind: 'note', text: 'the new firmware is on trial: leaving the device alone, so that it starts' };
      await reset(client, waits).catch(ignoreSilence);
      const heard = await pause({ client, waits }, startMs, START_MS_MIN);
      startMs *= START_FACTOR;
      if (heard === 'alert') continue;
      await echo(client, '', { ...waits, timeoutMs: KNOCK_MS }).catch(ignoreSilence);
    }
    await pause({ client, waits }, POLL_MS);
  }
  throw new CountersignError('TimedOut', 'device: it did not finish in time', {
    hint: 'it may still do so: `countersign devices` shows its state',
  });
}

// Until the device sends an alert, or says something on the line after `textFromMs`; undefined after `ms`.
async function pause(
  { client, waits }: Talk,
  ms: number,
  textFromMs = Number.POSITIVE_INFINITY,
): Promise<'alert' | 'text' | undefined> {
  const began = Date.now();
  const { promise: heard, resolve } = withResolvers<'alert' | 'text'>();
  const stopAlert = onAlert(client, () => resolve('alert'));
  const stopText = client.link.listen({
    text() {
      if (Date.now() >= began + textFromMs) resolve('text');
    },
  });
  try {
    return await orAbort(orNothing(heard, ms), waits.signal);
  } finally {
    stopAlert();
    stopText();
  }
}

// How it stands, or undefined while the device restarts.
async function look({ client, waits }: Talk): Promise<Sight | undefined> {
  try {
    const state = await readState(client, waits);
    const active = (await imageState(client, waits)).find((image) => image.active);
    return {
      state,
      onTrial: state === STATE.updating && active?.confirmed === false,
      alert: await readAlert(client, waits),
      question: await readQuestion(client, waits),
    };
  } catch (error) {
    if (error instanceof CountersignError && error.reason.name === 'PacketsLost') throw error; // it does not restart
    return ignoreSilence(error);
  }
}

export const isSilence = (error: unknown): error is CountersignError =>
  error instanceof CountersignError && ['LinkLost', 'NoAnswer', 'PacketsLost'].includes(error.reason.name);

export function ignoreSilence(error: unknown): undefined {
  if (!isSilence(error)) throw error;
  return undefined;
}

// Orders to fetch a package, which the broker keeps for this device or its groups, put to the agent as anybody else would put
// them: Exec with the digest of the package.
//
// An order is a hint of somebody untrusted. It is put once for its digest and correlator, and again as long as it is open:
//
//   what happens                                        then
//   not its time yet, or somewhere in its spread        waits
//   its time is over, or it is gone from the broker     is over
//   the package runs, or the user said no               is over
//   the device has said that it runs the package        put only when something else has woken it: its application starts at once
//   the agent has started anew                          once more, unless an update is under way: that is left alone
//   a newer approval or change was kept                 once more
//   the agent has left before it told an end            once more after a while, later and later: what it was to fetch may
//                                                       have come too late. Not where a person is asked
//   the agent fetches another package than any of ours, or has told the end of another order
//                                                       once more after a moment, later and later: somebody's Exec took its place. Not while
//                                                       that is being downloaded, or a person is asked: then when its end is told
//   somebody says it once more, now                     once more: whoever asks again means it. Also where it was over, unless the
//                                                       package runs. To an agent that is at it already it is the same order
//   the agent cannot just now (it has been asked too often, its flash failed)
//                                                       later, and later each time, up to LATER_MS_MAX
//   it was put as often as TRIES_MAX                    the same: no number of starts ends it, or wears the device
//
// What becomes of it the agent decides.

import { NODE, STATE } from '../device/identity.js';
import { fromHex } from '../formats/bytes.js';
import type { OrderPaper } from '../links/papers.js';
import type { DeviceState } from '../links/topics.js';
import { reasons } from '../reasons.js';
import type { Client } from '../smp/client.js';
import { type Alert, treeExec } from '../smp/commands.js';
import { agentReason } from '../smp/packet.js';
import { sleep } from '../wait.js';

const TRIES_MAX = 16;
const PAUSE_MS = 2000; // between two tries of one order that nobody answered
const LATER_MS = 60_000; // before the next try of one that has to wait, then twice as long each time
const LATER_MS_MAX = 3_600_000; // what a device regains in an hour (assembly/update/wear.ts)
const TIMER_MS_MAX = 2 ** 31 - 1; // of setTimeout
/** Ends of an order that no later approval alters. */
const FINAL: number[] = [reasons.Ok.code, reasons.Unchanged.code, reasons.UserRefused.code];

/** What stands in the way passes. */
const PASSING: number[] = (['TooOften', 'FlashRead', 'FlashWrite', 'FlashErase'] as const).map(
  (name) => reasons[name].code,
);

/** What is known of orders; kept by whoever connects the same device again. */
export interface OrderMemory {
  open: Map<string, Open>; // by topic: a device and its groups have one each
  ended: string[];
}

interface Open {
  order: OrderPaper;
  from: number; // its time
  timer: NodeJS.Timeout | undefined; // until then, or until it is tried once more
  due: number; // when that is over
  heard: boolean; // by this connection
  wanted: boolean; // is to be put
  tries: number;
  told: boolean; // an alert has said what became of it
  displaced: boolean; // another order took its place, it seems, and the timer is for that
  postponed: boolean; // the timer is one that no start of the agent ends
  laterMs: number; // the next time that it is
}

export interface Orders {
  /** What stands on a topic of orders; undefined: none any more, or nothing that can be read. `now`: it is said just now, not kept. */
  heard(topic: string, order: OrderPaper | undefined, now?: boolean): void;
  /** The agent has started. */
  started(): void;
  /** The same agent, which went away for a moment and may run its application: only what is due is put. */
  resumed(): void;
  /** It has left, and the application runs. */
  left(): void;
  /** It has kept a document that it did not have. */
  taken(): void;
  /** An alert of the agent. */
  told(alert: Alert): void;
  /** It asks for blocks of the package with this digest. */
  fetches(digest: string): void;
  close(): void;
}

const DOWNLOAD_AND_UPDATE = 3; // the operation in an alert (OMA FUMO)
const ENDED_MAX = 64; // orders that are over and may still stand on the broker
const AFTER_START_MS = 300; // what is retained comes one by one
const AFTER_LEAVING_MS = 15_000; // then twice as long with each try
const AFTER_OTHERS_MS = 2000; // the same
/** The package is on board, or the person at the device has not answered yet: more of the same would pester. */
const WAITING: number[] = [STATE.ready, STATE.failedHaveData, STATE.updating];
const ASKED: number[] = [reasons.AwaitingUser.code, reasons.Deferred.code];

/** @param before documents go first, because they may be what the agent needs: settles when those that have come are handed in */
export function createOrders(
  client: Client,
  shown: () => DeviceState,
  { open: orders, ended }: OrderMemory = { open: new Map(), ended: [] },
  random: () => number = Math.random,
  before: () => Promise<void> = async () => undefined,
): Orders {
  const ending = new AbortController();
  let starts = 0; // of the agent
  let working = false;
  let soon: NodeJS.Timeout | undefined;

  function later(ms = 0): void {
    if (starts === 0 || ending.signal.aborted) return;
    soon ??= setTimeout(() => {
      soon = undefined;
      void work();
    }, ms);
  }

  async function work(): Promise<void> {
    if (working) return;
    working = true;
    try {
      for (let next = await nextOne(); next; next = await nextOne()) {
        if (await put(next)) continue;
        if (next.tries >= TRIES_MAX) postpone(next);
        else await sleep(PAUSE_MS, ending.signal);
      }
    } catch {
      // Closed.
    } finally {
      working = false;
    }
  }

  async function nextOne(): Promise<Open | undefined> {
    if (due()) await before();
    return due();
  }

  function due(): Open | undefined {
    for (const [topic, open] of orders) if (isLate(open.order)) end(topic, open);
    const runs = (digest: string) => starts === 1 && shown().digest === digest;
    return [...orders.values()].find(({ wanted, order }) => wanted && !runs(order.digest));
  }

  /** False: nobody answered, and it is tried again. */
  async function put(open: Open): Promise<boolean> {
    const { digest, correlator } = open.order;
    open.tries += 1;
    open.told = false;
    open.displaced = false;
    try {
      // With the digest in the order itself: a URL would be kept in flash, which strangers have no business to wear.
      const hash = fromHex(digest);
      const answer = await treeExec(client, NODE.downloadAndUpdate, correlator, { hash, signal: ending.signal });
      open.wanted = false;
      const reason = answer.ok ? undefined : agentReason(answer.error);
      if (reason !== undefined) settle((one) => one === open, reason);
      return true;
    } catch (error) {
      if (ending.signal.aborted) throw error;
      return false;
    }
  }

  function settle(which: (open: Open) => boolean, reason: number): void {
    for (const [topic, open] of orders) {
      if (!which(open)) continue;
      if (FINAL.includes(reason)) end(topic, open);
      else if (PASSING.includes(reason)) postpone(open);
    }
  }

  function postpone(open: Open): void {
    clearTimeout(open.timer);
    open.wanted = false;
    open.postponed = true;
    waitFor(open, Date.now() + open.laterMs);
    open.laterMs = Math.min(2 * open.laterMs, LATER_MS_MAX);
  }

  function end(topic: string, open: Open): void {
    clearTimeout(open.timer);
    orders.delete(topic);
    ended.push(keyOf(open.order));
    if (ended.length > ENDED_MAX) ended.shift();
  }

  function again(ms: number): void {
    for (const open of orders.values()) {
      if (Date.now() < open.from || (open.postponed && open.timer)) continue;
      if (open.tries >= TRIES_MAX) postpone(open);
      else wantNow(open);
    }
    later(ms);
  }

  /** Nothing is under way that another order would disturb. */
  function isIdle(): boolean {
    const { state = 0, reason } = shown();
    return state !== STATE.downloading && !WAITING.includes(state) && !ASKED.includes(reason?.code ?? 0);
  }

  function displaced(): void {
    if (!isIdle()) return;
    for (const open of orders.values()) {
      if (open.tries === 0 || open.timer || open.wanted || open.told) continue;
      open.displaced = true;
      if (open.tries >= TRIES_MAX) postpone(open);
      else waitFor(open, Date.now() + Math.min(AFTER_OTHERS_MS * 2 ** (open.tries - 1), LATER_MS_MAX));
    }
  }

  function wantNow(open: Open): void {
    clearTimeout(open.timer);
    open.timer = undefined;
    open.postponed = false;
    open.wanted = true;
  }

  function waitFor(open: Open, at: number): void {
    const ms = at - Date.now();
    open.due = at;
    open.timer = setTimeout(
      () => {
        if (ms > TIMER_MS_MAX) return waitFor(open, at);
        open.timer = undefined;
        if (open.displaced && !isIdle()) return;
        wantNow(open);
        later();
      },
      Math.min(Math.max(ms, 0), TIMER_MS_MAX),
    );
  }

  return {
    heard(topic, order, now = false) {
      const before = orders.get(topic);
      if (before && order && keyOf(before.order) === keyOf(order)) {
        before.heard = true;
        if (!before.timer && Date.now() < before.from) waitFor(before, before.from);
        if (now && before.tries > 0 && before.tries < TRIES_MAX && !before.postponed) {
          wantNow(before);
          later();
        }
        return;
      }
      clearTimeout(before?.timer);
      orders.delete(topic);
      if (!order || isLate(order)) return;
      const over = ended.indexOf(keyOf(order));
      if (over >= 0 && (!now || shown().digest === order.digest)) return;
      if (over >= 0) ended.splice(over, 1);
      const earliest = Math.max(Date.now(), order.notBefore === undefined ? 0 : Date.parse(order.notBefore));
      const from = earliest + random() * (order.spread ?? 0) * 1000;
      const open: Open = {
        ...{ order, from, timer: undefined, due: from, heard: true, wanted: false, tries: 0, told: false },
        ...{ displaced: false, postponed: false, laterMs: LATER_MS },
      };
      orders.set(topic, open);
      waitFor(open, from);
    },
    started() {
      starts += 1;
      if (shown().state !== STATE.updating) again(AFTER_START_MS);
    },
    resumed() {
      starts = Math.max(starts, 1);
      for (const [topic, open] of orders) {
        if (!open.heard)
          orders.delete(topic); // gone from the broker meanwhile
        else if (open.due > Date.now() && !open.timer) waitFor(open, open.due);
      }
      later();
    },
    left() {
      const { state = 0, reason } = shown();
      if (WAITING.includes(state) || ASKED.includes(reason?.code ?? 0)) return;
      for (const open of orders.values()) {
        if (open.timer || open.wanted || open.told) continue;
        waitFor(open, Date.now() + Math.min(AFTER_LEAVING_MS * 2 ** (open.tries - 1), LATER_MS_MAX));
      }
    },
    taken() {
      // What an operator signed has come: nothing of what was counted against strangers holds.
      for (const open of orders.values()) Object.assign(open, { tries: 0, laterMs: LATER_MS, postponed: false });
      again(AFTER_START_MS);
    },
    // Anybody may give an order of another kind with the same correlator.
    told({ corr, type, reason = -1 }) {
      if (type !== DOWNLOAD_AND_UPDATE) return;
      for (const open of orders.values()) if (open.order.correlator === corr) open.told = true;
      settle(({ order: { correlator } }) => correlator === corr, reason);
      if (![...orders.values()].some(({ order }) => order.correlator === corr)) displaced();
    },
    fetches(digest) {
      if (![...orders.values()].some(({ order }) => order.digest === digest)) displaced();
    },
    close() {
      ending.abort();
      clearTimeout(soon);
      for (const open of orders.values()) {
        clearTimeout(open.timer);
        open.timer = undefined;
        open.heard = false;
      }
    },
  };
}

/** Has one been put of which no end was told? */
export const isUnderWay = ({ open }: OrderMemory): boolean =>
  [...open.values()].some(({ tries, told }) => tries > 0 && !told);

const keyOf = ({ digest, correlator }: OrderPaper): string => `${digest} ${correlator}`;
const isLate = ({ deadline }: OrderPaper): boolean => deadline !== undefined && Date.parse(deadline) < Date.now();

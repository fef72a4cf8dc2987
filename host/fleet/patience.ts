// How long a device is waited for. Each phase has its time once, however often the device shows that it is in it again: one that
// goes back and forth, or whose state somebody forges, comes to an end.

import { STATE } from '../device/identity.js';
import type { Heard } from '../links/fleet-line.js';
import { reasons } from '../reasons.js';

const DOWNLOAD_MS = 3_600_000; // nobody sees how far it is; a slow line takes its time
const ANSWER_MS = 86_400_000; // a device's own time for an answer is shorter

export interface Limits {
  /** For a download, and for the person at the device; default: an hour, a day. */
  waitMs?: number | undefined;
  /** For any other state. */
  installMs: number;
}

export interface Patience {
  /** What the device shows now. */
  shows(state: Heard['state']): void;
  /** When the time of what it shows is over. */
  end(): number;
  /** Time that is not the device's, but for instance that of the person at it. */
  forgive(ms: number): void;
}

const STATES: number[] = Object.values(STATE);

/** Before it has shown anything it has `firstMs`; in no case it is waited for beyond `endAt`. */
export function createPatience(
  { waitMs, installMs }: Limits,
  firstMs: number,
  endAt = Number.POSITIVE_INFINITY,
): Patience {
  const left = new Map<string | number, number>();
  let phase: string | number = 'first';
  let since = Date.now();
  left.set(phase, firstMs);
  const isAsking = ({ reason }: Heard['state']) => reason?.code === reasons.AwaitingUser.code;
  return {
    shows(state) {
      const now = Date.now();
      left.set(phase, left.get(phase)! - (now - since));
      since = now;
      const fetching = state.state === STATE.downloading;
      phase = isAsking(state) ? 'asked' : (STATES.find((one) => one === state.state) ?? 'unknown');
      if (left.has(phase)) return;
      left.set(phase, phase === 'asked' ? (waitMs ?? ANSWER_MS) : fetching ? (waitMs ?? DOWNLOAD_MS) : installMs);
    },
    end: () => Math.min(endAt, since + left.get(phase)!),
    forgive(ms) {
      left.set(phase, left.get(phase)! + ms);
    },
  };
}

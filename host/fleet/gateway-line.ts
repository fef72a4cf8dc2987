// The agent behind a serial line, as a radio sees it (../radio/desk.ts): what came over the line tells whether it is there.
//
//   it answers, or takes a block          it stays for STAY_MS (assembly/update/boot.ts), and is talked to
//   it asks for a block                   it is there, but maybe only for the moment after a reset
//   nothing of that for as long           the application runs, or nothing: the next packet is a knock, which resets the board
//   it is heard again                     it has started anew, as far as anybody can tell
//   it says nothing for SILENT_MS         (to a request) nobody is there, and the line is given up until it is tried again
//
// Nothing is sent to keep it awake, and nothing to see whether it is there.

import { wantedOf } from '../device/serve.js';
import type { DeviceState } from '../links/topics.js';
import { type Agent, isRequest } from '../radio/desk.js';
import { toldState } from '../radio/look.js';
import { type Alert, alertOf } from '../smp/commands.js';
import { type Link, lines } from '../smp/link.js';
import { decodePacket } from '../smp/packet.js';

/** A slow core verifies signatures for seconds; an answer takes its time on a slow line. */
export const PACE = { turnMs: 3000, timeoutMs: 3000, retries: 3 } as const;
const STAY_MS = 9000; // the agent's own time is 10 s
const WINDOW_MS = 800; // and 1 s after a reset
const SILENT_MS = 60_000;
const QUIET_MS = 300; // after the last packet, before the state is looked at

export interface LineEvents {
  /** A packet of the agent that is no alert. */
  packet(packet: Uint8Array): void;
  alert(alert: Alert): void;
  state(state: DeviceState): void;
  started(what: 'agent' | 'application'): void;
  /** What is known of it may be old: it is quiet now, or has just told an end. */
  look(ended: boolean): void;
  silent(): void;
}

export interface AgentLine {
  readonly agent: Agent;
  close(): void;
}

/** `answered`: the agent has done so just now. Else nobody knows, and it is left alone. */
export function watchLine(link: Link, events: LineEvents, { answered }: { answered: boolean }): AgentLine {
  let staysUntil = answered ? Date.now() : 0;
  let unanswered: NodeJS.Timeout | undefined; // until nobody is there
  let left: NodeJS.Timeout | undefined;
  let look: NodeJS.Timeout | undefined;
  let block = -1; // the last one that it asked for

  function stay(ms: number): void {
    const now = Date.now();
    const woke = now > staysUntil;
    staysUntil = Math.max(staysUntil, now + ms);
    clearTimeout(left);
    left = setTimeout(() => {
      clearTimeout(look);
      events.started('application');
    }, staysUntil - now);
    clearTimeout(unanswered);
    unanswered = undefined;
    if (woke) events.started('agent');
  }

  function lookSoon(ended = false): void {
    clearTimeout(look);
    const now = () => {
      if (Date.now() < staysUntil) events.look(ended);
    };
    look = setTimeout(now, ended ? 0 : QUIET_MS);
  }

  if (answered) stay(STAY_MS);
  const stop = link.listen({
    packet(packet) {
      const wanted = wantedOf(packet);
      if (wanted) {
        stay(wanted.off > block && block >= 0 ? STAY_MS : WINDOW_MS);
        block = wanted.off;
        return events.packet(packet);
      }
      stay(STAY_MS);
      const alert = alertIn(packet);
      if (!alert) return events.packet(packet);
      events.alert(alert);
      lookSoon(true);
    },
    text: lines((line) => {
      const told = toldState(line);
      if (told) events.state(told);
    }),
  });

  return {
    agent: {
      line: PACE,
      get away() {
        return Date.now() > staysUntil;
      },
      receive(packet) {
        if (isRequest(packet)) unanswered ??= setTimeout(events.silent, SILENT_MS);
        link.send(packet).catch(() => undefined); // a port that is gone: whoever holds the line knows
      },
      used: () => lookSoon(),
    },
    close() {
      stop();
      clearTimeout(left);
      clearTimeout(look);
      clearTimeout(unanswered);
    },
  };
}

function alertIn(packet: Uint8Array): Alert | undefined {
  try {
    return alertOf(decodePacket(packet));
  } catch {
    return undefined;
  }
}

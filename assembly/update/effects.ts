// What the update wants of the world: it decides, agent.ts carries out. Nothing here survives a reset.

import { NONCE_BYTES } from '../policy/consent';
import { Reason } from '../reason';

// Drawn ahead by the agent, because only it may ask the board for chance.
export const NONCE: usize = memory.data(NONCE_BYTES, 8);

let nonceSpent: bool = true;
let restart: bool = false;
let announce: bool = false;
let refusal: Reason = Reason.Ok;

export function nonceSpend(): void {
  nonceSpent = true;
}

// True when the agent has to draw a new nonce before it calls us again.
export function nonceTakeSpent(): bool {
  const was = nonceSpent;
  nonceSpent = false;
  return was;
}

// A reset into the agent, once the answer is out.
export function wantRestart(): void {
  restart = true;
}

export function restartWanted(): bool {
  return restart;
}

// A new question is to be shown on the console.
export function wantAnnouncement(): void {
  announce = true;
}

export function announcementTake(): bool {
  const was = announce;
  announce = false;
  return was;
}

// An offer was refused, and nothing else changed: it is told on the console, and kept nowhere.
export function wantRefusal(reason: Reason): void {
  refusal = reason;
}

// What is to be told: the reason of a refusal, once, or Ok.
export function refusalTake(): Reason {
  const was = refusal;
  refusal = Reason.Ok;
  return was;
}

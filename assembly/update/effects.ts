// What the update wants of the world: it decides, agent.ts carries out. Nothing here survives a reset.

import { NONCE_BYTES } from '../policy/consent';

// Drawn ahead by the agent, because only it may ask the board for chance.
export const NONCE: usize = memory.data(NONCE_BYTES, 8);

let nonceSpent: bool = true;
let restart: bool = false;
let announce: bool = false;

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

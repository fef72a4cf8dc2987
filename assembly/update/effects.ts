// What the update wants of the world: it decides, agent.ts carries out. Nothing here survives a reset.

import { NONCE_BYTES } from '../policy/consent';
import { Reason } from '../reason';

// Drawn ahead by the agent, because only it may ask the board for chance.
export const NONCE: usize = memory.data(NONCE_BYTES, 8);

// How far a question has come to the person at the device.
export const enum Show {
  New, // whatever they do answers nothing yet
  Quiet, // the board was told that nothing is asked: a finger on the button was for what was asked before
  Shown,
}

let nonceSpent: bool = true;
let restart: bool = false;
let show: Show = Show.New; // of the open question
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

export function setShow(to: Show): void {
  show = to;
}

export function getShow(): Show {
  return show;
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

// What strangers may wear out. Whatever is committed or erased on the word of somebody who signed nothing is paid for
// from one account, so that no page of the flash is erased more than 24 times a day on that word.
//
//   one credit = half an erase of the page that suffers most: one compaction of the store (flash/store.ts), which a
//   commit after a reset is. The account holds CREDIT_MAX and gains one an hour, by the trusted clock if there is one.
//
//   credits     for                                    why so many
//   1           a commit that was asked for            a value put, an order noted, a refusal logged or told, a slot cleared
//   2           a download that goes on after a reset  the page that was under way is erased again
//   2           an accepted download                   the slot is erased once
//   2           a question                             put, its time written down, ended: less than a bank's room
//   1           a question, after each reset           the first commit after that reset
//   5, or 3 and an installation                        both slots are exchanged, and perhaps back; its commits; each start of
//   its starts,                                        its trial is one more
//   at most 12
//
// How far it may be spent, the first line that fits:
//
//   an installation that no person answered for    all of it: what else there is leaves the price of one
//   what an operator approved                      but for that price
//   anything else                                  half of it, and no more than leaves the price of a download besides
//
// So whoever has no key cannot spend what an approved package will need, and who spoils the download of one cannot spend
// what its installation will need. Interrupting that download costs it nothing (pages.ts), and putting another in its
// place is paid for by whoever does it.
//
// Somebody who proves who he is makes room. An operator, by a newer approval document or a change: for one download and one
// question of what is approved, and no more, because somebody may have kept many documents that the device missed. A person,
// by the button or a signed answer, and a vendor, by a manifest with a higher sequence number than any before: all of it is
// there again; whoever asks about what nobody approved has no other share. Each of these happens once only. What is never
// refused for want of credit: what such a proof pays for, and what ends something.

import { storeDetached } from '../flash/store';
import { facts } from '../policy/facts';
import { policy } from '../policy/policy';
import { Reason } from '../reason';
import { hand } from './hand';

const CREDIT_MAX: u32 = 24;
const ANYBODY_MAX: u32 = 12;
const HOUR_MS: u32 = 3_600_000;
const HOUR_SIXTEENTHS: u32 = 225; // of 16 s each

export const COST_COMMIT: u32 = 1;
export const COST_DOWNLOAD: u32 = 2; // and one that goes on after a reset
export const COST_QUESTION: u32 = 2;
const EXCHANGES: u32 = 5; // of the slots, there and back
const COMMITS: u32 = 3; // of an installation, but for the starts of its trial
const INSTALLATION_MAX: u32 = 12; // half: downloads and questions have the other one, however many starts a trial has

let passedMs: u32 = 0; // of the hour that is running, where there is no clock

function installation(): u32 {
  return min(INSTALLATION_MAX, max(EXCHANGES, COMMITS + policy.trialBoots));
}

function most(approved: bool): u32 {
  const besides = CREDIT_MAX - installation();
  return approved ? besides : min(ANYBODY_MAX, besides - COST_DOWNLOAD);
}

// TooOften, and nothing is taken, when there is not so much. What is taken counts from the next commit on, which is the one
// that it pays for: it goes with the record in hand. `approved`: an operator vouches for it.
export function wearPay(cost: u32, approved: bool): Reason {
  return pay(cost, most(approved));
}

export function wearPayInstallation(): Reason {
  return pay(installation(), CREDIT_MAX);
}

function pay(cost: u32, limit: u32): Reason {
  if (hand.spent + cost > limit) return Reason.TooOften;
  hand.spent += cost;
  return Reason.Ok;
}

// Spent already, in a life that could not write it down.
export function wearOwe(cost: u32): void {
  hand.spent = min(CREDIT_MAX, hand.spent + cost);
}

// Somebody proved who he is; `approved`: an operator.
export function wearForgive(approved: bool): void {
  if (storeDetached()) return; // it would count once more after each reset
  hand.spent = approved ? min(most(true) - COST_DOWNLOAD - COST_QUESTION, hand.spent) : 0;
}

export function wearTick(milliseconds: u32): void {
  // Hours since 1970, by division of 32 bits: that of 64 takes half a kilobyte of a Cortex-M0, and each tick its time.
  const hour = <u32>(facts.trustedTime >> 4) / HOUR_SIXTEENTHS;
  if (hour !== 0) {
    // The first clock ever fills it: who waited for the first commit under one, with nothing left to pay it, waited for ever.
    if (hour > hand.hour) earn(hour - hand.hour);
    hand.hour = max(hour, hand.hour);
    return;
  }
  passedMs += milliseconds;
  if (passedMs < HOUR_MS) return;
  passedMs -= HOUR_MS;
  earn(1);
}

function earn(credits: u32): void {
  hand.spent -= min(credits, hand.spent);
}

// The canonical form: what cannot matter is overwritten in the device, in its memory and in its settings. Each rule says
// why; walks.ts tries them all.

import type { Device } from './device.js';
import { swapIn } from './sight.js';
import type { Settings } from './store.js';
import {
  at,
  DOWNLOADING,
  fitOf,
  HAND,
  HAVE_DATA,
  MENDED,
  OPEN,
  PAYLOAD,
  PAYLOAD_GLOBALS,
  PAYLOAD_PHASE,
  PULL,
  READY,
  SESSION,
  SESSION_GLOBALS,
  SESSION_RECORD,
  SIZE,
  SWAP_IN,
  SWAP_OUT,
  TRIAL,
  VERDICT,
  VERDICT_GLOBALS,
  WAITING,
} from './table.js';

const NONCE_ASKED = Buffer.alloc(16, 0x51);
const NONCE_NEXT = Buffer.alloc(16, 0x4e);
const STEP_MS = 75_000; // how often a question's time is written down: a quarter of TIMEOUT_SECONDS (world.ts)
const ORDER_MS = 600_000;
const PAUSE_MS = 2000;
const SIGNED = 2; // policy/consent.ts, Channel
const QUIET = 1; // update/effects.ts, Show

/** After a state was put back: counters at their start, and what was shown is what is. */
export function begin(device: Device): void {
  const { hand } = fitOf(device);
  device.global('agent/delayMs').value = 100;
  device.global('update/boot/leftMs').value = 10_000;
  device.global('agent/shownState').value = device.word(HAND, hand('state'));
  device.global('agent/shownReason').value = device.word(HAND, hand('reason'));
}

/** The most that can be left of a question's time in the same quarter: nothing is written down before a whole one passed. */
const wholeStep = (leftMs: number) => Math.ceil(leftMs / STEP_MS) * STEP_MS;

/** Time that is given back after each event, also to the device that is never put into canonical form. */
export function giveBack(device: Device): void {
  if (device.running !== 'agent') return;
  const { question, pull } = fitOf(device);
  const left = device.word(HAND, question('leftMs'));
  device.setWord(HAND, question('leftMs'), wholeStep(left));
  // Blocks that do not come are asked for again after the first pause, not after a longer one; 0: at once.
  device.setWord(PULL, pull('quietMs'), 0);
  if (device.word(PULL, pull('pauseMs'))) device.setWord(PULL, pull('pauseMs'), PAUSE_MS);
}

/** Overwrites what cannot matter. Returns what should never be found between two calls. */
export function settle(device: Device, settings: Settings): string[] {
  const update = settings.get(device.agent.keys.Update!);
  const erase = update ? update.readUInt32LE(fitOf(device).hand('eraseCount')) : 0;
  const faults = device.running === 'agent' ? settleMemory(device, settings, erase) : [];
  settleSettings(device, settings, erase);
  return faults;
}

function settleMemory(device: Device, settings: Settings, erase: number): string[] {
  const faults: string[] = [];
  const { hand, waiting, question } = fitOf(device);
  const frame = ['state', 'open', 'rest'].map((id) => `codec/frame/${id}`);
  const idle = ['flash/staged/pendingCount', ...frame, 'smp/notice/lineBytes'];
  for (const name of [...idle, ...MENDED]) {
    if (device.is(name)) faults.push(`${name} is not 0`);
  }
  const counted = device.word(HAND, hand('eraseCount'));
  if (counted !== erase) faults.push(`erase count ${counted}, in flash ${erase}`);
  settleSession(device, counted);
  settlePages(device, counted);
  settleHand(device, device.bytesOf(HAND));
  device.clear('update_alert_alert');
  device.setWord('policy_facts_facts', at(device, 'policy/facts Facts', 'slotBytes'), 0); // set before each verdict
  // How far a question has come to the person: set anew when one is put.
  if (device.word(HAND, question('state')) !== OPEN) device.global('update/effects/show').value = QUIET;
  device.bytesOf('update_effects_NONCE').set(NONCE_NEXT);
  if (!swapIn(device, settings)) {
    device.clear('flash_swap_plan');
    device.clear('flash_swap_STEP');
  }
  if (!device.is('tree/commands/node')) {
    device.clearGlobal('tree/commands/have');
    device.clearGlobal('tree/commands/total');
  }
  device.setWord(WAITING, waiting('line'), 0); // where its alert goes
  if (!device.word(WAITING, waiting('named'))) device.clear('update_order_WANTED');
  const { pull } = fitOf(device);
  // The request is out; over a line it tells which block is which.
  if (device.word(PULL, pull('line')) !== 1 && !device.word(PULL, pull('until'))) device.setWord(PULL, pull('from'), 0);
  if (!device.word(PULL, pull('earlier'))) device.setWord(PULL, pull('earlierFrom'), 0);
  device.global('update/order/leftMs').value = device.word(WAITING, waiting('operation')) ? ORDER_MS : 0;
  return faults;
}

function settleSession(device: Device, counted: number): void {
  const { session, hand } = fitOf(device);
  const same = (record: string, offset: number) =>
    device.setWord(record, offset, Number(device.word(record, offset) === counted));
  const active = device.is('update/download/active');
  const put = device.is('tree/commands/node'); // a value that is put piece by piece stands in HEAD
  if (!active) {
    device.setWord(SESSION_RECORD, session('eraseCount'), 0);
    for (const name of SESSION) if (!(put && name === 'package_head_HEAD')) device.clear(name);
    for (const name of SESSION_GLOBALS) if (!(put && name === 'update/rooms/user')) device.clearGlobal(name);
    for (const name of VERDICT_GLOBALS) device.clearGlobal(name);
    device.clearGlobal('update/download/lines');
    // A client that lost the last answer asks again for what is on board.
    const ready = device.word(HAND, hand('state')) === READY;
    if (
      ready &&
      Number(device.global('update/download/offset').value) === device.word(SESSION_RECORD, session('length'))
    ) {
      return;
    }
    device.clearGlobal('update/download/offset');
    device.clear(SESSION_RECORD);
    return;
  }
  same(SESSION_RECORD, session('eraseCount'));
  for (const name of VERDICT) device.clear(name);
  for (const name of VERDICT_GLOBALS) device.clearGlobal(name);
  if (!device.word(SESSION_RECORD, session('named'))) device.bytesOf(SESSION_RECORD, session('name'), 32).fill(0);
  if (Number(device.global('package/reader/phase').value) !== PAYLOAD_PHASE) {
    device.setWord(SESSION_RECORD, session('eraseCount'), 0);
    for (const name of PAYLOAD) device.clear(name);
    for (const name of PAYLOAD_GLOBALS) device.clearGlobal(name);
  } else {
    const hashing = device.bytesOf('package_reader_state'); // SHA-256: h, length, block of 64
    hashing.fill(0, 40 + (hashing[32]! & 63), 104);
  }
  device.bytesOf('update_pages_BUFFER').fill(0, Number(device.global('update/pages/buffered').value));
  device.bytesOf('package_head_HEAD').fill(0, Number(device.global('package/reader/have').value));
}

// What was written of a download that nothing but another session interrupted: it goes on there.
function settlePages(device: Device, counted: number): void {
  const { progress, hand } = fitOf(device);
  const unbroken = device.global('update/pages/unbroken');
  if (device.word(HAND, hand('state')) === DOWNLOADING && Number(unbroken.value) === counted) {
    unbroken.value = 1; // as the erase count in hand
    device.setWord('update_pages_progress', progress('eraseCount'), 1);
    return;
  }
  for (const name of ['unbroken', 'written', 'erased', 'early']) device.clearGlobal(`update/pages/${name}`);
  device.clear('update_pages_progress');
}

// The record of the package in hand, in memory or in flash.
function settleHand(device: Device, record: Buffer): void {
  const { hand, order, consent, question } = fitOf(device);
  const state = record.readUInt32LE(hand('state'));
  const zero = (place: number, length = 4) => record.fill(0, place, place + length);
  // Strangers' account never runs dry here (ACCOUNT): what it counts is without meaning.
  for (const field of ['spent', 'hour']) zero(hand(field));
  zero(hand('newest'), 8);
  if (record.readUInt32LE(hand('eraseCount'))) record.writeUInt32LE(1, hand('eraseCount'));
  if (state !== TRIAL && state !== SWAP_OUT) zero(hand('reason')); // those end by it
  if (state !== DOWNLOADING && state !== READY) zero(hand('approved'), 2); // asked of what is on its way, or on board
  if (state !== TRIAL) zero(hand('trialBoots'));
  if (![DOWNLOADING, READY, SWAP_IN, HAVE_DATA].includes(state)) {
    zero(hand('lines'));
    zero(hand('digest'), 32);
  }
  zero(order('line')); // where its alert goes
  zero(order('named')); // what is in hand is what it was about
  if (record.readUInt32LE(consent('channel')) !== SIGNED) zero(consent('consenter')); // that of an earlier answer
  if (record.readUInt32LE(question('state')) === OPEN) {
    for (const field of ['channel', 'line', 'consenter']) zero(question(field)); // of the one before, until it is answered
    record.set(NONCE_ASKED, question('nonce'));
    const left = record.readUInt32LE(question('leftMs'));
    record.writeUInt32LE(wholeStep(left), question('leftMs'));
  } else {
    // What the last one was about, and how it ended, is told and decides nothing.
    for (const field of ['about', 'why', 'signer']) zero(hand(field));
    record.fill(0, question('digest'), question(SIZE));
  }
}

function settleSettings(device: Device, settings: Settings, erase: number): void {
  const { keys } = device.agent;
  const { session, progress } = fitOf(device);
  for (const key of settings.keys()) {
    if ((key & 0xff) === keys.Log || key === keys.LogEnd || key === keys.Alert) settings.delete(key);
  }
  const same = (record: Buffer | undefined, offset: number) =>
    record?.writeUInt32LE(Number(record.readUInt32LE(offset) === erase), offset);
  const download = settings.get(keys.Download!);
  same(download, session('eraseCount'));
  if (download && !download.readUInt32LE(session('named'))) download.fill(0, session('name'));
  same(settings.get(keys.DownloadPages!), progress('eraseCount'));
  const update = settings.get(keys.Update!);
  if (update) settleHand(device, update);
}

// The canonical form: what cannot matter is overwritten in the device, in its memory and in its settings. Each rule says
// why; walks.ts tries them all.

import type { Device } from './device.js';
import { swapIn } from './sight.js';
import type { Settings } from './store.js';
import {
  AWAITING_USER,
  DOWNLOAD,
  DOWNLOAD_AND_UPDATE,
  DOWNLOADING,
  FACTS,
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
const STEP_MS = 150_000; // how often a question's time is written down: half of its time (table.ts, STEPS; world.ts)
const ORDER_MS = 600_000;
const PAUSE_MS = 2000;
const SIGNED = 2; // policy/consent.ts, Channel
const QUIET = 1; // update/effects.ts, Show

/** After a state was put back: counters at their start, and what was shown is what is. */
export function begin(device: Device): void {
  const { hand } = fitOf(device);
  device.copy('agent/delayMs').value = 100;
  device.copy('update/boot/leftMs').value = 10_000;
  device.copy('agent/shownState').value = device.word(HAND, hand('state'));
  device.copy('agent/shownReason').value = device.word(HAND, hand('reason'));
}

/** The most that can be left of a question's time in the same step: nothing is written down before a whole one passed. */
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

const IDLE = [
  ...['flash/staged/pendingCount', 'smp/notice/lineBytes', ...MENDED],
  ...['state', 'open', 'rest'].map((id) => `codec/frame/${id}`),
];
const ALERT = ['update_alert_alert'];
const SWAPPING = ['flash_swap_plan', 'flash_swap_STEP'];
const PUT = ['tree/commands/have', 'tree/commands/total'];
const NAMED = ['update_order_WANTED'];
const SESSION_BUT_HEAD = SESSION.filter((name) => name !== 'package_head_HEAD');
const SESSION_GLOBALS_BUT_USER = SESSION_GLOBALS.filter((name) => name !== 'update/rooms/user');
const LINES = ['update/download/lines'];
const OFFSET = ['update/download/offset'];
const RECORD = [SESSION_RECORD];
const PAGES = ['update_pages_progress'];
const PAGES_GLOBALS = ['unbroken', 'written', 'erased', 'early'].map((id) => `update/pages/${id}`);
const NOTHING: readonly string[] = [];

function eraseCountIn(device: Device, settings: Settings): number {
  const update = settings.get(device.agent.keys.Update!);
  return update ? update.readUInt32LE(fitOf(device).hand('eraseCount')) : 0;
}

/**
 * Overwrites what cannot matter, in memory and in the copies of the globals. Returns what should never be found between
 * two calls. The settings as they were read, or as they were settled.
 */
export function settleMemory(device: Device, settings: Settings): string[] {
  const faults: string[] = [];
  const { hand, waiting, question, slotBytes } = fitOf(device);
  for (const name of IDLE) if (device.is(name)) faults.push(`${name} is not 0`);
  const erase = eraseCountIn(device, settings);
  const counted = device.word(HAND, hand('eraseCount'));
  if (counted !== erase) faults.push(`erase count ${counted}, in flash ${erase}`);
  settleSession(device, counted);
  settlePages(device, counted);
  settleHand(device, device.bytesOf(HAND));
  device.clear(ALERT);
  device.setWord(FACTS, slotBytes, 0); // set before each verdict
  // How far a question has come to the person: set anew when one is put.
  if (device.word(HAND, question('state')) !== OPEN) device.copy('update/effects/show').value = QUIET;
  device.bytesOf('update_effects_NONCE').set(NONCE_NEXT);
  if (!swapIn(device, settings)) device.clear(SWAPPING);
  if (!device.is('tree/commands/node')) device.clear(NOTHING, PUT);
  device.setWord(WAITING, waiting('line'), 0); // where its alert goes
  if (!device.word(WAITING, waiting('named'))) device.clear(NAMED);
  const { pull } = fitOf(device);
  // The request is out; over a line it tells which block is which.
  if (device.word(PULL, pull('line')) !== 1 && !device.word(PULL, pull('until'))) device.setWord(PULL, pull('from'), 0);
  if (!device.word(PULL, pull('earlier'))) device.setWord(PULL, pull('earlierFrom'), 0);
  device.copy('update/order/leftMs').value = device.word(WAITING, waiting('operation')) ? ORDER_MS : 0;
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
    device.clear(put ? SESSION_BUT_HEAD : SESSION, put ? SESSION_GLOBALS_BUT_USER : SESSION_GLOBALS);
    device.clear(NOTHING, VERDICT_GLOBALS);
    device.clear(NOTHING, LINES);
    // A client that lost the last answer asks again for what is on board.
    const ready = device.word(HAND, hand('state')) === READY;
    const whole = device.word(SESSION_RECORD, session('length'));
    if (!ready || Number(device.copy('update/download/offset').value) !== whole) device.clear(RECORD, OFFSET);
    return;
  }
  same(SESSION_RECORD, session('eraseCount'));
  device.clear(VERDICT, VERDICT_GLOBALS);
  if (!device.word(SESSION_RECORD, session('named'))) {
    device.bytesOf(SESSION_RECORD).fill(0, session('name'), session('name') + 32);
  }
  if (Number(device.copy('package/reader/phase').value) !== PAYLOAD_PHASE) {
    device.setWord(SESSION_RECORD, session('eraseCount'), 0);
    device.clear(PAYLOAD, PAYLOAD_GLOBALS);
  } else {
    const hashing = device.bytesOf('package_reader_state'); // SHA-256: h, length, block of 64
    hashing.fill(0, 40 + (hashing[32]! & 63), 104);
  }
  device.bytesOf('update_pages_BUFFER').fill(0, Number(device.copy('update/pages/buffered').value));
  device.bytesOf('package_head_HEAD').fill(0, Number(device.copy('package/reader/have').value));
}

// What was written of a download that nothing but another session interrupted: it goes on there.
function settlePages(device: Device, counted: number): void {
  const { progress, hand } = fitOf(device);
  const unbroken = device.copy('update/pages/unbroken');
  if (device.word(HAND, hand('state')) === DOWNLOADING && Number(unbroken.value) === counted) {
    unbroken.value = 1; // as the erase count in hand
    device.setWord('update_pages_progress', progress('eraseCount'), 1);
    return;
  }
  device.clear(PAGES, PAGES_GLOBALS);
}

// The record of the package in hand, in memory or in flash.
function settleHand(device: Device, record: Buffer): void {
  const { hand, order, consent, question } = fitOf(device);
  const state = record.readUInt32LE(hand('state'));
  const zero = (place: number, length = 4) => record.fill(0, place, place + length);
  // Strangers' account never runs dry here (ACCOUNT): what it counts is without meaning.
  for (const field of ['spent', 'hour']) zero(hand(field));
  zero(hand('newest'), 8);
  // Compared with those of a download's records, which end with it.
  record.writeUInt32LE(Number(state === DOWNLOADING), hand('eraseCount'));
  if (state !== TRIAL && state !== SWAP_OUT) zero(hand('reason')); // those end by it
  if (state !== DOWNLOADING && state !== READY) zero(hand('approved'), 2); // asked of what is on its way, or on board
  if (state !== TRIAL) zero(hand('trialBoots'));
  if (![DOWNLOADING, READY, SWAP_IN, HAVE_DATA].includes(state)) {
    zero(hand('lines'));
    zero(hand('digest'), 32);
  }
  // An order is over or fires; else it is only told, and so is any while a swap and a trial end by themselves.
  const fires = record.readUInt32LE(order('operation')) === DOWNLOAD_AND_UPDATE;
  if (!fires || [SWAP_IN, TRIAL, SWAP_OUT].includes(state)) zero(order('operation'));
  zero(order('line')); // where its alert goes
  zero(order('named')); // what is in hand is what it was about
  if (record.readUInt32LE(consent('channel')) !== SIGNED) zero(consent('consenter')); // that of an earlier answer
  if (record.readUInt32LE(consent('why')) !== AWAITING_USER) zero(consent('why')); // approved, or anything else
  if (record.readUInt32LE(question('state')) === OPEN) {
    // The same of a question before the download: only before the installation another reason is another question.
    const about = record.readUInt32LE(hand('about'));
    if (about === DOWNLOAD && record.readUInt32LE(hand('why')) !== AWAITING_USER) zero(hand('why'));
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

/** The same in the settings, which are ours to change. */
export function settleSettings(device: Device, settings: Settings): void {
  const erase = eraseCountIn(device, settings);
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

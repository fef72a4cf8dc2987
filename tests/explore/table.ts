// The one place that knows the agent's memory by name: which of its records and globals carry something from one call of
// the board to the next, and what of them cannot matter. Where the agent is rewritten, this file is fitted again; a name
// that is gone, and one that nobody has looked at, is said aloud (check).
//
// What is listed as without meaning is overwritten, in the device itself, before a state is taken. That it has none is not
// believed but tried: walks.ts runs the device beside one that nobody overwrites. All that is not listed is state.

import { IMAGE_PAGES, PAGE, PRIMARY_PAGES, STAGED } from './board.js';
import type { Agent } from './build.js';
import type { Device, Global, Room } from './device.js';
import type { Settings } from './store.js';

/** Rooms that several take turns in; nothing in them outlives a call (assembly/update/rooms.ts). They are spoilt. */
export const TURNS: readonly string[] = [
  ...['READING', 'INSIDE', 'WRITING', 'MESSAGE', 'OUTER', 'HEADER', 'OTHER', 'SCRATCH'].map((id) => `scratch_${id}`),
  ...['flash_flash_PIECE', 'flash_card_entry', 'flash_card_part', 'flash_card_PATH'],
  ...['walk', 'probe', 'HEADER', 'OUT', 'PENDING'].map((id) => `flash_store_${id}`),
  ...['codec_frame_FRAME_INPUT', 'codec_cose_head', 'codec_cose_publicKey', 'codec_cose_piece'],
  ...['policy_judge_list', 'policy_judge_situation', 'policy_explain_kept', 'policy_change_change'],
  ...['package_commands_run', 'approval_document_document', 'smp_reply_LONG', 'smp_request_values'],
  ...['update_packages_pack', 'update_packages_other', 'update_audit_end'],
  ...['update_download_stored', 'agent_VARIABLES_END'],
];
/** Of those, what is only told and not decided by: zeros, not noise. */
export const TURNS_FROM_ZERO: readonly string[] = ['update_audit_end', 'policy_explain_kept'];

/** Of use only while an upload session is active. */
const SESSION: readonly string[] = [
  ...['update_download_progress', 'update_download_BUFFER', 'package_head_HEAD'],
  ...['package_manifest_manifest', 'package_manifest_PARTS', 'package_envelope_MEMBERS', 'package_reader_state'],
  ...['approval_entries_subject', 'approval_entries_opinion', 'approval_evidence_table', 'approval_evidence_sound'],
  ...['approval_evidence_denials', 'approval_evidence_outcome', 'package_wrapper_wrapper', 'package_wrapper_blocks'],
];
/** Of these, what only a verdict uses while it is taken. */
const VERDICT: readonly string[] = [
  ...['approval_entries_opinion', 'approval_evidence_table', 'approval_evidence_sound', 'approval_evidence_denials'],
  ...['approval_evidence_outcome', 'package_wrapper_wrapper', 'package_wrapper_blocks', 'package_manifest_PARTS'],
];
/** And what comes with the payload. */
const PAYLOAD: readonly string[] = [
  ...['package_manifest_manifest', 'package_reader_state', 'approval_entries_subject'],
  ...['update_download_progress', 'update_download_BUFFER'],
];

/** Globals that carry nothing, or are set anew by layOut (store.ts) and begin. */
export const GLOBALS_WITHOUT_MEANING: readonly string[] = [
  ...['smp/notice/length', 'tree/values/bytes', 'tree/values/at', 'tree/values/key', 'tree/nodes/number'],
  ...['sent', 'stated', 'received', 'quad', 'quadCharacters', 'pads'].map((id) => `codec/frame/${id}`),
  ...['packetBytes', 'packetCrc', 'packet'].map((id) => `codec/frame/${id}`),
  ...['outSum', 'outAt', 'outUsed', 'fault', 'bank', 'generation'].map((id) => `flash/store/${id}`),
  ...['snapshotBytes', 'tail', 'certain', 'fresh'].map((id) => `flash/store/${id}`),
  ...[
    'update/rooms/inputLost',
    'update/alert/sent',
    'update/alert/ourLine',
    'update/effects/refusal',
    'update/wear/passedMs',
  ],
  ...['update/effects/nonceSpent', 'update/boot/leftMs', 'agent/shownState', 'agent/shownReason', 'agent/delayMs'],
];
const SESSION_GLOBALS: readonly string[] = [
  ...['phase', 'fault', 'have', 'passed'].map((id) => `package/reader/${id}`),
  ...['wanted', 'at', 'left', 'last', 'opened'].map((id) => `package/envelope/${id}`),
  ...['update/download/buffered', 'update/download/written', 'update/rooms/user'],
];
const VERDICT_GLOBALS: readonly string[] = [
  ...['policy/judge/headFault', 'policy/judge/lastReason', 'update/judgement/reason', 'update/judgement/verdict'],
  ...['approval/evidence/count', 'approval/evidence/deniers', 'approval/evidence/newest'],
  ...['package/manifest/component', 'package/manifest/componentBytes'],
  ...['package/commands/deviceClass', 'package/commands/deviceVendor'],
];
const PAYLOAD_GLOBALS = ['update/download/written', 'update/download/buffered', 'package/reader/passed'];

/** Looked at, and state. */
const STATE_RECORDS: readonly string[] = [
  ...['approval_anchors_anchors', 'approval_bootstrap_BOOTSTRAP', 'approval_bootstrap_identity'],
  ...['approval_evidence_floors', 'policy_policy_policy', 'policy_facts_facts'],
  ...['flash_swap_plan', 'flash_swap_STEP', 'update_floors_FLOORS', 'update_seats_seats'],
  ...[
    'update_hand_HAND',
    'update_order_waiting',
    'update_alert_alert',
    'update_effects_NONCE',
    'update_download_session',
  ],
];
const STATE_GLOBALS: readonly string[] = [
  ...['approval/anchors/count', 'approval/bootstrap/held', 'flash/swap/running', 'smp/notice/line'],
  ...['flash/card/malformed', 'flash/card/answered', 'flash/card/pathBytes'],
  ...['codec/frame/state', 'codec/frame/open', 'agent/left'],
  ...['smp/notice/lineBytes', 'flash/store/pendingCount', 'flash/store/bankBytes', 'update/effects/restart'],
  ...['update/order/leftMs', 'update/install/broken', 'update/download/active', 'update/download/offset'],
  ...['update/download/lines', 'update/effects/show'],
  ...['tree/commands/node', 'tree/commands/have', 'tree/commands/total'],
];
/**
 * Switched off while the agent is explored, and on where a finding is replayed: the account of what strangers may wear
 * out (update/wear.ts). It would refuse, for hours, what is to be tried; tests of its own look at it.
 */
export const ACCOUNT = {
  file: 'update/wear.ts',
  right: 'if (hand.spent + <u32>cost > CREDIT_MAX)',
  wrong: 'if (!HERE && hand.spent + <u32>cost > CREDIT_MAX)',
} as const;

/** Settings that are only told. */
export const SETTINGS_WITHOUT_MEANING: readonly string[] = ['None', 'Log', 'LogEnd', 'Approval', 'Url'];

/** Globals by which store.ts finds its way. */
export const STORE = {
  bank: 'flash/store/bank',
  generation: 'flash/store/generation',
  snapshotBytes: 'flash/store/snapshotBytes',
  tail: 'flash/store/tail',
  fresh: 'flash/store/fresh',
  certain: 'flash/store/certain',
  bankBytes: 'flash/store/bankBytes',
} as const;

/** In a Layout: where the last field ends. */
export const SIZE = 'size of all';

const notes = new Set<string>();
/** Names that the table does not have; each counts as state. */
export const unclassified = (): readonly string[] => [...notes];

/** Throws at a name of the table that the agent does not have. */
export function check(rooms: Record<string, Room>, globals: Record<string, Global>, _agent: Agent): void {
  const records = [...TURNS, ...SESSION, ...STATE_RECORDS];
  const variables = [...GLOBALS_WITHOUT_MEANING, ...SESSION_GLOBALS, ...VERDICT_GLOBALS, ...STATE_GLOBALS];
  const gone = [...records.filter((name) => !rooms[name]), ...variables.filter((name) => !globals[name])];
  if (gone.length > 0)
    throw new Error(`explore: tests/explore/table.ts names what the agent has not: ${gone.join(', ')}`);
  for (const name of Object.keys(rooms)) if (!records.includes(name)) notes.add(`record ${name}`);
  for (const name of Object.keys(globals)) if (!variables.includes(name)) notes.add(`global ${name}`);
}

// --- The fields that are looked at ---

/** update/machine.ts; FUMO's number, and where the swap is. */
const STATES = [
  ...[{ fumo: 10 }, { fumo: 20 }, { fumo: 30 }, { fumo: 50 }],
  ...[
    { fumo: 60, swap: 'in' },
    { fumo: 60, swap: 'trial' },
    { fumo: 60, swap: 'out' },
  ],
  ...[{ fumo: 70 }, { fumo: 80 }, { fumo: 100 }],
] as const satisfies { fumo: number; swap?: 'in' | 'trial' | 'out' }[];
const [DOWNLOADING, READY, SWAP_IN, TRIAL, SWAP_OUT, HAVE_DATA] = [2, 3, 4, 5, 6, 7];
const ABOUT = ['', 'download', 'install'] as const;
const HAND = 'update_hand_HAND';
const WAITING = 'update_order_waiting';
const SESSION_RECORD = 'update_download_session';
const OPEN = 1; // of the question
const NONCE_ASKED = Buffer.alloc(16, 0x51);
const NONCE_NEXT = Buffer.alloc(16, 0x4e);
const STEP_MS = 75_000; // how often a question's time is written down: a quarter of TIMEOUT_SECONDS (world.ts)
const ORDER_MS = 600_000;
const PAYLOAD_PHASE = 3; // of package/reader.ts

/** Where a field stands, by its name in the sources. */
function at(device: Device, of: string, field: string): number {
  const offset = device.layout(of)[field];
  if (offset === undefined) throw new Error(`explore: ${of} has no field ${field}`);
  return offset;
}

type Place = (field: string) => number;
interface Fit {
  hand: Place; // all in one record
  order: Place;
  consent: Place;
  question: Place;
  waiting: Place; // an order that waits, by itself
  session: Place;
  progress: Place;
  package: Place;
}
const fits = new WeakMap<Agent, Fit>();
function fitOf(device: Device): Fit {
  const known = fits.get(device.agent);
  if (known) return known;
  const of =
    (name: string, from = 0): Place =>
    (field) =>
      from + at(device, name, field);
  const hand = of('update/hand Hand');
  const order = of('update/hand Order', hand(SIZE));
  const consent = of('update/hand Consent', order(SIZE));
  const question = of('policy/consent Question', consent(SIZE));
  const fit = {
    ...{ hand, order, consent, question, waiting: of('update/hand Order') },
    session: of('update/download Session'),
    progress: of('update/download Progress'),
    package: of('update/packages Package'),
  };
  device.expect(question(SIZE) === device.room(HAND).size, 'the record in hand is laid out otherwise');
  fits.set(device.agent, fit);
  return fit;
}

// --- What is seen of the agent ---

export type Swap = 'none' | 'in' | 'trial' | 'out';
export interface Seen {
  state: number; // FUMO's
  swap: Swap;
  about: '' | 'download' | 'install'; // of the question that is open
  asked: Buffer; // its manifest digest
  active: boolean; // an upload session
  offset: number; // of it: the next byte wanted
  erases: number; // of the slot, counted before each
  floor: number;
}

function stateOf(number: number): { state: number; swap: Swap } {
  const known: { fumo: number; swap?: Swap } | undefined = STATES[number];
  return { state: known?.fumo ?? -1, swap: known?.swap ?? 'none' };
}

export function observe(device: Device): Seen {
  const { hand, question } = fitOf(device);
  const open = device.word(HAND, question('state')) === OPEN;
  return {
    ...stateOf(device.word(HAND, hand('state'))),
    about: open ? (ABOUT[device.word(HAND, hand('about'))] ?? '') : '',
    asked: device.bytesOf(HAND, question('digest'), 32),
    active: device.is('update/download/active'),
    offset: Number(device.global('update/download/offset').value),
    erases: device.word(HAND, hand('eraseCount')),
    floor: device.word('policy_facts_facts', at(device, 'policy/facts Facts', 'installedSequence')),
  };
}

export const nonceOf = (device: Device): Buffer =>
  Buffer.from(device.bytesOf(HAND, fitOf(device).question('nonce'), 16));
/** A nonce that was never asked with. */
export const NONCE_OLD = Buffer.alloc(16, 0x4f);

/** The question that stands in flash, if one is open. */
export function questionIn(
  device: Device,
  settings: Settings,
): { about: 'download' | 'install'; asked: Buffer } | undefined {
  const record = settings.get(device.agent.keys.Update!);
  const { hand, question } = fitOf(device);
  if (!record || record.readUInt32LE(question('state')) !== OPEN) return undefined;
  const about = record.readUInt32LE(hand('about')) === 1 ? 'download' : 'install';
  return { about, asked: record.subarray(question('digest'), question('digest') + 32) };
}

/** The package that a record in flash names, and what the update's record says. */
export function recordIn(device: Device, settings: Settings, name: 'Primary' | 'Staged' | 'Previous' | 'Offered') {
  const record = settings.get(device.agent.keys[name]!);
  const from = fitOf(device).package('digest');
  return record && record.length >= from + 32 ? { record, digest: record.subarray(from, from + 32) } : undefined;
}
export function updateIn(device: Device, settings: Settings): { state: number; swap: Swap } {
  const record = settings.get(device.agent.keys.Update!);
  return stateOf(record ? record.readUInt32LE(fitOf(device).hand('state')) : 0);
}
export const swapIn = (device: Device, settings: Settings): boolean => settings.has(device.agent.keys.Swap!);

/** Where the agent's memory and flash must say the same about the package in hand, in words that differ. */
export function differences(device: Device, settings: Settings): string[] {
  const memory = device.bytesOf(HAND);
  const flash = settings.get(device.agent.keys.Update!) ?? Buffer.alloc(memory.length);
  if (flash.equals(memory)) return [];
  const { hand, order, consent, question } = fitOf(device);
  const parts = { hand, order, consent, question };
  const of = { hand: 'update/hand Hand', order: 'update/hand Order', consent: 'update/hand Consent' };
  const found: string[] = [];
  for (const [name, place] of Object.entries(parts)) {
    const layout = device.layout(of[name as keyof typeof of] ?? 'policy/consent Question');
    for (const field of Object.keys(layout)) {
      if (field === SIZE) continue;
      const from = place(field);
      if (memory.readUInt32LE(from) !== flash.readUInt32LE(from)) {
        found.push(`${name}.${field} ${memory.readUInt32LE(from)}, in flash ${flash.readUInt32LE(from)}`);
      }
    }
  }
  return found;
}

// --- The canonical form ---

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
  const { question } = fitOf(device);
  const left = device.word(HAND, question('leftMs'));
  device.setWord(HAND, question('leftMs'), wholeStep(left));
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
  const { hand, waiting } = fitOf(device);
  for (const name of ['flash/store/pendingCount', 'codec/frame/state', 'codec/frame/open', 'smp/notice/lineBytes']) {
    if (device.is(name)) faults.push(`${name} is not 0`);
  }
  const counted = device.word(HAND, hand('eraseCount'));
  if (counted !== erase) faults.push(`erase count ${counted}, in flash ${erase}`);
  settleSession(device, counted);
  settleHand(device, device.bytesOf(HAND));
  device.clear('update_alert_alert');
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
  device.global('update/order/leftMs').value = device.word(WAITING, waiting('operation')) ? ORDER_MS : 0;
  return faults;
}

function settleSession(device: Device, counted: number): void {
  const { session, progress, hand } = fitOf(device);
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
  same('update_download_progress', progress('eraseCount'));
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
  device.bytesOf('update_download_BUFFER').fill(0, Number(device.global('update/download/buffered').value));
  device.bytesOf('package_head_HEAD').fill(0, Number(device.global('package/reader/have').value));
}

// The record of the package in hand, in memory or in flash.
function settleHand(device: Device, record: Buffer): void {
  const { hand, order, question } = fitOf(device);
  const state = record.readUInt32LE(hand('state'));
  const zero = (place: number, length = 4) => record.fill(0, place, place + length);
  // Strangers' account never runs dry here (ACCOUNT): what it counts is without meaning.
  for (const field of ['spent', 'hour']) zero(hand(field));
  zero(hand('newest'), 8);
  if (record.readUInt32LE(hand('eraseCount'))) record.writeUInt32LE(1, hand('eraseCount'));
  if (state !== TRIAL && state !== SWAP_OUT) zero(hand('reason')); // those end by it
  if (state !== TRIAL) zero(hand('trialBoots'));
  if (![DOWNLOADING, READY, SWAP_IN, HAVE_DATA].includes(state)) {
    zero(hand('lines'));
    zero(hand('digest'), 32);
  }
  zero(order('line')); // where its alert goes
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

// --- What stands in the slots ---

export interface Stretch {
  page: number; // first page, of both slots in a row
  pages: number; // of image
  headBytes: number; // that stand behind the image's room
  delivered: boolean; // over which lines it came still matters
}

const STAGED_PAGE = PRIMARY_PAGES + 1;

/** What of the slots some record covers. */
export function slots(device: Device, settings: Settings): Stretch[] {
  const { keys } = device.agent;
  if (settings.has(keys.SwapStep!) && settings.get(keys.SwapStep!)!.readUInt32LE(0) > 0) {
    return [{ page: 0, pages: 2 * PRIMARY_PAGES + 1, headBytes: 0, delivered: false }];
  }
  const { package: field, session } = fitOf(device);
  const found: Stretch[] = [];
  const swapping = swapIn(device, settings);
  for (const [name, page] of [
    ['Primary', 0],
    ['Previous', PRIMARY_PAGES],
    ['Staged', STAGED_PAGE],
  ] as const) {
    const record = settings.get(keys[name]!);
    if (!record) continue;
    const pages = Math.ceil(record.readUInt32LE(field('imageBytes')) / PAGE);
    const delivered = name === 'Staged' && !swapping;
    found.push({ page, pages, headBytes: record.readUInt32LE(field('headBytes')), delivered });
  }
  const download = settings.get(keys.Download!);
  if (!download || updateIn(device, settings).state !== 30) return found;
  const whole = settings.get(keys.DownloadPages!)?.readUInt32LE(0) ?? 0;
  const inMemory =
    device.running === 'agent' &&
    device.is('update/download/active') &&
    Number(device.global('package/reader/phase').value) === PAYLOAD_PHASE;
  const pages = inMemory ? Math.ceil(Number(device.global('update/download/written').value) / PAGE) : whole;
  found.push({ page: STAGED_PAGE, pages, headBytes: download.readUInt32LE(session('headBytes')), delivered: true });
  return found;
}

/** Over which lines the bytes came of what is staged, or on its way there. */
export function stagedLines(device: Device, settings: Settings): number {
  let lines = 0;
  for (const { page, pages, headBytes, delivered } of slots(device, settings)) {
    if (!delivered) continue;
    lines |= device.deliverers(page, pages);
    lines |= device.deliverers(page + IMAGE_PAGES, Math.ceil(headBytes / PAGE));
  }
  return lines;
}
export const stagedAt = { at: STAGED, imageBytesMax: IMAGE_PAGES * PAGE };

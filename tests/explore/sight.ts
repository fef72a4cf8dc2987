// What is seen of the agent, in its memory or in the settings in flash: FUMO's state, the swap, the question, the session,
// the records of packages, and what stands in the slots. The witness and the invariants look through this file only.

import { IMAGE_PAGES, PAGE, PRIMARY_PAGES, STAGED } from './board.js';
import type { Device } from './device.js';
import type { Global } from './inside.js';
import type { Settings } from './store.js';
import { ABOUT, at, FACTS, fitOf, HAND, handFields, OPEN, PULL, SESSION_RECORD, STATES } from './table.js';

export type Swap = 'none' | 'in' | 'trial' | 'out';
export interface Seen {
  state: number; // FUMO's
  swap: Swap;
  about: '' | 'download' | 'install'; // of the question that is open
  asked: Buffer | undefined; // its manifest digest
  inHand: number; // the digest of the package that waits or comes, its first word
  active: boolean; // an upload session
  fetched: boolean; // it is that of the package which the device fetches
  offset: number; // of it: the next byte wanted
  erases: number; // of the slot, counted before each
  floor: number;
}

function stateOf(number: number): { state: number; swap: Swap } {
  const known: { fumo: number; swap?: Swap } | undefined = STATES[number];
  return { state: known?.fumo ?? -1, swap: known?.swap ?? 'none' };
}

// What is looked at after every call, by address.
interface Eye {
  hand: Record<'state' | 'about' | 'eraseCount' | 'open' | 'digest' | 'inHand', number>;
  session: Record<'line' | 'name', number>;
  pull: Record<'line' | 'from' | 'asked' | 'until' | 'digest', number>;
  floor: number;
  active: Global;
  offset: Global;
  phase: Global;
}
const eyes = new WeakMap<Device, Eye>();
function eyeOf(device: Device): Eye {
  const known = eyes.get(device);
  if (known) return known;
  const { hand, question, session, pull } = fitOf(device);
  const [inHand, inSession, inPull, facts] = [HAND, SESSION_RECORD, PULL, FACTS].map(
    (name) => device.room(name).at,
  ) as [number, number, number, number];
  const eye = {
    hand: {
      ...{ state: inHand + hand('state'), about: inHand + hand('about'), eraseCount: inHand + hand('eraseCount') },
      ...{ open: inHand + question('state'), digest: inHand + question('digest') },
      inHand: inHand + hand('digest'),
    },
    session: { line: inSession + session('line'), name: inSession + session('name') },
    pull: {
      ...{ line: inPull + pull('line'), from: inPull + pull('from'), asked: inPull + pull('asked') },
      ...{ until: inPull + pull('until'), digest: inPull + pull('digest') },
    },
    floor: facts + at(device, 'policy/facts Facts', 'installedSequence'),
    ...{ active: device.global('update/download/active'), offset: device.global('update/download/offset') },
    phase: device.global('package/reader/phase'),
  };
  eyes.set(device, eye);
  return eye;
}

export function observe(device: Device): Seen {
  const { hand, floor, active, offset, pull } = eyeOf(device);
  const open = device.wordAt(hand.open) === OPEN;
  const { state, swap } = stateOf(device.wordAt(hand.state));
  const isActive = Number(active.value) !== 0;
  return {
    state,
    swap,
    about: open ? (ABOUT[device.wordAt(hand.about)] ?? '') : '',
    asked: open ? device.bytesAt(hand.digest, 32) : undefined,
    inHand: device.wordAt(hand.inHand),
    active: isActive,
    fetched: isActive && (device.wordAt(pull.until) !== 0 || fetches(device)),
    offset: Number(offset.value),
    erases: device.wordAt(hand.eraseCount),
    floor: device.wordAt(floor),
  };
}

/** Is the session that there is the device's own? */
function fetches(device: Device): boolean {
  const { session, pull } = eyeOf(device);
  return (
    (device.wordAt(session.line) & 0xffff) !== 0 &&
    device.bytesAt(session.name, 32).equals(device.bytesAt(pull.digest, 32))
  );
}

const PAYLOAD_PHASE = 3; // assembly/package/reader.ts

/**
 * The device's own fetching: the link that blocks are to come over + 1, or 0; where what it asked for begins and ends; does it take
 * blocks as over a line, from the head on; is the session its own, or the one that was offered?
 */
export function pulling(device: Device) {
  const { pull, active, phase } = eyeOf(device);
  const line = device.wordAt(pull.line);
  const offered = device.wordAt(pull.until) !== 0;
  const isActive = Number(active.value) !== 0;
  return {
    line,
    from: device.wordAt(pull.from),
    asked: device.wordAt(pull.asked),
    asLine: (line === 1 || offered) && isActive && Number(phase.value) === PAYLOAD_PHASE,
    session: isActive && (offered || fetches(device)),
  };
}

export const nonceOf = (device: Device): Buffer =>
  Buffer.from(device.bytesAt(device.room(HAND).at + fitOf(device).question('nonce'), 16));
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
  const found: string[] = [];
  for (const { name, at, bytes } of handFields(device)) {
    if (flash.compare(memory, at, at + bytes, at, at + bytes) === 0) continue;
    const [here, there] = [memory, flash].map((record) => record.readUIntLE(at, Math.min(bytes, 6)));
    found.push(`${name} ${here}, in flash ${there}`);
  }
  return found;
}

// --- What stands in the slots ---

export interface Stretch {
  page: number; // first page, of both slots in a row
  pages: number; // of image
  headBytes: number; // that stand behind the image's room
  delivered: boolean; // over which lines it came still matters
  waits: boolean; // and it is whole
}

const STAGED_PAGE = PRIMARY_PAGES + 1;

/** What of the slots some record covers. */
export function slots(device: Device, settings: Settings): Stretch[] {
  const { keys } = device.agent;
  if (settings.has(keys.SwapStep!) && settings.get(keys.SwapStep!)!.readUInt32LE(0) > 0) {
    return [{ page: 0, pages: 2 * PRIMARY_PAGES + 1, headBytes: 0, delivered: false, waits: false }];
  }
  const { package: field, session, hand } = fitOf(device);
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
    found.push({ page, pages, headBytes: record.readUInt32LE(field('headBytes')), delivered, waits: delivered });
  }
  const download = settings.get(keys.Download!);
  if (!download || updateIn(device, settings).state !== 30) return found;
  const whole = settings.get(keys.DownloadPages!)?.readUInt32LE(0) ?? 0;
  const inMemory =
    device.running === 'agent' &&
    Number(device.global('update/pages/unbroken').value) === device.word(HAND, hand('eraseCount'));
  const pages = inMemory ? Number(device.global('update/pages/erased').value) / PAGE : whole; // what is erased is written next
  found.push({
    page: STAGED_PAGE,
    pages,
    headBytes: download.readUInt32LE(session('headBytes')),
    delivered: true,
    waits: false,
  });
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

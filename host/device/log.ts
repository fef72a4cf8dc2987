// The audit log of a device: read, and its chain of hashes verified (assembly/update/audit.ts).
//
//   record = { 1: number, 2: SHA-256 of the record before it (zeros for the first), 3: time, 4: event, 5: reason,
//              ? 6: manifest digest, ? 7: [sequence that ran, sequence of the package], ? 8: row of the verdict table,
//              ? 9: [* [kid or null, document sequence or null, source]], ? 10: [channel, ? consenter kid or null],
//              ? 11: how many records about refusals were left out before this one }
//
// The device keeps the newest records and drops older ones; that a chain begins later is no fault. Each record is
// remembered by the next, the newest by the hash that the device tells beside it. Whoever remembers number and hash of
// one record (Mark) notices also a log that was written anew as a whole, or cut back.

import * as z from 'zod';
import { CountersignError } from '../errors.js';
import { hex, same, sha256 } from '../formats/bytes.js';
import { type Cbor, decode, wholeNumber } from '../formats/cbor.js';
import { SOURCES, type SourceName } from '../formats/policy.js';
import type { Client } from '../smp/client.js';
import { readLog } from '../smp/commands.js';
import { identify, type Waits } from './identity.js';

/** In the order of their numbers, from 1. */
export const LOG_EVENTS = [
  'provisioned',
  'approval stored',
  'accepted',
  'refused',
  'downloaded',
  'download failed',
  'asked',
  'answered',
  'installing',
  'installed',
  'reverted',
  'damaged',
  'denied',
  'changed',
] as const;

const MEMBER = {
  number: 1,
  before: 2,
  time: 3,
  event: 4,
  reason: 5,
  digest: 6,
  sequences: 7,
  row: 8,
  operators: 9,
  answer: 10,
  omitted: 11,
} as const;
const CHANNELS = { 1: 'local', 2: 'signed', 4: 'delivering line' } as const;
const HASH_BYTES = 32;
const READS_MAX = 1000; // far more than any ring has; a device that never ends is not followed

export interface LogRecord {
  number: number;
  time: number; // Unix seconds; without a clock the newest time that the device has seen signed
  event: string;
  reason: number;
  digest: Uint8Array | undefined; // of the manifest
  from?: bigint; // sequence number of what ran
  to?: bigint; // of the package that was decided about
  row?: number; // of the verdict table, assembly/policy/verdict.ts
  operators?: LogOperator[]; // whose approval counted
  answer?: LogAnswer; // the yes that it rests on
  omitted?: number; // refusals before it that were counted only
  before: Uint8Array;
  bytes: Uint8Array;
}

export interface LogOperator {
  kid: string | null; // hex, the first 8 bytes
  document: bigint | null; // its sequence number; null: a countersignature
  source: SourceName | 'unknown';
}

export interface LogAnswer {
  channel: 'local' | 'signed' | 'delivering line' | 'unknown';
  consenter?: string | null; // kid in hex, of a signed answer
}

export interface LogFault {
  number: number;
  what: 'missing' | 'altered' | 'unconfirmed' | 'cut back';
  why: string;
}

export interface Mark {
  number: number;
  hash: string; // SHA-256 of that record, hex
}

export interface Log {
  records: LogRecord[];
  faults: LogFault[];
  newest: Mark | undefined;
}

/** A record that is remembered from one reading of a device's log to the next. */
export interface Remembered extends Mark {
  device: string; // id, hex; empty: of a blank device
}

/** Where it is kept. */
export interface MarkStore {
  /** For messages. */
  name: string;
  /** What was written last; undefined if nothing ever was. */
  read(): Promise<Remembered | undefined>;
  write(remembered: Remembered): Promise<void>;
}

const rememberedSchema = z.object({
  device: z.string(),
  number: z.number().int().nonnegative(),
  hash: z.string().length(64),
});

/** From the JSON that markText() wrote. Throws on anything else. */
export const parseMark = (text: string): Remembered => rememberedSchema.parse(JSON.parse(text));
/** As one line of JSON, for parseMark(). */
export const markText = (remembered: Remembered): string => `${JSON.stringify(remembered)}\n`;

export interface Audit extends Log {
  device: string; // as in Remembered
  whole: boolean; // no faults
  before: Mark | undefined; // what it was compared with
}

/**
 * Reads the log and verifies it, against what was remembered of this device if there is a store. A log that is whole is
 * remembered then; one that is not is left to be seen again. Throws LogOther if the store is about another device.
 */
export async function auditLog(client: Client, store?: MarkStore, waits: Waits = {}): Promise<Audit> {
  const { deviceId: device = '' } = await identify(client, waits);
  const before = await store?.read();
  if (store && before && before.device !== device) {
    const text = `log: ${store.name} is about device ${before.device}, this is ${device || 'blank'}`;
    throw new CountersignError('LogOther', text);
  }
  const log = verifyLog(await fetchLog(client, waits), before);
  const whole = log.faults.length === 0;
  if (whole && log.newest) await store?.write({ device, ...log.newest });
  return { ...log, device, whole, before };
}

/** What a device gave: `records[i]` has number `first + i`; an empty one is not there. */
export interface RawLog {
  first: number;
  records: Uint8Array[];
  end: Uint8Array | undefined; // hash of the newest, as the device tells it
}

/** Reads the records as they are, unverified: see verifyLog(). */
export async function fetchLog(client: Client, waits: Waits = {}): Promise<RawLog> {
  const found: RawLog = { first: 0, records: [], end: undefined };
  for (let from = 0, reads = 0; reads < READS_MAX; reads++) {
    const { next, records, hash } = await readLog(client, from, waits);
    if (records.length === 0) break;
    if (found.records.length === 0) found.first = next - records.length;
    found.records.push(...records);
    found.end = hash;
    from = next;
  }
  return found;
}

/**
 * Reads the records and says which one is missing or altered. Of two that contradict each other the later one is
 * believed if the record after it confirms it.
 */
export function verifyLog(raw: RawLog, remembered?: Mark): Log {
  const records: (LogRecord | undefined)[] = raw.records.map((bytes, at) => parseRecord(bytes, raw.first + at));
  const faults: LogFault[] = [];
  // What the next one says of each: the hash it should have.
  const told = (at: number): Uint8Array | undefined => (at + 1 < records.length ? records[at + 1]?.before : raw.end);
  const confirmed = (at: number): boolean => {
    const hash = told(at);
    return hash !== undefined && same(hash, sha256(raw.records[at]!));
  };
  for (const [at, bytes] of raw.records.entries()) {
    const number = raw.first + at;
    const fault = (what: LogFault['what'], why: string) => faults.push({ number, what, why });
    if (bytes.length === 0) fault('missing', 'the device does not have it');
    else if (!records[at]) fault('altered', 'it is not a record with this number');
    else if (!told(at)) fault('unconfirmed', 'nothing later that can be read remembers it');
    else if (!confirmed(at)) {
      const later = at + 1 < records.length ? `record ${number + 1}` : 'the device';
      const laterHolds = at + 1 >= records.length || confirmed(at + 1);
      if (laterHolds) fault('altered', `${later} remembers another`);
      else fault('unconfirmed', `${later} remembers another, but was altered itself`);
    }
  }
  if (raw.first === 0 && records[0] && !same(records[0].before, new Uint8Array(HASH_BYTES))) {
    faults.unshift({ number: 0, what: 'altered', why: 'the first record names one before it' });
  }
  if (remembered) faults.push(...compare(raw, remembered));
  const last = raw.records.at(-1);
  return {
    records: records.filter((record) => record !== undefined),
    faults: faults.sort((a, b) => a.number - b.number),
    newest: last?.length ? { number: raw.first + raw.records.length - 1, hash: hex(sha256(last)) } : undefined,
  };
}

function compare(raw: RawLog, { number, hash }: Mark): LogFault[] {
  const count = raw.first + raw.records.length;
  if (number >= count) {
    return [{ number, what: 'cut back', why: `it was there before; the device has written ${count} records` }];
  }
  const bytes = raw.records[number - raw.first];
  // Dropped by the ring meanwhile, or missing, which was told already.
  if (!bytes || bytes.length === 0 || hex(sha256(bytes)) === hash) return [];
  return [{ number, what: 'altered', why: 'it was another when the log was read before' }];
}

function parseRecord(bytes: Uint8Array, number: number): LogRecord | undefined {
  let map: Cbor;
  try {
    map = decode(bytes, `log record ${number}`);
  } catch {
    return undefined;
  }
  if (!(map instanceof Map) || map.get(MEMBER.number) !== number) return undefined;
  const [before, time, event, reason, digest] = [
    map.get(MEMBER.before),
    Number(map.get(MEMBER.time)),
    Number(map.get(MEMBER.event)),
    Number(map.get(MEMBER.reason)),
    map.get(MEMBER.digest),
  ];
  if (!(before instanceof Uint8Array) || before.length !== HASH_BYTES) return undefined;
  if (![time, event, reason].every(Number.isSafeInteger)) return undefined;
  return {
    number,
    time,
    event: LOG_EVENTS[event - 1] ?? `event ${event}`,
    reason,
    digest: digest instanceof Uint8Array ? digest : undefined,
    ...decisionOf(map),
    before,
    bytes,
  };
}

// What a decision rests on. A member of another shape than ours is left out: the record is believed by its hash alone.
function decisionOf(map: Map<unknown, Cbor>): Partial<LogRecord> {
  const [sequences, row, operators, answer, omitted] = [
    map.get(MEMBER.sequences),
    map.get(MEMBER.row),
    map.get(MEMBER.operators),
    map.get(MEMBER.answer),
    map.get(MEMBER.omitted),
  ];
  const [from, to] = Array.isArray(sequences) ? sequences.map(wholeNumber) : [];
  return {
    ...(from !== undefined && to !== undefined ? { from, to } : {}),
    ...(typeof row === 'number' ? { row } : {}),
    ...(Array.isArray(operators) ? { operators: operators.map(operatorOf) } : {}),
    ...(Array.isArray(answer) ? { answer: answerOf(answer) } : {}),
    ...(typeof omitted === 'number' ? { omitted } : {}),
  };
}

const kidText = (kid: unknown): string | null => (kid instanceof Uint8Array ? hex(kid) : null);

function operatorOf(item: Cbor): LogOperator {
  const [kid, document, source] = Array.isArray(item) ? item : [];
  return {
    kid: kidText(kid),
    document: wholeNumber(document) ?? null,
    source: SOURCES[Number(source) - 1] ?? 'unknown',
  };
}

function answerOf([channel, consenter]: readonly Cbor[]): LogAnswer {
  return {
    channel: CHANNELS[Number(channel) as keyof typeof CHANNELS] ?? 'unknown',
    ...(consenter === undefined ? {} : { consenter: kidText(consenter) }),
  };
}

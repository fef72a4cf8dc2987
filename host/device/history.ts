// What a device can show of its updates, from its audit log: what was installed over what, why it was allowed, and how it ended.
//
//   installing … installed    it runs           installing … reverted   it did not start, or was not confirmed
//   installing                under way         reverted alone          the device went back from what was denied
//   refused                   not installed, and why
//
// The log says so, and its chain of hashes shows whether somebody has changed it since. It keeps the newest records only.

import { viewBootstrap } from '../formats/bootstrap.js';
import { hex } from '../formats/bytes.js';
import type { Client } from '../smp/client.js';
import { type Installed, readBootstrap, readInstalled, type Waits } from './identity.js';
import { type Audit, auditLog, type LogRecord } from './log.js';

export type UpdateResult = 'installed' | 'reverted' | 'under way' | 'refused' | 'went back';

export interface UpdateRecord {
  result: UpdateResult;
  /** Of the record that tells the end. */
  reason: number;
  /** The record of the decision: its number, time, verdict row, who counted, and the yes that it rests on. */
  decision: LogRecord;
}

export interface History {
  log: Audit;
  /** What runs. */
  installed: Installed | undefined;
  updates: UpdateRecord[];
  /** Names of the operators and consenters whom the device trusts now, by the start of their key ids (hex). */
  names: ReadonlyMap<string, string>;
}

const KID_BYTES = 8; // of a log record

/** Reads the log and verifies it, and what runs. Throws as auditLog. */
export async function readHistory(client: Client, waits: Waits = {}): Promise<History> {
  const log = await auditLog(client, undefined, waits);
  const bootstrap = await readBootstrap(client, waits);
  const anchors = (bootstrap && viewBootstrap(bootstrap, client.link.name)?.anchors) ?? [];
  const named = anchors.flatMap(({ name, key }) =>
    name === undefined ? [] : [[hex(key.kid.subarray(0, KID_BYTES)), name] as const],
  );
  return { log, installed: await readInstalled(client, waits), updates: updatesIn(log.records), names: new Map(named) };
}

/** Oldest first. */
export function updatesIn(records: readonly LogRecord[]): UpdateRecord[] {
  const found: UpdateRecord[] = [];
  let open: UpdateRecord | undefined;
  for (const record of records) {
    const { event, reason } = record;
    if (event === 'installing') {
      open = { result: 'under way', reason, decision: record };
      found.push(open);
    } else if (event === 'installed' || event === 'reverted') {
      if (open) Object.assign(open, { result: event, reason });
      else found.push({ result: event === 'reverted' ? 'went back' : event, reason, decision: record });
      open = undefined;
    } else if (event === 'refused') found.push({ result: 'refused', reason, decision: record });
  }
  return found;
}

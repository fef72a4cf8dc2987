// What the outside has been told by a device, and whether the device still stands by it.

import { approvalOf, bootstrapDocument, failed, get, images, NODE, put, question } from '../support/agent-world.js';
import type { Board } from '../support/bench-hal.js';
import { lastChange } from '../support/changing.js';
import { type Package, sha256 } from '../support/make.js';
import { ask } from '../support/smp.js';
import { R, resumesAt, type Scenario } from './scenarios.js';
import { readFloors } from './store.js';

/** What a device says of itself. Asking writes nothing beyond what the first question after a reset makes certain. */
export interface Seen {
  bootstrap: string;
  change: number; // the last one of anchors or policy
  approval: number; // which of the scenario's documents; -1 none
  question: string; // digest and nonce; '' none; OVER
  log: Map<number, string>; // the records that are there, by number
  end: number; // records ever written
  floors: bigint[] | undefined;
}

/** What must hold after a reboot. */
export interface Need {
  seen: Seen;
  questions: readonly string[]; // one of these
  may: readonly Package[];
  offset: number | undefined; // of the scenario's download, at least
  erased: boolean; // nobody may go on with an upload that came before the erase
  id: number; // equal for equal needs
}

/** There was a question, and nobody answered it in time. */
export const OVER = 'over';

const hex = (bytes: unknown) => Buffer.from(bytes as Uint8Array).toString('hex');
const LOG_RING = 24;

export function look(board: Board, scenario: Scenario): Seen {
  const log = new Map<number, string>();
  let end = 0;
  for (let from = 0; ; ) {
    const answer = ask(board, { group: 64, id: 5, body: { from } });
    if (failed(answer)) throw new Lost(`the log cannot be read: ${JSON.stringify(answer)}`);
    const records = answer.recs as Uint8Array[];
    end = answer.next as number;
    records.forEach((record, i) => {
      log.set(end - records.length + i, hex(record));
    });
    if (records.length === 0) break;
    from = end;
  }
  checkChain(log);
  const unsound = scenario.unsound?.(board);
  if (unsound) throw new Lost(unsound);
  const asked = question(board);
  return {
    bootstrap: hex(get(board, NODE.bootstrap)),
    change: lastChange(board) ?? 0,
    approval: scenario.documents.length > 0 ? documentOf(board, scenario) : -1,
    question: asked.pending ? hex(asked.digest) + hex(asked.nonce) : asked.reason === R.Deferred ? OVER : '',
    log,
    end,
    floors: readFloors(board.flash),
  };
}

export class Lost extends Error {}

const DAMAGED = 150;
const RENEWAL = 2 ** 40; // what a damaged device names as the last change is above all numbers that operators use

/** A device that cannot read what it acknowledged says so in its alert, and names another number of the last change. */
export function saysDamaged(board: Board): boolean {
  const { reason } = ask(board, { group: 64, id: 6 });
  if (reason !== DAMAGED) return false;
  keep(Number(lastChange(board)) >= RENEWAL, 'a damaged device would take a change that was in force before');
  return true;
}

/** Nothing is kept that a peer brings, least of all a bootstrap document. */
export function believesNobody(board: Board): void {
  for (const [uri, value] of [
    [NODE.bootstrap, bootstrapDocument()],
    [NODE.approvals, approvalOf(sha256(Uint8Array.of(1)), 2 ** 31)],
  ] as const) {
    const answer = failed(put(board, uri, value));
    keep(answer !== undefined, `a damaged device takes ${uri}`);
  }
  keep(failed(ask(board, { group: 64, id: 3, write: true, body: { uri: NODE.update } }))?.rc === DAMAGED, 'an order');
}

function documentOf(board: Board, scenario: Scenario): number {
  const answer = ask(board, { group: 64, id: 0, body: { uri: `${NODE.approvals}/1`, off: 0 } });
  if (failed(answer)) return -1;
  const found = hex(answer.data);
  const index = scenario.documents.findIndex((document) => hex(document) === found);
  if (index < 0) throw new Lost('the approval in the tree is none that was put there');
  return index;
}

const digests = new Map<string, string>(); // of records, which come again and again
function digestOf(record: string): string {
  const known = digests.get(record);
  if (known) return known;
  const digest = hex(sha256(Buffer.from(record, 'hex')));
  digests.set(record, digest);
  return digest;
}

// Each record names the one before it: {1: number, 2: SHA-256 of the record before, ...}.
function checkChain(log: Map<number, string>): void {
  let before: string | undefined;
  for (const record of log.values()) {
    if (before !== undefined && !record.includes(digestOf(before))) {
      throw new Lost('a record of the log does not name the one before it');
    }
    before = record;
  }
}

function keep(good: boolean, what: string): void {
  if (!good) throw new Lost(what);
}

/** Throws Lost if something that was acknowledged is not there any more. */
export function compare(now: Seen, need: Need): void {
  compareKept(now, need);
  keep(need.questions.includes(now.question), `the question: ${now.question || 'none'} is asked`);
}

/** The same at a time when a question may begin or end. */
export function compareKept(now: Seen, need: Need): void {
  const { seen } = need;
  keep(now.change >= seen.change, `change ${seen.change} of the anchors gave way to ${now.change}`);
  const same = now.bootstrap === seen.bootstrap;
  keep(seen.bootstrap === '' || same || now.change > seen.change, 'the bootstrap document');
  keep(now.approval >= seen.approval, `an approval: document ${seen.approval} gave way to ${now.approval}`);
  keep(now.end >= seen.end, `log records: ${seen.end} were written, ${now.end} are left`);
  for (const [number, record] of seen.log) {
    if (number >= now.end - LOG_RING) keep(now.log.get(number) === record, `log record ${number}`);
  }
  compareFloors(now, need);
}

/** The counters only ever rise. */
export function compareFloors(now: Pick<Seen, 'floors'>, need: Need): void {
  need.seen.floors?.forEach((floor, i) => {
    if (now.floors && !((now.floors[i] ?? 0n) >= floor))
      throw new Lost(`counter ${i}: ${floor} is now ${now.floors[i]}`);
  });
}

/**
 * Where the upload goes on: behind every whole page that was acknowledged; after an erase, not behind what came before
 * it. A file that was acknowledged as a whole is on board.
 */
export function compareOffset(board: Board, scenario: Scenario, need: Need): void {
  const { download } = scenario;
  if (need.offset === undefined || !download) return;
  const onBoard = images(board).some(({ hash }) => hex(hash) === hex(download.digest));
  if (onBoard) return;
  const head = download.head.length;
  const { page } = board.flash.map;
  if (need.offset >= download.bytes.length) throw new Lost('a download that was acknowledged as whole');
  const pages = need.offset > head ? Math.floor((need.offset - head) / page) : 0;
  if (pages === 0 && !need.erased) return;
  const at = resumesAt(board, download);
  if (pages > 0 && at < head + pages * page) {
    throw new Lost(`the download: ${need.offset} bytes were acknowledged, it goes on at ${at}`);
  }
  if (need.erased && at > head + page) throw new Lost(`the erase: the download goes on at ${at}`);
}

const ids = new Map<string, number>();

export function needOf(parts: Omit<Need, 'id'>): Need {
  const { seen } = parts;
  const key = [
    seen.bootstrap.length,
    seen.change,
    seen.approval,
    seen.end,
    seen.log.get(seen.end - 1),
    seen.floors,
    parts.questions,
    parts.may.map(({ digest }) => hex(digest)),
    parts.offset,
    parts.erased,
  ].join();
  const id = ids.get(key) ?? ids.size;
  ids.set(key, id);
  return { ...parts, id };
}

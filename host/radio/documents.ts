// Approvals and changes that the broker keeps, handed to the agent as they come: by the puts that anybody else would use.
//
// The radio decides nothing. What is authentic, newer and meant for this device the agent finds out, and its answer settles
// a document for the life of this process, unless its bytes change:
//
//   the agent answers                                 then
//   Ok, or why it will never take it                  settled
//   a refusal, and later anchors or device change     handed in once more: its signer may be known now
//   it cannot just now, or nothing                    again, later and later, as long as the agent is there; else when it
//                                                     starts the next time
//
// What the device has said that it holds already is handed in only when something else has woken it: a device that is switched on
// starts its application at once. (What stands on the broker as its word may be a stranger's: so it is never left out for good.)
//
// A packet to a running application resets the board, so nothing is handed in twice, and of what strangers leave there only
// so much in a time. Changes go first, in the order of their numbers: each may decide who has to sign the next one. But where
// there are too many, the kinds take turns, and what was refused makes room for whatever comes: no flood keeps a denial out.

import { type EXTENSION_URI, NODE } from '../device/identity.js';
import { CountersignError } from '../errors.js';
import { DOCUMENT_BYTES_MAX, viewApproval } from '../formats/approval.js';
import { hex } from '../formats/bytes.js';
import { CHANGE_BYTES_MAX } from '../formats/change.js';
import type { DeviceState } from '../links/topics.js';
import { type ReasonName, reasons } from '../reasons.js';
import type { Client } from '../smp/client.js';
import { treePut } from '../smp/commands.js';
import { sleep } from '../wait.js';

export type Kind = 'approval' | 'change';

const KINDS = {
  change: { uri: NODE.change, bytesMax: CHANGE_BYTES_MAX },
  approval: { uri: NODE.approvals, bytesMax: DOCUMENT_BYTES_MAX },
} as const satisfies Record<Kind, { uri: `${typeof EXTENSION_URI}/${string}`; bytesMax: number }>;

const DOCUMENTS_MAX = 64; // topics of each kind; far more than a fleet has operators, or changes in force
const GATHER_MS = 100; // what is retained comes one by one, and has an order
const PAUSE_MS = 500; // before the second try, then twice as long each time
const PAUSE_MS_MAX = 30_000;
const AT_ONCE_MAX = 32; // documents handed in without a pause; beyond that one in REGAIN_MS
const REGAIN_MS = 10_000;
const OTHERS_WAIT_MS = 5000; // for what is handed in; an agent that does not take it does not hold up the rest
const LOOK_MS = 20;
const DEVICE_REASON_MAX = 199; // what is beyond is the host's own

/** Answers that say nothing of the document: what stands in the way passes. */
const PASSING: ReasonName[] = ['WrongState', 'WrongOffset', 'TooOften', 'FlashRead', 'FlashWrite', 'FlashErase'];

export interface Paper {
  kind: Kind;
  name: string; // last level of its topic
  bytes: Uint8Array;
  answer: number | undefined; // the reason that settled it
}

export interface Documents {
  /** What stands on a topic; empty: nothing any more. */
  heard(kind: Kind, name: string, bytes: Uint8Array): void;
  /** The agent has started: what it was given before its reset and did not answer is given again. */
  started(): void;
  /** Who the device is and which anchors it has, as one word; when that changes, what was refused may count. */
  stands(word: string): void;
  /** Settles when all that has come is handed in, or nothing can be for now. */
  handedIn(): Promise<void>;
  close(): void;
}

interface Surroundings {
  client: Client;
  /** The application runs. */
  away(): boolean;
  /** The agent has taken one that it did not have. */
  taken(): void;
  /** Of an earlier connection of the same device. */
  papers?: Map<string, Paper> | undefined;
  /** By what is known of it, the agent holds this one, or a newer one. */
  holds?(kind: Kind, name: string, bytes: Uint8Array): boolean;
}

export function createDocuments(surroundings: Surroundings): Documents {
  const { client, away, taken, papers = new Map<string, Paper>(), holds = () => false } = surroundings;
  const ending = new AbortController();
  let starts = 0; // of the agent
  let working = false;
  let soon: NodeJS.Timeout | undefined;
  let standing: string | undefined;
  let turn: Kind = 'change';
  let scarce = false; // there are more than may be handed in for now
  const allowance = createAllowance();

  function later(ms: number): void {
    if (starts === 0 || ending.signal.aborted) return;
    soon ??= setTimeout(() => {
      soon = undefined;
      void work();
    }, ms);
  }

  async function work(): Promise<void> {
    if (working) return;
    working = true;
    let pauseMs = PAUSE_MS;
    try {
      for (let next = nextOne(); next; next = nextOne()) {
        const waitMs = allowance();
        if (waitMs > 0) {
          scarce = true;
          return later(waitMs);
        }
        if (scarce) turn = next.kind === 'change' ? 'approval' : 'change';
        if (await hand(next)) pauseMs = PAUSE_MS;
        else {
          await sleep(pauseMs, ending.signal);
          pauseMs = Math.min(2 * pauseMs, PAUSE_MS_MAX);
          if (away()) return; // not woken for that: it is there again at its next start
        }
      }
      turn = 'change';
      scarce = false;
    } catch {
      // Closed.
    } finally {
      working = false;
    }
  }

  function nextOne(): Paper | undefined {
    const open = [...papers.values()].filter(({ answer }) => answer === undefined);
    const leave = ({ kind, name, bytes }: Paper) => starts === 1 && holds(kind, name, bytes);
    return first(
      open.filter((paper) => !leave(paper)),
      turn,
    );
  }

  /** True: it is settled. */
  async function hand(paper: Paper): Promise<boolean> {
    try {
      await treePut(client, KINDS[paper.kind].uri, paper.bytes, { signal: ending.signal });
      paper.answer = reasons.Ok.code;
      if (paper.kind === 'change') again();
      taken();
    } catch (error) {
      if (ending.signal.aborted) throw error;
      if (!(error instanceof CountersignError) || error.code > DEVICE_REASON_MAX) return false;
      if (PASSING.includes(error.reason.name as ReasonName)) return false;
      paper.answer = error.code;
    }
    return true;
  }

  function again(which: (answer: number) => boolean = (answer) => answer !== reasons.Ok.code): void {
    for (const paper of papers.values())
      if (paper.answer !== undefined && which(paper.answer)) paper.answer = undefined;
  }

  return {
    heard(kind, name, bytes) {
      const key = `${kind}/${name}`;
      if (bytes.length === 0) return void papers.delete(key);
      const before = papers.get(key);
      if (bytes.length > KINDS[kind].bytesMax || (before && sameBytes(before.bytes, bytes))) return;
      if (!before && !hasRoom(papers, kind)) return;
      papers.set(key, { kind, name, bytes: Uint8Array.from(bytes), answer: undefined });
      later(GATHER_MS);
    },
    started() {
      starts += 1;
      later(starts === 1 ? GATHER_MS : 0); // what it said of itself comes first
    },
    stands(word) {
      if (word === standing) return;
      // The first word is only what has been so all the time, but for a device that was blank.
      again(standing === undefined ? (answer) => answer === reasons.NotProvisioned.code : undefined);
      standing = word;
      later(GATHER_MS);
    },
    async handedIn() {
      const end = Date.now() + OTHERS_WAIT_MS;
      while ((working || (soon && !scarce)) && Date.now() < end) await sleep(LOOK_MS, ending.signal);
    },
    close() {
      ending.abort();
      clearTimeout(soon);
    },
  };
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

/** What is to be handed in next: of the kind whose turn it is, if there is one; changes in the order of their numbers. */
function first(open: Paper[], turn: Kind): Paper | undefined {
  const later = ({ kind }: Paper) => Number(kind !== turn);
  return open.sort((a, b) => later(a) - later(b) || compareNumbers(a.name, b.name))[0];
}

/** Is there room for one more of this kind? The oldest one that was refused makes some. */
function hasRoom(papers: Map<string, Paper>, kind: Kind): boolean {
  const mine = [...papers].filter(([, paper]) => paper.kind === kind);
  if (mine.length < DOCUMENTS_MAX) return true;
  const refused = mine.find(([, { answer }]) => answer !== undefined && answer !== reasons.Ok.code);
  return refused !== undefined && papers.delete(refused[0]);
}

/** Decimal numbers of any length; names that are none come last. */
function compareNumbers(a: string, b: string): number {
  const [x, y] = [a, b].map((name) => (/^\d{1,20}$/.test(name) ? BigInt(name) : 2n ** 64n));
  return x! < y! ? -1 : x! > y! ? 1 : 0;
}

/** Takes one from an account that fills by itself: 0, or how long until there is one. */
function createAllowance(): () => number {
  let spent = 0;
  let since = Date.now();
  return () => {
    const regained = Math.floor((Date.now() - since) / REGAIN_MS);
    spent = Math.max(0, spent - regained);
    since += regained * REGAIN_MS;
    if (spent >= AT_ONCE_MAX) return since + REGAIN_MS - Date.now();
    spent += 1;
    return 0;
  };
}

/** Whether a device has said so of itself. */
export function saysThatItHolds(
  { approvals, change }: DeviceState,
  kind: Kind,
  name: string,
  bytes: Uint8Array,
): boolean {
  if (kind === 'change') return /^\d{1,20}$/.test(name) && change !== undefined && BigInt(name) <= BigInt(change);
  try {
    const { claims, kid } = viewApproval(bytes, name);
    const word = kid && hex(kid);
    return approvals?.some((one) => one.kid === word && BigInt(one.sequence) >= claims.sequence) ?? false;
  } catch {
    return false;
  }
}

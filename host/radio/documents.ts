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
// What the agent has said that it holds, or holds a newer one of, is left out: it would not take it, and a device that is switched on
// starts its application at once.
//
// A packet to a running application resets the board, so nothing is handed in twice, and of what strangers leave there only
// so much in a time. What an operator of this device made (sieve.ts) goes first, costs nothing of that, always has room, and is
// not taken back by whoever writes over it: of each operator the newest, and the changes that the device would take now. Of the
// rest the newest have room. Changes go in by their numbers: each may decide who has to sign the next one.

import { isSilence } from '../device/follow.js';
import { type EXTENSION_URI, NODE } from '../device/identity.js';
import { CountersignError } from '../errors.js';
import { DOCUMENT_BYTES_MAX } from '../formats/approval.js';
import { CHANGE_BYTES_MAX } from '../formats/change.js';
import { type ReasonName, reasons } from '../reasons.js';
import type { Client } from '../smp/client.js';
import { treePut } from '../smp/commands.js';
import { sleep } from '../wait.js';
import { type Kind, readSieve, type Sieve, type Word, wordOf } from './sieve.js';

const KINDS = {
  change: { uri: NODE.change, bytesMax: CHANGE_BYTES_MAX },
  approval: { uri: NODE.approvals, bytesMax: DOCUMENT_BYTES_MAX },
} as const satisfies Record<Kind, { uri: `${typeof EXTENSION_URI}/${string}`; bytesMax: number }>;

const DOCUMENTS_MAX = 64; // of each kind, and as many that are proven; far more than a fleet has operators, or changes in force
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
  word: Word | undefined; // what it says of itself
  proven: boolean; // an operator of this device made it
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
  /** By its own word, the agent holds this one, or a newer one. */
  holds?(kind: Kind, word: Word): boolean;
}

export function createDocuments(surroundings: Surroundings): Documents {
  const { client, away, taken, papers = new Map<string, Paper>(), holds = () => false } = surroundings;
  const ending = new AbortController();
  let starts = 0; // of the agent
  let working = false;
  let soon: { timer: NodeJS.Timeout; at: number } | undefined;
  let standing: string | undefined;
  let turn: Kind = 'change';
  let scarce = false; // there are more than may be handed in for now
  let sieve: Sieve | undefined; // not asked for yet, or what it rests on has changed
  const allowance = createAllowance();

  function later(ms: number): void {
    const at = Date.now() + ms;
    if (starts === 0 || ending.signal.aborted || (soon && soon.at <= at)) return;
    clearTimeout(soon?.timer);
    const begin = () => {
      soon = undefined;
      void work();
    };
    soon = { timer: setTimeout(begin, ms), at };
  }

  async function work(): Promise<void> {
    if (working) return;
    working = true;
    let pauseMs = PAUSE_MS;
    try {
      for (let next = nextOne(); next; next = nextOne()) {
        if (sieve) {
          const waitMs = next.proven ? 0 : allowance();
          if (waitMs > 0) {
            scarce = true;
            return later(waitMs);
          }
          if (scarce) turn = next.kind === 'change' ? 'approval' : 'change';
        }
        if (await (sieve ? hand(next) : learn())) pauseMs = PAUSE_MS;
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
    for (const [key, { kind, word, answer }] of papers)
      if (answer === undefined && word && holds(kind, word)) papers.delete(key);
    return first(
      [...papers.values()].filter(({ answer }) => answer === undefined),
      turn,
    );
  }

  /** True: it is known whom the device trusts. */
  async function learn(): Promise<boolean> {
    try {
      sieve = await readSieve(client, { signal: ending.signal });
    } catch (error) {
      if (ending.signal.aborted) throw error;
      if (isSilence(error)) return false;
      sieve = () => false; // it does not say: then all are alike
    }
    for (const [key, paper] of [...papers]) {
      if (paper.proven || paper.answer === reasons.Ok.code || !proves(paper)) continue;
      papers.delete(key);
      keep({ ...paper, proven: true, answer: undefined });
    }
    return true;
  }

  const proves = ({ kind, bytes, word }: Paper): boolean => word !== undefined && sieve!(kind, bytes, word);

  function keep(paper: Paper): void {
    const key = keyOf(paper);
    const before = papers.get(key);
    if (before && (paper.proven ? before.word!.number >= paper.word!.number : sameBytes(before.bytes, paper.bytes)))
      return;
    papers.delete(key);
    makeRoom(papers, paper);
    papers.set(key, paper);
  }

  /** True: it is settled. */
  async function hand(paper: Paper): Promise<boolean> {
    try {
      await treePut(client, KINDS[paper.kind].uri, paper.bytes, { signal: ending.signal });
      paper.answer = reasons.Ok.code;
      if (paper.kind === 'change') again();
      if (paper.kind === 'change') sieve = undefined;
      taken();
    } catch (error) {
      if (ending.signal.aborted) throw error;
      if (!isSettled(error)) return false;
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
      if (bytes.length === 0) return void papers.delete(`${kind}/${name}`);
      if (bytes.length > KINDS[kind].bytesMax) return;
      const word = wordOf(kind, bytes);
      if (word && holds(kind, word)) return;
      const paper: Paper = { kind, name, bytes: Uint8Array.from(bytes), word, proven: false, answer: undefined };
      if (sieve) paper.proven = proves(paper);
      keep(paper);
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
      sieve = undefined;
      later(GATHER_MS);
    },
    async handedIn() {
      const end = Date.now() + OTHERS_WAIT_MS;
      while ((working || (soon && !scarce)) && Date.now() < end) await sleep(LOOK_MS, ending.signal);
    },
    close() {
      ending.abort();
      clearTimeout(soon?.timer);
    },
  };
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

/** Does the answer say something of the document, or only of this moment? */
const isSettled = (error: unknown): error is CountersignError =>
  error instanceof CountersignError &&
  error.code <= DEVICE_REASON_MAX &&
  !PASSING.includes(error.reason.name as ReasonName);

/** Of each operator there is one that is proven; of the rest, one under each name. */
const keyOf = ({ kind, name, proven, word }: Paper): string =>
  proven ? `${kind} of ${word!.kid ?? word!.number}` : `${kind}/${name}`;

/** What is to be handed in next: what is proven; of the kind whose turn it is, if there is one; by number. */
function first(open: Paper[], turn: Kind): Paper | undefined {
  const unproven = ({ proven }: Paper) => Number(!proven);
  const later = ({ kind }: Paper) => Number(kind !== turn);
  return open.sort(
    (a, b) => unproven(a) - unproven(b) || later(a) - later(b) || (a.kind === 'change' ? compareNumbers(a, b) : 0),
  )[0];
}

/** For one more of this kind: what was answered goes first, then what came first. */
function makeRoom(papers: Map<string, Paper>, { kind, proven }: Paper): void {
  const mine = [...papers].filter(([, paper]) => paper.kind === kind && paper.proven === proven);
  if (mine.length < DOCUMENTS_MAX) return;
  const [key] = mine.find(([, { answer }]) => answer !== undefined) ?? mine[0]!;
  papers.delete(key);
}

/** What is no change has the name that its topic gives it; names that are no numbers come last. */
function compareNumbers(a: Paper, b: Paper): number {
  const [x, y] = [a, b].map(({ word, name }) => word?.number ?? (/^\d{1,20}$/.test(name) ? BigInt(name) : 2n ** 64n));
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

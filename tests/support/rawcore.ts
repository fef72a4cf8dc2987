// The core without its TypeScript wrapper: a device as thin as can be, on the exports of build/core.wasm.
//
// One instance serves thousands of cases: `deliver` provisions it, sets every fact, and offers a package as a link would.
// The payload is pushed only after a verdict that lets it. Every delivery checks the rules that hold whatever the case:
// a fault of the package rejects with just that number, a rejected package cannot be accepted, a verdict that is not
// Reject needs an authentic manifest, and a core that has judged nothing says Reject.

import { readFileSync } from 'node:fs';
import { decode, encode } from 'cborg';
import { reasons } from '../../host/reasons.js';

export const INSTALL = 1;
export const ASK = 2;
export const REJECT = 3;

export const SOURCE = { package: 1, card: 2, bootstrap: 3, tree: 4 } as const;
export type SourceName = keyof typeof SOURCE;

export const PHASE = { empty: 0, head: 1, judging: 2, payload: 3, complete: 4, failed: 5 } as const;
const ANCHORS_MAX = 8;
export const SLOT_BYTES = 87_040;

export interface Facts {
  /** Trusted Unix seconds, 0: no clock. */
  time?: number | bigint;
  timeFloor?: number | bigint;
  installed?: number | bigint;
  slotBytes?: number;
  /** Components of a device that has several. */
  components?: readonly { id: readonly Uint8Array[]; slot?: number; bytes?: number }[];
  /** Highest document sequence seen, by anchor index. */
  floors?: readonly (number | bigint)[];
}

export type Evidence = { source: SourceName; bytes: Uint8Array } | { source: SourceName; unreachable: true };

export interface Delivery {
  bootstrap?: Uint8Array;
  facts?: Facts;
  package: Uint8Array;
  evidence?: readonly Evidence[];
  /** Lengths of the pieces in which the package arrives; the last one is repeated. Default: as large as the window. */
  pieces?: readonly number[];
}

export interface Finding {
  source: number;
  reason: number;
  kid: string | null;
  sequence: number | null;
  entry: number | null;
}

export interface Outcome {
  verdict: number;
  reason: number;
  /** Phase at the end: 4 means that the payload is the one that the manifest names. */
  phase: number;
  /** What became of the payload: 0 when complete or not reached. */
  payloadFault: number;
  findings: Finding[];
  digest?: string;
  approvals?: number;
  threshold?: number;
  now?: number | bigint;
  /** Reason of each document of the evidence, in order. */
  considered: number[];
}

type Exports = { memory: WebAssembly.Memory } & Record<string, (...args: (number | bigint)[]) => number>;

export interface RawCore {
  exports: Exports;
  /** Copies bytes into the window and returns their length; they must fit. */
  put(bytes: Uint8Array): number;
  provision(bootstrap: Uint8Array): number;
  deliver(delivery: Delivery): Outcome;
}

let compiled: WebAssembly.Module | undefined;

/** Is told all that is done to a core, in order. */
export interface Watch {
  put(bytes: Uint8Array): void;
  call(name: string, args: readonly (number | bigint)[]): void;
}

/** A core of its own, not provisioned yet. */
export function rawCore(watch?: Watch): RawCore {
  compiled ??= new WebAssembly.Module(readFileSync(new URL('../../build/core.wasm', import.meta.url)));
  const instance = new WebAssembly.Instance(compiled).exports as unknown as Exports;
  const exports = watch ? watched(instance, watch) : instance;
  const memory = new Uint8Array(exports.memory.buffer);
  const window = exports.input!();
  const windowBytes = exports.inputBytes!();

  const put = (bytes: Uint8Array): number => {
    if (bytes.length > windowBytes) throw new Error(`${bytes.length} bytes do not fit the window of ${windowBytes}`);
    memory.set(bytes, window);
    watch?.put(bytes);
    return bytes.length;
  };
  const provision = (bootstrap: Uint8Array): number => exports.provision!(put(bootstrap));

  function setFacts({
    time = 0,
    timeFloor = 0,
    installed = 0,
    slotBytes = SLOT_BYTES,
    components = [],
    floors = [],
  }: Facts): void {
    exports.setTime!(BigInt(time));
    exports.setTimeFloor!(BigInt(timeFloor));
    exports.setInstalled!(BigInt(installed));
    exports.setSlotBytes!(slotBytes);
    exports.forgetComponents!();
    for (const { id, slot = 0, bytes: room = SLOT_BYTES } of components) {
      if (exports.addComponent!(put(encode(id)), slot, room) !== 0) throw new Error('the component was not taken');
    }
    for (let anchor = 0; anchor < ANCHORS_MAX; anchor++) exports.setOperatorFloor!(anchor, BigInt(floors[anchor] ?? 0));
  }

  // Pushes what the core takes, in the given pieces; returns the offset reached.
  function push(bytes: Uint8Array, from: number, pieces: readonly number[]): number {
    let at = from;
    for (let i = 0; at < bytes.length; i++) {
      const length = Math.min(pieces[i] ?? pieces.at(-1)!, windowBytes, bytes.length - at);
      const taken = exports.offerPush!(put(bytes.subarray(at, at + length)));
      at += taken;
      if (taken === 0) break;
    }
    return at;
  }

  function record(): Pick<Outcome, 'verdict' | 'reason' | 'findings'> & Partial<Outcome> {
    const verdict = exports.decide!();
    const bytes = memory.slice(exports.output!(), exports.output!() + exports.outputBytes!());
    const map = decode(bytes, { useMaps: true, strict: true }) as Map<number, unknown>;
    if (map.get(1) !== verdict || map.get(2) !== exports.verdictReason!()) throw new Error('the record says otherwise');
    const digest = map.get(3) as Uint8Array | undefined | null;
    return {
      verdict,
      reason: exports.verdictReason!(),
      findings: ((map.get(5) ?? []) as unknown[][]).map(toFinding),
      ...(digest ? { digest: Buffer.from(digest).toString('hex') } : {}),
      approvals: map.get(8) as number,
      threshold: map.get(7) as number,
      now: map.get(9) as number,
    };
  }

  function consider(evidence: Evidence): number {
    const source = SOURCE[evidence.source];
    if ('bytes' in evidence) return exports.consider!(source, put(evidence.bytes));
    exports.unreachable!(source);
    return reasons.SourceUnreachable.code;
  }

  function deliver(delivery: Delivery): Outcome {
    const { bootstrap, facts = {}, package: bytes, evidence = [], pieces = [windowBytes] } = delivery;
    if (bootstrap) {
      const fault = provision(bootstrap);
      if (fault !== 0) throw new Error(`bootstrap refused: ${fault}`);
    }
    setFacts(facts);
    exports.offerBegin!();
    const empty = exports.decide!();
    if (empty !== REJECT) throw new Error(`verdict ${empty} before there was a package`);

    let at = push(bytes, 0, pieces);
    const fault = exports.judge!();
    const considered = evidence.map(consider);
    const outcome: Outcome = { ...record(), phase: exports.offerPhase!(), payloadFault: 0, considered };
    if (fault !== 0 && (outcome.verdict !== REJECT || outcome.reason !== fault)) {
      throw new Error(`verdict ${outcome.verdict}, reason ${outcome.reason} in spite of fault ${fault}`);
    }
    if (outcome.verdict === REJECT) {
      if (exports.offerAccept!() === 0) throw new Error('a rejected package could be accepted');
      return outcome;
    }
    if (outcome.digest === undefined) throw new Error('a verdict without an authentic manifest');

    const refused = exports.offerAccept!();
    if (refused !== 0) throw new Error(`accepted and then not: ${refused}`);
    at = push(bytes, at, pieces);
    const phase = exports.offerPhase!();
    const cut = phase === PHASE.payload ? reasons.Truncated.code : 0;
    if (at < bytes.length && exports.offerFault!() === 0) throw new Error('bytes were left over and nothing said why');
    return { ...outcome, phase, payloadFault: exports.offerFault!() || cut };
  }

  return { exports, put, provision, deliver };
}

function watched(exports: Exports, watch: Watch): Exports {
  const { memory, ...functions } = exports;
  const told = Object.entries(functions as Record<string, (...args: (number | bigint)[]) => number>).map(
    ([name, run]) => [
      name,
      (...args: (number | bigint)[]) => {
        watch.call(name, args);
        return run(...args);
      },
    ],
  );
  return { ...Object.fromEntries(told), memory };
}

function toFinding([source, reason, kid, sequence, entry]: unknown[]): Finding {
  return {
    source: source as number,
    reason: reason as number,
    kid: kid ? Buffer.from(kid as Uint8Array).toString() : null,
    sequence: (sequence as number | null) ?? null,
    entry: (entry as number | null) ?? null,
  };
}

/** For messages: 80 -> "NotApproved". */
export const nameOf = (code: number): string =>
  code === 0 ? 'Ok' : (Object.entries(reasons).find(([, row]) => row.code === code)?.[0] ?? `number ${code}`);

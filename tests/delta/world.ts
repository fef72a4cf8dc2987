// A device with the ability delta that runs one version and is to get the next, and whoever serves it in codes against that.

import { putTokens, rangeCoder, type Token } from '../../host/formats/lz.js';
import { codePiece, indexed } from '../../host/formats/lz-parse.js';
import {
  approvalOf,
  bootstrapDocument,
  expectOk,
  install,
  knock,
  NODE,
  packageOf,
  put,
  runs,
} from '../support/agent-world.js';
import { agentModule, type Board, bench, benchFlash, MAP } from '../support/bench-hal.js';
import { answersTo, answerWith, BLOCK_BYTES, block, give, order, type Wanted, wanted } from '../support/blocks.js';
import { likeCode } from '../support/lz.js';

export const LINE = 0;
export const module = agentModule(new URL('../../build/agent-delta.wasm', import.meta.url));

export interface Asked extends Wanted {
  lz?: number;
  from?: Uint8Array;
}

/** The version before, and the next one: a word more in the middle, and branches across it. */
export const OLD = likeCode(40_000);
export const NEW = Uint8Array.from([...OLD.subarray(0, 20_000), 0x70, 0x47, 0x70, 0x47, ...OLD.subarray(20_000)]);
for (let at = 400; at < 20_000; at += 3000) NEW[at]! ^= 4;
export const older = () => packageOf(1, { image: OLD });
export const newer = () => packageOf(2, { image: NEW });

export interface Code {
  at: number;
  bytes: number;
  code: Uint8Array;
  sequence: number;
}

const indexes = new Map<Uint8Array, ReturnType<typeof indexed>>();
const known = new Map<string, Uint8Array>(); // to code a block takes 10 ms

/** The blocks of a request, each as its code against `old`. */
export function codesOf(request: Asked, file: Uint8Array, head: number, old = OLD): Code[] {
  const source = indexes.get(old) ?? indexed(old);
  indexes.set(old, source);
  return answersTo(request, file).map(({ at }) => {
    const data = file.subarray(at, Math.min(at + BLOCK_BYTES, request.off + request.len));
    const name = [...indexes.keys()].indexOf(old) + Buffer.from(data).toString('base64') + (at - head);
    const code = known.get(name) ?? codePiece({ data, from: at - head, source, delta: true });
    known.set(name, code);
    return { at, bytes: data.length, code, sequence: request.sequence + (at - request.off) / BLOCK_BYTES };
  });
}

/** One answer of codes that stand in a row. */
export function joined(codes: readonly Code[]): Uint8Array {
  const parts = codes.map(({ code }, n) => (n < codes.length - 1 ? [code.length, ...code] : [...code]));
  const len = codes.reduce((sum, { bytes }) => sum + bytes, 0);
  return answerWith({ len, data: Uint8Array.from(parts.flat()) }, codes[0]!.sequence);
}

/** So many in each answer, as long as they stand in a row. */
export function answersOf(codes: readonly Code[], most: number): Uint8Array[] {
  const groups: Code[][] = [];
  for (const code of codes) {
    const last = groups.at(-1);
    const follows = last && last.length < most && last.at(-1)!.at + BLOCK_BYTES === code.at;
    if (follows && last.reduce((sum, one) => sum + one.code.length + 1, code.code.length) < BLOCK_BYTES)
      last.push(code);
    else groups.push([code]);
  }
  return groups.map(joined);
}

/** A device that runs the version before and has been told to fetch the next one. */
export function ordered(one = newer(), policy = {}) {
  const board = bench(benchFlash(), { module });
  expectOk(put(board, NODE.bootstrap, bootstrapDocument(policy)));
  install(board, older(), 1);
  knock(board);
  expectOk(put(board, NODE.approvals, approvalOf(one.digest, 2)));
  expectOk(order(board, one.digest, 'order-1', LINE));
  return { board, one, head: one.head.length };
}

export interface How {
  old?: Uint8Array;
  /** What becomes of the nth answer. */
  way?: (packet: Uint8Array, n: number) => Uint8Array[];
  /** Codes in one answer. */
  most?: number;
  until?: number;
}

export interface Served {
  coded: number;
  bytes: number;
  named: (Uint8Array | undefined)[];
}

/** Answers until the device asks no more for some seconds: what it asks once more as it is, all else in codes if it names an image. */
export function serve(board: Board, file: Uint8Array, head: number, how: How = {}): Served {
  const { old = OLD, way = (packet) => [packet], most = 32, until = 1e9 } = how;
  const served: Served = { coded: 0, bytes: 0, named: [] };
  const seen = new Set<number>();
  let names = false;
  let n = 0;
  for (let quiet = 0; quiet < 5000 && board.running === 'agent'; quiet += 20) {
    board.tick(20);
    for (const request of wanted(board, LINE) as Asked[]) {
      quiet = 0;
      if (request.digest) names = request.from !== undefined;
      if (request.want !== undefined && request.digest) served.named.push(request.from);
      const codes = request.want !== undefined && names ? codesOf(request, file, head, old) : [];
      const fresh = codes.filter(({ at }) => !seen.has(at));
      const plain = answersTo(request, file).filter(({ at }) => !fresh.some((code) => code.at === at));
      for (const { at } of codes) seen.add(at);
      served.coded += fresh.length;
      for (const packet of [...plain.map((one) => one.packet), ...answersOf(fresh, most)]) {
        if (n >= until || board.running !== 'agent') return served;
        served.bytes += packet.length;
        for (const one of way(packet, n++)) give(board, one, LINE);
      }
    }
  }
  return served;
}

/** A device whose head has come, and its first request behind it. */
export function asking(one = newer(), policy = {}) {
  const { board, head } = ordered(one, policy);
  board.tick(20);
  wanted(board, LINE);
  give(board, block(one.bytes, 0), LINE);
  const requests: Asked[] = [];
  for (let ticks = 0; ticks < 8; ticks++) {
    board.tick(20);
    requests.push(...(wanted(board, LINE) as Asked[]));
  }
  return { board, one, head, request: requests[0]! };
}

export const ends = (board: Board, one: ReturnType<typeof newer>) => {
  board.settle();
  return runs(board, one);
};

export const primary = (board: Board) => Buffer.from(board.flash.bytes.slice(MAP.primary, MAP.primary + MAP.slotBytes));

export function codeOf(tokens: Token[], bytes = BLOCK_BYTES): Uint8Array {
  const { bit, finish } = rangeCoder();
  putTokens(bit, tokens, bytes, true);
  return finish();
}

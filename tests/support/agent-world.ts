// A world for tests of the agent: keys, a provisioned board, packages, and the steps of the story as functions.
import { type Board, bench, benchFlash, MAP } from './bench-hal.js';
import type { BenchFlash } from './flash.js';
import {
  type EnvelopeOptions,
  IMAGE,
  makeApproval,
  makeBootstrap,
  makeEnvelope,
  makeKey,
  type Package,
  type PolicyOptions,
  ROLE,
  sha256,
} from './make.js';
import { ask, type Body, type Request } from './smp.js';

export const vendor = makeKey('ed25519', 'vendor');
export const operator = makeKey('ed25519', 'operator');
export const stranger = makeKey('ed25519', 'stranger');
export const consenter = makeKey('p256', 'consenter');

const OURS = './FUMO/1/Ext/Countersign';
export const NODE = {
  bootstrap: `${OURS}/Bootstrap`,
  approvals: `${OURS}/Approvals`,
  anchors: `${OURS}/Anchors`,
  policy: `${OURS}/Policy`,
  change: `${OURS}/Change`,
  verdict: `${OURS}/Verdict`,
  update: './FUMO/1/Update',
  downloadAndUpdate: './FUMO/1/DownloadAndUpdate',
} as const;

export const APPROVED = 1;
export const DENIED = 2;

export function bootstrapDocument(policy: PolicyOptions = {}, approvals?: readonly Uint8Array[]): Uint8Array {
  return makeBootstrap({
    anchors: [
      { role: ROLE.vendor, key: vendor },
      { role: ROLE.operator, key: operator },
      { role: ROLE.consenter, key: consenter },
    ],
    policy,
    ...(approvals ? { approvals } : {}),
  });
}

export function provisionedBoard(policy: PolicyOptions = {}, flash: BenchFlash = benchFlash()): Board {
  const board = bench(flash);
  expectOk(put(board, NODE.bootstrap, bootstrapDocument(policy)));
  return board;
}

// An image of a size, each with its own bytes.
export function imageOf(bytes: number, seed = 1): Uint8Array {
  let state = seed * 2654435761;
  return Uint8Array.from({ length: bytes }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state >>> 24;
  });
}

export function packageOf(sequence: number, more: Partial<EnvelopeOptions> = {}): Package {
  return makeEnvelope({ sequence, image: IMAGE, signers: [vendor], setVersion: [1, sequence, 0], ...more });
}

export function approvalOf(digest: Uint8Array, sequence = 1, verdict = APPROVED, more: object = {}): Uint8Array {
  return makeApproval({ key: operator, sequence, entries: [{ verdict, digest }], ...more });
}

// A reason counts as one of group 64 wherever it is told: smp.ask holds each answer against the form for its group.
export function failed(body: Body): { group?: number; rc: number } | undefined {
  if (body.rsn) return { group: 64, rc: Number(/\d+/.exec(body.rsn as string)) };
  if (body.err) return body.err as { group: number; rc: number };
  return typeof body.rc === 'number' && body.rc !== 0 ? { rc: body.rc } : undefined;
}

/** The reason of a refusal, undefined when there is none. */
export const rc = (body: Body): number | undefined => failed(body)?.rc;

/** Does the primary slot hold this image? */
export const runs = (board: Board, { image }: Package): boolean =>
  Buffer.from(board.flash.bytes.slice(MAP.primary, MAP.primary + image.length)).equals(Buffer.from(image));

export function expectOk(body: Body): Body {
  const error = failed(body);
  if (error) throw new Error(`refused: group ${error.group} rc ${error.rc}`);
  return body;
}

// --- Commands ---

const read = (group: number, id: number, body: Body = {}): Request => ({ group, id, body });
const write = (group: number, id: number, body: Body = {}): Request => ({ group, id, write: true, body });

// Every put goes in pieces of `piece` bytes; the answer to the last one, or the first refusal.
export function put(board: Board, uri: string, data: Uint8Array, piece = 480, link = 1): Body {
  let answer: Body = {};
  for (let off = 0; off < data.length; ) {
    const part = data.slice(off, off + piece);
    answer = ask(board, write(64, 1, { uri, off, ...(off === 0 ? { len: data.length } : {}), data: part }), link);
    if (failed(answer)) return answer;
    off = answer.off as number;
  }
  return answer;
}

export function get(board: Board, uri: string): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let off = 0; ; ) {
    const answer = expectOk(ask(board, read(64, 0, { uri, off })));
    parts.push(answer.data as Uint8Array);
    off += (answer.data as Uint8Array).length;
    if (off >= (answer.len as number)) return Buffer.concat(parts);
  }
}

export const text = (board: Board, uri: string) => Buffer.from(get(board, uri)).toString();
export const state = (board: Board) => Number(text(board, './FUMO/1/State'));
export const exec = (board: Board, uri: string, corr?: string, link = 1) =>
  ask(board, write(64, 3, corr === undefined ? { uri } : { uri, corr }), link);
export const alert = (board: Board) => ask(board, read(64, 6));
export const question = (board: Board) => ask(board, read(64, 4));
export const answer = (board: Board, consent: Uint8Array) => ask(board, write(64, 4, { answer: consent }));
export const images = (board: Board) => expectOk(ask(board, read(1, 0))).images as Body[];

/** The person at the device answers what is shown: 1 yes, 2 no. A press before that would answer nothing. */
export function press(board: Board, answer: 1 | 2): void {
  board.tick(10); // what it asked so far may be over; another question is shown a second later
  for (let ticks = 0; ticks < 110 && board.asking === 0; ticks++) board.tick(10);
  board.press = answer;
  board.tick(10);
}

export interface UploadOptions {
  piece?: number;
  link?: number;
  sha?: Uint8Array | null;
  // Where the device is already.
  from?: number;
  // Stop once this many bytes of the file were taken.
  until?: number;
  // Called with each offset that the device acknowledges.
  acked?: (off: number) => void;
}

export function upload(board: Board, file: Uint8Array, options: UploadOptions = {}): Body {
  const { piece = 480, link = 1, sha = sha256(file), from = 0, until = file.length, acked } = options;
  let answer: Body = { off: from };
  let off = from;
  for (let step = 0; step < 10_000; step++) {
    const first = off === 0 ? { len: file.length, image: 0, ...(sha ? { sha } : {}) } : {};
    answer = ask(board, write(1, 1, { ...first, off, data: file.slice(off, off + piece) }), link);
    if (failed(answer)) return answer;
    off = answer.off as number;
    acked?.(off);
    if (off >= until) return answer;
  }
  throw new Error('upload: no end');
}

// Approves and installs a package until the image runs; the device is left in the agent by a knock that confirms.
export function install(board: Board, wanted: Package, approvalSequence: number): void {
  expectOk(put(board, NODE.approvals, approvalOf(wanted.digest, approvalSequence)));
  expectOk(upload(board, wanted.bytes));
  expectOk(exec(board, NODE.update));
  board.settle();
  if (board.running !== 'image') throw new Error(`install: ${board.running}, state ${state(board)}`);
}

// What a client's first bytes make of a running application: it confirms itself and hands over to the agent.
export function knock(board: Board, mailbox = 3): void {
  board.mailbox = mailbox;
  board.reboot();
}

// The verifier core, typed: bytes in, a Judgement out. Every number in it comes from build/core.wasm; nothing is
// decided here.
//
// A Core is one device as the core knows it: provision it, then judge packages against it. Facts that are not given are
// those of a device that has nothing installed, no clock, and room for any image; the floors that a verdict raises come
// back in `facts`, so that a caller can play a device's life. A package whose verdict does not reject is read to its
// end, so `payload` says whether the firmware is the one that was judged; of a rejected one, not a byte is looked at.

import { instantiate } from '@assemblyscript/loader';
import { type ComponentImage, componentImages, type OwnComponent, setComponents } from './core-components.js';
import type { CoreExports } from './core-exports.js';
import { coreName } from './core-name.js';
import { CountersignError } from './errors.js';
import { type Bytes, piecesOf } from './formats/byte-source.js';
import { type Cbor, decode } from './formats/cbor.js';
import { SOURCES, type SourceName } from './formats/policy.js';
import { reasonOf } from './reasons.js';

const VERDICTS = ['install', 'ask', 'reject'] as const;
export type VerdictName = (typeof VERDICTS)[number];

const PHASE = { head: 1, judging: 2, payload: 3, complete: 4, failed: 5 } as const;
const TEXT = { name: 1, version: 2, description: 3, uri: 4, imageDigest: 5 } as const;
const MEMBER = {
  verdict: 1,
  reason: 2,
  digest: 3,
  sequence: 4,
  findings: 5,
  row: 6,
  threshold: 7,
  approvals: 8,
  now: 9,
  vendorKid: 10,
  confirm: 11,
  asks: 12,
} as const;
const OK = 0;
const TRUNCATED = 1;
const ANCHORS_MAX = 8;
const ANY_SIZE = 0xffffffff;

/** One thing that was seen: an approval document, a block of the envelope, or a source that gave nothing. */
export interface Finding {
  source: SourceName;
  /** 0 counts as an approval, 84 (Denied) denies, anything else is why it counts for nothing. */
  reason: number;
  /** The operator anchor's kid; absent if it has none or the signer is unknown. */
  operatorKid?: Uint8Array;
  /** Of the document; absent: a block of the envelope (a countersignature if the reason is 0). */
  sequence?: bigint;
  /** Index of the entry that speaks. */
  entry?: number;
}

/** What the verdict was, and all that it rests on. Optional members are absent when judging did not get so far. */
export interface Judgement {
  verdict: VerdictName;
  reason: number;
  /** Row of the verdict table (assembly/policy/verdict.ts). */
  row: number;
  findings: Finding[];
  threshold: number;
  /** Distinct operators that approve. */
  approvals: number;
  /** Unix seconds that validity was judged at. */
  now: bigint;
  /** SHA-256 of the manifest; present only if a vendor anchor signed it. */
  manifestDigest?: Uint8Array;
  sequence?: bigint;
  vendorKid?: Uint8Array;
  /** What the approvals say about asking the user. */
  confirm?: 'no-ask' | 'ask';
  /** Where the manifest itself asks for authorization (update-authorized). */
  asks?: { download: boolean; install: boolean };
  /** For people. From a signed manifest, but written by whoever: guard a terminal against it. */
  text: { name?: string; version?: string; description?: string };
  image?: { digest: Uint8Array; bytes: number; uri: string };
  /** Of a device that has several components: all of the package, in the order of the manifest. */
  images?: ComponentImage[];
  /** Absent: not one payload byte was given or looked at. `reason` 0: it is the firmware that was judged. */
  payload?: { reason: number; bytes: number };
  /** Bytes up to the payload: what a device takes to decide. */
  headBytes: number;
}

/** Of a core that has just judged. */
export interface Judged extends Judgement {
  /** What the verdict made of the facts that it was given: a device remembers that. */
  raised: { timeFloor: bigint; operatorFloors: bigint[] };
}

export interface Facts {
  /** Sequence number of the installed package. */
  installed?: bigint;
  /** Trusted Unix seconds; 0: the device has no trusted clock. */
  time?: bigint;
  /** Newest iat ever seen. */
  timeFloor?: bigint;
  /** Room for an image. */
  slotBytes?: number;
  /** Components of a device that has several, at most four; without them it takes packages of one. */
  components?: readonly OwnComponent[];
  /** Highest document sequence ever seen, by index of the anchor in the bootstrap document. */
  operatorFloors?: readonly bigint[];
}

export type Evidence = { source: SourceName } & ({ bytes: Uint8Array } | { unreachable: true });

export interface Question {
  /** The device that is asked about: what `provision` takes. Without it, the one that the core was provisioned as last. */
  bootstrap?: Uint8Array;
  /** All of it, or pieces as they arrive. */
  envelope: Bytes | AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
  evidence?: readonly Evidence[];
  facts?: Facts;
}

/** All but `judge` throw BadArgument while a verdict is being taken: it is read in pieces, and a core has one memory. */
export interface Core {
  /** Makes it the device of this bootstrap document. Returns the reason: 0, or the core belongs to nobody. */
  provision(bootstrap: Uint8Array): number;
  /**
   * Takes a change of anchors, policy or groups as that device would (but for its number, which the device compares): the
   * bootstrap document that results, and the core is the device of it; or the reason why not.
   */
  change(change: Uint8Array): { reason: number; bootstrap?: Uint8Array };
  /** One after the other. Throws the reason for which the bootstrap document of the question is refused. */
  judge(question: Question): Promise<Judged>;
  sha256(message: Uint8Array): Uint8Array;
  sha512(message: Uint8Array): Uint8Array;
  /** Whether a 32-byte key made a 64-byte signature. */
  ed25519Verify(key: Uint8Array, signature: Uint8Array, message: Uint8Array): boolean;
  /** Key x and y, signature r and s, 64 bytes each; over the SHA-256 of the message. */
  p256Verify(key: Uint8Array, signature: Uint8Array, message: Uint8Array): boolean;
  /** Whether an encoded COSE_Key made a COSE_Sign1: the reason, 0 if it did. */
  sign1Verify(key: Uint8Array, message: Uint8Array, more?: { payload?: Uint8Array; aad?: Uint8Array }): number;
}

const EMPTY = new Uint8Array(0);
const sourceNumber = (name: SourceName): number => SOURCES.indexOf(name) + 1;

/** Where a core comes from: the bytes of its file, or the answer to a fetch() of it. */
export type CoreSource = Parameters<typeof instantiate>[0];

/**
 * A core of its own, which belongs to nobody until it is provisioned, from build/core.wasm or build/core-small.wasm.
 * Throws CoreUnavailable. `what` names the file in errors.
 */
export async function makeCore(source: CoreSource, what = `${coreName()}.wasm`): Promise<Core> {
  const { exports } = await instantiate<CoreExports>(source).catch((cause: unknown) => {
    throw new CountersignError('CoreUnavailable', `core: ${what} cannot be loaded`, { cause });
  });
  return coreOf(exports as CoreExports);
}

function coreOf(wasm: CoreExports): Core {
  const memory = new Uint8Array(wasm.memory.buffer);
  const windowAt = wasm.input();
  const windowBytes = wasm.inputBytes();

  /** Lays the parts into the window side by side, as far as they fit. */
  function put(...parts: Uint8Array[]): void {
    let at = 0;
    for (const part of parts) {
      if (part.length > windowBytes - at) return;
      memory.set(part, windowAt + at);
      at += part.length;
    }
  }

  function given(bytes: Uint8Array): number {
    if (bytes.length > windowBytes) return windowBytes + 1; // that no window has: the core says "too large"
    memory.set(bytes, windowAt);
    return bytes.length;
  }

  // As much as the window takes. What is small passes as it is: a view costs as much as copy and call together.
  const pieceOf = (bytes: Uint8Array, at: number): Uint8Array =>
    at === 0 && bytes.length <= windowBytes ? bytes : bytes.subarray(at, at + windowBytes);

  const result = (): Uint8Array => memory.slice(wasm.output(), wasm.output() + wasm.outputBytes());

  function inPieces(bytes: Uint8Array, take: (length: number) => void): void {
    for (let at = 0; at < bytes.length; at += windowBytes) take(given(pieceOf(bytes, at)));
  }

  function text(field: number): string | undefined {
    return wasm.manifestText(field) === 0 ? undefined : new TextDecoder().decode(result());
  }

  /** Pushes until the core takes no more; returns what it left. */
  function push(bytes: Uint8Array): Uint8Array {
    let rest = bytes;
    while (rest.length > 0) {
      const taken = wasm.offerPush(given(pieceOf(rest, 0)));
      rest = taken === rest.length ? EMPTY : rest.subarray(taken);
      if (taken === 0) break;
    }
    return rest;
  }

  function setFacts(facts: Facts): void {
    wasm.setInstalled(fact(facts.installed));
    wasm.setTime(fact(facts.time));
    wasm.setTimeFloor(fact(facts.timeFloor));
    wasm.setSlotBytes(facts.slotBytes ?? ANY_SIZE);
    setComponents(wasm, facts.components ?? [], given);
    for (let i = 0; i < ANCHORS_MAX; i++) wasm.setOperatorFloor(i, fact(facts.operatorFloors?.[i]));
  }

  // A core holds one package, and a package is read in pieces that are waited for: one judgement after the other.
  let turn: Promise<unknown> = Promise.resolve();
  let judging = false;
  function judge(question: Question): Promise<Judged> {
    const mine = turn.then(async () => {
      judging = true;
      return judgeNow(question).finally(() => {
        judging = false;
      });
    });
    turn = mine.catch(() => undefined);
    return mine;
  }

  const alone =
    <A extends unknown[], R>(call: (...given: A) => R) =>
    (...words: A): R => {
      if (judging)
        throw new CountersignError('BadArgument', 'core: it is taking a verdict: wait for that, or load another core');
      return call(...words);
    };

  async function judgeNow({ bootstrap, envelope, evidence = [], facts = {} }: Question): Promise<Judged> {
    const refused = bootstrap === undefined ? OK : wasm.provision(given(bootstrap));
    if (refused !== OK) throw new CountersignError(refused, `bootstrap: ${reasonOf(refused).text}`);
    setFacts(facts);
    wasm.offerBegin();
    const pieces = iterate(envelope);
    const rest = await pushHead(pieces);
    wasm.judge();
    for (const item of evidence) {
      if ('bytes' in item) wasm.consider(sourceNumber(item.source), given(item.bytes));
      else wasm.unreachable(sourceNumber(item.source));
    }
    const verdict = wasm.decide();
    const judgement = { ...readJudgement(decode(result(), 'verdict record')), ...describe() };
    if (VERDICTS[verdict - 1] === 'reject') return judgement;
    const payload = await pushPayload(rest, pieces);
    return payload === undefined ? judgement : { ...judgement, payload };
  }

  /** Returns what came behind the head. */
  async function pushHead(pieces: AsyncIterator<Uint8Array>): Promise<Uint8Array> {
    for (;;) {
      const piece = await pieces.next();
      if (piece.done) return EMPTY;
      const rest = push(piece.value);
      if (wasm.offerPhase() > PHASE.head) return rest;
    }
  }

  function describe(): Pick<Judged, 'text' | 'image' | 'images' | 'headBytes' | 'raised'> {
    const [name, version, description] = [text(TEXT.name), text(TEXT.version), text(TEXT.description)];
    const bytes = wasm.imageBytes();
    const uri = text(TEXT.uri) ?? '';
    const images = componentImages(wasm, result);
    return {
      text: { ...(name && { name }), ...(version && { version }), ...(description && { description }) },
      ...(wasm.manifestText(TEXT.imageDigest) > 0 && { image: { digest: result(), bytes, uri } }),
      ...(images.length > 0 && { images }),
      headBytes: wasm.offerHeadBytes(),
      raised: {
        timeFloor: BigInt.asUintN(64, wasm.timeFloor()),
        operatorFloors: Array.from({ length: ANCHORS_MAX }, (_, i) => BigInt.asUintN(64, wasm.operatorFloor(i))),
      },
    };
  }

  /** undefined: there was none to look at. */
  async function pushPayload(first: Uint8Array, pieces: AsyncIterator<Uint8Array>): Promise<Judgement['payload']> {
    wasm.offerAccept();
    for (let piece = first, done = false; !done; ) {
      if (push(piece).length > 0) break;
      const next = await pieces.next();
      done = next.done === true;
      piece = next.value ?? EMPTY;
    }
    const bytes = wasm.payloadBytes();
    if (wasm.offerPhase() === PHASE.complete) return { reason: OK, bytes };
    if (wasm.offerPhase() === PHASE.failed) return { reason: wasm.offerFault(), bytes };
    return bytes === 0 ? undefined : { reason: TRUNCATED, bytes };
  }

  function sha256(message: Uint8Array): Uint8Array {
    wasm.sha256Begin();
    inPieces(message, wasm.sha256Update);
    wasm.sha256Finish();
    return result();
  }

  return {
    provision: alone((bootstrap) => wasm.provision(given(bootstrap))),
    change: alone((bytes) => {
      const reason = wasm.change(given(bytes));
      return reason === OK ? { reason, bootstrap: result() } : { reason };
    }),
    judge,
    sha256: alone(sha256),
    sha512: alone((message) => {
      wasm.sha512Begin();
      inPieces(message, wasm.sha512Update);
      wasm.sha512Finish();
      return result();
    }),
    ed25519Verify: alone((key, signature, message) => {
      if (key.length !== 32 || signature.length !== 64) return false;
      put(key, signature);
      wasm.ed25519Begin();
      inPieces(message, wasm.ed25519Update);
      return wasm.ed25519Finish() !== 0;
    }),
    p256Verify: alone((key, signature, message) => {
      if (key.length !== 64 || signature.length !== 64) return false;
      put(key, signature, sha256(message));
      return wasm.p256Verify() !== 0;
    }),
    sign1Verify: alone((key, message, { payload = EMPTY, aad = EMPTY } = {}) => {
      put(key, message, payload, aad); // what does not fit, the core refuses by the lengths
      return wasm.sign1Verify(key.length, message.length, payload.length, aad.length);
    }),
  };
}

/** 64 bits; what is more would be cut short on its way, and a floor that a device was never to go below be a low one. */
function fact(number = 0n): bigint {
  if (number === BigInt.asUintN(64, number)) return number;
  throw new CountersignError('BadArgument', `core: ${number} is not a 64-bit number`);
}

async function* iterate(bytes: Question['envelope']): AsyncGenerator<Uint8Array> {
  if (bytes instanceof Uint8Array || 'read' in bytes) yield* piecesOf(bytes);
  else yield* bytes;
}

const bytesOf = (value: Cbor | undefined): Uint8Array | undefined => (value instanceof Uint8Array ? value : undefined);

/** The record of assembly/policy/explain.ts. */
export function readJudgement(record: Cbor): Judgement {
  const map = record as Map<number, Cbor>;
  const number = (key: number): number => Number(map.get(key));
  const big = (key: number): bigint => BigInt(map.get(key) as number | bigint);
  const digest = bytesOf(map.get(MEMBER.digest));
  const vendorKid = bytesOf(map.get(MEMBER.vendorKid));
  return {
    verdict: VERDICTS[number(MEMBER.verdict) - 1] ?? 'reject',
    reason: number(MEMBER.reason),
    row: number(MEMBER.row),
    findings: (map.get(MEMBER.findings) as Cbor[][]).map(readFinding),
    threshold: number(MEMBER.threshold),
    approvals: number(MEMBER.approvals),
    now: big(MEMBER.now),
    ...(digest && { manifestDigest: digest }),
    ...(map.has(MEMBER.sequence) && { sequence: big(MEMBER.sequence) }),
    ...(vendorKid && { vendorKid }),
    ...(map.has(MEMBER.confirm) && { confirm: number(MEMBER.confirm) === 1 ? ('ask' as const) : ('no-ask' as const) }),
    ...(map.has(MEMBER.asks) && { asks: readAsks(number(MEMBER.asks)) }),
    text: {},
    headBytes: 0,
  };
}

const readAsks = (mask: number): NonNullable<Judgement['asks']> => ({
  download: (mask & 2) !== 0,
  install: (mask & 4) !== 0,
});

function readFinding([source, reason, kid, sequence, entry]: Cbor[]): Finding {
  const operatorKid = bytesOf(kid);
  return {
    source: SOURCES[Number(source) - 1] ?? 'package',
    reason: Number(reason),
    ...(operatorKid && { operatorKid }),
    ...(sequence != null && { sequence: BigInt(sequence as number | bigint) }),
    ...(entry != null && { entry: Number(entry) }),
  };
}

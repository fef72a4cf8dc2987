// An SMP client over any link: asks, matches the answer, asks again a bounded number of times.
//
// An answer belongs to a request if sequence, group and id are the same and the operation is one higher; everything
// else is dropped (late answers, other people's). A repeated request keeps its sequence, so the late answer to the
// first try counts too. One request is under way at a time: devices of this size have one buffer (for those that have more: ahead.ts).
// A device's refusal is a value ({ ok: false }), not an exception. What a device sends unasked (a request of its own, for instance the
// final alert) goes to `onRequest`.
//
// When an answer is overdue (round-trip.ts), an echo of a few bytes goes behind the request. Servers work in order:
//
//   what comes        what it means                                          what is done
//   the answer        the request took longer than such requests do          nothing
//   the echo          request or answer was lost: the request would be first  it goes out once more
//   neither           the line is gone, the device works on it, or it slept   another echo, after twice the time; the device
//                     until this woke it                                      stays awake by that: our agent leaves after 10 s
//
// So a lost frame costs little more than a round trip, a slow device is asked once, and one whose application runs is woken
// before the request comes. Before the first answer nothing is measured: then the request itself is repeated, as it is where
// a server answers no echo.
//
// The caller's numbers are the bounds: `timeoutMs` for a try in silence, and that times all tries for the request (a slow core
// works long on some: they have at least ten times `timeoutMs`, twice if it may be repeated). Then it is NoAnswer if this
// device never answered, LinkLost if it did, PacketsLost if it answers everything but this; the text lists what each try met.
//
// Which version of the protocol the server speaks is learnt from its answers:
//
//   it answers                              it speaks
//   version 2                               2
//   version 1 to a request of version 2      1: Zephyr before 3.3, Mynewt (the bits did not mean anything there)
//   rc 12 or 13 ("too old", "too new")      the other one
//   version 1, nothing to version 2          1, if it does so twice: serial recovery of MCUboot before 2.0 drops what it
//                                           does not know. So until something is known every second try is version 1
//
// Our own group is asked in version 2 only: our agents speak it.
//
// What a device refuses because its application runs (ApplicationRuns) is asked once more, after a reset into its agent.

import { z } from 'zod';
import { CountersignError } from '../errors.js';
import { reasons } from '../reasons.js';
import { orAbort, orNothing, sleep, withResolvers } from '../wait.js';
import { RETRIES_DEFAULT, TIMEOUT_MS_DEFAULT } from './defaults.js';
import type { Link } from './link.js';
import {
  decodeHeader,
  decodePacket,
  describeError,
  encodePacket,
  errorOf,
  GENERAL_ERROR,
  GROUP,
  hexdump,
  isUnknownCommand,
  OP,
  type Packet,
  type PacketHeader,
  type SmpError,
} from './packet.js';
import { makeRoundTrip } from './round-trip.js';

const SEQUENCES = 256; // one byte of the header
const ECHO_ID = 0;
const RESET_ID = 5;
const RESET_MS = 300; // the answer leaves first, then it starts; it listens for a second
const SLOW_FACTOR = 10; // of a try
const SLOW_TRIES_MAX = 2; // an emulated slow core on a busy machine takes more than one
const FIRST_MS = 1000; // RFC 6298 section 2.1: before anything was measured
const BACKOFF = 2; // section 5.5
const ECHO_MS_MAX = 3000; // between two echoes: three of them within the 10 s that our agent stays without a packet
const MET_MAX = 8; // lines of a text for people
const OLD_ANSWERS_MIN = 2; // one alone may be a device that was asleep for the first try

export interface ClientOptions {
  timeoutMs?: number; // for one try
  retries?: number; // further tries after the first
  version?: 1 | 2; // default: what the server turns out to speak
  mtu?: number; // of a packet, in bytes: no larger one is sent, whatever the device says
  onRequest?(packet: Packet): void;
}

export interface Request<T> {
  op: typeof OP.read | typeof OP.write;
  group: number;
  id: number;
  body?: Record<string, unknown>;
  schema: z.ZodType<T>; // of a successful answer
  timeoutMs?: number;
  retries?: number;
  /** A slow core works long on it (two signatures, a slot of pages). */
  slow?: boolean;
  /** Ends with PacketsLost when it was lost as often as this while others were answered; else that takes all tries. */
  losses?: number;
  signal?: AbortSignal | undefined;
}

export type Response<T> = { ok: true; body: T } | { ok: false; error: SmpError };

export interface Client {
  readonly link: Link;
  readonly timeoutMs: number;
  readonly retries: number;
  /** In bytes: the caller's bound, or what turned out to get through. */
  readonly mtu: number | undefined;
  /** Of the protocol, once the server has shown which it speaks. */
  readonly version: 1 | 2 | undefined;
  /** Why no answer can come any more: the link has ended, and does not come back by itself. */
  readonly gone: CountersignError | undefined;
  request<T>(request: Request<T>): Promise<Response<T>>;
  /** Nothing else is asked meanwhile; `work` sends packets itself, with numbers that it gets here. */
  alone<T>(work: (sequence: () => number) => Promise<T>): Promise<T>;
  /** Larger packets than this get lost on the way: none is sent any more. */
  narrow(bytes: number): void;
  close(): Promise<void>;
}

/**
 * An SMP client on a link: one request at a time, repeated when the answer does not come. It closes the link with
 * itself.
 */
export function createClient(link: Link, options: ClientOptions = {}): Client {
  const { timeoutMs = TIMEOUT_MS_DEFAULT, retries = RETRIES_DEFAULT, onRequest } = options;
  const roundTrip = makeRoundTrip();
  let mtu = options.mtu;
  let version = options.version;
  let oldAnswers = 0;
  // Starts anywhere, so that answers meant for an earlier client of this line do not match by accident.
  let sequence = Math.floor(Math.random() * SEQUENCES);
  let answered = false;
  let last: Promise<unknown> = Promise.resolve();
  let ended: CountersignError | undefined;
  let waiting: { header: PacketHeader; settle(result: Packet | CountersignError): void; met: string[] } | undefined;
  let echoes: Map<number, () => void> | undefined; // of the request that waits, by sequence: what an answer to one tells

  void link.closed.then((error) => {
    ended = error ?? new CountersignError('LinkLost', `link ${link.name}: closed`);
    waiting?.settle(ended);
  });

  const stop = link.listen({
    fault(why, bytes) {
      waiting?.met.push(`damaged frame: ${why} (${bytes.length} bytes)`);
    },
    packet(bytes) {
      try {
        const header = decodeHeader(bytes);
        if (header.op === OP.read || header.op === OP.write) return onRequest?.(decodePacket(bytes));
        if (!waiting) return;
        if (header.group === GROUP.os && header.id === ECHO_ID && echoes?.has(header.sequence)) {
          answered = true;
          return echoes.get(header.sequence)!();
        }
        if (!answers(header, waiting.header)) {
          waiting.met.push(`an answer to something else: ${hexdump(bytes)}`);
          return;
        }
        const packet = decodePacket(bytes);
        answered = true;
        waiting.settle(packet);
      } catch (error) {
        waiting?.met.push((error as Error).message);
      }
    },
  });

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = last.then(work);
    last = turn.catch(() => undefined);
    return turn;
  }

  async function exchange<T>(request: Request<T>): Promise<Response<T>> {
    let response = await ask(request);
    if (
      !response.ok &&
      response.error.group === GROUP.countersign &&
      response.error.rc === reasons.ApplicationRuns.code
    ) {
      // The agent beside the application keeps nothing: the one that a reset starts does.
      await ask({ op: OP.write, group: GROUP.os, id: RESET_ID, schema: z.object({}), signal: request.signal });
      await sleep(RESET_MS, request.signal);
      response = await ask(request);
    }
    if (response.ok || options.version || response.error.group !== undefined) return response;
    const { rc } = response.error;
    const wanted = rc === GENERAL_ERROR.versionOld ? 2 : rc === GENERAL_ERROR.versionNew ? 1 : undefined;
    if (wanted === undefined) return response;
    version = wanted;
    return ask(request);
  }

  async function ask<T>(request: Request<T>): Promise<Response<T>> {
    const header = { op: request.op, group: request.group, sequence: nextSequence(), id: request.id };
    const encoded = (as: 1 | 2) => encodePacket({ ...header, version: as, body: request.body ?? {} });
    const usual = encoded(2);
    const met: string[] = [];
    const { promise: settled, resolve: settle } = withResolvers<Packet | CountersignError>();
    waiting = { header: decodeHeader(usual), settle, met };
    if (ended) settle(ended);
    echoes = new Map();
    const plan = planFor(request, usual.length);
    let leftMs = plan.totalMs;
    let askedOld = false;
    let tries = 0;
    let losses = 0;
    try {
      while (leftMs > 0 && tries - losses < plan.triesMax) {
        tries += 1;
        const as = versionOf(request.group, tries);
        askedOld ||= as === 1;
        const packet = as === 2 ? usual : encoded(as);
        const sent = performance.now();
        // Not awaited: a link may be busy for longer than this try is given (a broker that is away).
        const passed = link.send(packet).catch((error: CountersignError) => settle(error));
        const ms = tries - losses < plan.triesMax ? Math.min(plan.tryMs(tries), leftMs) : leftMs;
        const answer =
          plan.echoMs === undefined ? orNothing(settled, ms) : orOverdue(settled, ms, plan, losses, passed);
        const result = await orAbort(answer, request.signal);
        if (result instanceof CountersignError) throw result;
        const took = performance.now() - sent;
        if (typeof result === 'object') {
          // A slow request that needed no echo took no longer than any other.
          if (tries === 1 && !(request.slow && took > (plan.echoMs ?? 0))) roundTrip.took(packet.length, took);
          learn(result.version, askedOld);
          return read(result, request);
        }
        leftMs -= result === 'lost' ? took : ms;
        if (result !== 'lost') {
          met.push(`try ${tries}: nothing in ${Math.round(ms)} ms`);
          continue;
        }
        losses += 1;
        met.push(`try ${tries}: lost, while others are answered`);
        const enough = request.losses
          ? losses >= request.losses
          : losses >= plan.triesMax && plan.totalMs - leftMs >= plan.patienceMs;
        if (enough) throw silence('PacketsLost', request, tries, met);
      }
    } finally {
      waiting = undefined;
      echoes = undefined;
    }
    throw silence(answered ? 'LinkLost' : 'NoAnswer', request, tries, met);
  }

  // How long a request of this size is waited for, and when the first echo goes out: not before anything was measured, nor
  // where the caller wants one packet and no other.
  function planFor<T>(request: Request<T>, bytes: number) {
    const patienceMs = request.timeoutMs ?? timeoutMs;
    const triesMax = (request.retries ?? retries) + 1;
    const slowMs = request.slow ? SLOW_FACTOR * patienceMs * Math.min(triesMax, SLOW_TRIES_MAX) : 0;
    const totalMs = Math.max(patienceMs * triesMax, slowMs);
    const echoMsMax = Math.min(ECHO_MS_MAX, patienceMs / 2);
    const limitMs = triesMax > 1 || request.losses ? roundTrip.limitMs(bytes, echoMsMax) : undefined;
    return {
      patienceMs,
      triesMax,
      totalMs,
      echoMs: limitMs,
      echoMsMax,
      tryMs: (attempt: number) =>
        limitMs === undefined ? Math.min(patienceMs, FIRST_MS * BACKOFF ** (attempt - 1)) : totalMs / triesMax,
    };
  }

  // The answer; 'lost' if an echo sent after the request was answered first; undefined after `ms`. No echo goes out before
  // the request itself has `passed`.
  async function orOverdue(
    settled: Promise<Packet | CountersignError>,
    ms: number,
    { echoMs = 0, echoMsMax }: { echoMs: number | undefined; echoMsMax: number },
    losses: number,
    passed: Promise<unknown>,
  ): Promise<Packet | CountersignError | 'lost' | undefined> {
    const { promise: overtaken, resolve } = withResolvers<'lost'>();
    const end = Date.now() + ms;
    let free = false;
    void passed.then(() => {
      free = true;
    });
    for (let pause = echoMs * BACKOFF ** losses; Date.now() < end; pause *= BACKOFF) {
      const wait = Math.min(pause, Math.max(echoMs, echoMsMax), end - Date.now());
      const result = await orNothing(Promise.race([settled, overtaken]), wait);
      if (result) return result;
      if (Date.now() < end && free) sendEcho(() => resolve('lost'));
    }
    return undefined;
  }

  function sendEcho(answered: () => void): void {
    // As a read: nobody who looks at the line takes it for a change, and a server that knows only the write says so.
    const header = { op: OP.read, group: GROUP.os, sequence: nextSequence(), id: ECHO_ID };
    echoes?.set(header.sequence, answered);
    const packet = encodePacket({ ...header, version: version ?? 1, body: { d: '' } });
    link.send(packet).catch(() => undefined); // the request's next try says why
  }

  function silence<T>(
    name: 'NoAnswer' | 'LinkLost' | 'PacketsLost',
    request: Request<T>,
    count: number,
    met: string[],
  ) {
    const tries = `${count} ${count === 1 ? 'try' : 'tries'}`;
    const more = met.length > MET_MAX ? `${met.length - MET_MAX} more; ` : '';
    return new CountersignError(
      name,
      `smp: no answer from ${link.name} to group ${request.group} command ${request.id} in ${tries}: ${more}${met.slice(-MET_MAX).join('; ')}`,
      link.silence !== undefined && name === 'NoAnswer' ? { hint: link.silence } : {},
    );
  }

  function nextSequence(): number {
    const next = sequence;
    sequence = (sequence + 1) % SEQUENCES;
    return next;
  }

  function versionOf(group: number, attempt: number): 1 | 2 {
    if (group >= GROUP.countersign) return options.version ?? 2;
    return version ?? (attempt % 2 === 0 ? 1 : 2);
  }

  function learn(answer: 1 | 2, askedInBoth: boolean): void {
    if (options.version) return;
    if (answer === 2) version = 2;
    else oldAnswers += askedInBoth ? 1 : OLD_ANSWERS_MIN;
    if (version === undefined && oldAnswers >= OLD_ANSWERS_MIN) version = 1;
  }

  return {
    link,
    timeoutMs,
    retries,
    get mtu() {
      return mtu;
    },
    get version() {
      return version;
    },
    get gone() {
      return ended;
    },
    request: (request) => inTurn(() => exchange(request)),
    alone: (work) => inTurn(() => work(nextSequence)),
    narrow(bytes) {
      mtu = Math.min(bytes, mtu ?? bytes);
    },
    async close() {
      stop();
      await link.close();
    },
  };
}

const answers = (response: PacketHeader, request: PacketHeader): boolean =>
  response.op === request.op + 1 &&
  response.sequence === request.sequence &&
  response.group === request.group &&
  response.id === request.id;

function read<T>(packet: Packet, request: Request<T>): Response<T> {
  const error = errorOf(packet.body);
  if (error) {
    const noAgent = request.group >= GROUP.countersign && isUnknownCommand(error);
    return { ok: false, error: noAgent ? { ...error, noAgent } : error };
  }
  const parsed = request.schema.safeParse(packet.body);
  if (parsed.success) return { ok: true, body: parsed.data };
  const where = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'map'}: ${issue.message}`).join(', ');
  throw new CountersignError(
    'FrameMalformed',
    `smp: the answer to group ${request.group} command ${request.id} is not of its form: ${where}; ${hexdump(encodePacket(packet))}`,
  );
}

// The body, or the refusal as an error of ours: a number of group 64 is a reason, any other device's stays a text.
export function unwrap<T>(response: Response<T>, what: string): T {
  if (response.ok) return response.body;
  throw smpFailure(response.error, what);
}

export function smpFailure(error: SmpError, what: string): CountersignError {
  const { group, rc } = error;
  if (error.noAgent) return new CountersignError('NoAgent', `device: ${what}: it does not know our agent’s commands`);
  if (group === 64) {
    const failure = new CountersignError(rc, `device: ${what}`);
    failure.message += `: ${failure.reason.text}`;
    return failure;
  }
  return new CountersignError('DeviceRefused', `device: ${what}: ${describeError(error)}`);
}

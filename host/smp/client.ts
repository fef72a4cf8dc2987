// An SMP client over any link: asks, matches the answer, asks again a bounded number of times.
//
// An answer belongs to a request if sequence, group and id are the same and the operation is one higher; everything
// else is dropped (late answers, other people's). A repeated request keeps its sequence, so the late answer to the
// first try counts too. One request is under way at a time: devices of this size have one buffer. Time-outs and
// retries are the caller's numbers and reach every request. A device's refusal is a value ({ ok: false }), not an
// exception; no answer is NoAnswer if this device never answered, LinkLost if it did, and its text lists what each try
// met. What a device sends unasked (a request of its own, for instance the final alert) goes to `onRequest`.
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

import type { z } from 'zod';
import { CountersignError } from '../errors.js';
import { orAbort, withResolvers } from '../wait.js';
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

export const TIMEOUT_MS_DEFAULT = 3000; // what other clients of SMP wait for a plain request
export const RETRIES_DEFAULT = 3;
const SEQUENCES = 256; // one byte of the header
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
  signal?: AbortSignal | undefined;
}

export type Response<T> = { ok: true; body: T } | { ok: false; error: SmpError };

export interface Client {
  readonly link: Link;
  readonly timeoutMs: number;
  readonly retries: number;
  readonly mtu: number | undefined;
  /** Of the protocol, once the server has shown which it speaks. */
  readonly version: 1 | 2 | undefined;
  /** Why no answer can come any more: the link has ended, and does not come back by itself. */
  readonly gone: CountersignError | undefined;
  request<T>(request: Request<T>): Promise<Response<T>>;
  close(): Promise<void>;
}

export function createClient(link: Link, options: ClientOptions = {}): Client {
  const { timeoutMs = TIMEOUT_MS_DEFAULT, retries = RETRIES_DEFAULT, mtu, onRequest } = options;
  let version = options.version;
  let oldAnswers = 0;
  // Starts anywhere, so that answers meant for an earlier client of this line do not match by accident.
  let sequence = Math.floor(Math.random() * SEQUENCES);
  let answered = false;
  let last: Promise<unknown> = Promise.resolve();
  let ended: CountersignError | undefined;
  let waiting: { header: PacketHeader; settle(result: Packet | CountersignError): void; met: string[] } | undefined;

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

  async function exchange<T>(request: Request<T>): Promise<Response<T>> {
    const response = await ask(request);
    if (response.ok || options.version || response.error.group !== undefined) return response;
    const { rc } = response.error;
    const wanted = rc === GENERAL_ERROR.versionOld ? 2 : rc === GENERAL_ERROR.versionNew ? 1 : undefined;
    if (wanted === undefined) return response;
    version = wanted;
    return ask(request);
  }

  async function ask<T>(request: Request<T>): Promise<Response<T>> {
    const header = { op: request.op, group: request.group, sequence, id: request.id };
    sequence = (sequence + 1) % SEQUENCES;
    const encoded = (as: 1 | 2) => encodePacket({ ...header, version: as, body: request.body ?? {} });
    const met: string[] = [];
    const { promise: settled, resolve: settle } = withResolvers<Packet | CountersignError>();
    waiting = { header: decodeHeader(encoded(2)), settle, met };
    if (ended) settle(ended);
    const ms = request.timeoutMs ?? timeoutMs;
    const triesMax = (request.retries ?? retries) + 1;
    let askedOld = false;
    try {
      for (let attempt = 1; attempt <= triesMax; attempt++) {
        const as = versionOf(request.group, attempt);
        askedOld ||= as === 1;
        // Not awaited: a link may be busy for longer than this try is given (a broker that is away).
        link.send(encoded(as)).catch((error: CountersignError) => settle(error));
        const result = await orAbort(orNothing(settled, ms), request.signal);
        if (result instanceof CountersignError) throw result;
        if (result) {
          learn(result.version, askedOld);
          return read(result, request);
        }
        met.push(`try ${attempt}: nothing in ${ms} ms`);
      }
    } finally {
      waiting = undefined;
    }
    const tries = `${triesMax} ${triesMax === 1 ? 'try' : 'tries'}`;
    throw new CountersignError(
      answered ? 'LinkLost' : 'NoAnswer',
      `smp: no answer from ${link.name} to group ${request.group} command ${request.id} in ${tries}: ${met.join('; ')}`,
      link.silence !== undefined && !answered ? { hint: link.silence } : {},
    );
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
    mtu,
    get version() {
      return version;
    },
    get gone() {
      return ended;
    },
    request(request) {
      const turn = last.then(() => exchange(request));
      last = turn.catch(() => undefined);
      return turn;
    },
    async close() {
      stop();
      await link.close();
    },
  };
}

// What the promise gives, or undefined after `ms`.
async function orNothing<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  try {
    return await Promise.race([promise, over]);
  } finally {
    clearTimeout(timer);
  }
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

// SMP packets: an 8-byte header and one CBOR map, versions 1 and 2 of the protocol.
//
// Encoding is deterministic CBOR. Decoding is strict where the other side is ours (group 64 and up: shortest heads,
// definite lengths) and lenient towards everybody else: servers built on zcbor answer with indefinite lengths. A
// packet that cannot be read is an error whose text shows the header and the bytes, since that is what one needs to
// find the fault. Source: SMP specification of Zephyr (header, errors); the request a packet answers is the client's
// business.

import { decode, encode } from 'cborg';
import { CountersignError } from '../errors.js';
import { hex } from '../formats/bytes.js';

export const OP = { read: 0, readResponse: 1, write: 2, writeResponse: 3 } as const;
export type Op = (typeof OP)[keyof typeof OP];

export const GROUP = { os: 0, image: 1, countersign: 64 } as const;

export const HEADER_BYTES = 8;
const BODY_BYTES_MAX = 0xffff; // the header's length field is 16 bits
const HEXDUMP_BYTES_MAX = 96; // enough to see header, keys and the place of most faults, and still one screen

export interface Packet {
  version: 1 | 2;
  op: Op;
  group: number;
  sequence: number;
  id: number;
  body: Record<string, unknown>;
}

export type PacketHeader = Omit<Packet, 'body'> & { bodyBytes: number };

//   byte  0            1      2..3    4..5   6         7
//         000 ver op   flags  length  group  sequence  id       big-endian
export function encodePacket(packet: Packet): Uint8Array {
  const body = encode(packet.body, { ignoreUndefinedProperties: true });
  if (body.length > BODY_BYTES_MAX) {
    throw new CountersignError('BadArgument', `smp: a body of ${body.length} bytes does not fit a packet`);
  }
  const bytes = new Uint8Array(HEADER_BYTES + body.length);
  const view = new DataView(bytes.buffer);
  bytes[0] = ((packet.version - 1) << 3) | packet.op;
  view.setUint16(2, body.length);
  view.setUint16(4, packet.group);
  bytes[6] = packet.sequence;
  bytes[7] = packet.id;
  bytes.set(body, HEADER_BYTES);
  return bytes;
}

export function decodePacket(bytes: Uint8Array): Packet {
  const { bodyBytes, ...header } = decodeHeader(bytes);
  if (bodyBytes !== bytes.length - HEADER_BYTES) {
    throw unreadable(`length field says ${bodyBytes} bytes, ${bytes.length - HEADER_BYTES} are there`, bytes);
  }
  const content = bytes.subarray(HEADER_BYTES);
  if (content.length === 0) return { ...header, body: {} }; // servers without a CBOR encoder leave an empty map out
  let body: unknown;
  try {
    body = header.group >= GROUP.countersign ? decodeOurs(content) : decodeOthers(content);
  } catch (cause) {
    throw unreadable((cause as Error).message, bytes, cause);
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body) || body instanceof Uint8Array) {
    throw unreadable('the body is not a map', bytes);
  }
  return { ...header, body: body as Record<string, unknown> };
}

const decodeOthers = (content: Uint8Array): unknown =>
  decode(content, { strict: false, allowIndefinite: true, allowUndefined: false, rejectDuplicateMapKeys: true });

// A server that does not have our group refuses it in its own way of writing: that much must be read.
function decodeOurs(content: Uint8Array): unknown {
  try {
    return decode(content, {
      strict: true,
      allowIndefinite: false,
      allowUndefined: false,
      rejectDuplicateMapKeys: true,
    });
  } catch (cause) {
    const body = attempt(() => decodeOthers(content)) as Record<string, unknown> | undefined;
    const refused =
      body !== undefined && uint(body.rc) && Object.keys(body).every((key) => ['rc', 'rsn'].includes(key));
    if (refused && body.rc !== 0) return body;
    throw cause;
  }
}

function attempt(read: () => unknown): unknown {
  try {
    return read();
  } catch {
    return undefined;
  }
}

export function decodeHeader(bytes: Uint8Array): PacketHeader {
  if (bytes.length < HEADER_BYTES) throw unreadable('shorter than a header', bytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const first = view.getUint8(0);
  const version = ((first >> 3) & 3) + 1;
  const op = first & 7;
  if (version > 2) throw unreadable(`protocol version ${version} is unknown`, bytes);
  if (op > OP.writeResponse) throw unreadable(`operation ${op} is unknown`, bytes);
  return {
    version: version as 1 | 2,
    op: op as Op,
    bodyBytes: view.getUint16(2),
    group: view.getUint16(4),
    sequence: view.getUint8(6),
    id: view.getUint8(7),
  };
}

// What an operation was refused with. `group` is absent in the old form {"rc": n} (version 1, and faults of the
// protocol itself): then the number is one of SMP's general list; present, it is one of that group's own list.
export interface SmpError {
  group?: number;
  rc: number;
  text?: string;
  /** A command of our group was asked, which the server does not have. */
  noAgent?: true;
}

/** What servers answer to a command that they do not have: Zephyr and MCUboot 8, Mynewt 5. */
export const isUnknownCommand = ({ group, rc }: SmpError): boolean =>
  group === undefined && (rc === GENERAL_ERROR.notSupported || rc === GENERAL_ERROR.noEntry);

const uint = (value: unknown): value is number => typeof value === 'number' && Number.isInteger(value) && value >= 0;

export function errorOf(body: Record<string, unknown>): SmpError | undefined {
  const { err, rc, rsn } = body;
  if (typeof err === 'object' && err !== null) {
    const { group, rc: code } = err as Record<string, unknown>;
    // An error that cannot be read stays an error: "unknown", never a success.
    return uint(group) && uint(code) ? (code === 0 ? undefined : { group, rc: code }) : { rc: GENERAL_ERROR.unknown };
  }
  if (err !== undefined || (rc !== undefined && !uint(rc))) return { rc: GENERAL_ERROR.unknown };
  if (rc === undefined || rc === 0) return undefined;
  return { rc: rc as number, ...(typeof rsn === 'string' ? { text: rsn } : {}) };
}

// "not approved (80)": how our agent puts a reason where a command of another group was refused (assembly/smp/reply.ts).
const REFUSAL = /^[a-z ]{1,24} \((\d{1,3})\)$/;
const DEVICE_REASON_MAX = 199; // assembly/reason.ts; what is beyond is the host's own

/**
 * The reason (host/reasons.ts) in a refusal by a device that runs our agent, or undefined. The text of any other server is
 * for people alone: ask only who has shown that it knows our group. Never 0.
 */
export function agentReason(error: SmpError): number | undefined {
  if (error.group !== undefined) return error.group === GROUP.countersign ? error.rc : undefined;
  if (error.rc !== GENERAL_ERROR.accessDenied) return undefined;
  const reason = Number(REFUSAL.exec(error.text ?? '')?.[1] ?? 0);
  return reason > 0 && reason <= DEVICE_REASON_MAX ? reason : undefined;
}

export const GENERAL_ERROR = {
  unknown: 1,
  noMemory: 2,
  invalid: 3,
  noEntry: 5,
  tooLarge: 7,
  notSupported: 8,
  busy: 10,
  accessDenied: 11,
  versionOld: 12,
  versionNew: 13,
} as const;

const GENERAL_ERROR_TEXT: Record<number, string> = {
  1: 'unknown error',
  2: 'not enough memory',
  3: 'invalid argument',
  4: 'timed out on the device',
  5: 'no such entry',
  6: 'bad state',
  7: 'message too large',
  8: 'not supported',
  9: 'corrupt',
  10: 'busy',
  11: 'access denied',
  12: 'protocol version too old',
  13: 'protocol version too new',
};

// Group 1 of a foreign server; only the ones that a person can act on, the rest by number.
const IMAGE_ERROR_TEXT: Record<number, string> = {
  3: 'no image in the slot',
  8: 'no image with this hash',
  9: 'no free slot',
  12: 'flash could not be written',
  13: 'flash could not be erased',
  14: 'no such slot',
  22: 'not an image: invalid header',
  23: 'not an image: bad magic',
  27: 'the installed version is newer',
  28: 'an image is already pending',
  30: 'image too large for the slot',
  32: 'confirmation denied',
};

// Group 64 numbers are reasons of the device; host/reasons.ts has their text, callers look there.
export function describeError(error: SmpError): string {
  if (error.group === undefined) {
    const text = error.text ?? GENERAL_ERROR_TEXT[error.rc];
    return text ? `${text} (smp error ${error.rc})` : `smp error ${error.rc}`;
  }
  const text = error.group === GROUP.image ? IMAGE_ERROR_TEXT[error.rc] : undefined;
  return text ? `${text} (group ${error.group} error ${error.rc})` : `error ${error.rc} of group ${error.group}`;
}

function unreadable(why: string, bytes: Uint8Array, cause?: unknown): CountersignError {
  return new CountersignError('FrameMalformed', `smp: unreadable packet: ${why}; ${hexdump(bytes)}`, { cause });
}

// "header 0b00000700010801 | body a1636f66661860 (15 bytes)"
export function hexdump(bytes: Uint8Array): string {
  const shown = bytes.subarray(HEADER_BYTES, HEXDUMP_BYTES_MAX);
  const more = bytes.length > HEXDUMP_BYTES_MAX ? '…' : '';
  return `header ${hex(bytes.subarray(0, HEADER_BYTES))} | body ${hex(shown)}${more} (${bytes.length} bytes)`;
}

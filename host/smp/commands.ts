// The SMP commands that we use, one typed function each: OS group (0), image group (1), and our group 64.
//
// Answers are checked against a schema at this door. Values longer than a packet are read and written in pieces here;
// every loop ends because each step must move forward.

import * as z from 'zod';
import { CountersignError } from '../errors.js';
import { join } from '../formats/bytes.js';
import { type Client, type Response, smpFailure, unwrap } from './client.js';
import { BUFFER_BYTES_MIN } from './defaults.js';
import { decodePacket, encodePacket, GENERAL_ERROR, GROUP, isUnknownCommand, OP, type Packet } from './packet.js';

// Servers that do not tell their buffer size take this much: two 127-byte lines and some (MCUboot's smallest setting).
const BUFFER_BYTES_FALLBACK = 256;
const VALUE_BYTES_MAX = 65_536; // no node of a device of this kind is larger; a length beyond is a fault

const nothing = z.looseObject({});
const bytes = z.instanceof(Uint8Array);
const uint = z.number().int().nonnegative();

interface Waits {
  signal?: AbortSignal | undefined;
  timeoutMs?: number;
}

/** Signatures are verified, or a slot is hashed or erased, before the answer. */
const SLOW = { slow: true };

export interface Parameters {
  bufferBytes: number; // for one packet, header included
  bufferCount: number;
  /** The server did not say: this is what most take. */
  guessed?: true;
}

// --- OS group ---

export async function echo(client: Client, text: string, waits: Waits = {}): Promise<string> {
  const schema = z.looseObject({ r: z.string() });
  const request = { op: OP.write, group: GROUP.os, id: 0, body: { d: text }, schema, ...waits };
  return unwrap(await client.request(request), 'echo').r;
}

// Asked first of every device. A server without this command (Zephyr before 3.1, Mynewt, most serial recoveries) gets
// small packets.
export async function parameters(client: Client, waits: Waits = {}): Promise<Parameters> {
  const schema = z.looseObject({ buf_size: uint, buf_count: uint });
  const response = await client.request({ op: OP.read, group: GROUP.os, id: 6, schema, ...waits });
  if (!response.ok) {
    if (isUnknownCommand(response.error)) {
      return { bufferBytes: atMost(BUFFER_BYTES_FALLBACK, client.mtu), bufferCount: 1, guessed: true };
    }
    throw smpFailure(response.error, 'parameters');
  }
  const { buf_size: size, buf_count: count } = response.body;
  const bufferBytes = atMost(size - client.link.framingBytes, client.mtu);
  if (size < BUFFER_BYTES_MIN) {
    throw new CountersignError('DeviceRefused', `smp: the device has a buffer of ${size} bytes, too small to talk to`);
  }
  return { bufferBytes, bufferCount: count };
}

const atMost = (bytes: number, limit: number | undefined): number => Math.min(bytes, limit ?? bytes);

export async function reset(client: Client, waits: Waits = {}): Promise<void> {
  unwrap(await client.request({ op: OP.write, group: GROUP.os, id: 5, schema: nothing, ...waits }), 'reset');
}

export async function osInfo(client: Client, waits: Waits = {}): Promise<string> {
  const schema = z.looseObject({ output: z.string() });
  const request = { op: OP.read, group: GROUP.os, id: 7, body: { format: 'a' }, schema, ...waits };
  return unwrap(await client.request(request), 'device information').output;
}

export async function bootloaderInfo(client: Client, waits: Waits = {}): Promise<string> {
  const schema = z.looseObject({ bootloader: z.string() });
  return unwrap(await client.request({ op: OP.read, group: GROUP.os, id: 8, schema, ...waits }), 'boot loader')
    .bootloader;
}

// --- Image group ---

const image = z.looseObject({
  image: uint.default(0),
  slot: uint,
  version: z.string().default(''),
  hash: bytes.optional(),
  bootable: z.boolean().default(false),
  pending: z.boolean().default(false),
  confirmed: z.boolean().default(false),
  active: z.boolean().default(false),
  permanent: z.boolean().default(false),
});
const imageStates = z.looseObject({ images: z.array(image) });
export type ImageState = z.infer<typeof image>;

export async function imageState(client: Client, waits: Waits = {}): Promise<ImageState[]> {
  const response = await client.request({ op: OP.read, group: GROUP.image, id: 0, schema: imageStates, ...waits });
  return unwrap(response, 'image state').images;
}

// To run once at the next reset, and back unless it is confirmed. False where the boot loader has no such thing (it runs from
// RAM, or in place): the server says "not supported".
export async function testImage(client: Client, hash: Uint8Array, waits: Waits = {}): Promise<boolean> {
  const body = { hash, confirm: false };
  const request = { op: OP.write, group: GROUP.image, id: 0, body, schema: nothing, ...SLOW, ...waits };
  const response = await client.request(request);
  if (!response.ok && response.error.group === undefined && response.error.rc === GENERAL_ERROR.notSupported)
    return false;
  unwrap(response, 'test');
  return true;
}

// The image that runs stays.
export async function confirmImage(client: Client, waits: Waits = {}): Promise<void> {
  const body = { confirm: true };
  const request = { op: OP.write, group: GROUP.image, id: 0, body, schema: nothing, ...waits };
  unwrap(await client.request(request), 'confirm');
}

export async function eraseSlot(client: Client, waits: Waits = {}): Promise<void> {
  unwrap(
    await client.request({ op: OP.write, group: GROUP.image, id: 5, schema: nothing, ...SLOW, ...waits }),
    'erase',
  );
}

const slots = z.looseObject({
  images: z.array(
    z.looseObject({
      image: uint,
      slots: z.array(z.looseObject({ slot: uint, size: uint })),
      max_image_size: uint.optional(),
    }),
  ),
});

export async function slotInfo(client: Client, waits: Waits = {}): Promise<z.infer<typeof slots>['images']> {
  return unwrap(await client.request({ op: OP.read, group: GROUP.image, id: 6, schema: slots, ...waits }), 'slots')
    .images;
}

// --- Group 64: the management tree ---

const value = z.looseObject({
  fmt: z.enum(['node', 'int', 'chr', 'bin', 'bool']),
  len: uint.max(VALUE_BYTES_MAX),
  off: uint,
  data: bytes,
});
export type NodeFormat = z.infer<typeof value>['fmt'];
export interface Node {
  format: NodeFormat;
  data: Uint8Array;
}

export async function treeGet(client: Client, uri: string, waits: Waits = {}): Promise<Node> {
  const parts: Uint8Array[] = [];
  for (let off = 0; ; ) {
    const request = { op: OP.read, group: GROUP.countersign, id: 0, body: { uri, off }, schema: value, ...waits };
    const piece = unwrap(await client.request(request), `get ${uri}`);
    if (piece.off !== off || off + piece.data.length > piece.len) throw malformed(`get ${uri}`, off);
    parts.push(piece.data);
    off += piece.data.length;
    if (off === piece.len) return { format: piece.fmt, data: join(parts) };
    if (piece.data.length === 0) throw malformed(`get ${uri}`, off);
  }
}

export async function treePut(client: Client, uri: string, data: Uint8Array, waits: Waits = {}): Promise<void> {
  let { bufferBytes } = await parameters(client, waits);
  const schema = z.looseObject({ off: uint });
  for (let off = 0; ; ) {
    const body = (piece: Uint8Array) => ({ uri, off, ...(off === 0 ? { len: data.length } : {}), data: piece });
    const piece = data.subarray(off, off + someBytesThatFit(bufferBytes, body, 1));
    const request = { op: OP.write, group: GROUP.countersign, id: 1, body: body(piece), schema, ...SLOW, ...waits };
    const response = await client.request(request).catch((error: unknown) => {
      if (!(error instanceof CountersignError) || error.reason.name !== 'PacketsLost') throw error;
      if (bufferBytes < 2 * BUFFER_BYTES_MIN) throw error;
      bufferBytes = Math.floor(bufferBytes / 2);
      client.narrow(bufferBytes);
      return undefined;
    });
    if (!response) continue;
    const next = unwrap(response, `put ${uri}`).off;
    if (next >= data.length) return;
    // The device says where it is; anything but forward would never end.
    if (next <= off) throw malformed(`put ${uri}`, off);
    off = next;
  }
}

export async function treeDelete(client: Client, uri: string, waits: Waits = {}): Promise<void> {
  const request = { op: OP.write, group: GROUP.countersign, id: 2, body: { uri }, schema: nothing, ...waits };
  unwrap(await client.request(request), `delete ${uri}`);
}

// Answers are handed back as they are: a refusal here is the verdict, not a failure of the call.
export function treeExec(
  client: Client,
  uri: string,
  correlator?: string,
  { hash, ...waits }: Waits & { /** Of a manifest: the device fetches that package. */ hash?: Uint8Array } = {},
): Promise<Response<unknown>> {
  const body = { uri, ...(correlator !== undefined && { corr: correlator }), ...(hash && { hash }) };
  return client.request({ op: OP.write, group: GROUP.countersign, id: 3, body, schema: nothing, ...SLOW, ...waits });
}

// --- Group 64: the question, the log, the final alert ---

const question = z.looseObject({
  pending: z.boolean(),
  digest: bytes.optional(), // of the manifest in question
  nonce: bytes.optional(), // the device's, for this question only
  device: bytes.optional(),
  name: z.string().optional(),
  version: z.string().optional(),
  from: z.string().optional(), // version that is installed now
  signer: bytes.optional(), // kid of the vendor anchor that signed it
  reason: uint.optional(), // why it asks; when none is pending, how the last one (`digest`) ended
  left: uint.optional(), // seconds until nobody has answered
});
export type Question = z.infer<typeof question>;

export async function readQuestion(client: Client, waits: Waits = {}): Promise<Question> {
  const request = { op: OP.read, group: GROUP.countersign, id: 4, schema: question, ...waits };
  return unwrap(await client.request(request), 'question');
}

export async function answerQuestion(client: Client, consent: Uint8Array, waits: Waits = {}): Promise<void> {
  const body = { answer: consent };
  const request = { op: OP.write, group: GROUP.countersign, id: 4, body, schema: nothing, ...SLOW, ...waits };
  unwrap(await client.request(request), 'answer');
}

const log = z.looseObject({ next: uint, hash: bytes.optional(), recs: z.array(bytes) });

// Records of the audit log from number `from` on, as many as one answer holds; `next` is the number to go on with, `hash`
// that of the newest record of all. The first record has number `next` minus their count; an empty one is missing.
export async function readLog(
  client: Client,
  from: number,
  waits: Waits = {},
): Promise<{ next: number; records: Uint8Array[]; hash: Uint8Array | undefined }> {
  const request = { op: OP.read, group: GROUP.countersign, id: 5, body: { from }, schema: log, ...waits };
  const { next, recs, hash } = unwrap(await client.request(request), 'log');
  return { next, records: recs, hash };
}

const alert = z.looseObject({
  n: uint, // alerts sent so far by this device
  type: uint.optional(), // 1 download, 2 update, 3 downloadandupdate
  uri: z.string().optional(),
  result: uint.optional(), // FUMO result code
  reason: uint.optional(),
  corr: z.string().optional(),
});
export type Alert = z.infer<typeof alert>;

export async function readAlert(client: Client, waits: Waits = {}): Promise<Alert> {
  const request = { op: OP.read, group: GROUP.countersign, id: 6, schema: alert, ...waits };
  return unwrap(await client.request(request), 'alert');
}

// A server that does not know our group says so in the general list, or nothing at all; ours answers, or refuses with a
// reason. What is asked first shows that somebody is there, and which version of the protocol they speak.
export async function knowsOurGroup(client: Client, waits: Waits = {}): Promise<boolean> {
  const anybody = { op: OP.read, group: GROUP.os, id: 6, schema: nothing, ...waits };
  await client.request(anybody);
  if (client.version === undefined) await client.request(anybody);
  const ours = { op: OP.read, group: GROUP.countersign, id: 6, schema: nothing, ...waits };
  try {
    // One try is enough for somebody who has just answered in the old version: ours never do.
    const response = await client.request({ ...ours, ...(client.version === 1 ? { retries: 0 } : {}) });
    return response.ok || response.error.group === GROUP.countersign;
  } catch (error) {
    const silent: string[] = ['LinkLost', 'PacketsLost'];
    if (error instanceof CountersignError && silent.includes(error.reason.name) && !client.gone) return false;
    throw error;
  }
}

// A packet that the device sent unasked, if it is its final alert.
export function alertOf(packet: Packet): Alert | undefined {
  if (packet.op !== OP.write || packet.group !== GROUP.countersign || packet.id !== 6) return undefined;
  return alert.safeParse(packet.body).data;
}

/** Tells of alerts that the device sends unasked. Returns what ends the listening. */
export function onAlert({ link }: Client, told: (alert: Alert) => void): () => void {
  return link.listen({
    packet(bytes) {
      try {
        const alert = alertOf(decodePacket(bytes));
        if (alert) told(alert);
      } catch {
        // Damaged: nothing was told.
      }
    },
  });
}

// The most bytes of `data` with which this request still fits the device's buffer, a multiple of `step`.
// Lengths of byte strings take 1 to 5 bytes themselves. That is computed: it is asked for each packet of an upload.
export function dataBytesThatFit(
  bufferBytes: number,
  body: (data: Uint8Array) => Record<string, unknown>,
  step: number,
): number {
  const request: Packet = {
    version: 2,
    op: OP.write,
    group: GROUP.image,
    sequence: 0,
    id: 1,
    body: body(new Uint8Array()),
  };
  const room = bufferBytes - encodePacket(request).length + headBytes(0);
  for (let length = room - (room % step); length > 0; length -= step) {
    if (headBytes(length) + length <= room) return length;
  }
  return 0;
}

/** What a byte string takes besides its content (RFC 8949 section 3). */
const headBytes = (length: number): number => (length < 24 ? 1 : length < 0x100 ? 2 : length < 0x1_0000 ? 3 : 5);

/** At least one byte. */
export const someBytesThatFit: typeof dataBytesThatFit = (bufferBytes, body, step) => {
  const bytes = dataBytesThatFit(bufferBytes, body, step);
  if (bytes > 0) return bytes;
  throw new CountersignError('DeviceRefused', `smp: a buffer of ${bufferBytes} bytes holds no data of this request`);
};

function malformed(what: string, off: number): CountersignError {
  return new CountersignError('FrameMalformed', `device: ${what}: the offsets that it answers do not fit, at ${off}`);
}

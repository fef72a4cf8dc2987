// The little of an SMP client that tests need: packets, console frames, CBOR bodies. Written from the protocol's
// definition and apart from host/, so that two readings of it meet in the tests.
import { decode, encode } from 'cborg';
import type { Board } from './bench-hal.js';

export type Body = Record<string, unknown>;
export interface Request {
  group: number;
  id: number;
  write?: boolean;
  body?: Body | 'none'; // none: not even an empty map
  version?: 0 | 1;
  sequence?: number;
}

// Not a Buffer: whose slice() would be a view on the same bytes, and spoil the original with its copy.
const plain = (bytes: Buffer): Uint8Array => new Uint8Array(bytes);

export function packet({ group, id, write = false, body = {}, version = 1, sequence = 7 }: Request): Uint8Array {
  const content = body === 'none' ? new Uint8Array() : encode(body);
  const header = Buffer.alloc(8);
  header[0] = (version << 3) | (write ? 2 : 0);
  header.writeUInt16BE(content.length, 2);
  header.writeUInt16BE(group, 4);
  header[6] = sequence;
  header[7] = id;
  return plain(Buffer.concat([header, content]));
}

export function crc16(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
  }
  return crc;
}

export function frame(content: Uint8Array, rawBytes = 93): Uint8Array {
  const raw = Buffer.alloc(content.length + 4);
  raw.writeUInt16BE(content.length + 2, 0);
  raw.set(content, 2);
  raw.writeUInt16BE(crc16(content), content.length + 2);
  const lines: Buffer[] = [];
  for (let at = 0; at < raw.length; at += rawBytes) {
    const text = raw.subarray(at, at + rawBytes).toString('base64');
    lines.push(Buffer.from(at === 0 ? [6, 9] : [4, 0x14]), Buffer.from(`${text}\n`));
  }
  return plain(Buffer.concat(lines));
}

/** The same packet as a frame of the cobs framing: split at the zeros, each run cut after 254 bytes. */
export function cobs(content: Uint8Array): Uint8Array {
  const checked = Buffer.concat([content, Buffer.from([crc16(content) >> 8, crc16(content) & 0xff])]);
  const blocks: Buffer[] = [];
  for (let from = 0; from <= checked.length; ) {
    const zero = checked.indexOf(0, from);
    const run = checked.subarray(from, zero < 0 ? checked.length : zero);
    const full = run.length >= 254;
    const block = run.subarray(0, 254);
    blocks.push(Buffer.from([block.length + 1]), block);
    from += block.length + (full ? 0 : 1);
  }
  return plain(Buffer.concat([...blocks, Buffer.of(0)]));
}

/** The packets of a stream of such frames, with nothing between them. */
export function uncobs(stream: Uint8Array): Uint8Array[] {
  const packets: Uint8Array[] = [];
  let rest = Buffer.from(stream);
  while (rest.length > 0) {
    const end = rest.indexOf(0);
    if (end < 0) throw new Error('uncobs: no end');
    const content: number[] = [];
    for (let at = 0; at < end; ) {
      const code = rest[at]!;
      content.push(...rest.subarray(at + 1, at + code));
      at += code;
      if (at > end) throw new Error('uncobs: a block beyond the end');
      if (code < 255 && at < end) content.push(0);
    }
    if (crc16(Uint8Array.from(content)) !== 0) throw new Error('uncobs: checksum');
    packets.push(Uint8Array.from(content.slice(0, -2)));
    rest = rest.subarray(end + 1);
  }
  return packets;
}

// Every packet in what a console sent, and the text around them.
export function unframe(stream: Uint8Array): { packets: Uint8Array[]; text: string } {
  const packets: Uint8Array[] = [];
  let text = '';
  let open: Buffer | undefined;
  let rest = Buffer.from(stream);
  while (rest.length > 0) {
    const end = rest.indexOf(0x0a);
    const line = end < 0 ? rest : rest.subarray(0, end + 1);
    rest = rest.subarray(line.length);
    const first = line[0] === 6 && line[1] === 9;
    if (!first && !(line[0] === 4 && line[1] === 0x14)) {
      text += line.toString('latin1');
      continue;
    }
    const raw = Buffer.from(line.subarray(2).toString('latin1'), 'base64');
    open = first ? raw : Buffer.concat([open ?? Buffer.alloc(0), raw]);
    if (open.length < 2 || open.length - 2 < open.readUInt16BE(0)) continue;
    const content = open.subarray(2, open.length - 2);
    if (crc16(open.subarray(2)) !== 0) throw new Error('unframe: checksum');
    packets.push(content);
    open = undefined;
  }
  return { packets, text };
}

export interface Response {
  header: Uint8Array;
  body: Body;
}

export function response(bytes: Uint8Array): Response {
  return { header: bytes.slice(0, 8), body: decode(bytes.slice(8)) as Body };
}

// One exchange over a packet link (1) or the console (0). Throws when the agent is silent.
export function ask(board: Board, request: Request, link = 1): Body {
  board.takeSent(link);
  const wire = packet(request);
  board.receive(link, link === 0 ? frame(wire) : wire);
  const sent = board.takeSent(link);
  const answer = link === 0 ? unframe(sent).packets.at(-1) : sent;
  if (!answer || answer.length === 0) throw new Error('smp: no answer');
  const { body } = response(answer);
  if (!isAnswerOf(request.group, body)) throw new Error(`smp: ${JSON.stringify(body)} to group ${request.group}`);
  return body;
}

// Clients know the numbers of the group that they asked, and SMP's own: no answer may hold others.
function isAnswerOf(group: number, { err, rc, rsn }: Body): boolean {
  if (err !== undefined) return (err as { group: number }).group === group && rc === undefined && rsn === undefined;
  return (
    rsn === undefined || (rc === 11 && group < 64 && /^(not approved|waits for user|refused) \(\d+\)$/.test(`${rsn}`))
  );
}

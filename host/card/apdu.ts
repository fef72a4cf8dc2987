// Commands and responses of ISO 7816-4, short form: building, sending with the two follow-ups that T=0 needs, and what a
// status word means.
//
//   61xx  GET RESPONSE for xx more bytes, as often as the card says so    6Cxx  the same again with Le = xx
//
// What is neither success nor the end of a file becomes an error that names the command and the status.

import { CountersignError } from '../errors.js';
import { hex, join } from '../formats/bytes.js';
import type { ReasonName } from '../reasons.js';
import type { CardChannel } from './channel.js';

export const INS = {
  verify: 0x20,
  manageChannel: 0x70,
  select: 0xa4,
  readBinary: 0xb0,
  getResponse: 0xc0,
  updateBinary: 0xd6,
  createFile: 0xe0,
  deleteFile: 0xe4,
} as const;

export const STATUS = {
  ok: 0x9000,
  corrupted: 0x6281,
  endOfFile: 0x6282,
  deactivated: 0x6283,
  memoryFailure: 0x6581,
  wrongLength: 0x6700,
  wrongFile: 0x6981,
  securityStatus: 0x6982,
  blocked: 0x6983,
  conditions: 0x6985,
  noFunction: 0x6a81,
  notFound: 0x6a82,
  full: 0x6a84,
  offsetOutside: 0x6b00,
  noInstruction: 0x6d00,
  noClass: 0x6e00,
} as const;

/** Bytes of data in one command: what every card takes. */
export const CHUNK_BYTES = 240;

const FOLLOW_UPS_MAX = 300; // a card that always has more to say is broken
const LE_ALL = 0; // 256 bytes

export interface Response {
  status: number;
  data: Uint8Array;
}

interface Command {
  ins: number;
  p1?: number;
  p2?: number;
  data?: Uint8Array;
  /** Bytes wanted, 1 to 256; none: no data is expected. */
  wanted?: number;
}

export function commandBytes({ ins, p1 = 0, p2 = 0, data, wanted }: Command, cla = 0): Uint8Array {
  const body = data === undefined ? [] : [data.length, ...data];
  const le = wanted === undefined ? [] : [wanted & 0xff];
  return Uint8Array.of(cla, ins, p1, p2, ...body, ...le);
}

export function responseOf(bytes: Uint8Array): Response {
  if (bytes.length < 2) throw new CountersignError('CardRefused', `card: a response of ${bytes.length} bytes`);
  const at = bytes.length - 2;
  return { status: (bytes[at]! << 8) | bytes[at + 1]!, data: bytes.slice(0, at) };
}

/** Sends one command and collects all of its response. */
export async function exchange(channel: CardChannel, command: Command): Promise<Response> {
  let response = responseOf(await channel.transmit(commandBytes(command)));
  if (response.status >>> 8 === 0x6c) {
    const again = commandBytes({ ...command, wanted: response.status & 0xff });
    response = responseOf(await channel.transmit(again));
  }
  const parts = [response.data];
  for (let n = 0; response.status >>> 8 === 0x61 && n < FOLLOW_UPS_MAX; n++) {
    const more = commandBytes({ ins: INS.getResponse, wanted: response.status & 0xff || LE_ALL });
    response = responseOf(await channel.transmit(more));
    parts.push(response.data);
  }
  return { status: response.status, data: join(parts) };
}

/** The error of a status: `what` is the thing that was tried, as "read EF 5031". */
export function refused(what: string, status: number, channel: CardChannel): CountersignError {
  const [reason, text] = meaning(status);
  const shown = hex(Uint8Array.of(status >>> 8, status & 0xff));
  return new CountersignError(reason, `card: ${channel.name} does not ${what}: ${text} (${shown})`);
}

function meaning(status: number): [ReasonName, string] {
  if (status >>> 4 === 0x63c) return ['PinWrong', `wrong PIN, ${status & 0xf} tries left`];
  return MEANINGS[status] ?? ['CardRefused', 'refused'];
}

const MEANINGS: Record<number, [ReasonName, string]> = {
  [STATUS.wrongLength]: ['CardRefused', 'wrong length'],
  [STATUS.securityStatus]: ['PinNeeded', 'it wants a PIN first'],
  [STATUS.blocked]: ['PinBlocked', 'the PIN is blocked'],
  [STATUS.notFound]: ['NotFound', 'no such file'],
  [STATUS.offsetOutside]: ['CardMalformed', 'outside the file'],
  [STATUS.corrupted]: ['CardRefused', 'part of what was read may be damaged'],
  [STATUS.deactivated]: ['CardRefused', 'the file is deactivated'],
  [STATUS.memoryFailure]: ['CardRefused', 'its memory failed'],
  [STATUS.wrongFile]: ['CardRefused', 'wrong type of file'],
  [STATUS.conditions]: ['CardRefused', 'conditions of use not met'],
  [STATUS.noFunction]: ['CardRefused', 'it has no such function'],
  [STATUS.full]: ['CardRefused', 'not enough memory'],
  [STATUS.noInstruction]: ['CardRefused', 'it does not know the command'],
  [STATUS.noClass]: ['CardRefused', 'it does not know the class'],
};

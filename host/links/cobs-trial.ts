// Whether an agent of ours is there that understands cobs framing, on a line that lets it pass: an echo is sent in it, once
// or twice, with the characters that terminals, modems and flow control take for themselves. Its answer is the proof.
//
// Nothing else goes out meanwhile: devices of this size have one buffer. Where no answer comes (an agent before cobs, a line
// of seven bits) a newline ends what the device may have taken for a line that is being typed.

import { encodeCobs } from '../smp/cobs.js';
import { decodePacket, encodePacket, GROUP, OP, type Packet } from '../smp/packet.js';
import { orNothing, withResolvers } from '../wait.js';

const TRIALS_MAX = 2; // the first may have been damaged
const TRIAL_MS = 500; // the round trip of 40 bytes at 2400 baud
const ECHO_ID = 0;
const ECHO_TEXT = '\x03\t\n\r\x11\x13\x1a\x1b\x7f\u00ff\uffff';
const NEWLINE = Uint8Array.of(0x0a);
const FORMATS = ['node', 'int', 'chr', 'bin', 'bool'];

export interface Trial {
  begin(): void;
  /** Resolves when none is under way. */
  over(): Promise<void>;
  /** Whether this packet, heard in cobs framing, is the answer to it. */
  isAnswer(packet: Uint8Array): boolean;
}

export function makeTrial(write: (bytes: Uint8Array) => Promise<void>): Trial {
  let left = TRIALS_MAX;
  let waiting: { sequence: number; answered(): void; over: Promise<void> } | undefined;

  async function wait(answer: Promise<true>): Promise<void> {
    const answered = await orNothing(answer, TRIAL_MS);
    waiting = undefined;
    if (!answered) await write(NEWLINE).catch(() => undefined); // the line is gone: what comes next says so
  }

  return {
    begin() {
      if (waiting || left === 0) return;
      left -= 1;
      const sequence = Math.floor(Math.random() * 256);
      const { promise, resolve } = withResolvers<true>();
      const body = { d: ECHO_TEXT };
      const echo = { version: 2, op: OP.read, group: GROUP.os, sequence, id: ECHO_ID, body } as const;
      write(encodeCobs(encodePacket(echo))).catch(() => undefined);
      waiting = { sequence, answered: () => resolve(true), over: wait(promise) };
    },
    over: async () => waiting?.over,
    isAnswer(bytes) {
      const packet = read(bytes);
      if (!waiting || packet?.op !== OP.readResponse || packet.group !== GROUP.os) return false;
      if (packet.id !== ECHO_ID || packet.sequence !== waiting.sequence || packet.body.r !== ECHO_TEXT) return false;
      waiting.answered();
      left = TRIALS_MAX; // whoever comes after this one may be tried as well
      return true;
    },
  };
}

/** A node of the management tree, as our agents answer it and nobody else does. */
export function isOfAgent(bytes: Uint8Array): boolean {
  const packet = read(bytes);
  if (packet?.op !== OP.readResponse || packet.group !== GROUP.countersign || packet.id !== 0) return false;
  const { fmt, len, off, data } = packet.body;
  const numbers = typeof len === 'number' && typeof off === 'number';
  return numbers && data instanceof Uint8Array && FORMATS.includes(fmt as string);
}

function read(bytes: Uint8Array): Packet | undefined {
  try {
    return decodePacket(bytes);
  } catch {
    return undefined;
  }
}

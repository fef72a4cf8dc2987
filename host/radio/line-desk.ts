// The desk of a radio whose agent is behind a serial line: all share the line, and one thing is under way at a time.
//
//   goes first     blocks that the agent asked for; then what the radio itself asks; then the clients, in their order
//   its turn ends  a request: with its answer, or when that is overdue     blocks: with whatever the agent sends next, or a
//                  moment after the last one
//   is dropped     a request beyond QUEUE_MAX (one client: CLIENT_MAX), one that waits here already, one that is too long
//
// A client asks again, so what is dropped is not lost. Each request gets a sequence number of the line, so that those of
// different clients do not meet: its answer gets the client's own number back. Late answers count, too.

import { decodeHeader, HEADER_BYTES, type PacketHeader } from '../smp/packet.js';
import { type Agent, type Desk, isRequest, OWN, type Pace } from './desk.js';

const QUEUE_MAX = 16;
const CLIENT_MAX = 4; // a request, its echoes, and its repetition
const BLOCKS_MAX = 32; // what an agent asks for at a time
const PACKET_BYTES_MAX = 2048; // more than any board of this kind has for a packet
const UNANSWERED_MAX = 64; // of 256 sequence numbers
const BLOCK_TURN_MS = 400; // longer than a page takes to be erased: meanwhile a UART hears nothing
const KNOCK_TURN_MS = 500; // what goes to an application only wakes the agent, and is not answered
const SEQUENCE_AT = 6; // in the header

interface Waiting {
  who: string;
  request: Uint8Array;
  header: PacketHeader; // as the client sent it
  answered(packet: Uint8Array): void;
}

export function createLineDesk(agent: Agent, { turnMs }: Pace, refused: () => void): Desk {
  const own: Waiting[] = [];
  const others: Waiting[] = [];
  const blocks: Uint8Array[] = [];
  const asked = new Map<number, Pick<Waiting, 'header' | 'answered'>>();
  let sequence = Math.floor(Math.random() * 256); // answers to an earlier owner of this line do not match by accident
  let turn: { of: number | 'block'; over: NodeJS.Timeout } | undefined;

  function begin(of: number | 'block', ms: number): void {
    turn = { of, over: setTimeout(end, ms) };
  }

  function end(): void {
    clearTimeout(turn?.over);
    turn = undefined;
    next();
  }

  function next(): void {
    if (turn) return;
    if (blocks.length > 0) {
      giveAll();
      return;
    }
    const one = own.shift() ?? others.shift();
    if (!one) return;
    sequence = (sequence + 1) & 0xff;
    asked.delete(sequence);
    asked.set(sequence, one);
    if (asked.size > UNANSWERED_MAX) asked.delete(asked.keys().next().value!);
    begin(sequence, agent.away ? KNOCK_TURN_MS : turnMs);
    agent.receive(withSequence(one.request, sequence));
  }

  /** Back to back: the agent has room for what it asked for. */
  function giveAll(): void {
    clearTimeout(turn?.over);
    begin('block', BLOCK_TURN_MS);
    for (const block of blocks.splice(0)) agent.receive(block);
  }

  const isWaiting = ({ who, request }: Waiting) =>
    others.some((one) => one.who === who && Buffer.compare(one.request, request) === 0);

  return {
    ask(who, request, answered) {
      const header = headerOf(request);
      if (!header || !isRequest(request) || request.length > PACKET_BYTES_MAX) return;
      const one = { who, request, header, answered };
      if (who === OWN) own.push(one);
      else if (isWaiting(one)) return;
      else if (others.length >= QUEUE_MAX || others.filter((other) => other.who === who).length >= CLIENT_MAX) {
        return refused();
      } else others.push(one);
      next();
    },
    give(block) {
      if (blocks.length < BLOCKS_MAX) blocks.push(block);
      if (turn?.of === 'block') giveAll();
      else next();
    },
    heard() {
      if (turn?.of === 'block') end();
    },
    answer(packet) {
      const header = headerOf(packet);
      const found = header && asked.get(header.sequence);
      if (!found || !isAnswer(header, found.header)) return;
      asked.delete(header.sequence);
      found.answered(withSequence(packet, found.header.sequence));
      if (turn?.of === header.sequence) end();
    },
    close() {
      clearTimeout(turn?.over);
      for (const queue of [own, others, blocks]) queue.length = 0;
    },
  };
}

/** Nobody answers what is none, and the line would wait for it. */
function headerOf(packet: Uint8Array): PacketHeader | undefined {
  try {
    const header = decodeHeader(packet);
    return header.bodyBytes === packet.length - HEADER_BYTES ? header : undefined;
  } catch {
    return undefined;
  }
}

const isAnswer = (answer: PacketHeader, request: PacketHeader): boolean =>
  answer.op === request.op + 1 && answer.group === request.group && answer.id === request.id;

function withSequence(packet: Uint8Array, sequence: number): Uint8Array {
  const copy = Uint8Array.from(packet);
  copy[SEQUENCE_AT] = sequence;
  return copy;
}

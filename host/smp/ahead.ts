// Packets of an upload sent ahead: for a server that has several buffers (buf_count of the parameters), the next ones go out before
// the last one was answered, so that the line and the server need not wait for each other.
//
//   it has n buffers              n - 1 packets are under way: an answer takes a buffer, too (Zephyr)
//   an answer comes               it says which offset the server wants next. As foreseen: all before it was taken as well, though
//                                 its own answer may be lost or late, and the next packet goes out
//   it wants another one          a packet was lost, or not taken whole: no more goes out, and what is under way is waited for
//   it refuses, or nothing comes  the same
//
// Then the upload goes on one packet at a time from the offset that the server said last, with all that upload.ts and client.ts know of
// losses and refusals. What was sent in vain has the wrong offset for the server, which drops it and says so.
// A server that takes less than half of what comes ahead, twice in a row, gets one packet at a time from then on.

import * as z from 'zod';
import { orAbort, orNothing, withResolvers } from '../wait.js';
import type { Client } from './client.js';
import { decodePacket, encodePacket, errorOf, GROUP, OP } from './packet.js';
import { makeRoundTrip } from './round-trip.js';

/** What a server answers to a packet of an upload: the offset that it wants next; at the end, whether the digest is right. */
export const uploadAnswer = z.looseObject({ off: z.number().int().nonnegative(), match: z.boolean().optional() });

const AHEAD_MAX = 8; // packets, however many buffers a server says that it has
const RUN_MAX = 32; // packets of one run: then others who share this client get their turn
const BAD_RUNS_MAX = 2; // in a row
const OVERDUE_MS_MIN = 250; // to give up too soon puts one packet more under way than there are buffers for

export interface Ahead {
  /** Is it of use with this server? */
  pays(): boolean;
  /**
   * Sends packets from this offset on, none of them the last of the file; `packet` gives the body of the one at an offset. Returns
   * the offset that the server wants next, and whether all went as foreseen.
   */
  run(from: number, packet: (off: number) => Promise<Sent>, signal: AbortSignal | undefined): Promise<Run>;
}

export interface Run {
  off: number;
  clean: boolean;
}

interface Sent {
  body: { off: number; data: Uint8Array };
}

export function makeAhead(client: Client, bufferCount: number, fileBytes: number): Ahead {
  const atATime = Math.min(bufferCount - 1, AHEAD_MAX);
  const roundTrip = makeRoundTrip();
  let badRuns = 0;

  async function run(
    sequence: () => number,
    from: number,
    packet: (off: number) => Promise<Sent>,
    signal: AbortSignal | undefined,
  ): Promise<Run> {
    const underWay = new Map<number, { n: number; end: number; bytes: number; at: number }>(); // by sequence, in their order
    let [next, sent, taken] = [from, 0, 0];
    let told = from;
    let going = true;
    let heard = withResolvers<true>();

    function answered(number: number, body: Record<string, unknown>): void {
      const one = underWay.get(number)!;
      for (const [earlier, { n }] of underWay) if (n <= one.n) underWay.delete(earlier);
      const answer = uploadAnswer.safeParse(body).data;
      if (errorOf(body) || !answer || answer.off > fileBytes) {
        going = false;
        return;
      }
      told = answer.off;
      if (answer.off !== one.end) going = false;
      else {
        taken = one.n + 1;
        roundTrip.took(one.bytes, performance.now() - one.at);
      }
    }

    const stop = client.link.listen({
      packet(bytes) {
        try {
          const { op, group, id, sequence: number, body } = decodePacket(bytes);
          if (op !== OP.write + 1 || group !== GROUP.image || id !== 1 || !underWay.has(number)) return;
          answered(number, body);
          heard.resolve(true);
        } catch {
          // damaged: as if it had been lost
        }
      },
    });
    const closed = client.link.closed.then(() => true as const);
    try {
      let bytes = 0;
      for (;;) {
        while (going && underWay.size < atATime && sent < RUN_MAX) {
          const { body } = await packet(next);
          const end = next + body.data.length;
          if (end >= fileBytes || !going) break;
          const number = sequence();
          const version = client.version ?? 2;
          const encoded = encodePacket({ version, op: OP.write, group: GROUP.image, id: 1, sequence: number, body });
          bytes = encoded.length;
          underWay.set(number, { n: sent, end, bytes, at: performance.now() });
          sent += 1;
          next = end;
          // Not awaited: a link may be busy for longer than it is waited for here (a broker that is away).
          client.link.send(encoded).catch(() => {
            going = false;
          });
        }
        if (underWay.size === 0) break;
        const limitMs = Math.max(OVERDUE_MS_MIN, roundTrip.limitMs(bytes, client.timeoutMs) ?? client.timeoutMs);
        const news = orNothing(Promise.race([heard.promise, closed]), limitMs);
        if (!(await orAbort(news, signal)) || client.gone) break;
        heard = withResolvers();
      }
    } finally {
      stop();
    }
    const clean = going && underWay.size === 0;
    badRuns = clean || 2 * taken >= sent ? 0 : badRuns + 1;
    return { off: told, clean };
  }

  return {
    pays: () => atATime > 1 && badRuns < BAD_RUNS_MAX,
    run: (from, packet, signal) => client.alone((sequence) => run(sequence, from, packet, signal)),
  };
}

// Image upload (group 1, command 1) as an async iterator of the offsets that the device asks for.
//
// The device leads: after every answer the upload goes on from the offset in it, forwards (resume: the device had some
// already) or backwards (it lost some; 0 means that it forgot the whole upload). A step that does not move forward is
// a stall; stalls are bounded by the client's retries, also when they take turns with progress, so that no odd last
// block is asked for without end. A device that knows the file's digest from an earlier upload resumes by itself.
//
// Servers differ in what they take, and few say so. What one of them refuses in the general terms for "not like that"
// (Zephyr before 3.0 takes at most 512 bytes of data, and says "invalid argument") is offered again in less: first without
// the digest, which is optional, then in packets of half the size, down to the smallest in which the head of an image fits.
// Packets that get lost while shorter ones are answered (a broker with a limit, a buffer smaller than the server says) are
// halved too, and the client keeps to that.
//
// A server that says that it has several buffers is sent packets ahead (ahead.ts), once the first ones were answered: the head is judged
// by then.

import { CountersignError } from '../errors.js';
import { type Bytes, readFrom, sizeOf } from '../formats/byte-source.js';
import type { ReasonName } from '../reasons.js';
import { makeAhead, uploadAnswer } from './ahead.js';
import type { Client } from './client.js';
import { dataBytesThatFit, type Parameters, someBytesThatFit } from './commands.js';
import { BUFFER_BYTES_MIN } from './defaults.js';
import { encodePacket, GENERAL_ERROR, GROUP, OP, type SmpError } from './packet.js';

const WORD_BYTES = 4; // most flash controllers write whole words: keep what one packet brings a multiple of that
const ALIGNMENTS = [32, 8, WORD_BYTES]; // of flash: the largest first, where it costs no more than a few bytes in each packet
const ALIGNED_MIN = 4;

// Zephyr wants the whole header of an MCUboot image in the first packet.
const HEAD_BYTES = 32;
const PACKET_BYTES_MIN = BUFFER_BYTES_MIN; // with these and no digest

const TRY_LESS: readonly number[] = [GENERAL_ERROR.noMemory, GENERAL_ERROR.invalid, GENERAL_ERROR.tooLarge];

// The head of a package is judged, and flash erased, while the first packets are answered: two signatures on a slow
// core and a slot of pages take many seconds. Beyond this many bytes each packet is only hashed and written.
const SLOW_BYTES = 4096;
// Of a size of which none was answered yet, so many lost ones are enough to try a smaller one.
const UNPROVEN_LOSSES = 2;

export interface Upload {
  file: Bytes;
  digest: Uint8Array; // SHA-256 of the file: names the upload, so that it can be resumed
  parameters: Parameters;
  image?: number;
  /** Where the device is already; default: it is asked. */
  from?: number;
  /** The server writes whole units of its flash, and drops the rest of each packet (MCUboot): align to what is usual. */
  aligned?: boolean;
  signal?: AbortSignal | undefined;
}

export type UploadEnd =
  | { kind: 'complete'; match: boolean | undefined } // match: the device compared the digest, if it does that
  | { kind: 'refused'; off: number; error: SmpError };

export async function* upload(client: Client, job: Upload): AsyncGenerator<number, UploadEnd> {
  const bytes = sizeOf(job.file);
  const packets = makePackets(job);
  const ahead = makeAhead(client, job.parameters.bufferCount, bytes);
  let off = job.from ?? 0;
  let stalls = 0;
  let refused: UploadEnd | undefined; // the first refusal is the telling one

  function stall(at: number): void {
    stalls += 1;
    if (stalls <= client.retries) return;
    throw new CountersignError('LinkLost', `upload: no progress at offset ${at} after ${stalls} tries`, {
      hint: 'the device lost what it had, or answers the same offset again and again: look at its log',
    });
  }

  for (;;) {
    const request = {
      op: OP.write,
      group: GROUP.image,
      id: 1,
      schema: uploadAnswer,
      signal: job.signal,
      ...(await packets.at(off)),
    };
    const unproven = packets.canHalve() && !packets.proven();
    // A guessed size may be one that a server without echo drops without a word: then one try of it is enough.
    const guessed = unproven && off === 0 && job.parameters.guessed === true;
    const response = await client
      .request({
        ...request,
        slow: off < SLOW_BYTES,
        ...(unproven && { losses: UNPROVEN_LOSSES }),
        ...(guessed && { retries: 0 }),
      })
      .catch((error: unknown) => {
        const lost = isA(error, 'PacketsLost') || (guessed && !client.gone && isA(error, 'LinkLost'));
        if (!lost || !packets.halve()) throw error;
        if (isA(error, 'PacketsLost')) client.narrow(packets.bytes());
        return undefined;
      });
    if (!response) continue;
    if (!response.ok) {
      const { error } = response;
      refused ??= { kind: 'refused', off, error };
      if (error.group === undefined && TRY_LESS.includes(error.rc) && packets.shrink()) continue;
      return refused;
    }
    refused = undefined;
    packets.prove();
    const next = response.body.off;
    if (next > bytes) {
      throw new CountersignError('FrameMalformed', `upload: the device asks for offset ${next} of a file of ${bytes}`);
    }
    if (next <= off) stall(next);
    off = next;
    yield off;
    if (off === bytes) return { kind: 'complete', match: response.body.match };
    for (let clean = true; clean && off >= SLOW_BYTES && ahead.pays(); ) {
      const run = await ahead.run(off, packets.at, job.signal);
      clean = run.clean && run.off > off;
      if (run.off < off) stall(run.off);
      if (run.off === off) break;
      off = run.off;
      yield off;
    }
  }
}

const isA = (error: unknown, name: ReasonName): boolean =>
  error instanceof CountersignError && error.reason.name === name;

/** The packets of one upload, and how they become less demanding. */
function makePackets({ file, digest, image, parameters, aligned }: Upload) {
  let bufferBytes = parameters.bufferBytes;
  let named = true; // with the digest
  let proven = false; // one of this size was answered

  const body = (off: number, data: Uint8Array) => ({
    ...(off === 0 && image !== undefined ? { image } : {}),
    ...(off === 0 ? { len: sizeOf(file), ...(named ? { sha: digest } : {}) } : {}),
    off,
    data,
  });

  const fits = (off: number, step: number) => dataBytesThatFit(bufferBytes, (data) => body(off, data), step);

  function dataBytes(off: number): number {
    const most = fits(off, 1);
    const step = aligned ? ALIGNMENTS.find((bytes) => most >= ALIGNED_MIN * bytes) : WORD_BYTES;
    return someBytesThatFit(bufferBytes, (data) => body(off, data), step ?? WORD_BYTES);
  }

  const fitsHead = (): boolean =>
    encodePacket({
      version: 2,
      op: OP.write,
      group: GROUP.image,
      sequence: 0,
      id: 1,
      body: body(0, new Uint8Array(Math.min(HEAD_BYTES, sizeOf(file)))),
    }).length <= bufferBytes;

  function halve(): boolean {
    if (bufferBytes <= PACKET_BYTES_MIN) return false;
    bufferBytes = Math.max(PACKET_BYTES_MIN, Math.floor(bufferBytes / 2));
    proven = false;
    return true;
  }

  return {
    async at(off: number) {
      if (off === 0 && named && !fitsHead()) named = false;
      return { body: body(off, await readFrom(file, off, dataBytes(off))) };
    },
    bytes: () => bufferBytes,
    proven: () => proven,
    prove() {
      proven = true;
    },
    canHalve: () => bufferBytes > PACKET_BYTES_MIN,
    halve,
    /** false: there is nothing left to take away. */
    shrink(): boolean {
      if (!named) return halve();
      named = false;
      return true;
    },
  };
}

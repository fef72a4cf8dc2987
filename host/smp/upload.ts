// Image upload (group 1, command 1) as an async iterator of the offsets that the device asks for.
//
// The device leads: after every answer the upload goes on from the offset in it, forwards (resume: the device had some
// already) or backwards (it lost some; 0 means that it forgot the whole upload). A step that does not move forward is
// a stall; stalls are bounded by the client's retries, also when they take turns with progress, so that no odd last
// block is asked for without end. A device that knows the file's digest from an earlier upload resumes by itself.

import { z } from 'zod';
import { CountersignError } from '../errors.js';
import type { Client } from './client.js';
import { dataBytesThatFit, type Parameters } from './commands.js';
import { GROUP, OP, type SmpError } from './packet.js';

const WORD_BYTES = 4; // most flash controllers write whole words: keep what one packet brings a multiple of that

// The head of a package is judged, and flash erased, while the first packets are answered: two signatures on a slow
// core and a slot of pages take many seconds. Beyond this many bytes each packet is only hashed and written.
const SLOW_BYTES = 4096;
const SLOW_FACTOR = 10;

export interface Upload {
  file: Uint8Array;
  digest: Uint8Array; // SHA-256 of the file: names the upload, so that it can be resumed
  parameters: Parameters;
  image?: number;
  signal?: AbortSignal | undefined;
}

export type UploadEnd =
  | { kind: 'complete'; match: boolean | undefined } // match: the device compared the digest, if it does that
  | { kind: 'refused'; off: number; error: SmpError };

const answer = z.looseObject({ off: z.number().int().nonnegative(), match: z.boolean().optional() });

export async function* upload(client: Client, job: Upload): AsyncGenerator<number, UploadEnd> {
  const { file, digest, image } = job;
  let off = 0;
  let stalls = 0;
  for (;;) {
    const first = off === 0;
    const body = (data: Uint8Array) => ({
      ...(first && image !== undefined ? { image } : {}),
      ...(first ? { len: file.length, sha: digest } : {}),
      off,
      data,
    });
    const most = dataBytesThatFit(job.parameters.bufferBytes, body, WORD_BYTES);
    const response = await client.request({
      op: OP.write,
      group: GROUP.image,
      id: 1,
      body: body(file.subarray(off, off + most)),
      schema: answer,
      timeoutMs: off < SLOW_BYTES ? client.timeoutMs * SLOW_FACTOR : client.timeoutMs,
      signal: job.signal,
    });
    if (!response.ok) return { kind: 'refused', off, error: response.error };
    const next = response.body.off;
    if (next > file.length) {
      throw new CountersignError(
        'FrameMalformed',
        `upload: the device asks for offset ${next} of a file of ${file.length}`,
      );
    }
    if (next <= off) {
      stalls += 1;
      if (stalls > client.retries) {
        throw new CountersignError('LinkLost', `upload: no progress at offset ${next} after ${stalls} tries`, {
          hint: 'the device lost what it had, or answers the same offset again and again: look at its log',
        });
      }
    }
    off = next;
    yield off;
    if (off === file.length) return { kind: 'complete', match: response.body.match };
  }
}

// Upload: the device leads. Wrong offsets, forgotten uploads, lost answers, and devices that would never end.

import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { CountersignError } from '../../host/errors.js';
import { createClient } from '../../host/smp/client.js';
import { encodePacket, type Packet } from '../../host/smp/packet.js';
import { type UploadEnd, upload } from '../../host/smp/upload.js';
import { type Script, scriptedLink } from './scripted.js';

const FILE = Uint8Array.from({ length: 1501 }, (_, at) => (at * 7) % 256); // odd on purpose
const DIGEST = Uint8Array.from(createHash('sha256').update(FILE).digest());
const BUFFER_BYTES = 252;

interface First {
  off: number;
  data: Uint8Array;
  len?: number;
  sha?: Uint8Array;
}
const fields = (packet: Packet) => packet.body as unknown as First;

// A device that stores what continues where it is, as servers do.
function honest(
  store: number[],
  faults: (count: number, packet: Packet) => 'lose' | 'forget' | undefined = () => undefined,
): Script {
  let count = 0;
  return (packet) => {
    const { off, data } = fields(packet);
    if (off === store.length) store.push(...data);
    const fault = faults(++count, packet);
    if (fault === 'forget') store.length = 0;
    return fault === 'lose' ? undefined : { off: store.length };
  };
}

/** Answers come, however busy the machine is, unless a test says otherwise. */
async function run(script: Script, options = { timeoutMs: 10_000, retries: 3 }) {
  const link = scriptedLink(script);
  const client = createClient(link, options);
  const parameters = { bufferBytes: BUFFER_BYTES, bufferCount: 1 };
  const steps = upload(client, { file: FILE, digest: DIGEST, parameters });
  const offsets: number[] = [];
  let end: UploadEnd | undefined;
  let error: CountersignError | undefined;
  try {
    for (let step = await steps.next(); ; step = await steps.next()) {
      if (step.done) {
        end = step.value;
        break;
      }
      offsets.push(step.value);
    }
  } catch (thrown) {
    error = thrown as CountersignError;
  }
  return { link, offsets, end, error };
}

describe('upload', () => {
  it('sends the file in packets that fill the buffer and never exceed it', async () => {
    const store: number[] = [];
    const { link, offsets, end } = await run(honest(store));
    expect(Uint8Array.from(store)).toEqual(FILE);
    expect(end).toEqual({ kind: 'complete', match: undefined });
    expect(offsets.at(-1)).toBe(FILE.length);
    const sizes = link.sent.map((packet) => encodePacket(packet).length);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(BUFFER_BYTES);
    expect(Math.min(...sizes.slice(0, -1))).toBeGreaterThan(BUFFER_BYTES - 8);
    for (const packet of link.sent.slice(0, -1)) expect(fields(packet).data.length % 4).toBe(0);
  });

  it('length and digest stand in the first packet only', async () => {
    const { link } = await run(honest([]));
    expect(fields(link.sent[0]!)).toMatchObject({ off: 0, len: FILE.length, sha: DIGEST });
    for (const packet of link.sent.slice(1)) expect(Object.keys(packet.body).sort()).toEqual(['data', 'off']);
  });

  it('resumes where the device is', async () => {
    const store = [...FILE.subarray(0, 900)];
    const { link, offsets } = await run(honest(store));
    expect(offsets[0]).toBe(900);
    expect(fields(link.sent[1]!).off).toBe(900);
    expect(Uint8Array.from(store)).toEqual(FILE);
  });

  it('goes on from a wrong offset: backwards too', async () => {
    let lost = false;
    const store: number[] = [];
    const script = honest(store);
    const { end } = await run(
      (packet, link) => {
        if (!lost && store.length > 600) {
          store.length = 400; // the device lost some, once
          lost = true;
        }
        return script(packet, link);
      },
      { timeoutMs: 10_000, retries: 5 },
    );
    expect(end?.kind).toBe('complete');
    expect(Uint8Array.from(store)).toEqual(FILE);
  });

  it('starts anew, with the first packet’s members, when the device forgot', async () => {
    const store: number[] = [];
    const { link, end } = await run(honest(store, (count) => (count === 3 ? 'forget' : undefined)));
    expect(end?.kind).toBe('complete');
    expect(Uint8Array.from(store)).toEqual(FILE);
    expect(link.sent.filter((packet) => fields(packet).sha).length).toBe(2);
  });

  it('survives lost answers', async () => {
    const store: number[] = [];
    const { end } = await run(
      honest(store, (count) => (count === 4 || count === 6 ? 'lose' : undefined)),
      {
        timeoutMs: 2,
        retries: 1,
      },
    );
    expect(end?.kind).toBe('complete');
    expect(Uint8Array.from(store)).toEqual(FILE);
  });

  it('a refusal ends it and says where', async () => {
    const { end, link } = await run((packet) =>
      fields(packet).off > 300
        ? { err: { group: 64, rc: 80 } }
        : { off: fields(packet).off + fields(packet).data.length },
    );
    expect(end).toMatchObject({ kind: 'refused', error: { group: 64, rc: 80 } });
    expect((end as { off: number }).off).toBe(fields(link.sent.at(-1)!).off);
  });

  it('hands on what the device found when it compared the digest', async () => {
    const { end } = await run(() => ({ off: FILE.length, match: true }));
    expect(end).toEqual({ kind: 'complete', match: true });
  });

  // Trap 16: the last block of odd size asked for without end. Also for any other standstill.
  it.each([
    ['the same offset for ever', () => FILE.length - 1],
    ['forwards and back again', (off: number, data: number) => (off > 0 ? 0 : data)],
    ['always from the start', () => 0],
  ])('ends with %s', async (_, next) => {
    const { error, link } = await run((packet) => {
      const { off, data } = fields(packet);
      return { off: next(off, data.length) };
    });
    expect(error?.reason.name).toBe('LinkLost');
    expect(error?.message).toContain('no progress at offset');
    expect(link.sent.length).toBeLessThan(12);
  });

  it('an offset beyond the file is an error', async () => {
    expect((await run(() => ({ off: FILE.length + 1 }))).error?.message).toContain('asks for offset 1502');
  });
});

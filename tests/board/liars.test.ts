// Devices that answer strangely: what `deliver` may not take for an end, and what it may not call installed.

import { encode } from 'cborg';
import { describe, expect, it } from 'vitest';
import { deliver, type Outcome } from '../../host/device/deliver.js';
import { provision, putApproval, putChange } from '../../host/device/identity.js';
import { execNode } from '../../host/device/tree.js';
import type { CountersignError } from '../../host/errors.js';
import { newDocumentId, signApproval } from '../../host/formats/approval.js';
import { signChange } from '../../host/formats/change.js';
import type { SigningKey } from '../../host/formats/keys.js';
import { generateKey } from '../../host/keys/read.js';
import { reasons } from '../../host/reasons.js';
import { createClient } from '../../host/smp/client.js';
import type { Packet } from '../../host/smp/packet.js';
import { scriptedLink } from '../smp/scripted.js';
import { makeEnvelope, makeKey } from '../support/make.js';

const { bytes: FILE, digest: DIGEST } = makeEnvelope({ signers: [makeKey('ed25519', 'vendor')] });
const OTHER = new Uint8Array(32);

// What the device says; each row below changes one thing of a device that installs at once.
interface Device {
  state: string;
  installed: Uint8Array | undefined; // digest
  confirmed: boolean;
  alert(correlator: string): Record<string, unknown>;
  exec: Record<string, unknown>;
  upload(off: number, bytes: number): Record<string, unknown>;
  question(asked: number): Record<string, unknown> | undefined; // undefined: it says nothing more
  stored: Uint8Array; // what reading back any document gives
  change: number; // of the last one; 0: none
}

/** A device that was never given anything that it took. */
const NOTHING: Partial<Device> = { installed: undefined, alert: () => ({ n: 0 }) };

function device(changes: Partial<Device>) {
  const says: Device = {
    state: '100',
    installed: DIGEST,
    confirmed: true,
    alert: (corr) => ({ n: 1, type: 2, uri: './FUMO/1', result: 200, reason: 0, corr }),
    exec: {},
    upload: (off, bytes) => ({ off: off + bytes }),
    question: () => ({ pending: false }),
    stored: new Uint8Array(),
    change: 0,
    ...changes,
  };
  let correlator: string | undefined;
  let uploaded = false;
  let asked = 0;
  const value = (fmt: string, data: Uint8Array) => ({ fmt, len: data.length, off: 0, data });
  const node = (uri: string): Record<string, unknown> => {
    if (uri.endsWith('/State')) return value('int', Buffer.from(says.state));
    // Before the upload nothing is installed, otherwise there would be nothing to do.
    if (uri.endsWith('/Installed') && uploaded && says.installed) {
      return value(
        'bin',
        encode(
          new Map<number, unknown>([
            [1, 1],
            [2, says.installed],
            [3, '1'],
          ]),
        ),
      );
    }
    if (uri.endsWith('/Change') && says.change) return value('bin', encode(new Map([[1, says.change]])));
    if (uri.endsWith('/Approvals')) return value('node', Buffer.from('0/1'));
    if (/Bootstrap|Approvals/.test(uri)) return value('bin', says.stored);
    return { err: { group: 64, rc: 141 } };
  };
  const script = ({ group, id, op, body }: Packet): Record<string, unknown> | undefined => {
    const fields = body as { off: number; data: Uint8Array; uri: string; corr: string };
    if (group === 0)
      return id === 6 ? { buf_size: 640, buf_count: 1 } : id === 7 ? { output: 'x' } : { r: '', bootloader: 'x' };
    if (group === 1 && id === 1) {
      uploaded = true;
      return says.upload(fields.off, fields.data.length);
    }
    if (group === 1) return { images: [{ slot: 0, version: '1', active: true, confirmed: says.confirmed }] };
    if (id === 0) return node(fields.uri);
    if (id === 1) return { off: fields.off + fields.data.length };
    if (id === 3) {
      correlator = fields.corr;
      return says.exec;
    }
    if (id === 4 && op === 0) return says.question(asked++);
    if (id === 6) return correlator === undefined ? { n: 0 } : says.alert(correlator);
    return undefined;
  };
  return createClient(scriptedLink(script), { timeoutMs: 3000, retries: 1 });
}

async function run(changes: Partial<Device>): Promise<Outcome | CountersignError> {
  const steps = deliver(device(changes), { file: FILE, installMs: 700 });
  try {
    for (;;) {
      const step = await steps.next();
      if (step.done) return step.value;
    }
  } catch (error) {
    return error as CountersignError;
  }
}

describe('deliver', () => {
  it('an honest device, for comparison', async () => {
    expect(await run({})).toMatchObject({ kind: 'installed', digest: DIGEST });
  });

  // Trap 15: a command says done when it was not.
  it.each([
    ['success, but another package is installed', { installed: OTHER }],
    ['success, but nothing is installed', { installed: undefined }],
    ['success, but the image is not confirmed', { confirmed: false }],
  ])('%s: an error, not a success', async (_, changes) => {
    expect(await run(changes)).toMatchObject({
      reason: { name: 'WrongState' },
      message: expect.stringContaining('success'),
    });
  });

  it.each([
    ['the end of somebody else’s update', { alert: () => ({ n: 1, type: 2, result: 200, reason: 0, corr: 'other' }) }],
    ['an alert from before', { alert: () => ({ n: 0 }) }],
  ])('%s is not ours: we wait, and not for ever', async (_, changes) => {
    expect(await run({ state: '60', ...changes })).toMatchObject({ reason: { name: 'TimedOut', exit: 32 } });
  });

  it('an alert without a reason is never a success', async () => {
    expect(await run({ alert: (corr) => ({ n: 1, corr }) })).toMatchObject({ kind: 'refused' });
  });

  it('an order that was carried out although its answer was lost', async () => {
    expect(await run({ exec: { err: { group: 64, rc: 140 } } })).toMatchObject({ kind: 'installed' });
  });

  it('an order that is refused', async () => {
    expect(await run({ ...NOTHING, exec: { err: { group: 64, rc: 84 } } })).toMatchObject({
      kind: 'refused',
      reason: 84,
    });
  });

  it('an order that came twice: what the first one came to, not that nothing is staged any more', async () => {
    const exec = { err: { group: 64, rc: 151 } };
    expect(await run({ exec })).toMatchObject({ kind: 'installed', digest: DIGEST });
    const alert = (corr: string) => ({ n: 1, type: 2, result: 401, reason: 121, corr });
    expect(await run({ exec, alert })).toMatchObject({ kind: 'refused', reason: 121 });
    const device = { exec, alert: () => ({ n: 1, type: 2, result: 200, reason: 0, corr: 'other' }) };
    expect(await run({ ...device, installed: undefined })).toMatchObject({ kind: 'refused', reason: 151 });
  });

  it('a refusal after exactly this package was installed by somebody else: it is installed', async () => {
    const alert = () => ({ n: 0 });
    expect(await run({ alert, exec: { err: { group: 64, rc: 151 } } })).toMatchObject({ kind: 'installed' });
    expect(await run({ alert, upload: () => ({ err: { group: 64, rc: 72 } }) })).toMatchObject({ kind: 'installed' });
    const trial = { alert, exec: { err: { group: 64, rc: 151 } }, confirmed: false };
    expect(await run(trial)).toMatchObject({ kind: 'refused', reason: 151 });
  });

  it('a reason that this version does not know is a refusal', async () => {
    expect(await run({ ...NOTHING, upload: () => ({ err: { group: 64, rc: 199 } }) })).toMatchObject({
      kind: 'refused',
      reason: 199,
    });
  });

  it('a refusal in the words of the image group is the reason in it, also that a person is asked first', async () => {
    const refusal = (rsn: string) => () => ({ rc: 11, rsn });
    const refused = await run({ ...NOTHING, upload: refusal('not approved (80)') });
    expect(refused).toMatchObject({ kind: 'refused', reason: 80 });
    let offers = 0;
    const upload = (off: number, bytes: number) =>
      offers++ ? { off: off + bytes } : { rc: 11, rsn: 'waits for user (120)' };
    expect(await run({ upload })).toMatchObject({ kind: 'installed' });
  });

  it.each([
    ['0, which would be no refusal', { rc: 11, rsn: 'refused (0)' }],
    ["a number of the host's own", { rc: 11, rsn: 'refused (219)' }],
    ['words beside it', { rc: 11, rsn: '\u001b[2Jnot approved (80)' }],
    ['another error', { rc: 1, rsn: 'not approved (80)' }],
  ])('a refusal with %s stays a text', async (_, answer) => {
    const error = await run({ upload: () => answer });
    expect((error as CountersignError).reason).toMatchObject({ name: 'DeviceRefused', exit: 1 });
  });

  it('a server of another kind: its own words', async () => {
    const error = await run({ upload: () => ({ err: { group: 1, rc: 30 } }) });
    expect((error as CountersignError).message).toContain('image too large for the slot');
  });

  it('a person who answers before we could look: the offer goes on', async () => {
    let offers = 0;
    const upload = (off: number, bytes: number) => (offers++ ? { off: off + bytes } : { err: { group: 64, rc: 120 } });
    expect(await run({ upload })).toMatchObject({ kind: 'installed' });
  });

  it.each([
    ['60', 'TimedOut'], // said yes in the last second: it is being installed
    ['50', 'deferred'],
  ])('the question before the installation ends in its last second, state %s: %s', async (state, wanted) => {
    const question = (asked: number) => (asked ? { pending: false } : { pending: true, left: 1 });
    const outcome = await run({ state, question, alert: () => ({ n: 0 }) });
    expect('kind' in outcome ? outcome.kind : outcome.reason.name).toBe(wanted);
  });

  it('a device that falls silent while it asks is lost; nobody says that it still asks', async () => {
    const upload = () => ({ err: { group: 64, rc: 120 } });
    expect(await run({ ...NOTHING, upload, question: () => undefined })).toMatchObject({ kind: 'link-lost' });
  });

  it('a question before the download that an approval has ended is no "nobody answered": the device goes on', async () => {
    let offers = 0;
    const upload = (off: number, bytes: number) => (offers++ ? { off: off + bytes } : { err: { group: 64, rc: 120 } });
    const question = (asked: number) =>
      asked ? { pending: false, reason: reasons.Deferred.code } : { pending: true, left: 100 };
    expect(await run({ state: '30', upload, question })).toMatchObject({ kind: 'installed' });
    offers = 0;
    expect(await run({ state: '10', upload, question })).toMatchObject({ kind: 'deferred' });
  });

  it('a question that ends at once, again and again, ends', async () => {
    let uploads = 0;
    const outcome = await run({
      ...NOTHING,
      upload: () => {
        uploads += 1;
        return uploads > 50 ? { off: FILE.length } : { err: { group: 64, rc: 120 } };
      },
      question: (asked) => (asked % 2 ? { pending: false } : { pending: true, left: 100 }),
    });
    expect(uploads).toBeLessThan(10);
    expect(outcome).toMatchObject({ kind: 'refused', reason: 120 });
  });
});

describe('an order', () => {
  const order = async (changes: Partial<Device>) => {
    const steps = execNode(device(changes), './FUMO/1/Update', 'c', { installMs: 700 });
    for (;;) {
      const step = await steps.next();
      if (step.done) return step.value;
    }
  };
  it('that came twice ends with the alert of the first one; else its refusal is the end', async () => {
    const exec = { err: { group: 64, rc: 151 } };
    expect(await order({ exec })).toMatchObject({ kind: 'alert', alert: { reason: 0, corr: 'c' } });
    await expect(order({ exec, alert: () => ({ n: 1, reason: 0, corr: 'other' }) })).rejects.toMatchObject({
      code: 151,
    });
  });
});

describe('what was written is read back', () => {
  const document = Uint8Array.of(1, 2, 3);
  it('a bootstrap document that comes back changed is a fault', async () => {
    await expect(provision(device({ stored: Uint8Array.of(1, 2, 4) }), document)).rejects.toThrow(
      'does not give it back',
    );
  });
  it('an approval that is not among those kept is a fault', async () => {
    await expect(putApproval(device({ stored: Uint8Array.of(1, 2) }), document)).rejects.toThrow(
      'does not give it back',
    );
    await putApproval(device({ stored: document }), document);
  });
  it('unless something newer has come meanwhile: over a broker, from whoever signs', async () => {
    await provision(device({ stored: Uint8Array.of(1, 2, 4), change: 10 }), document);
    const [key, other] = [generateKey('p256'), generateKey('p256')];
    const approval = (by: SigningKey, sequence: bigint) =>
      signApproval(by, {
        ...{ issuer: 'op', issuedAt: 1_800_000_000, id: newDocumentId(), sequence },
        entries: [{ verdict: 'approve', digest: DIGEST }],
      });
    await putApproval(device({ stored: approval(key, 3n) }), approval(key, 2n));
    for (const stored of [approval(key, 1n), approval(key, 2n), approval(other, 3n)])
      await expect(putApproval(device({ stored }), approval(key, 2n))).rejects.toThrow('does not give it back');
    const change = signChange(key, { sequence: 10n, issuedAt: 1_800_000_000, policy: { threshold: 1 } });
    expect(await putChange(device({ change: 11 }), change)).toBe(true);
    await expect(putChange(device({ change: 9 }), change)).rejects.toThrow('does not give it back');
  });
});

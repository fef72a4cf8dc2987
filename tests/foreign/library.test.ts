// The guard of a third-party board without the command: what another face, such as a server or a page, gives it and gets back.
// No file, no terminal: the memory is a value, the person a function.

import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Gathered } from '../../host/device/evidence.js';
import {
  type Decision,
  type Guard,
  type GuardedDelivery,
  type GuardQuestion,
  makeGuard,
} from '../../host/device/guard.js';
import {
  type GuardMemory,
  guardMemoryText,
  noGuardMemory,
  parseGuardMemory,
  remember,
} from '../../host/device/guard-memory.js';
import { type Entry, newDocumentId, signApproval } from '../../host/formats/approval.js';
import type { ByteSource } from '../../host/formats/byte-source.js';
import { hex } from '../../host/formats/bytes.js';
import { splitEnvelope } from '../../host/formats/envelope.js';
import { openUdp } from '../../host/links/udp.js';
import { openFile } from '../../host/open-file.js';
import { reasons } from '../../host/reasons.js';
import { type Client, createClient } from '../../host/smp/client.js';
import { sleep } from '../../host/wait.js';
import { loadCore } from '../../host/wasm.js';
import { type ForeignWorld, makeForeignWorld, writesOf } from '../support/foreign-world.js';
import { overUdp } from '../support/smp-lines.js';
import { type Habits, PERSONAS } from '../support/smp-server.js';

let world: ForeignWorld;
beforeAll(async () => {
  world = await makeForeignWorld();
  world.bootstrap('reject.cbor', { unapproved: 'reject' });
  world.bootstrap('prompt.cbor', { unapproved: 'prompt', 'prompt-timeout': 1 });
  world.package('r.suit', 5n);
  world.package('other.suit', 5n, { version: [6, 6, 6] });
  world.package('newer.suit', 6n, { version: [1, 6, 0] });
  world.approval('newer.cose', 'newer.suit', 2n);
  world.approval('r.cose', 'r.suit', 2n);
  world.approval('denied.cose', 'r.suit', 3n, 'deny');
});
const closing: { close(): unknown }[] = [];
afterEach(async () => {
  for (const thing of closing.splice(0).reverse()) await thing.close();
  world.closeBoards();
});
afterAll(() => world.close());

const bytes = (name: string) => new Uint8Array(readFileSync(world.place.path(name)));
const approval = (name: string, lasting = true): Gathered => ({
  name,
  lasting,
  evidence: { source: 'tree', bytes: bytes(name) },
});

function store() {
  let kept = noGuardMemory();
  return {
    read: async () => kept,
    async write(memory: GuardMemory) {
      kept = memory;
    },
    text: () => guardMemoryText(kept),
  };
}

const guardOf = (bootstrap: string, memory = store()): Promise<Guard> =>
  loadCore().then((core) => makeGuard(core, { bootstrap: bytes(bootstrap), memory, installed: 1n }));

async function opened(name: string): Promise<ByteSource> {
  const file = await openFile(world.place.path(name));
  closing.push(file);
  return file;
}

async function decide(
  bootstrap: string,
  gathered: Gathered[],
  memory = store(),
  { name = 'r.suit', guard = guardOf(bootstrap, memory) } = {},
): Promise<Decision> {
  return (await guard).judge({ file: await opened(name), name, gathered });
}

/** Bytes that can be exchanged. */
function changing(name: string) {
  let now = bytes(name);
  return {
    size: now.length,
    async read(offset: number, into: Uint8Array) {
      into.set(now.subarray(offset, offset + into.length));
    },
    become: (other: string) => {
      now = bytes(other);
    },
  };
}

async function board(habits: Habits = PERSONAS['Zephyr 4 application']) {
  const server = await world.board(habits, overUdp);
  const client = createClient(await openUdp(server.port), { timeoutMs: 400 });
  closing.push(client);
  return { server, client };
}

async function busy(ms: number): Promise<'yes'> {
  const until = Date.now() + ms;
  while (Date.now() < until);
  return 'yes';
}

async function end(decision: Decision, client: Client, how: Partial<GuardedDelivery> = {}) {
  if (decision.kind === 'refused') throw new Error('a decision that refuses delivers nothing');
  const steps = decision.deliver(client, { ask: async () => undefined, ...how });
  for (;;) {
    const step = await steps.next();
    if (step.done) return step.value;
  }
}

describe('a decision', () => {
  it('that refuses says why, and has no way to deliver', async () => {
    const decision = await decide('reject.cbor', []);
    expect(decision).toMatchObject({ kind: 'refused', reason: reasons.NotApproved.code });
    expect(decision).not.toHaveProperty('deliver');
  });

  it('that approves delivers, asks nobody, and is remembered as what the board runs', async () => {
    const { client } = await board();
    const memory = store();
    const decision = await decide('reject.cbor', [approval('r.cose')], memory);
    const ask = () => Promise.reject(new Error('nobody is asked'));
    expect([decision.kind, (await end(decision, client, { ask })).kind]).toEqual(['approved', 'confirmed']);
    expect(parseGuardMemory(memory.text())).toMatchObject({ boards: { '0a01': 5n } });
  });

  it('that was revoked meanwhile starts nothing, and stays revoked', async () => {
    const { server, client } = await board();
    const memory = store();
    const decision = await decide('reject.cbor', [approval('r.cose', false)], memory);
    const again = async () => [approval('denied.cose', false)];
    await expect(end(decision, client, { again })).rejects.toMatchObject({ code: reasons.Denied.code });
    expect(server.flash.swap).toBe('none');
    const later = await decide('reject.cbor', [approval('r.cose')], memory);
    expect(later).toMatchObject({ kind: 'refused', reason: reasons.Superseded.code });
  });
});

describe('what may happen between a decision and its delivery', () => {
  const refusal = (name: 'Denied' | 'Superseded' | 'Rollback' | 'ApprovalExpired' | 'FileChanged') => ({
    code: reasons[name].code,
  });
  const approved = () => decide('reject.cbor', [approval('r.cose')]);

  it('a revocation that comes before the first byte: nothing is sent, as some boards start it from where it arrives', async () => {
    const { server, client } = await board(PERSONAS['MCUboot serial recovery']);
    const again = async () => [approval('denied.cose', false)];
    await expect(end(await approved(), client, { again })).rejects.toMatchObject(refusal('Denied'));
    expect(writesOf(server)).toEqual([]);
  });

  it('a revocation while it is sent to such a board: the message says that the next reset starts it', async () => {
    const { server, client } = await board(PERSONAS['MCUboot serial recovery']);
    let looks = 0;
    const again = async () => (++looks === 1 ? [] : [approval('denied.cose', false)]);
    const stopped = end(await approved(), client, { again });
    await expect(stopped).rejects.toMatchObject({
      ...refusal('Denied'),
      message: expect.stringContaining('next reset'),
    });
    expect(writesOf(server).length).toBeGreaterThan(0);
  });

  it('a revocation that another guard with the same memory has seen counts at once, and afterwards', async () => {
    const { server, client } = await board();
    const memory = store();
    const guard = guardOf('reject.cbor', memory);
    const decision = await decide('reject.cbor', [approval('r.cose')], memory, { guard });
    await decide('reject.cbor', [approval('denied.cose')], memory);
    await expect(end(decision, client)).rejects.toMatchObject(refusal('Superseded'));
    expect((await decide('reject.cbor', [approval('r.cose')], memory, { guard })).kind).toBe('refused');
    expect(writesOf(server)).toEqual([]);
  });

  it('a guard that was made before another one saw the revocation', async () => {
    const memory = store();
    const guard = guardOf('reject.cbor', memory);
    await guard;
    await decide('reject.cbor', [approval('denied.cose')], memory);
    const decision = await decide('reject.cbor', [approval('r.cose')], memory, { guard });
    expect(decision).toMatchObject({ kind: 'refused', reason: reasons.Superseded.code });
  });

  it('a newer package: no way back by the older decision', async () => {
    const { client } = await board();
    const memory = store();
    const older = await decide('reject.cbor', [approval('r.cose')], memory);
    const newer = await decide('reject.cbor', [approval('newer.cose')], memory, { name: 'newer.suit' });
    expect((await end(newer, client)).kind).toBe('confirmed');
    await expect(end(older, client)).rejects.toMatchObject(refusal('Rollback'));
  });

  it('the approval expires while the person thinks', async () => {
    const { server, client } = await board();
    const { digest } = splitEnvelope(bytes('r.suit'), 'r.suit');
    const expires = Math.floor(Date.now() / 1000) + 2;
    const entries = [{ verdict: 'approve' as const, digest, confirm: 'ask' as const }];
    const claims = { issuer: 'op', issuedAt: 1_700_000_000, id: newDocumentId(), sequence: 4n, expires, entries };
    const evidence = { source: 'tree' as const, bytes: signApproval(world.operator, claims) };
    const decision = await decide('reject.cbor', [{ name: 'short', lasting: true, evidence }]);
    const ask = async () => {
      await sleep(2500);
      return 'yes' as const;
    };
    await expect(end(decision, client, { ask })).rejects.toMatchObject(refusal('ApprovalExpired'));
    expect(writesOf(server)).toEqual([]);
  });

  it('the approval goes while the person thinks, and the policy would ask about it then: their yes was to another question', async () => {
    const { server, client } = await board();
    const { digest } = splitEnvelope(bytes('r.suit'), 'r.suit');
    const document = (sequence: bigint, entries: Entry[]): Gathered => {
      const claims = { issuer: 'op', issuedAt: 1_700_000_000, id: newDocumentId(), sequence, entries };
      const evidence = { source: 'tree' as const, bytes: signApproval(world.operator, claims) };
      return { name: `${sequence}`, lasting: false, evidence };
    };
    const decision = await decide('prompt.cbor', [document(4n, [{ verdict: 'approve', digest, confirm: 'ask' }])]);
    expect(decision).toMatchObject({ kind: 'ask', judgement: { reason: reasons.AwaitingUser.code } });
    const elsewhere = [{ verdict: 'approve' as const, digest: splitEnvelope(bytes('other.suit'), 'o').digest }];
    const delivery = { ask: async () => 'yes' as const, again: async () => [document(5n, elsewhere)] };
    await expect(end(decision, client, delivery)).rejects.toMatchObject({ code: reasons.ApprovalOtherPackage.code });
    expect(writesOf(server)).toEqual([]);
  });

  it('other bytes: what is sent is what was judged', async () => {
    const { server, client } = await board();
    const file = changing('r.suit');
    const decision = await (await guardOf('reject.cbor')).judge({ file, name: 'r', gathered: [approval('r.cose')] });
    file.become('other.suit');
    await expect(end(decision, client)).rejects.toMatchObject(refusal('FileChanged'));
    expect(writesOf(server)).toEqual([]);
  });

  it('two judgements of one core at once: each is of its own package', async () => {
    const core = await loadCore();
    core.provision(bytes('reject.cbor'));
    async function* later(name: string, ms: number) {
      const whole = bytes(name);
      yield await sleep(ms).then(() => whole.subarray(0, whole.length - 10));
      yield await sleep(60).then(() => whole.subarray(whole.length - 10));
    }
    const { evidence } = approval('r.cose');
    const judge = (name: string, ms: number) => core.judge({ envelope: later(name, ms), evidence: [evidence] });
    const both = await Promise.all([judge('other.suit', 30), judge('r.suit', 0)]);
    expect(both.map(({ verdict, payload }) => [verdict, payload?.reason])).toEqual([
      ['reject', undefined],
      ['install', 0],
    ]);
  });

  it('a floor of more than 64 bits is an error, not a low one', async () => {
    const far = store();
    await far.write({ operators: { [hex(world.operator.public.kid)]: 1n << 64n }, boards: {} });
    await expect(decide('reject.cbor', [approval('r.cose')], far)).rejects.toMatchObject({
      code: reasons.BadArgument.code,
    });
    expect(() => parseGuardMemory(far.text())).toThrow();
  });

  it('two additions to one memory at once: both are kept', async () => {
    const quick = store();
    const slow = {
      read: quick.read,
      write: (memory: GuardMemory) => sleep(10).then(() => quick.write(memory)),
    };
    const news = (kid: string) => ({ operators: { [kid]: 7n }, boards: {} });
    await Promise.all([remember(slow, news('aa')), remember(slow, news('bb'))]);
    expect((await quick.read()).operators).toEqual({ aa: 7n, bb: 7n });
  });
});

describe('a decision that asks', () => {
  it('shows the package in its own words, and takes a yes', async () => {
    const { client } = await board();
    const shown: GuardQuestion[] = [];
    const ask = async (question: GuardQuestion) => {
      shown.push(question);
      return 'yes' as const;
    };
    const decision = await decide('prompt.cbor', []);
    expect([decision.kind, (await end(decision, client, { ask })).kind]).toEqual(['ask', 'confirmed']);
    expect(shown).toMatchObject([{ name: 'Blinky', version: '1.5.0', from: '1.0.0', seconds: 1 }]);
  });

  it.each<[string, GuardedDelivery['ask'], string]>([
    ['no', async () => 'no', 'declined'],
    ['nobody', async () => undefined, 'asked'],
    ['silence, also of a face that does not listen to the signal', () => new Promise(() => undefined), 'deferred'],
    ['a yes too late, of a face that keeps the thread busy', () => busy(1200), 'deferred'],
    ['a yes too late', (_, over) => new Promise((yes) => over.addEventListener('abort', () => yes('yes'))), 'deferred'],
  ])('%s: not a byte is sent', async (_, ask, kind) => {
    const { server, client } = await board();
    expect((await end(await decide('prompt.cbor', []), client, { ask })).kind).toBe(kind);
    expect(writesOf(server)).toEqual([]);
  });
});

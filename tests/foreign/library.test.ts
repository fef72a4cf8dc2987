// The guard of a third-party board without the command: what another face, such as a server or a page, gives it and gets back.
// No file, no terminal: the memory is a value, the person a function.

import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Gathered } from '../../host/device/evidence.js';
import { type Decision, type GuardedDelivery, type GuardQuestion, makeGuard } from '../../host/device/guard.js';
import { type GuardMemory, guardMemoryText, noGuardMemory, parseGuardMemory } from '../../host/device/guard-memory.js';
import { openUdp } from '../../host/links/udp.js';
import { openFile } from '../../host/open-file.js';
import { reasons } from '../../host/reasons.js';
import { type Client, createClient } from '../../host/smp/client.js';
import { type ForeignWorld, makeForeignWorld, writesOf } from '../support/foreign-world.js';
import { overUdp } from '../support/smp-lines.js';
import { PERSONAS } from '../support/smp-server.js';

let world: ForeignWorld;
beforeAll(async () => {
  world = await makeForeignWorld();
  world.bootstrap('reject.cbor', { unapproved: 'reject' });
  world.bootstrap('prompt.cbor', { unapproved: 'prompt', 'prompt-timeout': 1 });
  world.package('r.suit', 5n);
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

async function decide(bootstrap: string, gathered: Gathered[], memory = store()): Promise<Decision> {
  const guard = await makeGuard({ bootstrap: bytes(bootstrap), memory, installed: 1n });
  const file = await openFile(world.place.path('r.suit'));
  closing.push(file);
  return guard.judge({ file, name: 'r.suit', gathered });
}

async function board() {
  const server = await world.board(PERSONAS['Zephyr 4 application'], overUdp);
  const client = createClient(await openUdp(server.port), { timeoutMs: 400 });
  closing.push(client);
  return { server, client };
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
    ['a yes too late', (_, over) => new Promise((yes) => over.addEventListener('abort', () => yes('yes'))), 'deferred'],
  ])('%s: not a byte is sent', async (_, ask, kind) => {
    const { server, client } = await board();
    expect((await end(await decide('prompt.cbor', []), client, { ask })).kind).toBe(kind);
    expect(writesOf(server)).toEqual([]);
  });
});

// What operators and vendors do on a machine, through the library alone: keys and documents in files, a ceremony, a board that
// runs here, provisioning, approvals from a file and a broker, delivery, and a third-party board. No command takes part.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as library from 'countersign';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBroker } from '../../host/links/broker.js';
import { type ForeignWorld, makeForeignWorld } from '../support/foreign-world.js';
import { overUdp } from '../support/smp-lines.js';
import { PERSONAS } from '../support/smp-server.js';

const now = () => Math.floor(Date.now() / 1000);
const never = new AbortController().signal;
const secrets = { passphrase: () => expect.fail('no passphrase'), pin: () => expect.fail('no PIN') };
const quiet: library.Listener = { note: () => undefined, detail: () => undefined, trace: () => undefined };
const fails = (name: library.ReasonName) => expect.objectContaining({ code: library.reasons[name].code });

/** The end of work whose progress nobody watches. */
async function end<T>(work: AsyncGenerator<unknown, T, undefined>): Promise<T> {
  for (;;) {
    const step = await work.next();
    if (step.done) return step.value;
  }
}

let folder: string;
const path = (name: string) => join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'machine-'));
  for (const name of ['vendor', 'operator']) {
    await library.makeKeyFiles(path(name), 'ed25519', undefined, { force: false, dryRun: false });
  }
  const anchors = '[{role: vendor, key: vendor.pub.pem}, {role: operator, key: operator.pub.pem}]';
  const policy = '{unapproved: reject, trial-boots: 0}';
  await writeFile(
    path('device.yaml'),
    `device: "0a"\nvendor: example.com\nclass: sensor\nanchors: ${anchors}\npolicy: ${policy}\n`,
  );
  const image = await library.readImage(new Uint8Array(3000).fill(0xa5), 'app.bin');
  const release = { vendor: 'example.com', class: 'sensor', sequence: 5n, now: now() };
  const vendor = await library.openNamedKey(path('vendor.pem'), secrets);
  const made = await library.packageImage(vendor, { ...image, path: 'app.bin' }, release);
  await writeFile(path('app.suit'), library.join(made.parts as Uint8Array[]));
});
afterAll(() => rm(folder, { recursive: true }));

const operator = () => library.openNamedKey(path('operator.pem'), secrets);
const envelope = async () => library.splitEnvelope(new Uint8Array(await readFile(path('app.suit'))), 'app.suit');

describe('an operator', () => {
  it('keeps document and record, and publishes: the next document goes on from there', async () => {
    const broker = await startBroker(0);
    try {
      const key = await operator();
      const record = library.recordBeside(path('operator.pem'), key.public);
      const publish = library.placeSchema.parse(`${broker.url}/plant`);
      const keeping: library.Keeping = { record, publish, fleet: 'demo' };
      const package_ = { envelope: await envelope() };
      const first = library.approve(key, package_, { previous: await library.readRecord(record), now: now() });
      const output = { path: path('app.cose'), document: first.document };
      const dry = await library.keepIssued(output, first.claims, { ...keeping, dryRun: true });
      expect([dry.published?.published, await library.readRecord(record)]).toEqual([false, undefined]);
      const { published, bytes } = await library.keepIssued(output, first.claims, keeping);
      expect([published?.topic.startsWith('cs/plant/approvals/'), bytes]).toEqual([true, first.document.length]);

      const previous = await library.readRecord(record);
      expect(previous).toEqual(first.claims);
      const places = { files: [output.path], broker: publish, fleet: 'demo', access: () => expect.fail('no card') };
      const found = await library.gatherApprovals(places, (text) => expect.fail(text));
      const document = Uint8Array.from(first.document);
      expect(library.documentsIn(found).map((one) => Uint8Array.from(one))).toEqual([document, document]);

      const publishing = await library.openPublishing(publish, 'demo');
      try {
        const older = library.approve(key, package_, { previous: undefined, now: 1_700_000_000 });
        await expect(publishing.ready(older.document)).rejects.toEqual(fails('Superseded'));
      } finally {
        await publishing.close();
      }
    } finally {
      await broker.close();
    }
    const gone = { files: [], broker: library.placeSchema.parse('mqtt://127.0.0.1:9/plant'), fleet: 'demo' };
    const warnings: string[] = [];
    const places = { ...gone, access: () => expect.fail('no card') };
    const [unreachable] = await library.gatherApprovals(places, (text) => warnings.push(text));
    expect(unreachable?.evidence).toEqual({ source: 'tree', unreachable: true });
    expect(warnings).toEqual([expect.stringContaining('approvals from mqtt://127.0.0.1:9/plant could not be read')]);
  });

  it('signs on another machine: request and signature lie beside each other', async () => {
    const key = await operator();
    const entries = [library.entryOf('approve', { envelope: await envelope() })];
    const draft = library.draftDocument(key.public, entries, { previous: undefined, now: now() });
    const request = await library.writeRequest(library.requestDraft(key.public, draft), path('it'), {});
    const read = await library.readRequestFile(request, library.OPERATOR_FORMS);
    await writeFile(path('it.sig'), library.signRequest(key, read, request));
    const shown: string[] = [];
    const attaching: library.Attaching = {
      show: (_, name) => shown.push(name),
      key: async () => key.public,
    };
    const attached = await library.attachSignature(path('it.sig'), library.OPERATOR_FORMS, attaching);
    expect([attached.base, shown]).toEqual([path('it'), [request]]);
    expect(library.acceptDocument(attached, { previous: undefined, now: now() }).document).toEqual(
      library.signDraft(key, draft).document,
    );
    const vendors = library.attachSignature(path('it.sig'), library.VENDOR_FORMS, attaching);
    await expect(vendors).rejects.toEqual(fails('RequestMismatch'));
  });
});

describe('a board that runs here', () => {
  it('is found, provisioned, refuses what is not approved, and installs what is', async () => {
    const panel: library.BoardPanel = {
      interactive: false,
      ...{ heard: () => undefined, note: () => undefined, warn: () => undefined, buttons: () => () => undefined },
      answers: () => ({ ask: async () => undefined, close: () => undefined }),
    };
    const start = { flash: path('flash'), radio: { fleet: 'demo', name: 'it' }, card: undefined, panel };
    await expect(library.startBoard('none', start)).rejects.toEqual(fails('NotFound'));
    const board = await library.startBoard('virtual', start);
    try {
      expect((await library.listRunning()).map(({ port }) => port)).toContain(board.port);
      const where = { port: board.port, baud: 115_200, fleet: 'demo', timeoutMs: 2500, retries: 3 };
      const { client, close } = await library.connect(where, quiet, never);
      try {
        const bootstrap = await library.readBootstrapFile(path('device.yaml'));
        expect((await library.provision(client, bootstrap)).deviceId).toBe('0a');
        const file = new Uint8Array(await readFile(path('app.suit')));
        const refused = library.deliveryText(await end(library.deliver(client, { file })));
        expect([refused.result, refused.exit]).toEqual(['refused', 20]);
        const { document } = library.approve(
          await operator(),
          { envelope: await envelope() },
          { previous: undefined, now: now() },
        );
        await library.putApproval(client, document);
        const installed = library.deliveryText(await end(library.deliver(client, { file })));
        expect(installed).toMatchObject({ result: 'installed', exit: 0, line: 'installed: sequence 5' });
      } finally {
        await close();
      }
    } finally {
      await board.close();
    }
    expect((await library.listRunning()).map(({ port }) => port)).not.toContain(board.port);
  });
});

describe('a third-party board', () => {
  let world: ForeignWorld;
  beforeAll(async () => {
    world = await makeForeignWorld();
  });
  afterAll(() => world.close());

  it('gets what its guard approves; the memory of the guard is in a file', async () => {
    const board = await world.board(PERSONAS['Zephyr 4 application'], overUdp);
    world.package('new.suit', 2n);
    world.bootstrap('board.cbor', { unapproved: 'reject' });
    const memory = library.guardFile(world.place.path('memory.json'), false);
    const bootstrap = await library.readBootstrapFile(world.place.path('board.cbor'));
    const guard = await library.makeGuard(await library.loadCore(), { bootstrap, memory, installed: 1n });
    const file = await library.openFile(world.place.path('new.suit'));
    const where = { port: board.port, baud: 115_200, fleet: 'demo', timeoutMs: 2500, retries: 3 };
    const { client, close } = await library.connect(where, quiet, never);
    try {
      expect(await library.isThirdParty(client, {})).toBe(true);
      const offer = { file, name: 'new.suit' };
      expect((await guard.judge({ ...offer, gathered: [] })).kind).toBe('refused');
      world.approval('new.cose', 'new.suit', 7n);
      const places = { files: [world.place.path('new.cose')], fleet: 'demo', access: () => expect.fail('no card') };
      const gathered = await library.gatherApprovals(places, (text) => expect.fail(text));
      const decision = await guard.judge({ ...offer, gathered });
      if (decision.kind !== 'approved') return expect.fail(decision.kind);
      const outcome = await end(decision.deliver(client, { ask: () => expect.fail('nobody is asked') }));
      expect(library.guardedText(outcome)).toMatchObject({ result: 'confirmed', exit: 0 });
      expect(Object.values((await memory.read()).operators)).toEqual([7n]);
    } finally {
      await close();
      await file.close();
    }
  });
});

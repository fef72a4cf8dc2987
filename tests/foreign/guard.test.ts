// The machine as the only guard of a board without our agent: what it lets pass, where it has its approvals from, what it
// remembers, and that not a byte is written to the board before the verdict. Brokers are real (mosquitto), so is PC/SC.

import { existsSync, readFileSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { connectBroker } from '../../host/links/mqtt.js';
import { reasons } from '../../host/reasons.js';
import { makeDeviceWorld } from '../support/device-world.js';
import { type ForeignWorld, makeForeignWorld, writesOf } from '../support/foreign-world.js';
import { createCard } from '../support/iso-card.js';
import { startMosquitto } from '../support/mosquitto.js';
import { have } from '../support/need.js';
import { haveReader, READER, startReader } from '../support/reader.js';
import { overUdp } from '../support/smp-lines.js';
import { PERSONAS } from '../support/smp-server.js';

const FAST = ['--timeout', '0.4', '--installed', '1'];
const REJECT = ['r.suit', '--bootstrap', 'reject.cbor', ...FAST];
const ZEPHYR = PERSONAS['Zephyr 4 application'];

let world: ForeignWorld;
let approval: Uint8Array;
beforeAll(async () => {
  world = await makeForeignWorld();
  world.bootstrap('reject.cbor', { unapproved: 'reject' });
  world.bootstrap('prompt.cbor', { unapproved: 'prompt' });
  world.bootstrap('card-only.cbor', { unapproved: 'reject', sources: ['card'] });
  world.package('r.suit', 5n);
  approval = world.approval('r.cose', 'r.suit', 2n);
  world.approval('old.cose', 'r.suit', 1n);
  world.approval('denied.cose', 'r.suit', 3n, 'deny');
});
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  world.closeBoards();
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  writeFileSync(world.place.path('guard.json'), JSON.stringify({ operators: {}, boards: {} }));
});
afterAll(() => world.close());

const board = () => world.board(ZEPHYR, overUdp);
const sourcesIn = (json: { verdict: { findings: { source: string; reason: { name: string } }[] } }) =>
  json.verdict.findings.map(({ source, reason }) => `${source} ${reason.name}`);

describe('a board that cannot check for itself', () => {
  it('gets nothing without a bootstrap document that says who may approve', async () => {
    const to = await board();
    const { code, json } = await world.deliver(to.port, 'r.suit', ...FAST);
    expect([code, json().error.reason.code, writesOf(to)]).toEqual([4, 243, []]);
  });

  it('gets not a byte of what is not approved, nor of what a person would have to agree to', async () => {
    const to = await board();
    const refused = await world.deliver(to.port, ...REJECT);
    expect([refused.code, refused.json().result]).toEqual([20, 'refused']);
    const asked = await world.deliver(to.port, 'r.suit', '--bootstrap', 'prompt.cbor', ...FAST);
    expect([asked.code, asked.json().result]).toEqual([30, 'asked']);
    const words = ['r.suit', '--bootstrap', 'reject.cbor', '--approval', 'r.cose', '--installed', '6'];
    expect((await world.deliver(to.port, ...words)).code).toBe(24);
    expect(writesOf(to)).toEqual([]);
  });

  it('has no --dry-run that writes, and no flag that answers the question', async () => {
    const to = await board();
    const dry = await world.deliver(to.port, ...REJECT, '--approval', 'r.cose', '--dry-run');
    expect([dry.code, dry.json().result]).toEqual([0, 'dry-run']);
    for (const flag of ['-y', '--yes', '--assume-yes', '--force']) {
      const { code } = await world.deliver(to.port, 'r.suit', '--bootstrap', 'prompt.cbor', ...FAST, flag);
      expect([flag, code]).toEqual([flag, 4]);
    }
    expect(writesOf(to)).toEqual([]);
    expect(readFileSync(world.place.path('guard.json'), 'utf8')).not.toContain('"2"');
  });
});

describe('a package that changes while it is sent', () => {
  const LARGE = { ...ZEPHYR, told: 2475, packetBytesMax: 2475 };
  it.each<[string, (path: string, bytes: Buffer) => void]>([
    ['another firmware, as large and of the same time', (path, bytes) => writeFileSync(path, bytes.fill(1, 100_000))],
    ['a part of it', (path) => truncateSync(path, 120_000)],
  ])('%s: is not sent on, and nothing is started', async (_, change) => {
    world.package('moving.suit', 5n, { bytes: 150_000 });
    world.approval('moving.cose', 'moving.suit', 4n);
    const path = world.place.path('moving.suit');
    const { atime, mtime } = statSync(path);
    const to = await world.board(LARGE, (server) =>
      overUdp({
        take(packet) {
          const first = writesOf(server).length === 0;
          const answer = server.take(packet);
          if (first && writesOf(server).length > 0) change(path, readFileSync(path));
          utimesSync(path, atime, mtime);
          return answer;
        },
      }),
    );
    const words = ['moving.suit', '--bootstrap', 'reject.cbor', '--approval', 'moving.cose', ...FAST];
    const { code, json } = await world.deliver(to.port, ...words);
    expect([code, json().error.reason.code]).toEqual([1, reasons.FileChanged.code]);
    expect(new Set(writesOf(to).map(({ group, id }) => `${group}/${id}`))).toEqual(new Set(['1/1']));
  });
});

describe('what it remembers', () => {
  it('an older approval does not come back after a revocation, also without the revocation at hand', async () => {
    const to = await board();
    const denied = await world.deliver(to.port, ...REJECT, '--approval', 'r.cose', '--approval', 'denied.cose');
    expect([denied.code, denied.json().verdict.reason.name]).toEqual([23, 'Denied']);
    const again = await world.deliver(to.port, ...REJECT, '--approval', 'r.cose');
    expect([again.code, again.json().verdict.reason.name]).toEqual([23, 'Superseded']);
    expect(writesOf(to)).toEqual([]);
  });

  it('the package that a board runs: no way back, whatever --installed says', async () => {
    const to = await board();
    expect((await world.deliver(to.port, ...REJECT, '--approval', 'r.cose')).json().result).toBe('confirmed');
    world.package('older.suit', 4n, { version: [1, 4, 0] });
    world.approval('older.cose', 'older.suit', 9n);
    const words = ['older.suit', '--bootstrap', 'reject.cbor', '--approval', 'older.cose'];
    expect((await world.deliver(to.port, ...words, ...FAST)).code).toBe(24);
  });

  it.each([
    ['is not of its form', '{"operators": {"aa": 5}, "boards": {}}'],
    ['is empty', ''],
  ])('a memory that %s stops the delivery', async (_, text) => {
    const to = await board();
    writeFileSync(world.place.path('guard.json'), text);
    const { code, json } = await world.deliver(to.port, ...REJECT, '--approval', 'r.cose');
    expect([code, json().error.reason.code]).toEqual([1, 208]);
    expect(writesOf(to)).toEqual([]);
  });

  it('in the folder for state when nobody says where', async () => {
    const to = await board();
    const { place } = world;
    const words = ['deliver', '-p', to.port, ...REJECT, '--json'];
    const ended = await place.runWith(
      { environment: { XDG_STATE_HOME: place.path('state') } },
      ...words,
      '--approval',
      'denied.cose',
    );
    expect([ended.code, ended.json().verdict.reason.name]).toEqual([23, 'Denied']);
    expect(ended.stderr).toContain('cannot check for itself');
    const kept = JSON.parse(readFileSync(place.path('state/countersign/guard.json'), 'utf8'));
    expect(Object.values(kept.operators)).toEqual(['3']);
  });
});

describe.skipIf(!have('mosquitto'))('approvals that operators keep on a broker', () => {
  async function mosquitto(): Promise<string> {
    const { url, close } = await startMosquitto();
    cleanups.push(close);
    return url;
  }
  async function keep(url: string, operator: string, document: Uint8Array): Promise<void> {
    const client = await connectBroker(url);
    await client.publishAsync(`cs/plant/approvals/${operator}`, Buffer.from(document), { qos: 1, retain: true });
    await client.endAsync();
  }
  const bytes = (name: string) => new Uint8Array(readFileSync(world.place.path(name)));

  it('are read, judged, and named as what the tree holds; junk beside them does no harm', async () => {
    const url = await mosquitto();
    await keep(url, 'op', approval);
    await keep(url, 'junk', Uint8Array.of(1, 2, 3));
    await keep(url, 'huge', new Uint8Array(5000));
    const to = await board();
    const { code, json } = await world.deliver(to.port, ...REJECT, '--approvals-from', `${url}/plant`);
    expect([code, json().result]).toEqual([0, 'confirmed']);
    expect(sourcesIn(json())).toContain('tree Ok');
    const other = await board();
    const elsewhere = await world.deliver(other.port, ...REJECT, '--approvals-from', `${url}/office`);
    expect(elsewhere.code).toBe(20);
  });

  it('a denial there beats an approval that was brought', async () => {
    const url = await mosquitto();
    await keep(url, 'op', bytes('denied.cose'));
    const to = await board();
    const words = ['--approvals-from', url, '--fleet', 'plant', '--approval', 'r.cose'];
    const { code } = await world.deliver(to.port, ...REJECT, ...words);
    expect([code, writesOf(to)]).toEqual([23, []]);
  });

  it('one that is revoked while the image is sent: it is there, and is not started', async () => {
    const url = await mosquitto();
    await keep(url, 'op', approval);
    const to = await world.board(ZEPHYR, (server) => {
      let revoking = false;
      return overUdp({
        async take(packet) {
          const answer = server.take(packet);
          const { group, id } = server.heard.at(-1)!;
          if (group === 1 && id === 1 && !revoking) {
            revoking = true;
            await keep(url, 'op', bytes('denied.cose'));
          }
          return answer;
        },
      });
    });
    const { code, json } = await world.deliver(to.port, ...REJECT, '--approvals-from', `${url}/plant`);
    expect([code, json().error.message]).toEqual([23, expect.stringContaining('sent, and not marked to start')]);
    expect([to.flash.swap, to.running.version]).toEqual(['none', '1.0.0']);
  });

  it('a broker that cannot be reached is a row of the verdict, and never a yes', async () => {
    const to = await board();
    const away = ['--approvals-from', 'mqtt://127.0.0.1:1/plant'];
    const { code, json } = await world.deliver(to.port, ...REJECT, ...away);
    expect([code, json().verdict.reason]).toMatchObject([20, { name: 'SourceUnreachable' }]);
    expect(sourcesIn(json())).toContain('tree SourceUnreachable');
    expect(writesOf(to)).toEqual([]);
    const brought = await world.deliver(to.port, ...REJECT, ...away, '--approval', 'r.cose');
    expect([brought.code, sourcesIn(brought.json())]).toEqual([0, ['tree Ok', 'tree SourceUnreachable']]);
  });

  it('a device with our agent gets them into its tree', async () => {
    const url = await mosquitto();
    const devices = makeDeviceWorld();
    cleanups.push(() => devices.close());
    const running = await devices.board({ unapproved: 'reject' });
    await keep(url, 'op', approval); // of an operator that this device does not know
    writeFileSync(world.place.path('own.suit'), devices.package('own.suit', 1n));
    const { code, json } = await world.deliver(running.port, 'own.suit', '--approvals-from', `${url}/plant`);
    expect([code, json().error]).toEqual([20, undefined]);
  });
});

describe.skipIf(!haveReader())('an approval on a smart card', { timeout: 400_000 }, () => {
  it('counts as the card’s; a card that is not there, or wants its PIN, is unreachable', async () => {
    const reader = await startReader();
    cleanups.push(() => reader.stop());
    const to = await board();
    // A process of its own: PC/SC waits for the card, which is in this one.
    const deliver = (port: string, ...words: string[]) =>
      world.place.run('deliver', '-p', port, '--json', '--remember', 'guard.json', ...words);
    const fromCard = ['r.suit', '--bootstrap', 'card-only.cbor', ...FAST, '--card', READER];
    const absent = await deliver(to.port, ...fromCard);
    expect([absent.code, sourcesIn(absent.json())]).toEqual([20, ['card SourceUnreachable']]);

    const card = createCard({ pin: '2718', guarded: { read: [0x4410] } });
    await reader.insert(card);
    const empty = await deliver(to.port, ...fromCard);
    expect([empty.code, sourcesIn(empty.json())]).toEqual([20, []]);
    const withPin = { environment: { COUNTERSIGN_PIN: '2718' } };
    expect((await world.place.runWith(withPin, 'card', 'write', 'r.cose', '--create')).code).toBe(0);
    const locked = await deliver(to.port, ...fromCard);
    expect([locked.code, sourcesIn(locked.json())]).toEqual([20, ['card SourceUnreachable']]);
    expect(writesOf(to)).toEqual([]);

    // The same document from elsewhere does not count by this policy; from the card it does.
    const brought = await deliver(to.port, ...fromCard.slice(0, -2), '--approval', 'r.cose');
    expect(brought.json().verdict.reason.name).toBe('SourceNotAllowed');
    writeFileSync(world.place.path('pin'), '2718\n');
    const { code, json } = await deliver(to.port, ...fromCard, '--pin-file', 'pin');
    expect([code, json().result]).toEqual([0, 'confirmed']);
    expect(sourcesIn(json())).toEqual(['card Ok']);
    expect(existsSync(world.place.path('guard.json'))).toBe(true);
  });
});

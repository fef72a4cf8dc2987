// What is done with devices, without the command: values and functions in, plain data out, as another face would use it.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Core } from '../../host/core.js';
import { bringChangeToAll } from '../../host/device/change.js';
import { gatherFrom } from '../../host/device/evidence.js';
import { auditLog, type MarkStore, markText, parseMark, type Remembered } from '../../host/device/log.js';
import { nodeUri } from '../../host/device/tree.js';
import { type Sighting, watchDevice } from '../../host/device/watch.js';
import { CountersignError } from '../../host/errors.js';
import { signChange } from '../../host/formats/change.js';
import { openSerial } from '../../host/links/serial.js';
import { type Client, createClient } from '../../host/smp/client.js';
import { encodePacket, OP } from '../../host/smp/packet.js';
import { loadCore } from '../../host/wasm.js';
import { scriptedLink } from '../smp/scripted.js';
import { type DeviceWorld, makeDeviceWorld } from '../support/device-world.js';

let world: DeviceWorld;
let core: Core;
beforeAll(async () => {
  world = makeDeviceWorld();
  core = await loadCore();
});
afterAll(() => world.close());

const device = async () => createClient(await openSerial((await world.board({ unapproved: 'reject' })).port));

describe('gathering approvals', () => {
  const place = (read: () => Promise<Uint8Array[]>) => ({
    name: 'shelf',
    source: 'tree' as const,
    lasting: true,
    read,
  });
  const failing = (name: 'LinkUnavailable' | 'Cancelled') =>
    place(() => Promise.reject(new CountersignError(name, 'shelf: away')));

  it('a place is its documents; one without any is empty', async () => {
    const bytes = Uint8Array.of(1);
    const [found] = await gatherFrom(place(async () => [bytes]));
    expect(found).toEqual({ name: 'shelf', lasting: true, evidence: { source: 'tree', bytes } });
    expect(await gatherFrom(place(async () => []))).toEqual([]);
  });

  it('one that cannot be read is a fact with its error, never an empty one', async () => {
    const [found] = await gatherFrom(failing('LinkUnavailable'));
    expect(found).toMatchObject({ evidence: { source: 'tree', unreachable: true }, error: { message: 'shelf: away' } });
  });

  it('who stops the work stops it here', async () => {
    await expect(gatherFrom(failing('Cancelled'))).rejects.toThrow('shelf: away');
  });
});

describe('a trust anchor update for many devices', () => {
  const change = () =>
    signChange(world.keys.operator, { sequence: 5n, issuedAt: 1_800_000_000, policy: { unapproved: 'reject' } });

  it('tells of each how it went; one that fails does not stop the others, and again is no work', async () => {
    const board = await world.board({ unapproved: 'prompt' });
    const open = async (name: string): Promise<Client> => {
      if (name === 'away') throw new CountersignError('LinkUnavailable', 'away: nobody is there');
      return createClient(await openSerial(board.port));
    };
    const run = async () => {
      const ends: Record<string, unknown> = {};
      for await (const end of bringChangeToAll(core, change(), ['away', 'here'], open)) {
        ends[end.device] = 'error' in end ? end.error.message : end.outcome;
      }
      return ends;
    };
    expect(await run()).toEqual({ away: 'away: nobody is there', here: 'taken' });
    expect(await run()).toEqual({ away: 'away: nobody is there', here: 'in-force' });
  });

  it('reaches a bounded number at a time, and all of them', async () => {
    let [now, most] = [0, 0];
    const open = async (): Promise<Client> => {
      most = Math.max(most, ++now);
      await new Promise((done) => setTimeout(done, 1));
      now -= 1;
      throw new CountersignError('NoAnswer', 'silent');
    };
    const names = Array.from({ length: 50 }, (_, at) => `n${at}`);
    const seen: string[] = [];
    for await (const end of bringChangeToAll(core, change(), names, open)) seen.push(end.device);
    expect([seen.toSorted(), most]).toEqual([names.toSorted(), 16]);
  });

  it('ends with the signal, and reaches nobody then', async () => {
    const ending = new AbortController();
    ending.abort(new CountersignError('Cancelled', 'stopped'));
    const open = () => Promise.reject(new Error('nobody is reached'));
    const steps = bringChangeToAll(core, change(), ['one'], open, { signal: ending.signal });
    await expect(steps.next()).rejects.toThrow('stopped');
  });
});

describe('watching', () => {
  const alert = (n: number) => ({ version: 2 as const, op: OP.write, group: 64, sequence: 1, id: 6, body: { n } });
  const silent = () => scriptedLink(() => undefined);
  const take = async (sightings: AsyncGenerator<Sighting>, count: number): Promise<Sighting[]> => {
    const taken: Sighting[] = [];
    for await (const one of sightings) if (taken.push(one) === count) break;
    return taken;
  };

  it('tells notices, alerts, and what of the retained state has changed', async () => {
    const link = silent();
    let told = (_: Record<string, unknown>): void => undefined;
    let stopped = 0;
    const retained = async (tell: typeof told) => {
      told = tell;
      tell({ online: true, state: 10 });
      return async () => {
        stopped += 1;
      };
    };
    const sightings = watchDevice(createClient(link), { retained });
    expect(await sightings.next()).toMatchObject({ value: { kind: 'ready' } });
    link.speak('noise\nstate 60, reason 0\n');
    link.say(encodePacket(alert(3)));
    told({ online: true, state: 60 });
    told({ online: true, state: 60 });
    expect(await take(sightings, 4)).toMatchObject([
      { kind: 'retained', changed: { online: true, state: 10 } },
      { kind: 'state', state: 60, reason: 0 },
      { kind: 'alert', alert: { n: 3 } },
      { kind: 'retained', changed: { state: 60 } },
    ]);
    expect(stopped).toBe(1);
  });

  it('who looks too seldom loses the oldest, and no memory', async () => {
    const link = silent();
    const sightings = watchDevice(createClient(link), {});
    await sightings.next();
    for (let n = 0; n < 1500; n++) link.say(encodePacket(alert(n)));
    expect(await take(sightings, 1)).toMatchObject([{ alert: { n: 500 } }]);
  });

  it('a node is told when its bytes change', async () => {
    const client = await device();
    const sightings = watchDevice(client, { uri: nodeUri('Download/PkgURL'), intervalMs: 10 });
    expect(await take(sightings, 2)).toMatchObject([{ kind: 'ready' }, { kind: 'node', node: { format: 'chr' } }]);
    await client.close();
  });

  it('a link that has ended for good ends it, also while nobody asks', async () => {
    const link = silent();
    const sightings = watchDevice(createClient(link), {});
    await sightings.next();
    await link.close();
    await expect(sightings.next()).rejects.toMatchObject({ reason: { name: 'LinkLost' } });
  });
});

describe('an audit log that is remembered', () => {
  function store(kept?: Remembered): MarkStore & { text(): string } {
    return {
      name: 'a shelf',
      read: async () => kept,
      async write(mark) {
        kept = mark;
      },
      text: () => markText(kept!),
    };
  }

  it('is compared with what was there before, and its newest record kept', async () => {
    const client = await device();
    const shelf = store();
    const first = await auditLog(client, shelf);
    expect(first).toMatchObject({ whole: true, device: '0a0b', before: undefined });
    expect(parseMark(shelf.text())).toEqual({ device: '0a0b', ...first.newest });
    const forged = store({ device: '0a0b', number: first.newest!.number, hash: '00'.repeat(32) });
    expect(await auditLog(client, forged)).toMatchObject({ whole: false, faults: [{ what: 'altered' }] });
    expect(parseMark(forged.text()).hash).toBe('00'.repeat(32)); // the next one sees it too
    const other = store({ device: 'ff', number: 0, hash: '00'.repeat(32) });
    await expect(auditLog(client, other)).rejects.toThrow('a shelf is about device ff');
    await client.close();
  });
});

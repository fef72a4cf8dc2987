// The audit log as the host reads it: each record that is altered or missing is named, by the real agent's own records.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deliver } from '../../host/device/deliver.js';
import { putApproval } from '../../host/device/identity.js';
import { fetchLog, LOG_EVENTS, type RawLog, verifyLog } from '../../host/device/log.js';
import { newDocumentId, signApproval } from '../../host/formats/approval.js';
import { sha256 } from '../../host/formats/bytes.js';
import { decode, encode } from '../../host/formats/cbor.js';
import { splitEnvelope } from '../../host/formats/envelope.js';
import { openSerial } from '../../host/links/serial.js';
import { createClient } from '../../host/smp/client.js';
import { makePlace, type Place, runHere } from '../support/command.js';
import { type DeviceWorld, makeDeviceWorld } from '../support/device-world.js';

let world: DeviceWorld;
let place: Place;
let port: string;
let raw: RawLog;
beforeAll(async () => {
  world = makeDeviceWorld();
  place = await makePlace();
  port = (await world.board({ unapproved: 'reject' })).port;
  const client = createClient(await openSerial(port));
  for (const sequence of [1n, 2n]) {
    const file = world.package(`r${sequence}.suit`, sequence);
    for await (const _ of deliver(client, { file })); // refused
    const entries = [{ verdict: 'approve' as const, digest: splitEnvelope(file, 'package').digest! }];
    const claims = { issuer: 'op', issuedAt: 1_800_000_000, id: newDocumentId(), sequence, entries };
    await putApproval(client, signApproval(world.keys.operator, claims));
    for await (const _ of deliver(client, { file })); // installed
  }
  raw = await fetchLog(client);
  await client.close();
});
afterAll(async () => {
  await world.close();
  await place.remove();
});

const changed = (change: (records: Uint8Array[]) => void, more: Partial<RawLog> = {}): RawLog => {
  const records = raw.records.map((record) => Uint8Array.from(record));
  change(records);
  return { ...raw, records, ...more };
};
// A record with another time, whole and well-formed: what somebody with the flash in hand would write.
const forge = (record: Uint8Array): Uint8Array => {
  const map = decode(record, 'record') as Map<number, unknown>;
  return encode(new Map([...map].map(([key, value]) => [key, key === 3 ? Number(value) + 60 : value])));
};
const told = (log: RawLog, mark?: Parameters<typeof verifyLog>[1]) =>
  verifyLog(log, mark).faults.map(({ number, what }) => `${number} ${what}`);

describe('the chain', () => {
  it('of a device that was left alone is whole, and tells what happened', () => {
    const { records, faults, newest } = verifyLog(raw);
    expect(faults).toEqual([]);
    expect(newest?.number).toBe(records.length - 1);
    expect(records[0]!.event).toBe('provisioned');
    const events = records.map(({ event }) => event);
    for (const event of ['refused', 'approval stored', 'downloaded', 'installing', 'installed']) {
      expect(
        events.filter((one) => one === event),
        event,
      ).toHaveLength(2);
    }
  });

  it('names the operator, the document and its source for each package that was installed, and who ran before', () => {
    const { records } = verifyLog(raw);
    const decided = records.filter(({ event }) => event === 'installing');
    expect(decided).toMatchObject([
      { from: 0n, to: 1n, row: 6, operators: [{ document: 1n, source: 'tree' }] },
      { from: 1n, to: 2n, row: 6, operators: [{ document: 2n, source: 'tree' }] },
    ]);
    for (const { operators } of decided) expect(operators![0]!.kid).toMatch(/^[0-9a-f]{16}$/);
    expect(records.filter(({ event }) => event === 'refused')).toMatchObject([{ row: 8 }, { row: 8, from: 1n }]);
  });

  it('has words for exactly the events that the agent writes', () => {
    const source = readFileSync('assembly/update/audit.ts', 'utf8');
    const list = /enum Event \{([^}]*)\}/.exec(source)![1]!;
    const names = [...list.matchAll(/^ {2}(\w+) = (\d+)/gm)].map(([, name, number]) => [name, Number(number)]);
    const words = (name: string) => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`).trim();
    for (const [name, at] of names) expect(LOG_EVENTS[(at as number) - 1]).toBe(words(name as string));
    expect(LOG_EVENTS).toHaveLength(Math.max(...names.map(([, at]) => at as number)));
  });

  it('names every single record that is altered', () => {
    const last = raw.records.length - 1;
    for (let at = 0; at <= last; at++) {
      const log = changed((records) => {
        records[at] = forge(records[at]!);
      });
      expect(told(log), `record ${at}`).toEqual([`${at} altered`]);
    }
  });

  it('names every single bit that flips', () => {
    for (let at = 0; at < raw.records.length; at++) {
      for (let bit = 0; bit < raw.records[at]!.length * 8; bit += 7) {
        const log = changed((records) => {
          records[at]![bit >> 3]! ^= 1 << (bit & 7);
        });
        expect(told(log), `record ${at} bit ${bit}`).toContain(`${at} altered`);
      }
    }
  });

  // A flipped bit in a length makes of what follows other items: fractions, too, which CBOR has.
  it.each([
    ['the sequence numbers', 7, [0.5, 1]],
    ['the number of a document', 9, [[new Uint8Array(8), 5.8e-95, 1]]],
    ['the number of operators left out', 11, 0.5],
  ])('reads a record in which %s is a fraction', (_, member, value) => {
    const log = changed((records) => {
      const map = decode(records[1]!, 'record') as Map<number, unknown>;
      records[1] = encode(map.set(member, value));
    });
    expect(told(log)).toContain('1 altered');
  });

  it('names every single record that is missing, and the one that nobody remembers then', () => {
    for (let at = 1; at < raw.records.length; at++) {
      const log = changed((records) => {
        records[at] = new Uint8Array();
      });
      expect(told(log)).toEqual([`${at - 1} unconfirmed`, `${at} missing`]);
    }
  });

  it('a record left out, so that all later ones move up, is noticed from there on', () => {
    const log = changed((records) => records.splice(3, 1));
    expect(told(log)).toContain('3 altered');
  });

  it('written anew from one record on, it is whole in itself: only who remembers notices', () => {
    const log = changed((records) => {
      records[4] = forge(records[4]!);
      for (let at = 5; at < records.length; at++) {
        const map = decode(records[at]!, 'record') as Map<number, unknown>;
        map.set(2, sha256(records[at - 1]!));
        records[at] = encode(map);
      }
    });
    log.end = sha256(log.records.at(-1)!);
    expect(told(log)).toEqual([]);
    const mark = (number: number) => ({ number, hash: Buffer.from(sha256(raw.records[number]!)).toString('hex') });
    expect(told(log, mark(6))).toEqual(['6 altered']);
    expect(told(log, mark(3))).toEqual([]);
  });

  it('cut back to an earlier end, it is noticed by who remembers', () => {
    const log = changed((records) => records.splice(5), { end: sha256(raw.records[4]!) });
    expect(told(log)).toEqual([]);
    expect(told(log, verifyLog(raw).newest)).toEqual([`${raw.records.length - 1} cut back`]);
  });

  it('that begins later, because the ring is full, is no fault', () => {
    const log = changed((records) => records.splice(0, 3), { first: raw.first + 3 });
    expect(told(log)).toEqual([]);
  });
});

describe('countersign log', () => {
  it('tells it in words and as JSON, and remembers', async () => {
    const mark = place.path('mark');
    const { code, json } = await runHere(place, 'log', '-p', port, '--remember', mark);
    expect(code).toBe(0);
    expect(json()).toMatchObject({ device: '0a0b', whole: true, faults: [], records: expect.any(Array) });
    expect(json().records[1]).toMatchObject({ event: 'refused', reason: { code: 80, name: 'NotApproved' } });
    const words = await place.must('log', '-p', port, '--remember', mark);
    expect(words.stdout).toMatch(/refused +package [0-9a-f]{16} +the operator has not approved it/);
    expect(words.stdout).toContain('the log is whole: records 0 to');

    const remembered = JSON.parse(readFileSync(mark, 'utf8'));
    writeFileSync(mark, JSON.stringify({ ...remembered, hash: '00'.repeat(32) }));
    const other = await runHere(place, 'log', '-p', port, '--remember', mark);
    expect([other.code, other.json().whole, other.json().faults[0].what]).toEqual([1, false, 'altered']);
    writeFileSync(mark, JSON.stringify({ ...remembered, device: 'ffff' }));
    const foreign = await runHere(place, 'log', '-p', port, '--remember', mark);
    expect([foreign.code, foreign.json().error.reason.code]).toEqual([4, 241]);
    writeFileSync(mark, 'no');
    expect((await runHere(place, 'log', '-p', port, '--remember', mark)).code).toBe(1);
  });

  it('--dry-run remembers nothing', async () => {
    await place.must('log', '-p', port, '--remember', 'unwritten', '--dry-run', '-q');
    expect(existsSync(place.path('unwritten'))).toBe(false);
  });
});

// Boards without our agent. The server here is SCRIPTED, after the SMP specification (reference: Zephyr's image and OS
// groups); no real one can be had from Debian or npm. What is real: the command, the core that judges, and the socket.

import { createSocket, type Socket } from 'node:dgram';
import { writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { newDocumentId, signApproval } from '../../host/formats/approval.js';
import { encodeBootstrap } from '../../host/formats/bootstrap.js';
import { classIdOf, sha256, vendorIdOf } from '../../host/formats/bytes.js';
import { payloadIn, splitEnvelope } from '../../host/formats/envelope.js';
import type { Policy } from '../../host/formats/policy.js';
import { decodePacket, encodePacket, type Packet } from '../../host/smp/packet.js';
import { decodeRaw } from '../../host/smp/raw.js';
import { responseTo } from '../smp/scripted.js';
import { makePlace, type Place, runHere } from '../support/command.js';
import { type DeviceWorld, makeDeviceWorld } from '../support/device-world.js';

let world: DeviceWorld;
let place: Place;
let file: Uint8Array;
const vendorId = vendorIdOf('vendor.example');
beforeAll(async () => {
  world = makeDeviceWorld();
  place = await makePlace();
  file = world.package('r.suit', 5n);
  writeFileSync(place.path('r.suit'), file);
  const entries = [{ verdict: 'approve' as const, digest: splitEnvelope(file, 'r').digest }];
  const claims = { issuer: 'op', issuedAt: 1_700_000_000, id: newDocumentId(), sequence: 1n, entries };
  writeFileSync(place.path('r.cose'), signApproval(world.keys.operator, claims));
  const policies: [string, Policy][] = [
    ['reject.cbor', { unapproved: 'reject' }],
    ['prompt.cbor', { unapproved: 'prompt' }],
  ];
  for (const [name, policy] of policies) {
    const anchors = [
      { role: 'vendor' as const, key: world.keys.vendor.public },
      { role: 'operator' as const, key: world.keys.operator.public },
    ];
    const classId = classIdOf(vendorId, 'virtual');
    const document = { device: Uint8Array.of(1), vendorId, classId, anchors, policy, approvals: [] };
    writeFileSync(place.path(name), encodeBootstrap(document));
  }
});
const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.close();
});
afterAll(async () => {
  await world.close();
  await place.remove();
});

interface Board {
  url: string;
  received: Uint8Array;
  confirmed: boolean;
  requests: Packet[];
}

// A boot loader and application with SMP: `odd` takes no more than this of one packet; `states` false: serial recovery.
async function board({ odd = 1000, states = true, reverts = false } = {}): Promise<Board> {
  const running = { hash: sha256(Uint8Array.of(1)), confirmed: true };
  const made: Board = { url: '', received: new Uint8Array(), confirmed: false, requests: [] };
  let staged: Uint8Array | undefined;
  let pending = false;
  const images = () => [
    { slot: 0, version: '1.0.0', hash: running.hash, bootable: true, confirmed: running.confirmed, active: true },
    ...(staged ? [{ slot: 1, version: '1.5.0', hash: staged, bootable: true, pending }] : []),
  ];
  const answer = ({ group, id, op, body }: Packet): Record<string, unknown> | undefined => {
    if (group === 0 && id === 5) {
      if (pending && staged && !reverts) Object.assign(running, { hash: staged, confirmed: false });
      staged = undefined;
      pending = false;
      return {};
    }
    if (group === 1 && id === 1) {
      const { off, data } = body as { off: number; data: Uint8Array };
      if (off === made.received.length || off === 0) {
        made.received = Buffer.concat([made.received.subarray(0, off), data.subarray(0, odd)]);
        staged = sha256(made.received);
      }
      return { rc: 0, off: made.received.length };
    }
    if (group === 1 && id === 0 && states) {
      if (op === 2 && body.confirm === true) made.confirmed = running.confirmed = true;
      else if (op === 2) pending = true;
      return { images: images(), splitStatus: 0 };
    }
    return { rc: 8 };
  };
  const socket = createSocket('udp4');
  sockets.push(socket);
  socket.on('message', (bytes, from) => {
    const request = decodePacket(bytes);
    made.requests.push(request);
    const body = answer(request);
    if (body) socket.send(encodePacket(responseTo(request, body)), from.port, from.address);
  });
  await new Promise<void>((done) => socket.bind(0, '127.0.0.1', done));
  made.url = `udp://127.0.0.1:${socket.address().port}`;
  return made;
}

const deliver = (to: Board, ...words: string[]) => runHere(place, 'deliver', 'r.suit', '-p', to.url, ...words);
const image = () => Buffer.from(payloadIn(splitEnvelope(file, 'r'))!.value);

describe('a board that cannot check for itself', () => {
  it('gets nothing without a bootstrap document that says who may approve', async () => {
    const to = await board();
    const { code, json } = await deliver(to);
    expect([code, json().error.code, to.received.length]).toEqual([4, 243, 0]);
  });

  it('gets not a byte of what is not approved, nor of what a person would have to agree to', async () => {
    const to = await board();
    const refused = await deliver(to, '--bootstrap', 'reject.cbor', '--installed', '1');
    expect([refused.code, refused.json().result]).toEqual([20, 'refused']);
    const asked = await deliver(to, '--bootstrap', 'prompt.cbor', '--installed', '1');
    expect([asked.code, asked.json().result]).toEqual([30, 'asked']);
    const older = await deliver(to, '--bootstrap', 'reject.cbor', '--approval', 'r.cose', '--installed', '6');
    expect(older.code).toBe(24);
    expect(to.requests.every(({ group }) => group === 64)).toBe(true);
  });

  it.each([1000, 97, 1])(
    'gets the firmware itself, %i bytes at most at a time; tested, reset, confirmed',
    async (odd) => {
      const to = await board({ odd });
      const { code, json } = await deliver(
        to,
        '--bootstrap',
        'reject.cbor',
        '--approval',
        'r.cose',
        '--installed',
        '1',
      );
      expect([code, json()]).toMatchObject([0, { result: 'confirmed', foreign: true }]);
      expect(Buffer.from(to.received).equals(image())).toBe(true);
      expect(to.confirmed).toBe(true);
    },
  );

  it('that goes back to what it had is an error; one without states is just reset', async () => {
    const words = ['--bootstrap', 'reject.cbor', '--approval', 'r.cose', '--installed', '1'];
    const reverted = await deliver(await board({ reverts: true }), ...words);
    expect([reverted.code, reverted.json().result]).toEqual([1, 'reverted']);
    const recovery = await board({ states: false });
    const sent = await deliver(recovery, ...words);
    expect([sent.code, sent.json().result]).toEqual([0, 'sent']);
    expect(recovery.requests.at(-1)).toMatchObject({ group: 0, id: 5 });
  });
});

describe('raw framing', () => {
  it('takes packets split anywhere, with text between', () => {
    const packet = encodePacket({ version: 2, op: 3, group: 1, sequence: 7, id: 1, body: { off: 97 } });
    const stream = Buffer.concat([Buffer.from('boot\n'), packet, packet, Buffer.from('log\n')]);
    for (let at = 0; at <= stream.length; at++) {
      const [first, rest] = decodeRaw(new Uint8Array(), stream.subarray(0, at));
      const [second] = decodeRaw(rest, stream.subarray(at));
      const items = [...first, ...second];
      expect(items.filter(({ kind }) => kind === 'packet').map(({ bytes }) => Buffer.from(bytes))).toEqual([
        Buffer.from(packet),
        Buffer.from(packet),
      ]);
      const text = items.filter(({ kind }) => kind === 'text').map(({ bytes }) => Buffer.from(bytes).toString());
      expect(text.join('')).toBe('boot\nlog\n');
    }
  });
});

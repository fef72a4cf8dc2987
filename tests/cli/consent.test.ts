// A consenter answers from afar: on a terminal by a typed word, in a script only by naming the whole manifest digest.

import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { VirtualBoard } from '../../boards/virtual/board.js';
import { commands } from '../../host/cli/commands/index.js';
import { parse } from '../../host/cli/parse.js';
import { deliver, type Outcome } from '../../host/device/deliver.js';
import { readAsked } from '../../host/device/question.js';
import { hex } from '../../host/formats/bytes.js';
import { splitEnvelope } from '../../host/formats/envelope.js';
import { fingerprint } from '../../host/formats/fingerprint.js';
import { generateKey } from '../../host/keys/read.js';
import { type Broker, startBroker } from '../../host/links/broker.js';
import { openSerial } from '../../host/links/serial.js';
import { createClient } from '../../host/smp/client.js';
import { makePlace, type Place, runHere } from '../support/command.js';
import { type DeviceWorld, makeDeviceWorld } from '../support/device-world.js';
import { have } from '../support/need.js';
import { openWindow } from '../support/tmux.js';

const PROGRAM = fileURLToPath(new URL('../../dist/bin/countersign.js', import.meta.url));

let world: DeviceWorld;
let place: Place;
let broker: Broker;
let board: VirtualBoard;
beforeAll(async () => {
  world = makeDeviceWorld();
  place = await makePlace();
  broker = await startBroker();
  writeFileSync(world.path('stranger.pem'), generateKey('ed25519').toPem());
  board = await world.board(
    { unapproved: 'prompt', 'consent-channels': ['remote'] },
    { broker: broker.url, name: 'far' },
  );
});
afterAll(async () => {
  await world.close();
  await broker.close();
  await place.remove();
});

// Delivers on the serial line until the device asks; the rest goes on.
async function offered(name: string, sequence: bigint): Promise<{ digest: string; end: Promise<Outcome> }> {
  const file = world.package(name, sequence);
  const client = createClient(await openSerial(board.port));
  const steps = deliver(client, { file });
  for (let step = await steps.next(); !step.done && step.value.kind !== 'waiting'; step = await steps.next());
  const rest = async (): Promise<Outcome> => {
    for (let step = await steps.next(); ; step = await steps.next()) {
      if (!step.done) continue;
      await client.close();
      return step.value;
    }
  };
  return { digest: hex(splitEnvelope(file, name).digest), end: rest() };
}

const remote = (...words: string[]) => [
  'consent',
  ...['--broker', broker.url, '--device', 'far', '-k', world.path('consenter.pem'), ...words],
];

describe('in a script', () => {
  it('nothing asked is 2', async () => {
    const { code, json } = await runHere(place, ...remote());
    expect([code, json().error.reason.code]).toEqual([2, 126]);
  });

  it('only the whole digest of what is asked answers it; the answer counts once', async () => {
    const { digest, end } = await offered('r1.suit', 1n);
    const bare = await runHere(place, ...remote());
    expect([bare.code, bare.json().error.message]).toEqual([4, expect.stringContaining('cannot ask')]);
    const other = await runHere(place, ...remote('--i-consent-to-manifest', '00'.repeat(32)));
    expect([other.code, other.json().error.reason.code]).toEqual([22, 124]);
    world.package('other.suit', 77n);
    const wrong = await runHere(
      place,
      ...remote('--package', world.path('other.suit'), '--i-consent-to-manifest', digest),
    );
    expect([wrong.code, wrong.json().error.reason.code]).toEqual([22, 124]);
    const dry = await runHere(place, ...remote('--i-consent-to-manifest', digest, '--dry-run'));
    expect([dry.code, dry.json().given]).toEqual([0, false]);
    const stranger = ['-k', world.path('stranger.pem'), '--i-consent-to-manifest', digest];
    const foreign = await runHere(place, 'consent', '--broker', broker.url, '--device', 'far', ...stranger);
    expect([foreign.code, foreign.json().error.reason.code]).toEqual([22, 127]);

    const words = remote('--i-consent-to-manifest', digest, '--package', world.path('r1.suit'));
    const done = await runHere(place, ...words);
    expect([done.code, done.json()]).toMatchObject([0, { answer: 'yes', given: true, digest, device: '0a0b' }]);
    expect(await end).toMatchObject({ kind: 'installed', sequence: 1n });
    expect((await runHere(place, ...words)).code).toBe(2);
  });

  it('a refusal is an answer too', async () => {
    const { digest, end } = await offered('r2.suit', 2n);
    expect((await runHere(place, ...remote('--i-refuse-manifest', digest))).json().answer).toBe('no');
    expect(await end).toMatchObject({ kind: 'refused', reason: 121 });
  });

  it.each<[string, string[]]>([
    ['-y', ['-y']],
    ['its long form', ['--assume-yes']],
    ['half a digest', ['--i-consent-to-manifest', 'abcd']],
  ])('%s is a bad argument', (_, words) => {
    const reading = () => parse(commands, ['consent', '-k', 'x', ...words], () => ({ lookup: () => undefined }));
    expect(reading).toThrow(expect.objectContaining({ reason: expect.objectContaining({ exit: 4 }) }));
  });
});

describe.skipIf(!have('tmux'))('on a terminal', () => {
  it('shows what is signed; Enter alone and y are no answers, yes is', async () => {
    const { digest, end } = await offered('r3.suit', 3n);
    const window = openWindow([process.execPath, PROGRAM, ...remote()], { HOME: place.folder });
    try {
      const shown = await window.until('Type yes or no');
      const words = fingerprint(Uint8Array.from(Buffer.from(digest, 'hex')));
      for (const text of [digest, words, 'Blinky', '1.3.0', 'Vendor, key', '0a0b']) expect(shown).toContain(text);
      window.press('Enter');
      await window.until('type the whole word');
      window.text('y');
      window.press('Enter');
      window.text('es');
      await window.until(/│ {2}yes/);
      window.press('Enter');
      await window.until('answered yes; the device took it');
      await window.until('ended with 0');
    } finally {
      window.close();
    }
    expect(await end).toMatchObject({ kind: 'installed', sequence: 3n });
    const client = createClient(await openSerial(board.port));
    expect(await readAsked(client)).toBeUndefined();
    await client.close();
  });
});

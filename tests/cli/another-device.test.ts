// A port that comes back with another board on it: whoever was talking to the first one does not go on with the second.
// Boards are processes of their own, so that a port goes when its board does.

import { readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makePlace, type Place, type Running } from '../support/command.js';

let place: Place;
const running: Running[] = [];
beforeAll(async () => {
  place = await makePlace();
  for (const name of ['vendor', 'operator']) await place.given('keygen', name);
  writeFileSync(
    place.path('big.bin'),
    Uint8Array.from({ length: 80_000 }, (_, at) => at >> 4),
  );
  const names = ['--vendor', 'vendor.example', '--class', 'virtual', '--version', '9', '-s', '9'];
  await place.given('package', 'big.bin', '-k', 'vendor.pem', ...names);
  await place.given('approve', 'big.suit', '-k', 'operator.pem');
});
afterAll(async () => {
  await Promise.all(running.map((board) => board.stop()));
  await place.remove();
});

const anchors = '[{role: vendor, key: vendor.pub.pem}, {role: operator, key: operator.pub.pem}]';
const policy = '{unapproved: reject, trial-boots: 0}';

/** A board, provisioned if it is to have an id. */
async function startBoard(flash: string, id?: string): Promise<{ port: string; process: Running }> {
  const process = place.start('board', 'virtual', '--flash', flash);
  running.push(process);
  await process.said('running until Ctrl-C');
  const port = /\/dev\/pts\/\d+/.exec(process.output())?.[0] ?? '';
  if (id === undefined) return { port, process };
  const identity = `device: "${id}"\nvendor: vendor.example\nclass: virtual\n`;
  writeFileSync(place.path(`${id}.yaml`), `${identity}anchors: ${anchors}\npolicy: ${policy}\n`);
  await place.must('provision', `${id}.yaml`, '-p', port);
  return { port, process };
}

describe('a port that comes back in the midst of a delivery', () => {
  it.each([
    ['with another device on it', 'bb', 'device bb'],
    ['with a blank device on it', undefined, 'a blank one'],
  ])('%s: 25, and nothing is written there', async (what, id, who) => {
    const port = place.path(`port ${what}`);
    const first = await startBoard(`first ${what}`, 'aa');
    const second = await startBoard(`second ${what}`, id); // before the first one goes, or it gets the number of its terminal
    symlinkSync(first.port, port);
    const words = ['deliver', 'big.suit', '-p', port, '--approval', 'big.cose'];
    const delivering = place.start(...words, '--timeout', '20', '--json');
    await delivering.said('sending 30%');
    const before = readFileSync(place.path(`second ${what}`));
    rmSync(port);
    await first.process.stop();
    await delivering.said('is gone: waiting for it');
    symlinkSync(second.port, port);
    const { code, json } = await delivering.ended;
    expect([code, json().error]).toMatchObject([25, { reason: { code: 253, name: 'OtherDevice' } }]);
    expect(json().error.message).toContain(`there was device aa, and is ${who} now`);
    await second.process.stop(); // what it would have to write is written
    expect(readFileSync(place.path(`second ${what}`)).equals(before)).toBe(true);
  });
});

// docs/example.mjs does the whole main job in at most 60 lines, by the library alone, with a board that runs here.

import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makePlace, type Place, type Running } from '../support/command.js';

const EXAMPLE = fileURLToPath(new URL('../../docs/example.mjs', import.meta.url));
const LINES_MAX = 60;

let place: Place;
let board: Running;
beforeAll(async () => {
  place = await makePlace();
  board = place.start('board', 'virtual', '--flash', 'example.flash');
  await board.said('running until Ctrl-C');
});
afterAll(async () => {
  await board.stop();
  await place.remove();
});

it('refused, approved, installed', async () => {
  const port = /\/dev\/[\w/]+/.exec(board.output())![0];
  writeFileSync(place.path('app.bin'), new Uint8Array(3000).fill(0xa5));
  const { stdout } = await promisify(execFile)(process.execPath, [EXAMPLE, port, place.path('app.bin')]);
  expect(stdout.split('\n').filter((line) => !line.startsWith('warning: '))).toEqual([
    'unapproved: refused: the operator has not approved it',
    'approved: installed',
    '',
  ]);
});

it('and no more than that', () => {
  const text = readFileSync(EXAMPLE, 'utf8');
  expect(text.trimEnd().split('\n').length).toBeLessThanOrEqual(LINES_MAX);
  expect([...text.matchAll(/from '(.+)'/g)].map(([, from]) => from)).toEqual(['node:fs/promises', 'countersign']);
});

// docs/fleet.md is true: a newcomer who types what stands there, on a broker of their own, gets what it says.

import { spawnSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { splitCode } from '../docs/markdown.js';
import { countersignsIn } from '../docs/shell.js';
import { makePlace, PROGRAM, type Running } from '../support/command.js';
import { startMosquitto } from '../support/mosquitto.js';
import { have } from '../support/need.js';

const STANDARD = 'mqtt://localhost';

it.skipIf(!have('mosquitto'))('every command of docs/fleet.md runs', { timeout: 300_000 }, async () => {
  const [broker, place] = [await startMosquitto(), await makePlace()];
  const boards: Running[] = [];
  try {
    await place.given('keygen', 'vendor');
    await place.given('keygen', 'operator');
    writeFileSync(place.path('firmware.bin'), Buffer.alloc(5000, 7));
    const name = ['--vendor', 'vendor.example', '--class', 'virtual', '--sequence', '1', '-o', 'demo.suit'];
    await place.given('package', 'firmware.bin', '-k', 'vendor.pem', ...name);
    writeFileSync(place.path('countersign'), `#!/bin/sh\nexec "${process.execPath}" "${PROGRAM}" "$@"\n`);
    chmodSync(place.path('countersign'), 0o755);
    const env = { HOME: place.folder, PATH: `${place.folder}:${process.env.PATH}` };
    let run = 0;
    for (const { language, marks, text, line } of splitCode(readFileSync('docs/fleet.md', 'utf8')).blocks) {
      const file = marks.find((mark) => mark.startsWith('file='))?.slice('file='.length);
      if (file) writeFileSync(place.path(file), text);
      const here = text.replaceAll(STANDARD, broker.url);
      if (marks.includes('boards')) {
        for (const words of countersignsIn(here)) {
          const board = place.start(...words);
          boards.push(board);
          await board.said('running until');
        }
      }
      if (language !== 'sh' || !marks.includes('fleet')) continue;
      const options = { cwd: place.folder, env, encoding: 'utf8' } as const;
      for (const one of here.trim().split('\n')) {
        const { status, stderr, stdout } = spawnSync('bash', ['-e', '-c', one], options);
        expect([`docs/fleet.md, line ${line}: ${one}`, status, stdout, stderr]).toEqual([
          expect.anything(),
          Number(/# exit code (\d+)/.exec(one)?.[1] ?? 0),
          expect.anything(),
          expect.anything(),
        ]);
        run += 1;
      }
    }
    expect(run).toBeGreaterThan(8);
    const page = readFileSync(place.path('evidence.html'), 'utf8');
    expect(page.match(/installed/g)?.length).toBeGreaterThanOrEqual(3);
  } finally {
    for (const board of boards) await board.stop();
    await broker.close();
    await place.remove();
  }
});

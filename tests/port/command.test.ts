// `countersign board microbit` and `npm start -- --board microbit` as a user runs them: a real terminal, an emulated
// Cortex-M0, keys for its buttons, and the application's own words on the serial line.

import { execFile, spawn as spawnPlain } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify, stripVTControlCharacters } from 'node:util';
import { spawn } from '@lydell/node-pty';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { deliver, type Outcome } from '../../host/device/deliver.js';
import { identify, provision } from '../../host/device/identity.js';
import { openTcp } from '../../host/links/tcp.js';
import { reasons } from '../../host/reasons.js';
import { createClient } from '../../host/smp/client.js';
import { gatherPeople } from '../../host/story/people.js';
import { canRunMicrobit } from '../support/microbit.js';

const PROGRAM = resolve('dist/bin/countersign.js');
const MINUTES = 60_000;

describe.skipIf(!canRunMicrobit())('the micro:bit from the command line', () => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-command-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const environment = { ...process.env, HOME: folder, XDG_STATE_HOME: folder };
  const words = [PROGRAM, 'board', 'microbit', '--flash', 'board.flash'];

  /** Waits until the pattern has been said, and gives its match. */
  const until = (said: () => string, pattern: RegExp) =>
    vi.waitFor(
      () => {
        const found = pattern.exec(said());
        if (!found) throw new Error(`${pattern} was not said, but: ${said()}`);
        return found;
      },
      { timeout: MINUTES, interval: 50 },
    );

  test(
    'on a terminal: the keys are its buttons, r resets it, Ctrl-C saves its flash',
    async () => {
      const child = spawn(process.execPath, words, { cols: 160, cwd: folder, env: environment });
      let said = '';
      child.onData((piece) => {
        said += stripVTControlCharacters(piece);
      });
      const status = new Promise<number>((done) => child.onExit(({ exitCode }) => done(exitCode)));
      const [port] = await until(() => said, /tcp:\/\/[\d.:]+/);
      await until(() => said, /keys: a is button A/);

      const client = createClient(await openTcp(port!), { timeoutMs: 10_000 });
      const people = await gatherPeople('microbit');
      const file = people.release({ version: '1.0.0', sequence: 1n }).envelope;
      await provision(client, people.bootstrap('00000000000000a2', { unapproved: 'prompt', 'trial-boots': 0 }));
      const bring = async (key: string): Promise<Outcome> => {
        const steps = deliver(client, { file });
        for (;;) {
          const step = await steps.next();
          if (step.done) return step.value;
          if (step.value.kind === 'waiting') child.write(key);
        }
      };
      expect(await bring('b')).toMatchObject({ kind: 'refused', reason: reasons.UserRefused.code });
      expect(said).toMatch(/board: Install demo-app 1\.0\.0, reason 80\? yes\/no/);
      expect(await bring('a')).toMatchObject({ kind: 'installed', version: '1.0.0' });
      await client.close();
      said = '';
      child.write('r');
      await until(() => said, /board: demo-app 1\.0\.0/);
      expect(said).not.toContain('r\r\n'); // keys are not echoed
      child.write('\u0003');
      expect(await status).toBe(130);
      expect(readFileSync(join(folder, 'board.flash')).length).toBe(0x40000);
    },
    4 * MINUTES,
  );

  test(
    'without a terminal: what was installed starts from the saved flash; a signal to all of the group saves it again',
    async () => {
      expect(existsSync(join(folder, 'board.flash'))).toBe(true);
      const child = spawnPlain(process.execPath, [...words, '--json'], {
        cwd: folder,
        env: environment,
        detached: true,
      });
      let said = '';
      let results = '';
      child.stderr.setEncoding('utf8').on('data', (piece: string) => {
        said += piece;
      });
      child.stdout.setEncoding('utf8').on('data', (piece: string) => {
        results += piece;
      });
      await until(() => said, /board: demo-app 1\.0\.0/);
      const client = createClient(await openTcp(JSON.parse(results.split('\n')[0]!).port), { timeoutMs: 10_000 });
      expect((await identify(client)).installed).toMatchObject({ version: '1.0.0' });
      await client.close();
      const status = new Promise((done) => child.once('exit', done));
      process.kill(-child.pid!, 'SIGINT'); // as a terminal does to the job in front
      expect(await status).toBe(130);
      expect(said).toContain('no terminal, or in its background: nobody can press its buttons');
      expect(readFileSync(join(folder, 'board.flash')).length).toBe(0x40000);
    },
    2 * MINUTES,
  );

  test(
    'the story is played on two of them, and what was installed says so itself',
    async () => {
      const { stdout } = await promisify(execFile)(process.execPath, [
        resolve('dist/host/story/main.js'),
        '--board',
        'microbit',
      ]);
      expect(stdout.trimEnd().split('\n').at(-1)).toBe('scenes: 10 of 10');
      expect(stdout.match(/INSTALLED/g)).toHaveLength(3);
      expect(stdout.match(/says on the serial line: demo-app/g)).toHaveLength(3);
      expect(stdout).toContain('left out, as only one microbit runs in a process: a fleet');
    },
    10 * MINUTES,
  );

  test('the story without an emulator says what to install, one on another board what there is', async () => {
    writeFileSync(join(folder, 'sh'), '#!/bin/sh\nexec /bin/sh "$@"\n', { mode: 0o755 });
    const play = (board: string, PATH: string) =>
      promisify(execFile)(process.execPath, [resolve('dist/host/story/main.js'), '--board', board], {
        env: { ...environment, PATH },
      }).catch((error: { code: number; stderr: string }) => error);
    expect(await play('microbit', folder)).toMatchObject({ code: 3, stderr: expect.stringMatching(/apt-get install/) });
    expect(await play('toaster', folder)).toMatchObject({ code: 4, stderr: expect.stringMatching(/--board virtual/) });
  });
});

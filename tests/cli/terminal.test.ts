// On a terminal of its own the command asks; Ctrl-C is an answer too; --no-input asks nobody.

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makePlace, type Place } from '../support/command.js';
import { runOnTerminal } from '../support/terminal.js';

const PROGRAM = fileURLToPath(new URL('../../dist/bin/countersign.js', import.meta.url));

let place: Place;
beforeAll(async () => {
  place = await makePlace();
});
afterAll(() => place.remove());

const keygen = (name: string, ...more: string[]) => [PROGRAM, 'keygen', place.path(name), '--encrypt', ...more];

describe('a passphrase', () => {
  it('is asked for twice, and not shown', async () => {
    const { text, status } = await runOnTerminal(keygen('one'), [
      ['New passphrase', 'open sesame\r'],
      ['again', 'open sesame\r'],
    ]);
    expect(status).toBe(0);
    expect(text).not.toContain('sesame');
    const opened = await place.runWith(
      { environment: { COUNTERSIGN_PASSPHRASE: 'open sesame' } },
      'inspect',
      'one.pem',
    );
    expect(opened.stdout).toContain('private key, ed25519, encrypted');
  });

  it('that is typed differently is none', async () => {
    const { text, status } = await runOnTerminal(keygen('two'), [
      ['New passphrase', 'open\r'],
      ['again', 'opne\r'],
    ]);
    expect([status, text.includes('differ'), existsSync(place.path('two.pem'))]).toEqual([1, true, false]);
  });

  it('that is not given, by Ctrl-C, ends with 130 and writes nothing', async () => {
    const { status } = await runOnTerminal(keygen('three'), [['New passphrase', '\u0003']]);
    expect([status, existsSync(place.path('three.pem'))]).toEqual([130, false]);
  });

  it('that is not given, by the end of the input, ends with 130 and says why', async () => {
    const { text, status } = await runOnTerminal(keygen('five'), [['New passphrase', '\u0004']]);
    expect([status, existsSync(place.path('five.pem'))]).toEqual([130, false]);
    expect(text).toContain('error: terminal: the question was cancelled [216 Cancelled]');
  });

  it('is asked for on a terminal that does not say its size', async () => {
    const sized = `require('child_process').spawnSync('sh', ['-c', 'stty cols 0 rows 0; exec "$0" "$@"', process.execPath, ...process.argv.slice(1)], { stdio: 'inherit' })`;
    const { text } = await runOnTerminal(
      ['-e', sized, ...keygen('six')],
      [
        ['New passphrase for', 'open sesame\r'],
        ['again', 'open sesame\r'],
      ],
    );
    expect(text).toContain('New passphrase for ');
    expect(existsSync(place.path('six.pem'))).toBe(true);
  });

  it('is not asked for with --no-input', async () => {
    const { text, status } = await runOnTerminal(keygen('four', '--no-input'), []);
    expect([status, text.includes('New passphrase')]).toEqual([4, true]);
    expect(text).toContain('no passphrase');
    expect(existsSync(place.path('four.pem'))).toBe(false);
  });
});

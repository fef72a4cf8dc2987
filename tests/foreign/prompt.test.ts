// The question to the person, where the board cannot ask: in a window of tmux, as somebody would see and answer it.

import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type ForeignWorld, makeForeignWorld, writesOf } from '../support/foreign-world.js';
import { have } from '../support/need.js';
import { overConsole } from '../support/smp-lines.js';
import { PERSONAS } from '../support/smp-server.js';
import { openWindow, type Window } from '../support/tmux.js';

const PROGRAM = fileURLToPath(new URL('../../dist/bin/countersign.js', import.meta.url));
const TIMEOUT_MS = 240_000;

let world: ForeignWorld;
beforeAll(async () => {
  world = await makeForeignWorld();
  world.bootstrap('prompt.cbor', { unapproved: 'prompt' });
  world.bootstrap('hurry.cbor', { unapproved: 'prompt', 'prompt-timeout': 1 });
  world.bootstrap('remote.cbor', { unapproved: 'prompt', 'consent-channels': ['remote'] });
  world.package('r.suit', 5n);
});
const windows: Window[] = [];
afterEach(() => {
  for (const window of windows.splice(0)) window.close();
  world.closeBoards();
});
afterAll(() => world.close());

const board = () => world.board(PERSONAS['Zephyr 4 application'], overConsole);
function deliverIn(port: string, bootstrap: string, ...more: string[]): Window {
  const { place } = world;
  const words = [place.path('r.suit'), '-p', port, '--bootstrap', place.path(bootstrap), '--installed', '1', ...more];
  const window = openWindow([process.execPath, PROGRAM, 'deliver', ...words], { HOME: place.folder, NO_COLOR: '1' });
  windows.push(window);
  return window;
}

const shape = (text: string): string =>
  text
    .replace(/key [0-9a-f]{16}/g, 'KEY')
    .replace(/\b[0-9a-f]{64}\b/g, 'DIGEST')
    .replace(/\b\w{5}(-\w{5}){3}\b/g, 'WORDS');

describe.skipIf(!have('tmux'))('in a terminal', { timeout: TIMEOUT_MS }, () => {
  it('the package is shown in its own signed words; only a typed yes installs it', async () => {
    const to = await board();
    const window = deliverIn(to.port, 'prompt.cbor');
    const shown = await window.until('Type yes or no');
    expect(shown).toContain('this board has no agent and cannot check for itself');
    expect(shape(shown)).toContain(`THIS BOARD CANNOT ASK, NOR CHECK FOR ITSELF: install this on it?
  device        0a01
  package       Blinky
  version       1.0.0 -> 1.5.0
  signed by     Vendor, KEY
  digest        DIGEST
  fingerprint   WORDS
  why           the operator has not approved it`);
    // Enter alone, and whatever is not the whole word, is no answer.
    for (const typed of ['', 'y', 'yes please']) {
      window.text(typed);
      window.press('Enter');
      await window.until('type the whole word');
      window.press('C-u');
    }
    expect(writesOf(to)).toEqual([]);
    window.text('yes');
    window.press('Enter');
    await window.until('ended with 0');
    expect(window.screen()).toContain('installed and confirmed: 1.5.0; checked here, not by the board');
    expect(to.running.version).toBe('1.5.0');
  });

  it.each([
    [
      'no',
      (window: Window) => {
        window.text('no');
        window.press('Enter');
      },
      31,
      'refused by the person at the terminal',
    ],
    ['Ctrl-C', (window: Window) => window.press('C-c'), 130, 'cancelled'],
    ['silence', () => undefined, 30, 'nobody answered in time'],
  ] as const)('%s installs nothing', async (what, act, exit, words) => {
    const to = await board();
    const window = deliverIn(to.port, what === 'silence' ? 'hurry.cbor' : 'prompt.cbor');
    await window.until('Type yes or no');
    act(window);
    const shown = await window.until(`ended with ${exit}`);
    expect(shown).toContain(words);
    expect(writesOf(to)).toEqual([]);
  });

  it('a policy that wants a consenter’s signature does not take the word of whoever sits here', async () => {
    const to = await board();
    const shown = await deliverIn(to.port, 'remote.cbor').until('ended with 30');
    expect(shown).toContain('a consenter has to agree');
    expect(shown).not.toContain('Type yes or no');
    expect(writesOf(to)).toEqual([]);
  });

  it.each(['-y', '--yes', '--assume-yes'])('%s answers nothing', async (flag) => {
    const to = await board();
    await deliverIn(to.port, 'prompt.cbor', flag).until('ended with 4');
    expect(to.heard).toEqual([]);
  });
});

describe('without a terminal', () => {
  it('nobody is asked: exit 30; also when an answer is piped in', async () => {
    const to = await board();
    const words = ['deliver', 'r.suit', '-p', to.port, '--bootstrap', 'prompt.cbor', '--installed', '1'];
    const ended = await world.place.runWith({ input: 'yes\nyes\n' }, ...words);
    expect(ended).toMatchObject({ code: 30, stdout: expect.stringContaining('no terminal to ask on') });
    expect(ended.stderr).toContain('fingerprint');
    expect(writesOf(to)).toEqual([]);
  });
});

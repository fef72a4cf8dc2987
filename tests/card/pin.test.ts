// A PIN before it is presented: what a token says of its tries, and what stands around the PIN in a file or the environment.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { findPassphrase, findPin, type Keeper } from '../../host/local/secrets.js';
import { logIn } from '../../host/pkcs11/token.js';

const TOKEN = {
  slot: 0,
  token: 'Operator',
  manufacturer: '',
  model: '',
  serial: '',
  initialized: true,
  wantsPin: true,
};

describe('a token', () => {
  it.each([
    ['with tries left', { lastTry: false, blocked: false }, false, undefined],
    ['with one try left', { lastTry: true, blocked: false }, false, 'PinLastTry'],
    ['with one try left, and told to', { lastTry: true, blocked: false }, true, undefined],
    ['that is blocked', { lastTry: false, blocked: true }, true, 'PinBlocked'],
  ])('%s', async (_, says, lastTry, reason) => {
    for (const hasPinPad of [false, true]) {
      const given: (string | undefined)[] = [];
      const session = { login: (pin: string | undefined) => void given.push(pin) };
      const logged = logIn(session, { ...TOKEN, ...says, hasPinPad }, { ask: async () => '1234', lastTry });
      if (reason) await expect(logged).rejects.toMatchObject({ reason: { name: reason } });
      else await logged;
      expect(given).toEqual(reason ? [] : [hasPinPad ? undefined : '1234']);
    }
  });
});

describe('a PIN', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pin-'));
  afterEach(() => vi.unstubAllEnvs());
  const said: string[] = [];
  const terminal = { interactive: false, note: (text: string) => said.push(text) } as unknown as Keeper;
  const path = join(folder, 'pin');

  it.each([
    ['31415926', 0],
    ['31415926 ', 1],
    ['\t31415926\r\n', 1],
    ['\ufeff31415926', 1],
  ])('%j is taken without the blanks around it, and that is said', async (text, notes) => {
    vi.stubEnv('COUNTERSIGN_PIN', text);
    said.length = 0;
    expect(await findPin('PIN', undefined, terminal)).toBe('31415926');
    expect(said).toHaveLength(notes);
    expect(said.join()).not.toContain('31415926');
  });
  it('from a file, too: its first line', async () => {
    writeFileSync(path, ' 31415926  \r\nand more\n');
    expect(await findPin('PIN', path, terminal)).toBe('31415926');
  });
  it('of blanks alone is none; those of a passphrase may be meant', async () => {
    vi.stubEnv('COUNTERSIGN_PIN', '  ');
    await expect(findPin('PIN', undefined, terminal)).rejects.toMatchObject({ reason: { name: 'PinNeeded' } });
    vi.stubEnv('COUNTERSIGN_PASSPHRASE', ' open ');
    expect(await findPassphrase('passphrase', undefined, terminal)).toBe(' open ');
    rmSync(folder, { recursive: true });
  });
});

// Progress in a pipe: plain lines, one per 10 %, phases by name, people named while they are waited for.

import { afterEach, describe, expect, it, vi } from 'vitest';
import { makeTerminal } from '../../host/cli/terminal.js';
import type { Progress } from '../../host/progress.js';

afterEach(() => vi.restoreAllMocks());

async function shown(steps: Progress[], level = 0): Promise<string[]> {
  let text = '';
  vi.spyOn(process.stderr, 'write').mockImplementation((part) => {
    text += String(part);
    return true;
  });
  async function* work(): AsyncGenerator<Progress, string, undefined> {
    yield* steps;
    return 'done';
  }
  expect(await makeTerminal({ json: false, input: true, level }).follow(work())).toBe('done');
  return text.split('\n').filter((line) => line !== '');
}

const sending = (done: number, total: number): Progress => ({ kind: 'work', phase: 'sending', done, total });

describe('progress in a pipe', () => {
  it('is one line per 10 %, and ends with the rate, in one unit', async () => {
    const lines = await shown(Array.from({ length: 1001 }, (_, i) => sending(i * 100, 100_000)));
    expect(lines.length).toBe(11);
    expect(lines[0]).toMatch(/^sending 0% 0 B\/97\.7 KiB/);
    expect(lines[5]).toMatch(/^sending 50% 48\.8 KiB\/97\.7 KiB .*\/s$/);
    expect(lines[10]).toMatch(/^sending 100% 97\.7 KiB\/97\.7 KiB [\d.]+ [KM]?i?B\/s$/);
  });

  it('names phases, notes, and who is waited for', async () => {
    const lines = await shown([
      { kind: 'work', phase: 'deciding', done: 0, total: 0 },
      { kind: 'waiting', for: 'the user of the device', seconds: 95 },
      { kind: 'note', text: 'resuming at 4096' },
      sending(4096, 8192),
      sending(8192, 8192),
    ]);
    expect(lines).toEqual([
      'deciding',
      'waiting for the user of the device, 1m35s left',
      'resuming at 4096',
      expect.stringMatching(/^sending 50%/),
      expect.stringMatching(/^sending 100%/),
    ]);
  });

  it('of work that nothing is counted of, a terminal sees the name, and no bar of 0 B', async () => {
    const before = process.stderr.isTTY;
    process.stderr.isTTY = true;
    vi.stubEnv('TERM', 'xterm');
    try {
      const checking: Progress = { kind: 'work', phase: 'checking', done: 0, total: 0 };
      expect(await shown([checking, checking, { kind: 'note', text: 'done' }])).toEqual(['checking', 'done']);
    } finally {
      process.stderr.isTTY = before;
      vi.unstubAllEnvs();
    }
  });

  it('is silent with -q', async () => {
    expect(await shown([sending(0, 10), sending(10, 10)], -1)).toEqual([]);
  });
});

describe('questions', () => {
  it('are never answered by nobody', async () => {
    const terminal = makeTerminal({ json: false, input: true, level: 0 });
    expect(terminal.interactive).toBe(false);
    await expect(terminal.confirm('Install?', '--answer')).rejects.toMatchObject({ code: 214, hint: 'give --answer' });
    await expect(terminal.password('Passphrase', '--file')).rejects.toMatchObject({ code: 214 });
    await expect(terminal.choose('Which?', [{ value: 'a', label: 'A' }], '--which')).rejects.toMatchObject({
      code: 214,
    });
  });
});

// Test files share a process: what one of them changes for all behind it makes that file fail, and not another one by chance.

import { afterAll, expect, vi } from 'vitest';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const state = () => ({
  folder: process.cwd(),
  environment: { ...process.env },
  clock: vi.isFakeTimers() ? 'faked' : 'real',
  signals: SIGNALS.map((signal) => process.listenerCount(signal)),
  stdout: process.stdout.write,
  stderr: process.stderr.write,
});

const before = state();
afterAll(() => expect(state(), 'this file leaves its process changed').toEqual(before));

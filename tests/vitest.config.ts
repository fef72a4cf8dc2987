import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    // Real processes (brokers, boards) take part: a generous bound, so that a slow machine is not a failing test.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Where nobody watches, a test that fails is run again, at most twice, and shown as such: emulators, daemons and terminals take
    // part, on machines whose load we do not know. What is broken fails each time.
    retry: process.env.CI === 'true' ? 2 : 0,
    coverage: { provider: 'v8', include: ['host/**', 'boards/virtual/**'], reporter: ['text-summary', 'json-summary'] },
  },
});

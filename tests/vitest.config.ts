import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    // Real processes (brokers, boards) take part: a generous bound, so that a slow machine is not a failing test.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    coverage: { provider: 'v8', include: ['host/**', 'boards/virtual/**'], reporter: ['text-summary', 'json-summary'] },
  },
});

// The demonstration application's .hex files are what their source gives: rebuilt here and compared byte for byte.
// It needs the very compiler of the recipe; without it the test is skipped aloud, except in CI, where it must run.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';

const APP = fileURLToPath(new URL('../../boards/microbit/app', import.meta.url));
const COMPILER = '12.2.1';

const found = spawnSync('arm-none-eabi-gcc', ['-dumpfullversion'], { encoding: 'utf8' }).stdout?.trim();
const skip = found !== COMPILER && process.env.CI !== 'true';
if (skip)
  console.warn(`skipped: rebuilding the application needs arm-none-eabi-gcc ${COMPILER}, found ${found ?? 'none'}`);

describe.skipIf(skip)('demonstration application', () => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-app-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  test('rebuilds bit for bit', () => {
    execFileSync(join(APP, 'build.sh'), [folder]);
    for (const version of ['1.0.0', '1.1.0']) {
      const name = `app-${version}.hex`;
      expect(readFileSync(join(folder, name), 'utf8'), name).toBe(readFileSync(join(APP, name), 'utf8'));
    }
  });

  test('the two versions differ', () => {
    expect(readFileSync(join(APP, 'app-1.0.0.hex'), 'utf8')).not.toBe(readFileSync(join(APP, 'app-1.1.0.hex'), 'utf8'));
  });
});

// What the publisher sends does not depend on how many devices take it, and is what docs/performance.md says.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stale } from '../support/figures.js';
import { have } from '../support/need.js';

describe.skipIf(!have('mosquitto'))('publishing to a fleet', () => {
  it('costs the same bytes for 10 devices and for 100', () => {
    const folder = mkdtempSync(join(tmpdir(), 'fleet-bytes-'));
    try {
      const file = join(folder, 'rows.json');
      execFileSync(process.execPath, ['bench/main.mjs', '--fleet', '--exact', '--json', file], { stdio: 'pipe' });
      const rows = JSON.parse(readFileSync(file, 'utf8')) as {
        group: string;
        metric: string;
        ours: number;
        met: boolean;
      }[];
      expect(rows.map(({ metric, met }) => [metric, met])).toEqual([['publisher sends, 100 devices', true]]);
      expect(stale(rows)).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

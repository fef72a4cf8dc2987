// The device and the host give every reason the same FUMO result code: alert.ts is compiled alone and asked for each.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { reasons } from '../../host/reasons.js';

// What no alert carries: an open question, a request that was malformed, trouble on the line.
const NO_RESULT = [0, 400, 408, 503];

it('one table of result codes on both sides', () => {
  const folder = mkdtempSync('build/fumo-');
  try {
    const entry = join(folder, 'entry.ts');
    const wasm = join(folder, 'entry.wasm');
    writeFileSync(
      entry,
      "import { fumoResult } from '../../assembly/update/alert';\nexport function result(reason: i32): u32 { return fumoResult(reason); }\n",
    );
    execFileSync('npx', ['asc', entry, '--target', 'agent', '--outFile', wasm, '--textFile', `${wasm}.wat`], {
      stdio: 'pipe',
    });
    const hal = new Proxy({}, { get: () => () => 0 });
    const instance = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(wasm)), { hal });
    const result = instance.exports.result as (reason: number) => number;
    const rows = Object.values(reasons).filter((row) => row.code < 200 && !NO_RESULT.includes(row.fumo));
    expect(rows.length).toBeGreaterThan(70);
    for (const row of rows) expect(result(row.code), row.text).toBe(row.fumo);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

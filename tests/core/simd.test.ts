// core.wasm uses SIMD. Where the processor has none the typed core is core-small.wasm, without a word, and judges the same.
//
// V8 itself is told not to use SSE4.1, which its SIMD needs: what then runs is a machine without, not a pretence of one.

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { makeApproval, makeBootstrap, makeEnvelope, makeKey, ROLE } from '../support/make.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const WITHOUT = '--no-enable-sse4-1';

const vendor = makeKey('p256', 'vendor');
const operator = makeKey('ed25519', 'operator');
const bootstrap = makeBootstrap({
  anchors: [
    { role: ROLE.vendor, key: vendor },
    { role: ROLE.operator, key: operator },
  ],
});
const envelope = makeEnvelope({ signers: [vendor], text: { name: 'lamp' } });
const approval = makeApproval({ key: operator, sequence: 5, entries: [{ verdict: 1, digest: envelope.digest }] });

/** What the program, a module's text with `given` in it, writes about these bytes. */
function inNode(flags: string[], program: string): unknown {
  const given = [bootstrap, envelope.bytes, approval].map((bytes) => Buffer.from(bytes).toString('base64'));
  const text = `const given = ${JSON.stringify(given)}.map((text) => Buffer.from(text, 'base64'));\n${program}`;
  const options = { encoding: 'utf8', cwd: root } as const;
  return JSON.parse(execFileSync(process.execPath, [...flags, '--input-type=module', '-e', text], options));
}

const JUDGE = `
import { loadCore } from './dist/host/wasm.js';
const core = await loadCore();
core.provision(given[0]);
const judgement = await core.judge({ envelope: given[1], evidence: [{ source: 'tree', bytes: given[2] }] });
console.log(JSON.stringify(judgement, (_, value) => (typeof value === 'bigint' ? String(value) : value)));
`;
const VALID = `
import { readFileSync } from 'node:fs';
console.log(JSON.stringify(['core', 'core-small'].map((name) => WebAssembly.validate(readFileSync('build/' + name + '.wasm')))));
`;

const INSTALL = { verdict: 'install', payload: { reason: 0 } };

// The option is that of V8 for x86; V8 knows no ARM processor without SIMD.
describe.runIf(process.arch === 'x64')('on a processor without SIMD', () => {
  it('core.wasm is not valid, core-small.wasm is', () => {
    expect(inNode([], VALID)).toEqual([true, true]);
    expect(inNode([WITHOUT], VALID)).toEqual([false, true]);
  });

  it('the verdict and all that explains it are what they are elsewhere', () => {
    const judgement = inNode([], JUDGE);
    expect(judgement).toMatchObject(INSTALL);
    expect(inNode([WITHOUT], JUDGE)).toEqual(judgement);
  });
});

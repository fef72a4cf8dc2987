// One core, used by several: each verdict is about the device that it names, and nothing else may use the core meanwhile.

import { describe, expect, it } from 'vitest';
import { loadCore, makeGuard, noGuardMemory } from '../../host/index.js';
import { makeApproval, makeBootstrap, makeEnvelope, makeKey, ROLE } from '../support/make.js';
import { makeImage } from '../support/mcuboot.js';

const [vendor, mine, others] = ['vendor', 'mine', 'others'].map((name) => makeKey('ed25519', name)) as [
  ReturnType<typeof makeKey>,
  ReturnType<typeof makeKey>,
  ReturnType<typeof makeKey>,
];
const deviceOf = (operator: typeof mine) =>
  makeBootstrap({
    anchors: [
      { role: ROLE.vendor, key: vendor },
      { role: ROLE.operator, key: operator },
    ],
  });
const pack = makeEnvelope({ sequence: 2, image: makeImage(), signers: [vendor] });
const approvalOf = (key: typeof mine, sequence: number) =>
  makeApproval({ key, sequence, entries: [{ verdict: 1, digest: pack.digest }] });

function keeping() {
  let kept = noGuardMemory();
  return {
    name: 'memory',
    read: async () => kept,
    write: async (news: typeof kept) => {
      kept = news;
    },
  };
}

function offerOf(approval: Uint8Array) {
  const file = {
    size: pack.bytes.length,
    read: async (offset: number, into: Uint8Array) => into.set(pack.bytes.subarray(offset, offset + into.length)),
  };
  const gathered = [{ name: 'approval', lasting: true, evidence: { source: 'tree' as const, bytes: approval } }];
  return { file, name: 'package', gathered };
}

describe('a core that two guards share', () => {
  it('answers each by its own operators, and each remembers its own', async () => {
    const core = await loadCore();
    const memory = keeping();
    const guard = await makeGuard(core, { bootstrap: deviceOf(mine), memory });
    await makeGuard(core, { bootstrap: deviceOf(others), memory: keeping() });
    const judged = await guard.judge(offerOf(approvalOf(others, 1_800_000_000)));
    expect(judged.kind).toBe('refused');
    expect(Object.values((await memory.read()).operators)).toEqual([]);
    expect((await guard.judge(offerOf(approvalOf(mine, 7)))).kind).toBe('approved');
  });
});

describe('a core that is taking a verdict', () => {
  it('does nothing else meanwhile', async () => {
    const core = await loadCore();
    const verdict = core.judge({ bootstrap: deviceOf(mine), envelope: pack.bytes });
    await Promise.resolve();
    expect(() => core.provision(deviceOf(others))).toThrow(/taking a verdict/);
    expect(() => core.sha256(new Uint8Array(1))).toThrow(/taking a verdict/);
    expect((await verdict).verdict).toBe('reject');
    expect(core.provision(deviceOf(others))).toBe(0);
  });

  it('says why it is no device', async () => {
    const core = await loadCore();
    const about = { bootstrap: Uint8Array.of(0xa0), envelope: pack.bytes };
    await expect(core.judge(about)).rejects.toThrow(/^bootstrap: /);
    expect((await core.judge({ ...about, bootstrap: deviceOf(mine) })).verdict).toBe('reject');
  });
});

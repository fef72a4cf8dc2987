// The worlds of tests/support/worlds.ts, each under both policies, and the floors that a verdict leaves behind.

import { afterAll, describe, expect, it } from 'vitest';
import { makeApproval, makeEnvelope, NOW } from '../support/make.js';
import { rawCore } from '../support/rawcore.js';
import {
  A,
  bootstrapOf,
  byDigest,
  cellOf,
  core,
  judge,
  manifest,
  POLICIES,
  stranger,
  vendor,
  yes,
} from '../support/world.js';
import { blockA, byA, FINAL, tree, WORLDS } from '../support/worlds.js';

let tried = 0;
afterAll(() => console.log(`worlds: ${tried}`));

describe('worlds', () => {
  const rows = WORLDS.flatMap(([name, world, cell]) => POLICIES.map((policy) => ({ name, world, cell, policy })));
  it.each(rows)('$policy: $name', ({ world, cell, policy }) => {
    tried++;
    const outcome = judge({ ...world, policy: { ...world.policy, unapproved: policy === 'prompt' ? 1 : 0 } });
    const [verdict, reason] = cell;
    const asks = policy === 'prompt' && verdict === 'reject' && !FINAL.includes(reason);
    expect(cellOf(outcome)).toEqual(asks ? ['ask', reason] : [...cell]);
  });

  it('nobody has provisioned the device', () => {
    const { bytes } = makeEnvelope({ manifest, signers: [vendor, blockA], approvals: [byA()] });
    const blank = rawCore();
    expect(cellOf(blank.deliver({ package: bytes }))).toEqual(['reject', 'NotProvisioned']);
    expect(cellOf(blank.deliver({ bootstrap: bootstrapOf(), facts: { time: NOW }, package: bytes }))).toEqual(yes);
  });

  it('floors never fall, whatever is decided', () => {
    const { bytes } = makeEnvelope({ manifest, signers: [vendor] });
    core.deliver({ bootstrap: bootstrapOf(), package: bytes });
    const floors = () => [core.exports.operatorFloor!(A), core.exports.timeFloor!()];
    core.exports.setOperatorFloor!(A, 9n);
    core.exports.setTimeFloor!(BigInt(NOW));
    core.exports.decide!(); // the package of before, judged without them
    expect(floors()).toEqual([9n, BigInt(NOW)]);
    core.exports.offerBegin!();
    core.exports.decide!(); // no package
    expect(floors()).toEqual([9n, BigInt(NOW)]);
    core.exports.judge!(); // half a package
    core.exports.decide!();
    expect(floors()).toEqual([9n, BigInt(NOW)]);
  });

  it('the floors that a verdict raised hold for the next one', () => {
    judge({ documents: tree(byA({ sequence: 5, issuedAt: NOW + 3 })), facts: { time: 0 } });
    expect(core.exports.operatorFloor!(A)).toBe(5n);
    expect(core.exports.timeFloor!()).toBe(BigInt(NOW + 3));
    judge({
      documents: tree(makeApproval({ key: stranger, sequence: 99, issuedAt: NOW + 99, entries: [byDigest] })),
      facts: { time: 0 },
    });
    expect(core.exports.operatorFloor!(A)).toBe(0n);
    expect(core.exports.timeFloor!()).toBe(0n);
  });
});

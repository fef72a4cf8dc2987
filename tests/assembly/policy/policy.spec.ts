// The policy map: its defaults are the cautious values, and half of it is nothing of it.

import { ANCHORS_MAX } from '../../../assembly/approval/anchors';
import { policy, policyRead } from '../../../assembly/policy/policy';
import { Reason } from '../../../assembly/reason';
import { clear, lay, sizeOf } from '../support/bytes';

function read(hex: string): i32 {
  clear();
  return policyRead(lay(hex), sizeOf(hex));
}

// `threshold` when nothing is said of it: 1; where no policy could be read: more than there can be operators.
function expectDefaults(threshold: u32): void {
  expect(policy.prompt).toBe(false);
  expect(policy.askBeforeDownload).toBe(false);
  expect(policy.timeoutSeconds).toBe(300);
  expect(policy.threshold).toBe(threshold);
  expect(policy.sources).toBe(15);
  expect(policy.channels).toBe(1);
  expect(policy.revertDenied).toBe(false);
  expect(policy.trialBoots).toBe(1);
}

describe('a policy', () => {
  it('that says nothing is the cautious one', () => {
    expect(read('a0')).toBe(Reason.Ok);
    expectDefaults(1);
  });

  it('is read in every member', () => {
    expect(read('a8 0101 0201 03183c 0402 0503 0606 0701 0803')).toBe(Reason.Ok);
    expect(policy.prompt).toBe(true);
    expect(policy.askBeforeDownload).toBe(true);
    expect(policy.timeoutSeconds).toBe(60);
    expect(policy.threshold).toBe(2);
    expect(policy.sources).toBe(3);
    expect(policy.channels).toBe(6);
    expect(policy.revertDenied).toBe(true);
    expect(policy.trialBoots).toBe(3);
  });

  it('has bounds', () => {
    const good = [
      'a10100',
      'a10301',
      'a1031a00093a80',
      'a10408',
      'a10500',
      'a1050f',
      'a10600',
      'a10607',
      'a10800',
      'a1080f',
    ];
    for (let i = 0; i < good.length; i++) expect(read(good[i])).toBe(Reason.Ok, good[i]);
  });

  it('with anything unknown is malformed, and nobody approves anything then', () => {
    const bad = [
      'a10102', // 2 is neither reject nor prompt
      'a10120',
      'a101f5', // true is not 1
      'a10202',
      'a10300',
      'a1031a00093a81', // longer than a week
      'a10400', // nobody need approve
      'a10409',
      'a10510',
      'a10608',
      'a10702',
      'a10810',
      'a10900',
      'a10000',
      'a12000',
      'a201010100', // twice
      'a202000101', // out of order
      'a1010100', // something after
      'a20101', // cut off
      '80',
      '',
    ];
    for (let i = 0; i < bad.length; i++) {
      read('a10101');
      expect(read(bad[i])).toBe(Reason.PolicyMalformed, bad[i]);
      expectDefaults(ANCHORS_MAX + 1);
    }
  });
});

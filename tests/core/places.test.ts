// Small things that a reader of packages must not let pass, or must call by their own name: what comes last in a manifest, what is
// missing, a key 0, and which of two reasons is told.

import { describe, expect, it } from 'vitest';
import { reasons } from '../../host/reasons.js';
import { cbor, makeApproval, makeBootstrap, makeManifest, NOW, ROLE, utf8 } from '../support/make.js';
import { rawCore } from '../support/rawcore.js';
import { byDigest, cellOf, judge, no, operatorA, operatorB, vendor, type World } from '../support/world.js';

const REPORT = 15;
const told = (world: World) => cellOf(judge(world));
const ofManifest = (options: Parameters<typeof makeManifest>[0]) =>
  told({ envelope: { manifest: makeManifest({ sequence: 7, ...options }) } });

describe('the last sequences of a manifest', () => {
  it('validate is followed', () => {
    expect(ofManifest({})).toEqual(no('NotApproved'));
    expect(ofManifest({ commands: { 7: [23, REPORT] } })).toEqual(no('CommandPlace'));
  });

  it('a sequence that is none is told as that', () => {
    expect(ofManifest({ members: [[9, cbor(5)]] })).toEqual(no('WrongType'));
  });

  it('invoke is followed, behind a sound validate', () => {
    const invoke = (commands: unknown[]) => ofManifest({ members: [[9, cbor(commands)]] });
    expect(invoke([23, REPORT])).toEqual(no('NotApproved'));
    expect(invoke([3, REPORT])).toEqual(no('CommandPlace'));
  });
});

it('an envelope without a manifest is told as that', () => {
  const arrange = (members: [number | string, unknown][]) => members.filter(([key]) => key !== 3);
  expect(told({ envelope: { arrange } })).toEqual(no('ManifestMissing'));
});

describe('a key 0 is one that nobody knows, and stands in its place', () => {
  it('in a manifest', () => {
    expect(ofManifest({ members: [[0, 1]] })).toEqual(no('ManifestMember'));
    expect(ofManifest({ commonMembers: [[0, 1]] })).toEqual(no('ManifestMember'));
    expect(ofManifest({ commands: { shared: [20, new Map([[0, 1]])] } })).toEqual(no('ParameterUnsupported'));
  });

  it('in a bootstrap document, and in a key', () => {
    const anchors = [vendor, operatorA].map((key, i) => ({ role: i === 0 ? ROLE.vendor : ROLE.operator, key }));
    const core = rawCore();
    const provision = (options: Partial<Parameters<typeof makeBootstrap>[0]>) =>
      core.provision(makeBootstrap({ anchors, ...options }));
    expect(provision({})).toBe(0);
    expect(provision({ members: [[0, 1]] })).toBe(reasons.UnknownMember.code);
    const odd = anchors.map((anchor) => ({ ...anchor, keyMore: [[0, 1]] as [number, unknown][] }));
    expect(provision({ anchors: odd })).toBe(reasons.KeyUnsupported.code);
  });
});

describe('of two reasons the more telling one, whichever was found first', () => {
  const DOCUMENTS: [
    reason: 'ApprovalExpired' | 'Superseded' | 'ApprovalOtherDevice' | 'ApprovalOtherPackage',
    more: object,
  ][] = [
    ['ApprovalExpired', { entries: [byDigest], expires: NOW - 1 }],
    ['Superseded', { entries: [byDigest], sequence: 1 }],
    ['ApprovalOtherDevice', { entries: [{ ...byDigest, devices: [utf8('another')] }] }],
    ['ApprovalOtherPackage', { entries: [{ verdict: 1, digest: new Uint8Array(32) }] }],
  ];
  const pairs = DOCUMENTS.flatMap((first, i) => DOCUMENTS.slice(i + 1).map((second) => [first, second] as const));
  it.each(pairs.map(([first, second]) => [first[0], second[0], first, second] as const))(
    '%s before %s',
    (most, _, ...both) => {
      for (const order of [both, both.toReversed()]) {
        const documents = order.map(([, more], i) => {
          const key = i === 0 ? operatorA : operatorB;
          return ['tree', makeApproval({ key, sequence: 5, entries: [], ...more })] as const;
        });
        // Both operators have been seen to issue document 5: an older one is superseded.
        expect(told({ documents, facts: { floors: [0, 5, 5] } })).toEqual(no(most));
      }
    },
  );
});

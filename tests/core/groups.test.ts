// Groups of a device: what a bootstrap document and a change may say of them, and that a change alters nothing beside what it names.

import { describe, expect, it } from 'vitest';
import { viewBootstrap } from '../../host/formats/bootstrap.js';
import { hex } from '../../host/formats/bytes.js';
import { changeInForce, viewChange } from '../../host/formats/change.js';
import { reasons } from '../../host/reasons.js';
import { loadCore } from '../../host/wasm.js';
import { makeApproval, makeBootstrap, makeChange, ROLE, utf8 } from '../support/make.js';
import { operatorA, operatorB, vendor } from '../support/world.js';

const core = await loadCore();
const anchors = [vendor, operatorA].map((key, i) => ({ role: i === 0 ? ROLE.vendor : ROLE.operator, key }));
const approvals = [makeApproval({ key: operatorA, entries: [{ verdict: 1, vendorKid: utf8('vendor') }] })];
type Options = Omit<Parameters<typeof makeBootstrap>[0], 'anchors'> & { anchors?: typeof anchors; groups?: unknown };

const bootstrap = ({ groups, ...options }: Options) => makeBootstrap({ anchors, members: [[8, groups]], ...options });
const provision = (groups: unknown) => core.provision(bootstrap({ groups }));
const name = (bytes: number) => 'x'.repeat(bytes);

describe('the groups of a bootstrap document', () => {
  it.each([
    ['none', []],
    ['one of one byte', ['x']],
    ['sixteen', Array.from({ length: 16 }, (_, i) => `group-${i}`)],
    ['the longest name', [name(64)]],
  ])('%s', (_, groups) => {
    expect(provision(groups)).toBe(0);
    expect(viewBootstrap(bootstrap({ groups }), 'x')?.groups).toEqual(groups);
  });

  it.each([
    ['seventeen', Array.from({ length: 17 }, (_, i) => `group-${i}`), 'IdentityMalformed'],
    ['an empty name', ['a', ''], 'IdentityMalformed'],
    ['a name that is too long', [name(65)], 'IdentityMalformed'],
    ['a name that is bytes', [utf8('a')], 'WrongType'],
    ['a name alone', 'a', 'WrongType'],
  ] as const)('%s: the device stays blank', (_, groups, reason) => {
    expect(provision(groups)).toBe(reasons[reason].code);
  });
});

describe('a change', () => {
  const OTHERS = [...anchors, { role: ROLE.operator, key: operatorB }];
  const changed = (from: Options, what: Omit<Options, 'approvals'>) => {
    const { groups, ...rest } = what;
    expect(core.provision(bootstrap(from))).toBe(0);
    const change = makeChange({ signers: [operatorA], members: [[8, groups]], ...rest });
    const { reason, bootstrap: then } = core.change(change);
    expect(reason).toBe(0);
    expect(changeInForce(viewChange(change, 'x'), then!, 'x')).toBe(true);
    expect(hex(then!)).toBe(hex(bootstrap({ ...from, ...what })));
  };
  const STANDS: [string, Options][] = [
    ['without any', {}],
    ['with groups', { groups: ['old', 'older'] }],
    ['with approvals', { approvals }],
    ['with both', { approvals, groups: ['old', 'older'] }],
  ];
  const WANTED: [string, Omit<Options, 'approvals'>][] = [
    ['of the groups', { groups: ['new'] }],
    ['of the groups to none', { groups: [] }],
    ['of all three', { groups: ['new', 'newer'], anchors: OTHERS, policy: { unapproved: 1 } }],
    ['of the policy', { policy: { unapproved: 1 } }],
    ['of the anchors', { anchors: OTHERS }],
  ];
  it.each(STANDS.flatMap(([of, from]) => WANTED.map(([what, wanted]) => [of, what, from, wanted] as const)))(
    'on a device %s: one %s alters that alone',
    (_, __, from, wanted) => changed(from, wanted),
  );

  it('with groups that no bootstrap document may have is none', () => {
    expect(core.provision(bootstrap({}))).toBe(0);
    for (const groups of [[''], [name(65)], 'a', [7], Array.from({ length: 17 }, () => 'a')]) {
      const change = makeChange({ signers: [operatorA], members: [[8, groups]] });
      expect(core.change(change)).toEqual({ reason: reasons.ChangeMalformed.code });
    }
  });

  it('that makes the document longer than a device keeps is refused, and nothing is altered', () => {
    const long = [vendor, operatorA].map((key, i) => ({ ...anchors[i]!, key, name: name(60) }));
    const from = { anchors: [...long, ...[operatorB].map((key) => ({ role: ROLE.operator, key, name: name(60) }))] };
    expect(core.provision(bootstrap(from))).toBe(0);
    const groups = Array.from({ length: 16 }, (_, i) => name(60) + i);
    const change = makeChange({ signers: [operatorA], members: [[8, groups]] });
    expect(core.change(change)).toEqual({ reason: reasons.TooLarge.code });
  });
});

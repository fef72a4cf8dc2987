// Changes of anchors and policy: YAML in, the same bytes as tests/support/make.ts makes of the specification, and back.

import { describe, expect, it } from 'vitest';
import { encodeBootstrap } from '../../host/formats/bootstrap.js';
import { hex, utf8 } from '../../host/formats/bytes.js';
import { decode, encode } from '../../host/formats/cbor.js';
import { CHANGE_BYTES_MAX, changeInForce, cosignChange, signChange, viewChange } from '../../host/formats/change.js';
import { generateKey } from '../../host/keys/read.js';
import { changeFromYaml } from '../../host/named-files.js';
import { reasons } from '../../host/reasons.js';
import { loadCore } from '../../host/wasm.js';
import { coseKey, makeBootstrap, makeChange, makeKey, ROLE } from '../support/make.js';

const vendor = makeKey('ed25519', 'vendor');
const operator = makeKey('p256', 'operator');
const FILES: Record<string, Uint8Array> = {
  'vendor.cose': encode(coseKey(vendor)),
  'operator.cose': encode(coseKey(operator)),
};
const NOW = 1_800_000_000;
const load = (text: string) => changeFromYaml(utf8(text), 'rotate.yaml', async (path) => FILES[path]!, NOW);
const YAML = `
sequence: 9
issued: 2027-01-15T08:00:00Z
devices: ["00110011"]
anchors:
  - {role: vendor, key: vendor.cose, name: ACME}
  - {role: operator, key: operator.cose}
policy: {unapproved: prompt, threshold: 1}
`;
const payloadOf = (bytes: Uint8Array) => hex((decode(bytes, 'change') as Uint8Array[])[0]!);

describe('a change', () => {
  it('encodes to what the specification says, byte for byte', async () => {
    const signed = signChange(generateKey('ed25519'), await load(YAML));
    const expected = makeChange({
      signers: [],
      sequence: 9,
      issuedAt: Date.parse('2027-01-15T08:00:00Z') / 1000,
      devices: [Buffer.from('00110011', 'hex')],
      anchors: [
        { role: ROLE.vendor, key: vendor, name: 'ACME' },
        { role: ROLE.operator, key: operator },
      ],
      policy: { unapproved: 1, threshold: 1 },
    });
    expect(payloadOf(signed)).toBe(payloadOf(expected));
  });
  it('takes the time for its number and its date when it says neither', async () => {
    expect(await load('policy: {}')).toMatchObject({ sequence: BigInt(NOW), issuedAt: NOW, anchors: undefined });
  });
  it('shows what it says and who claims to have signed it', async () => {
    const key = generateKey('ed25519');
    const view = viewChange(signChange(key, await load(YAML)), 'x');
    expect(view).toMatchObject({ sequence: 9n, policy: { unapproved: 'prompt', threshold: 1 } });
    expect(view.anchors?.map(({ role, name }) => [role, name])).toEqual([
      ['vendor', 'ACME'],
      ['operator', undefined],
    ]);
    expect(view.signers.map(({ kid }) => kid && hex(kid))).toEqual([hex(key.public.kid)]);
  });
  it.each([
    ['nothing to change', 'sequence: 1', 'neither anchors nor policy'],
    ['an unknown member', 'policy: {}\nthreshold: 2', 'threshold'],
    ['no number', 'policy: {}\nsequence: 0', 'sequence'],
    ['no date', 'policy: {}\nissued: soon', 'issued'],
    ['a device that is no hex', 'policy: {}\ndevices: [xyz]', 'hex'],
    ['a list', '[1]', 'the document'],
  ])('with %s is refused', async (_, text, said) => {
    await expect(load(text)).rejects.toThrow(said);
    await expect(load(text)).rejects.toMatchObject({ code: reasons.FileMalformed.code });
  });
  it('is refused when no device would take it', async () => {
    const change = await load(YAML);
    const names = change.anchors!.map((anchor) => ({ ...anchor, name: 'x'.repeat(CHANGE_BYTES_MAX) }));
    const key = generateKey('ed25519');
    expect(() => signChange(key, { ...change, anchors: names })).toThrow('a device takes');
  });
  it.each([
    ['a map', 'a0'],
    ['an empty list', '80'],
    ['a list of numbers', '8101'],
    ['a payload that is none', '8141a0'],
    ['nothing', ''],
  ])('%s is none', (_, bytes) => {
    expect(() => viewChange(Uint8Array.from(Buffer.from(bytes, 'hex')), 'x')).toThrow(/change|cbor/);
  });
});

describe('several operators', () => {
  it('sign the one payload one after the other; the core counts them as a device does', async () => {
    const [one, two, stranger] = [generateKey('ed25519'), generateKey('ed25519'), generateKey('ed25519')];
    const core = await loadCore();
    const anchors = [
      { role: 'vendor' as const, key: stranger.public },
      { role: 'operator' as const, key: one.public },
      { role: 'operator' as const, key: two.public },
    ];
    const base = { device: utf8('d'), vendorId: new Uint8Array(16), classId: new Uint8Array(16), approvals: [] };
    const bootstrap = encodeBootstrap({ ...base, anchors, policy: { threshold: 2 } });
    const alone = signChange(one, { sequence: 1n, issuedAt: NOW, policy: { threshold: 1 } });
    const both = cosignChange(two, alone, 'x');
    expect(payloadOf(both)).toBe(payloadOf(alone));
    expect(() => cosignChange(one, both, 'x')).toThrow('already');
    const ask = (change: Uint8Array) => {
      expect(core.provision(bootstrap)).toBe(0);
      return core.change(change);
    };
    expect(ask(alone)).toEqual({ reason: reasons.TooFewOperators.code });
    const { reason, bootstrap: then } = ask(both);
    expect(reason).toBe(0);
    expect(hex(then!)).toBe(hex(encodeBootstrap({ ...base, anchors, policy: { threshold: 1 } })));
    const view = viewChange(both, 'x');
    expect([changeInForce(view, bootstrap, 'x'), changeInForce(view, then!, 'x')]).toEqual([false, true]);
  });
  it('a core that belongs to nobody takes none', async () => {
    const core = await loadCore();
    expect(core.change(makeChange({ signers: [operator], policy: {} })).reason).toBe(reasons.NotProvisioned.code);
    core.provision(
      makeBootstrap({
        anchors: [
          { role: 1, key: vendor },
          { role: 2, key: operator },
        ],
      }),
    );
    expect(core.change(new Uint8Array(5000)).reason).toBe(reasons.TooLarge.code);
  });
});

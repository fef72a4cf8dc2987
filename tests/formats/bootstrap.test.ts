// Bootstrap documents and policies: YAML in, the specification's bytes out, and back in words.

import { describe, expect, it } from 'vitest';
import { viewBootstrap } from '../../host/formats/bootstrap.js';
import { fromHex, hex, utf8 } from '../../host/formats/bytes.js';
import { encode } from '../../host/formats/cbor.js';
import { publicKeyFromCose, publicKeyToCose, publicKeyToPem } from '../../host/formats/keys.js';
import { policyFromCbor, policySchema, policyToCbor } from '../../host/formats/policy.js';
import { bootstrapFromFile } from '../../host/named-files.js';
import { coseKey, makeApproval, makeBootstrap, makeKey, ROLE, VENDOR_ID } from '../support/make.js';

const vendor = makeKey('ed25519', 'vendor');
const operator = makeKey('p256', 'operator');
const approval = makeApproval({ key: operator, entries: [{ verdict: 1, vendorKid: utf8('vendor') }] });

const FILES: Record<string, Uint8Array> = {
  'vendor.cose': encode(coseKey(vendor)),
  'operator.cose': encode(coseKey(operator)),
  'first.cose': approval,
};
const read = async (path: string) => {
  const found = FILES[path];
  if (found === undefined) throw new Error(`no ${path}`);
  return found;
};
const load = (text: string) => bootstrapFromFile(utf8(text), 'device.yaml', read);

const YAML = `
device: "00110011"
vendor: arm.com
class: 1492af14-2569-5e48-bf42-9b2d51f2ab45
anchors:
  - {role: vendor, key: vendor.cose, name: ACME}
  - {role: operator, key: operator.cose}
policy:
  unapproved: prompt
  ask-before-download: true
  prompt-timeout: 60
  threshold: 1
  sources: [package, tree]
  consent-channels: [local, delivering]
  when-denied: revert
  trial-boots: 3
approvals: [first.cose]
`;

describe('a bootstrap file', () => {
  it('encodes to what the specification says, byte for byte', async () => {
    const expected = makeBootstrap({
      deviceId: fromHex('00110011'),
      vendorId: VENDOR_ID,
      anchors: [
        { role: ROLE.vendor, key: vendor, name: 'ACME' },
        { role: ROLE.operator, key: operator },
      ],
      policy: {
        unapproved: 1,
        askBeforeDownload: 1,
        timeout: 60,
        threshold: 1,
        sources: 9,
        channels: 5,
        denied: 1,
        trialBoots: 3,
      },
      approvals: [approval],
    });
    expect(hex(await load(YAML))).toBe(hex(expected));
  });

  it.each([
    ['a tab', '\tclass: x\n', 'device.yaml is not YAML at line 3, column 1: Tabs are not allowed as indentation'],
    ['a name twice', 'device: "22"\n', 'device.yaml is not YAML at line 3, column 1: Map keys must be unique'],
  ])('that is no YAML for %s says where', async (_, more, message) => {
    await expect(load(`device: "11"\nvendor: arm.com\n${more}`)).rejects.toMatchObject({
      code: 208,
      message: expect.stringContaining(message),
    });
  });

  it('in CBOR is passed on as it is, right or wrong', async () => {
    const bytes = Uint8Array.of(0xa1, 0x01, 0x02);
    expect(await bootstrapFromFile(bytes, 'x', read)).toBe(bytes);
  });

  it('is shown in words', async () => {
    const view = viewBootstrap(await load(YAML), 'it');
    expect(view).toMatchObject({
      device: fromHex('00110011'),
      anchors: [
        { role: 'vendor', name: 'ACME', key: { kind: 'ed25519', kid: utf8('vendor') } },
        { role: 'operator', name: undefined, key: { kind: 'p256' } },
      ],
      policy: { unapproved: 'prompt', sources: ['package', 'tree'], 'consent-channels': ['local', 'delivering'] },
      approvals: [approval],
    });
    expect(viewBootstrap(encode(new Map([[1, 2]])), 'it')).toBeUndefined();
  });

  it.each([
    ['a device id that is not hex', YAML.replace('"00110011"', 'sensor'), /device.*hex/],
    ['a device id that YAML takes for a number', YAML.replace('"00110011"', '12345678'), /device/],
    ['an unknown role', YAML.replace('role: operator', 'role: owner'), /anchors\.1\.role/],
    ['a misspelt policy', YAML.replace('threshold', 'treshold'), /policy.*treshold/],
    ['a policy of zero operators', YAML.replace('threshold: 1', 'threshold: 0'), /threshold/],
    ['no anchors', YAML.replace(/anchors:[\s\S]*policy/, 'policy'), /anchors/],
    ['no YAML', '{', /YAML/],
  ])('says what is wrong: %s', async (_, text, message) => {
    await expect(load(text)).rejects.toMatchObject({ code: 208, message: expect.stringMatching(message) });
  });

  it('no larger than a device keeps', async () => {
    const names = Array.from(
      { length: 8 },
      (_, i) => `  - {role: operator, key: operator.cose, name: ${'x'.repeat(60)}${i}}`,
    );
    const text = YAML.replace(/anchors:[\s\S]*policy/, `anchors:\n${names.join('\n')}\npolicy`);
    await expect(load(text)).rejects.toMatchObject({ code: 5 });
  });
});

describe('keys in anchors', () => {
  it.each([
    ['ed25519', vendor],
    ['p256', operator],
  ] as const)('%s goes through COSE_Key and PEM unchanged', (_, key) => {
    const open = publicKeyFromCose(coseKey(key) as never, 'key');
    expect(hex(encode(publicKeyToCose(open)))).toBe(hex(encode(coseKey(key))));
    expect(publicKeyToPem(open)).toContain('PUBLIC KEY');
  });
});

describe('a policy', () => {
  it.each([
    [{}],
    [{ unapproved: 'reject', 'ask-before-download': false, 'when-denied': 'report' }],
    [{ unapproved: 'prompt', threshold: 3, 'trial-boots': 1, 'prompt-timeout': 5 }],
    [{ sources: [], 'consent-channels': [] }],
    [{ sources: ['card', 'bootstrap'], 'consent-channels': ['local', 'remote', 'delivering'] }],
  ])('goes there and back: %j', (policy) => {
    expect(policyFromCbor(policyToCbor(policySchema.parse(policy)) as never)).toEqual(policy);
  });
  it('shows what it has no word for as it is', () => {
    const odd = new Map([[1, 7], [5, 255], [9, 1]]); // biome-ignore format: three members
    expect(policyFromCbor(odd)).toEqual({ unapproved: 7, sources: 255, 'member 9': 1 });
  });
});

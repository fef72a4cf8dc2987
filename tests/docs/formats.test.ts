// docs/formats.md against the product: its examples are taken by the readers and by the core, its CDDL takes what they take and
// refuses what they refuse.

import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Core, readJudgement } from '../../host/core.js';
import { verifyLog } from '../../host/device/log.js';
import { viewApproval } from '../../host/formats/approval.js';
import { claimsFromYaml } from '../../host/formats/approval-yaml.js';
import { viewBootstrap } from '../../host/formats/bootstrap.js';
import { hex, sha256, uuidText } from '../../host/formats/bytes.js';
import { decode, encode } from '../../host/formats/cbor.js';
import { viewChange } from '../../host/formats/change.js';
import { viewSign1 } from '../../host/formats/cose.js';
import { splitEnvelope } from '../../host/formats/envelope.js';
import { publicKeyToCose } from '../../host/formats/keys.js';
import { viewManifest } from '../../host/formats/manifest.js';
import { loadCore } from '../../host/wasm.js';
import { makeApproval, makeBootstrap, makeChange, makeEnvelope, makeKey, ROLE } from '../support/make.js';
import { match, type Rules, readCddl } from './cddl.js';
import { CLASS_ID, DEVICE, rulesOf } from './documents.js';
import { fromDump, type Item, MAJOR, readTree } from './tree.js';

const page = readFileSync('docs/formats.md', 'utf8');
const rules: Rules = rulesOf(page);

/** What stands in a made part of the page. */
function part(name: string): string {
  const [, text] = new RegExp(`<!-- made by npm run docs: ${name} -->\\n([\\s\\S]*?)<!-- end -->`).exec(page) ?? [];
  return /```\w+\n([\s\S]*?)```/.exec(text!)![1]!;
}
const example = (name: string) => fromDump(part(name));

let core: Core;
beforeAll(async () => {
  core = await loadCore();
});

describe('an example', () => {
  it('of a bootstrap document makes a device, and holds the policy', () => {
    expect(core.provision(example('bootstrap'))).toBe(0);
    const { device, anchors, classId } = viewBootstrap(example('bootstrap'), 'example')!;
    expect([hex(device), anchors.length, uuidText(classId)]).toEqual([hex(DEVICE), 3, uuidText(CLASS_ID)]);
    const bootstrap = decode(example('bootstrap'), 'example') as Map<number, unknown>;
    expect(encode(bootstrap.get(6))).toEqual(example('policy'));
  });

  it('of an approval is the YAML beside it, and approves the package', async () => {
    const { claims } = viewApproval(example('approval'), 'example');
    expect(claimsFromYaml(part('approval-yaml'), 'example')).toMatchObject(claims);
    core.provision(example('bootstrap'));
    const evidence = [{ source: 'tree' as const, bytes: example('approval') }];
    const judged = await core.judge({ envelope: example('package'), evidence });
    expect(judged).toMatchObject({ verdict: 'ask', reason: 120, approvals: 1, payload: { reason: 0 } });
  });

  it('of a package is countersigned, and whole', async () => {
    core.provision(example('bootstrap'));
    const judged = await core.judge({ envelope: example('package') });
    expect(judged).toMatchObject({ verdict: 'install', reason: 0, row: 6, payload: { reason: 0 } });
    const { intact, text } = viewManifest(splitEnvelope(example('package'), 'example'), 'example');
    expect([intact, text]).toEqual([
      { manifest: true, text: true, payload: true },
      { name: 'Demo', version: '1.0.0' },
    ]);
  });

  it('of a change is taken by the device', () => {
    core.provision(example('bootstrap'));
    expect(core.change(example('change')).reason).toBe(0);
    expect(viewChange(example('change'), 'example').policy).toMatchObject({ unapproved: 'reject' });
  });

  it('of a consent answers the question, signed by the consenter', () => {
    const question = decode(example('question'), 'example') as Map<string, unknown>;
    const answer = decode(viewSign1(example('consent'), 'example').payload!, 'example') as Map<number, unknown>;
    expect([2, 3, 4].map((key) => answer.get(key))).toEqual(
      ['digest', 'device', 'nonce'].map((key) => question.get(key)),
    );
    const { key } = viewBootstrap(example('bootstrap'), 'example')!.anchors[2]!;
    expect(core.sign1Verify(encode(publicKeyToCose(key)), example('consent'))).toBe(0);
  });

  it('of a verdict and of a log record is read', () => {
    expect(readJudgement(decode(example('verdict-record'), 'example'))).toMatchObject({ verdict: 'ask', reason: 120 });
    const record = example('log-record');
    const { records, faults } = verifyLog({ first: 3, records: [record], end: sha256(record) });
    expect(faults).toEqual([]);
    expect(records[0]).toMatchObject({ event: 'installing', row: 4, answer: { channel: 'signed' } });
    expect(records[0]!.operators).toHaveLength(1);
  });
});

describe('the CDDL', () => {
  /** All maps of a document, those in its byte strings too, with what they are the keys of. */
  function* keysIn(item: Item): Generator<{ whole: Uint8Array; at: number }> {
    for (const [index, child] of item.items.entries()) {
      if (item.major === MAJOR.map && index % 2 === 0) yield { whole: item.bytes, at: child.at };
      yield* keysIn(child);
    }
  }

  it.each(['bootstrap', 'policy', 'verdict-record', 'log-record', 'installed', 'change-number'])(
    'of %s refuses a key that it does not name',
    (rule) => {
      const keys = [...keysIn(readTree(example(rule)))];
      expect(keys.length).toBeGreaterThan(0);
      for (const { whole, at } of keys) {
        const spoiled = whole.slice();
        spoiled[at] = 0x13;
        expect(match(rules, rule, spoiled), `key at ${at}`).toBeUndefined();
      }
    },
  );

  it('and the device agree about each bound of a policy', () => {
    const anchors = [
      { role: ROLE.vendor, key: makeKey('ed25519', 'vendor') },
      ...Array.from({ length: 7 }, (_, at) => ({ role: ROLE.operator, key: makeKey('ed25519', `operator ${at}`) })),
    ];
    const BOUNDS = [
      [1, 0, 1],
      [2, 0, 1],
      [3, 1, 604_800],
      [4, 1, 8],
      [5, 0, 15],
      [6, 0, 7],
      [7, 0, 1],
      [8, 0, 15],
    ] as const;
    for (const [member, least, most] of BOUNDS) {
      for (const value of [least - 1, least, most, most + 1].filter((one) => one >= 0)) {
        const bootstrap = makeBootstrap({ anchors, policy: { more: [[member, value]] } });
        const policy = encode((decode(bootstrap, 'policy') as Map<number, unknown>).get(6));
        const taken = match(rules, 'policy', policy) !== undefined;
        // Eight operators do not fit beside a vendor: such a threshold is well-formed, and one that nobody can meet.
        const reason = core.provision(bootstrap);
        expect([member, value, taken], `${reason}`).toEqual([member, value, reason !== 108]);
      }
    }
    expect(match(rules, 'policy', encode(new Map([[9, 0]])))).toBeUndefined();
  });

  it('takes documents that use every member, and keys of both kinds', () => {
    const operator = makeKey('p256', 'operator');
    const entries = [
      { verdict: 2, digest: sha256(DEVICE), classId: CLASS_ID, vendorKid: DEVICE, devices: [DEVICE], confirm: 0 },
      { verdict: 1, classId: CLASS_ID, range: [5, 9] as const },
      { verdict: 1, vendorKid: DEVICE },
    ];
    const approval = makeApproval({ key: operator, entries, notBefore: 1, expires: 2 });
    const anchors = [
      { role: ROLE.vendor, key: makeKey('ed25519', 'vendor'), name: 'V' },
      { role: ROLE.operator, key: operator },
    ];
    expect(match(rules, 'approval', approval)).toBeDefined();
    const bootstrap = makeBootstrap({ anchors, approvals: [approval] });
    expect(core.provision(bootstrap)).toBe(0);
    expect(match(rules, 'bootstrap', bootstrap)).toBeDefined();
    const change = makeChange({ signers: [operator], anchors, policy: {}, devices: [DEVICE] });
    expect(match(rules, 'change', change)).toBeDefined();
    const more = { setVersion: [1, 2, 3], ask: 5, sever: [16, 20] as (16 | 20)[], text: { name: 'N', vendor: 'V' } };
    const { bytes } = makeEnvelope({ signers: [anchors[0]!.key, operator], approvals: [approval], ...more });
    expect(match(rules, 'package', bytes)).toBeDefined();
  });

  it('refuses what the device refuses', () => {
    const operator = makeKey('ed25519', 'operator');
    const approve = { verdict: 1, classId: CLASS_ID };
    const refused: [rule: string, document: Uint8Array][] = [
      ['approval', makeApproval({ key: operator, entries: [{ verdict: 1 }] })],
      ['approval', makeApproval({ key: operator, entries: [{ ...approve, verdict: 3 }] })],
      ['approval', makeApproval({ key: operator, entries: [] })],
      ['approval', makeApproval({ key: operator, entries: Array.from({ length: 17 }, () => approve) })],
      ['approval', makeApproval({ key: operator, entries: [{ ...approve, confirm: 2 }] })],
      ['approval', makeApproval({ key: operator, entries: [{ ...approve, more: [[9, 0]] }] })],
      ['approval', makeApproval({ key: operator, entries: [approve], claims: [[6, undefined]] })],
      ['change', makeChange({ signers: [operator] })],
      ['change', makeChange({ signers: [operator], policy: {}, name: 'chance' })],
      ['change', makeChange({ signers: [operator], policy: {}, sequence: 0 })],
      ['package', makeEnvelope({ signers: [operator], tag: null }).bytes],
      ['package', makeEnvelope({ signers: [] }).bytes],
      ['package', makeEnvelope({ signers: [operator], commands: { 20: [3, 16] } }).bytes],
      ['package', makeEnvelope({ signers: [operator], commands: { 7: [21, 2] } }).bytes],
    ];
    for (const [rule, document] of refused) expect(match(rules, rule, document), hex(document)).toBeUndefined();
  });

  it('is itself read strictly', () => {
    expect(() => readCddl('a = { 1 & 2 }')).toThrow('cddl: line 1');
    expect(() => readCddl('a = uint\na = int')).toThrow('stands twice');
    expect(() => readCddl('time = uint')).toThrow('a name of the prelude');
    expect(() => match(readCddl('a = b'), 'a', encode(1))).toThrow('nothing is called b');
  });
});

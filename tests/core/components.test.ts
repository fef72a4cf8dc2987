// Packages of several components, on a device that has them: examples 3, 4 and 5 of draft-ietf-suit-manifest-37 as they stand
// (tests/vectors/suit; two slots, load from external storage, two images), packages with their images, and all around them
// what must be refused, each by its number.

import { readFileSync } from 'node:fs';
import { decode } from 'cborg';
import { describe, expect, it } from 'vitest';
import type { reasons } from '../../host/reasons.js';
import {
  BOOTSTRAP as bootstrap,
  bundle,
  COMPONENTS,
  componentId,
  IMAGES,
  imageOf,
  operator,
  type Parts,
  titled,
} from '../support/components.js';
import { concat, hex, keyOf, type Manifest, makeBootstrap, makeEnvelope, ROLE, unhex } from '../support/make.js';
import { type Facts, INSTALL, nameOf, PHASE, REJECT, rawCore } from '../support/rawcore.js';

const core = rawCore();
const device: Facts = { components: COMPONENTS };
type Reason = keyof typeof reasons;
type Components = NonNullable<Facts['components']>;
describe("the draft's examples", () => {
  const folder = new URL('../vectors/suit/', import.meta.url);
  const read = (file: string) => readFileSync(new URL(file, folder), 'utf8');
  const { keys } = JSON.parse(read('index.json')) as { keys: Record<string, { private_d: string }> };
  const author = keyOf('p256', unhex(keys['vendor-p256']!.private_d));
  const anchors = [
    { role: ROLE.vendor, key: author },
    { role: ROLE.operator, key: operator },
  ];
  const trusting = makeBootstrap({ anchors });
  const [first, second] = [
    '00112233445566778899aabbccddeeff0123456789abcdeffedcba9876543210',
    '0123456789abcdeffedcba987654321000112233445566778899aabbccddeeff',
  ];
  const FETCHED = 1;
  const COPIED = 2;
  const LOADED = 3;

  const seen = () =>
    Array.from({ length: core.exports.components!() }, (_, at) => [
      text(at, 1),
      core.exports.componentOrigin!(at),
      text(at, 2),
      core.exports.componentBytes!(at),
      Buffer.from(text(at, 3), 'hex').toString(),
    ]);
  const text = (at: number, field: number) => {
    const length = core.exports.componentText!(at, field);
    return hex(
      new Uint8Array(core.exports.memory.buffer).slice(core.exports.output!(), core.exports.output!() + length),
    );
  };
  const uri = (name: string) => `http://example.com/${name}.bin`;
  const room = { bytes: 100_000 };
  const three = ['00', '01', '02'].map((id) => ({ id: [unhex(id)], ...room }));

  it.each<[name: string, example: number, Components, found: unknown[][]]>([
    ['slot 0', 3, [{ id: [unhex('00')], slot: 0, ...room }], [['814100', FETCHED, first, 34768, uri('file1')]]],
    ['slot 1', 3, [{ id: [unhex('00')], slot: 1, ...room }], [['814100', FETCHED, second, 76834, uri('file2')]]],
    [
      'external storage',
      4,
      three,
      [
        ['814100', COPIED, first, 34768, ''],
        ['814102', FETCHED, first, 34768, uri('file')],
        ['814101', LOADED, second, 76834, ''],
      ],
    ],
    [
      'two images',
      5,
      three,
      [
        ['814100', FETCHED, first, 34768, uri('file1')],
        ['814101', FETCHED, second, 76834, uri('file2')],
      ],
    ],
  ])('%s: example %i is what it says, and the operator decides', (_, example, components, found) => {
    const envelope = unhex(read(`manifest37-example${example}-signed.hex`));
    const members = decode(envelope.subarray(2), { useMaps: true }) as Map<number, Uint8Array>;
    const alone = core.deliver({ bootstrap: trusting, facts: { components }, package: envelope });
    expect([alone.verdict, nameOf(alone.reason)]).toEqual([REJECT, 'NotApproved']);
    expect(seen()).toEqual(found);
    const [suitDigest] = decode(members.get(2)!) as Uint8Array[];
    const digest = (decode(suitDigest!) as [number, Uint8Array])[1];
    const manifest: Manifest = { bytes: members.get(3)!, digest, severed: [] };
    const signed = makeEnvelope({ manifest, signers: [author, operator], detached: true }).bytes;
    for (let at = 1; at < signed.length; at++) {
      const outcome = core.deliver({
        bootstrap: trusting,
        facts: { components },
        package: signed,
        pieces: [at, signed.length],
      });
      expect([outcome.verdict, outcome.reason]).toEqual([INSTALL, 0]);
    }
    const wrong = core.deliver({
      bootstrap: trusting,
      facts: { components },
      package: concat(signed, new Uint8Array(100_000)),
    });
    expect(nameOf(wrong.payloadFault)).toBe('PayloadDigest');
  });

  it.each<[example: number, Components, Reason]>([
    [3, [{ id: [unhex('00')], slot: 2, ...room }], 'ComponentSlot'],
    [3, [{ id: [unhex('00')], slot: 1, bytes: 76833 }], 'SlotTooSmall'],
    [3, [{ id: [unhex('00')], slot: 0, bytes: 34768 }], 'NotApproved'],
    [4, three.slice(0, 2), 'ComponentUnknown'],
    [5, three.slice(1), 'ComponentUnknown'],
    [4, three.map((one, at) => ({ ...one, bytes: at === 1 ? 76833 : 76834 })), 'SlotTooSmall'], // what is loaded
    [3, [], 'CommandUnsupported'], // a device of one component, as boards have it
    [4, [], 'Components'],
    [5, [], 'Components'],
  ])('example %i on %j: %s', (example, components, reason) => {
    const envelope = unhex(read(`manifest37-example${example}-signed.hex`));
    const outcome = core.deliver({ bootstrap: trusting, facts: { components }, package: envelope });
    expect([outcome.verdict, nameOf(outcome.reason)]).toEqual([REJECT, reason]);
  });
});

const deliver = (parts: Parts, facts: Facts = device, pieces?: number[]) => {
  const bytes = bundle(parts);
  return core.deliver({ bootstrap, facts, package: bytes, ...(pieces && { pieces }) });
};

describe('images', () => {
  const sizes = [1, 7, 64, 1000];
  it.each<[string, Parts]>([
    ['two in the package', {}],
    ['four in the package', { count: 4 }],
    ['none in it: they follow', { count: 3, carried: [] }],
    ['the second and third in it, the others follow', { count: 4, carried: [1, 2] }],
    ['the last alone in it', { count: 3, carried: [2] }],
    ['one', { count: 1 }],
  ])('%s', (_, parts) => {
    for (const size of sizes) {
      const outcome = deliver(parts, device, [size]);
      expect(outcome).toMatchObject({ verdict: INSTALL, phase: PHASE.complete, payloadFault: 0 });
    }
    const total = Array.from({ length: parts.count ?? 2 }, (_, at) => imageOf(at).length).reduce((a, b) => a + b);
    expect(core.exports.payloadBytes!()).toBe(total);
  });

  it('the core says whose bytes it took', () => {
    const bytes = bundle({ count: 3, carried: [1] });
    core.deliver({ bootstrap, facts: device, package: bundle({ count: 3, carried: [], cut: true }) });
    core.exports.offerBegin!();
    let at = 0;
    const took: Record<string, number> = {};
    let accepted = false;
    while (at < bytes.length) {
      const taken = core.exports.offerPush!(core.put(bytes.subarray(at, at + 100)));
      if (accepted) took[core.exports.payloadComponent!()] = (took[core.exports.payloadComponent!()] ?? 0) + taken;
      at += taken;
      if (accepted || core.exports.offerPhase!() !== PHASE.judging) continue;
      expect([core.exports.judge!(), core.exports.decide!(), core.exports.offerAccept!()]).toEqual([0, INSTALL, 0]);
      accepted = true;
    }
    expect(took).toEqual({ 0: imageOf(0).length, 1: imageOf(1).length, 2: imageOf(2).length });
    expect(core.exports.offerPhase!()).toBe(PHASE.complete);
    expect(core.exports.imageIs!()).toBe(0); // no one hash is that of the package
  });

  it('any bit of any image, and any end but the last: not complete', () => {
    const bytes = bundle({ count: 3 });
    for (let image = 0; image < 3; image++) {
      const from = Buffer.from(bytes).indexOf(Buffer.from(imageOf(image)));
      for (const at of [0, imageOf(image).length >> 1, imageOf(image).length - 1]) {
        const spoilt = bytes.slice();
        spoilt[from + at]! ^= 1;
        const outcome = core.deliver({ bootstrap, facts: device, package: spoilt });
        expect([outcome.phase, nameOf(outcome.payloadFault)]).toEqual([PHASE.failed, 'PayloadDigest']);
      }
    }
    const head = bytes.length - 3 * 100;
    for (let end = head; end < bytes.length; end += 13) {
      const outcome = core.deliver({ bootstrap, facts: device, package: bytes.slice(0, end) });
      expect(outcome.phase).not.toBe(PHASE.complete);
    }
  });

  it.each(
    titled<Parts, Reason>([
      ['in another order', { count: 3, carried: [1, 0, 2] }, 'PayloadUnexpected'],
      ['one twice', { count: 3, carried: [0, 1, 1, 2] }, 'PayloadUnexpected'],
      ['under another uri', { uris: ['#firmware', '#other'], keys: ['#firmware', '#strange'] }, 'PayloadUnexpected'],
      ['one exchanged for another', { payloads: [IMAGES[0]!, IMAGES[1]!.map((byte) => byte ^ 1)] }, 'PayloadDigest'],
      ['one that is longer', { payloads: [IMAGES[0]!, concat(IMAGES[1]!, IMAGES[1]!)] }, 'PayloadSize'],
      ['one that is no bytes', { payloads: [IMAGES[0]!, 5] }, 'WrongType'],
      ['a key that is a number', { keys: ['#firmware', 7] }, 'EnvelopeMember'],
      ['a key that is too long', { keys: ['#firmware', 'x'.repeat(256)] }, 'EnvelopeMember'],
      ['a key that is far too long', { keys: ['#firmware', 'x'.repeat(2000)] }, 'EnvelopeMember'],
      ['bytes after the last', { behind: new Uint8Array(1) }, 'TrailingBytes'],
    ]),
  )('%s: %s', (_, reason, parts) => {
    const outcomes = [[1], [64], [1792]].map((pieces) => deliver(parts, device, pieces));
    for (const outcome of outcomes) expect(nameOf(outcome.payloadFault || outcome.reason)).toBe(reason);
  });

  it('a uri of which two fetch, a package with more images than components, and one without room', () => {
    expect(nameOf(deliver({ uris: ['#firmware', '#firmware'] }).reason)).toBe('ComponentTwice');
    expect(nameOf(deliver({ count: 2, carried: [0, 1, 0, 1, 0, 1, 0, 1, 0] }).reason)).toBe('EnvelopeMember');
    const small = COMPONENTS.map((one, at) => ({ ...one, bytes: at === 1 ? imageOf(1).length - 1 : 1000 }));
    expect(nameOf(deliver({}, { components: small }).reason)).toBe('SlotTooSmall');
  });
});

describe('components of the manifest', () => {
  it.each(
    titled<unknown, Reason>([
      ['none', [], 'Components'],
      ['five', Array.from({ length: 5 }, (_, at) => componentId(at)), 'Components'],
      ['one twice', [componentId(1), componentId(1)], 'ComponentTwice'],
      ['one that the device does not have', [componentId(0), [unhex('09')]], 'ComponentUnknown'],
      ['one that goes on', [componentId(0), [...componentId(1), unhex('00')]], 'ComponentUnknown'],
      ['one without a list', [componentId(0), unhex('01')], 'WrongType'],
    ]),
  )('%s: %s', (_, reason, list) => {
    expect(nameOf(deliver({ list }).reason)).toBe(reason);
  });

  it('in another order than the device has them', () => {
    expect(deliver({ list: [componentId(1), componentId(0)] })).toMatchObject({
      verdict: INSTALL,
      phase: PHASE.complete,
    });
  });

  it('a device of one component refuses them as before', () => {
    expect(nameOf(deliver({ carried: [] }, {}).reason)).toBe('Components');
    expect(nameOf(deliver({}, {}).reason)).toBe('EnvelopeOrder'); // two images
  });

  it('a device has four at most, each once, with a name of at most 32 bytes', () => {
    core.exports.forgetComponents!();
    const add = (id: string) => nameOf(core.exports.addComponent!(core.put(unhex(id)), 0, 1));
    expect(['814100', '814100', '814101', '814102', '814103', '814104'].map(add)).toEqual([
      'Ok',
      'ComponentTwice',
      'Ok',
      'Ok',
      'Ok',
      'TooLarge',
    ]);
    core.exports.forgetComponents!();
    expect([add('00'.repeat(32)), add('00'.repeat(33))]).toEqual(['Ok', 'TooLarge']);
  });
});

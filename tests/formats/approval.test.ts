// Approval documents: the bytes that the specification gives, the readable twin that makes the same bytes, and what the
// next document of an operator says.

import { describe, expect, it } from 'vitest';
import { type Claims, type Entry, encodeClaims, signApproval, viewApproval } from '../../host/formats/approval.js';
import { claimsFromYaml, claimsToYaml } from '../../host/formats/approval-yaml.js';
import { fromHex, hex, utf8 } from '../../host/formats/bytes.js';
import { cborMap, encode } from '../../host/formats/cbor.js';
import { sign1 } from '../../host/formats/cose.js';
import { nextDocument } from '../../host/formats/record.js';
import { readSigningKey } from '../../host/keys/read.js';
import { CLASS_ID, keyOf, makeApproval, sha256 } from '../support/make.js';

const SEED = sha256(utf8('an operator'));
const operator = await readSigningKey(SEED, 'operator', () => Promise.reject(new Error('none')), 'seed');
const makersOperator = keyOf('ed25519', SEED, operator.public.kid);
const DIGEST = sha256(utf8('a manifest'));
const NOW = 1_800_000_000;

const plain: Claims = {
  issuer: 'Example Operator',
  issuedAt: NOW,
  id: fromHex('0011223344556677'),
  sequence: 7n,
  entries: [{ verdict: 'approve', digest: DIGEST }],
};

const full: Claims = {
  ...plain,
  notBefore: NOW - 100,
  expires: NOW + 100,
  sequence: 2n ** 64n - 1n,
  entries: [
    { verdict: 'deny', digest: DIGEST },
    {
      verdict: 'approve',
      classId: CLASS_ID,
      range: [5n, 2n ** 63n],
      vendorKid: fromHex('12e5'),
      devices: [fromHex('0011'), utf8('device-1')],
      confirm: 'ask',
    },
    { verdict: 'approve', vendorKid: fromHex('00'), confirm: 'no-ask' },
  ],
};

describe('a document is what the specification says, byte for byte', () => {
  it('with the least', () => {
    const expected = makeApproval({
      key: makersOperator,
      issuer: plain.issuer,
      issuedAt: NOW,
      id: plain.id,
      sequence: 7,
      entries: [{ verdict: 1, digest: DIGEST }],
    });
    expect(hex(signApproval(operator, plain))).toBe(hex(expected));
  });

  it('with everything', () => {
    const expected = makeApproval({
      key: makersOperator,
      issuer: full.issuer,
      issuedAt: NOW,
      notBefore: NOW - 100,
      expires: NOW + 100,
      id: full.id,
      sequence: full.sequence,
      entries: [
        { verdict: 2, digest: DIGEST },
        {
          verdict: 1,
          classId: CLASS_ID,
          range: [5, 2n ** 63n],
          vendorKid: fromHex('12e5'),
          devices: [fromHex('0011'), utf8('device-1')],
          confirm: 1,
        },
        { verdict: 1, vendorKid: fromHex('00'), confirm: 0 },
      ],
    });
    expect(hex(signApproval(operator, full))).toBe(hex(expected));
    expect(viewApproval(expected, 'it')).toEqual({ claims: full, algorithm: -19, kid: operator.public.kid });
  });

  it('with no more entries than a device reads', () => {
    const entries = Array.from({ length: 17 }, (_, i): Entry => ({ verdict: 'deny', vendorKid: Uint8Array.of(i) }));
    expect(() => signApproval(operator, { ...plain, entries })).toThrow(expect.objectContaining({ code: 5 }));
    expect(signApproval(operator, { ...plain, entries: entries.slice(1) }).length).toBeLessThan(1024);
  });

  it('no larger than a device keeps', () => {
    const entries = Array.from(
      { length: 16 },
      (_, i): Entry => ({
        verdict: 'approve',
        digest: sha256(Uint8Array.of(i)),
        classId: CLASS_ID,
        range: [0n, 2n ** 60n],
      }),
    );
    expect(() => signApproval(operator, { ...plain, entries })).toThrow(expect.objectContaining({ code: 5 }));
  });
});

describe('what is no approval document', () => {
  const signed = (claims: [number, unknown][]) => sign1(operator, encode(cborMap(claims)));
  const good: [number, unknown][] = [
    [1, 'x'],
    [6, NOW],
    [7, Uint8Array.of(1)],
    [-70001, 1],
  ];
  const withEntry = (entry: [number, unknown][]) => signed([...good, [-70002, [cborMap(entry)]]]);
  it.each<[string, Uint8Array]>([
    ['no entries', signed([...good, [-70002, []]])],
    ['entries missing', signed(good)],
    [
      'an unknown claim',
      signed([
        ...good,
        [2, 'sub'],
        [
          -70002,
          [
            cborMap([
              [1, 1],
              [2, DIGEST],
            ]),
          ],
        ],
      ]),
    ],
    [
      'an unknown verdict',
      withEntry([
        [1, 3],
        [2, DIGEST],
      ]),
    ],
    ['an entry about nothing', withEntry([[1, 1]])],
    [
      'an unknown entry member',
      withEntry([
        [1, 1],
        [2, DIGEST],
        [8, 0],
      ]),
    ],
    [
      'a short digest',
      withEntry([
        [1, 1],
        [2, DIGEST.slice(1)],
      ]),
    ],
    [
      'a range from high to low',
      withEntry([
        [1, 1],
        [3, CLASS_ID],
        [4, [2, 1]],
      ]),
    ],
    [
      'a negative range',
      withEntry([
        [1, 1],
        [3, CLASS_ID],
        [4, [-1, 1]],
      ]),
    ],
    [
      'an empty device list',
      withEntry([
        [1, 1],
        [2, DIGEST],
        [6, []],
      ]),
    ],
    [
      'a time that is text',
      signed([
        ...good.map(([key, value]): [number, unknown] => [key, key === 6 ? 'now' : value]),
        [
          -70002,
          [
            cborMap([
              [1, 1],
              [2, DIGEST],
            ]),
          ],
        ],
      ]),
    ],
    ['a payload that is no map', sign1(operator, encode([1, 2]))],
  ])('%s', (_, bytes) => {
    expect(() => viewApproval(bytes, 'it')).toThrow(expect.objectContaining({ code: 92 }));
  });
  it('a detached one', () => {
    expect(() => viewApproval(sign1(operator, encodeClaims(plain), { detached: true }), 'it')).toThrow(
      expect.objectContaining({ code: 30 }),
    );
  });
});

describe('the YAML twin', () => {
  it.each([
    ['least', plain],
    ['full', full],
    ['an issuer that looks like something else', { ...plain, issuer: '0x10: "yes" # no' }],
    ['an issuer with lines', { ...plain, issuer: 'two\nlines ' }],
    ['an id of digits', { ...plain, id: fromHex('0000001234567890') }],
    ['an id that looks like a float', { ...plain, id: fromHex('12e5') }],
  ])('encodes to the same bytes: %s', (_, claims) => {
    const back = claimsFromYaml(claimsToYaml(claims), 'it');
    expect(hex(encodeClaims(back))).toBe(hex(encodeClaims(claims)));
  });

  it('reads as people write it', () => {
    const text = `
issuer: Example Operator   # who
issued: 2027-01-15T08:00:00Z
id: 0011223344556677
sequence: 7
entries:
  - verdict: approve
    digest: ${hex(DIGEST)}
`;
    expect(hex(encodeClaims(claimsFromYaml(text, 'it')))).toBe(hex(encodeClaims(plain)));
  });

  it('leaves to the signer what it does not state', () => {
    const text = `issuer: A\nentries: [{verdict: deny, vendor-key: 00}]`;
    const claims = claimsFromYaml(text, 'it', { issuedAt: NOW, id: fromHex('01'), sequence: 3n });
    expect(claims).toEqual({
      issuer: 'A',
      issuedAt: NOW,
      id: fromHex('01'),
      sequence: 3n,
      entries: [{ verdict: 'deny', vendorKid: fromHex('00') }],
    });
    expect(() => claimsFromYaml(text, 'it')).toThrow(expect.objectContaining({ code: 208 }));
  });

  it.each([
    ['not YAML', 'a: [', /a:|flow/i],
    ['a list', '- 1', /document/],
    ['a misspelt name', 'issuer: A\nexpiry: 2027-01-01\nentries: [{verdict: deny, vendor-key: 00}]', /expiry/],
    ['a verdict that is none', 'issuer: A\nentries: [{verdict: maybe, vendor-key: 00}]', /verdict/],
    ['a digest that is not hex', 'issuer: A\nentries: [{verdict: deny, digest: xyz}]', /not hex/],
    ['a sequence that is not whole', 'issuer: A\nsequence: 1.5\nentries: [{verdict: deny, vendor-key: 00}]', /whole/],
    ['a date that is none', 'issuer: A\nexpires: someday\nentries: [{verdict: deny, vendor-key: 00}]', /date/],
    ['a doubled name', 'issuer: A\nissuer: B\nentries: [{verdict: deny, vendor-key: 00}]', /unique/i],
  ])('says what is wrong: %s', (_, text, message) => {
    const defaults = { issuedAt: NOW, id: fromHex('01'), sequence: 3n };
    expect(() => claimsFromYaml(text, 'the file', defaults)).toThrow(message);
  });
});

describe('the next document of an operator', () => {
  const a: Entry = { verdict: 'approve', digest: DIGEST };
  const b: Entry = { verdict: 'approve', classId: CLASS_ID, range: [1n, 9n] };
  const deniedB: Entry = { ...b, verdict: 'deny' };
  const onDevice: Entry = { ...a, devices: [fromHex('01')] };
  const said = (entries: Entry[], more: Partial<Claims> = {}): Claims => ({
    ...plain,
    sequence: 10n,
    entries,
    ...more,
  });
  const next = (previous: Claims | undefined, entry: Entry, more: object = {}) =>
    nextDocument({ previous, issuer: 'A', entries: [entry], now: 100, ...more });

  it.each<[string, Entry[], Entry, Entry[]]>([
    ['repeats what was said about others', [b], a, [a, b]],
    ['replaces what was said about the same', [b, a], deniedB, [deniedB, a]],
    ['a denial gives way to an approval of the same', [deniedB], b, [b]],
    ['other devices are another matter', [onDevice], a, [a, onDevice]],
  ])('%s', (_, earlier, entry, expected) => {
    expect(next(said(earlier), entry).claims.entries).toEqual(expected);
  });

  it('of an expired one repeats denials alone, and not the bound', () => {
    const { claims, dropped } = next(said([a, deniedB], { expires: 100 }), onDevice);
    expect(claims.entries).toEqual([onDevice, deniedB]);
    expect(dropped).toEqual([a]);
    expect(claims.expires).toBeUndefined();
  });

  it('keeps bounds that lie ahead unless new ones are given', () => {
    const earlier = said([b], { expires: 200, notBefore: 150 });
    expect(next(earlier, a).claims).toMatchObject({ expires: 200, notBefore: 150 });
    expect(next(earlier, a, { expires: 300, notBefore: 50 }).claims).toMatchObject({ expires: 300, notBefore: 50 });
    expect(next(earlier, a, { only: true }).claims).toMatchObject({ expires: undefined, entries: [a] });
  });

  it('refuses to be born expired', () => {
    expect(() => next(undefined, a, { expires: 99 })).toThrow(expect.objectContaining({ code: 202 }));
    expect(() => next(undefined, a, { expires: 200, notBefore: 200 })).toThrow(expect.objectContaining({ code: 202 }));
  });

  it.each<[string, bigint | undefined, bigint | undefined, bigint | number]>([
    ['first: the time', undefined, undefined, 100n],
    ['then: one more when the last is ahead of the time', 500n, undefined, 501n],
    ['then: the time when the last is behind', 99n, undefined, 100n],
    ['the same second', 100n, undefined, 101n],
    ['as asked, if higher', 10n, 11n, 11n],
    ['as asked, even below the time', undefined, 3n, 3n],
    ['not as asked, if not higher', 10n, 10n, 202],
  ])('sequence number, %s', (_, last, wanted, expected) => {
    const make = () => next(last === undefined ? undefined : said([b], { sequence: last }), a, { sequence: wanted });
    if (typeof expected === 'number') expect(make).toThrow(expect.objectContaining({ code: expected }));
    else expect(make().claims.sequence).toBe(expected);
  });
});

// Moments: what a person may write, in flags and documents alike, and what comes out of it in every time zone.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { claimsFromYaml } from '../../host/formats/approval-yaml.js';
import { momentText, parseMoment } from '../../host/formats/moment.js';
import { changeFromYaml } from '../../host/named-files.js';
import { makePlace, type Place } from '../support/command.js';
import { utf8 } from '../support/make.js';

const ZONES = ['UTC', 'Asia/Tokyo', 'America/St_Johns'];
const before = process.env.TZ;
afterEach(() => {
  if (before === undefined) delete process.env.TZ;
  else process.env.TZ = before;
});

const GOOD: [string, number][] = [
  ['2027-01-31', 1801353600],
  ['2027-01-31T10:00:00Z', 1801389600],
  ['2027-01-31t10:00:00.999z', 1801389600],
  ['2027-01-31T12:00:00+02:00', 1801389600],
  ['2027-01-30T23:59:59-10:01', 1801389659],
  ['2028-02-29', 1835395200],
  ['1970-01-01', 0],
  ['9999-12-31T23:59:59Z', 253402300799],
];
const BAD = [
  '2027-02-30',
  '2027-02-29',
  '2027-13-01',
  '2027-00-10',
  '2027-01-31 10:00',
  '2027-01-31T10:00',
  '2027-01-31T10:00:00',
  '2027-01-31T24:00:00Z',
  '2027-01-31T10:00:60Z',
  '2027-01-31T10:00:00+24:00',
  '2027-01-31T10:00:00+0100',
  '2027-01-31 or so',
  '2027-01-31T10:00:00Z sharp',
  ' 2027-01-31',
  '2027-1-31',
  '31.1.2027',
  'January 31, 2027',
  '1969-12-31',
  '1970-01-01T00:00:00+01:00',
  '9999-12-31T23:59:59-00:01',
  '+12027-01-31',
  '253402300800',
  '',
];

describe('a moment', () => {
  it.each(GOOD)('%s is a second, in every zone', (text, seconds) => {
    for (const zone of ZONES) {
      process.env.TZ = zone;
      expect(parseMoment(text)).toBe(seconds);
    }
  });
  it.each(BAD)('"%s" is none', (text) => {
    for (const zone of ZONES) {
      process.env.TZ = zone;
      expect(parseMoment(text)).toBeUndefined();
    }
  });
  it('is written as it is read, and one that no calendar has is still shown', () => {
    for (const [, seconds] of GOOD) expect(parseMoment(momentText(seconds))).toBe(seconds);
    expect(momentText(253402300800)).toBe('253402300800 s after 1970');
    expect(momentText(Number.NaN)).toBe('NaN s after 1970');
  });
});

describe('in documents', () => {
  const twin = (member: string, text: string) =>
    `issuer: A\n${member}: ${JSON.stringify(text)}\nentries: [{verdict: deny, vendor-key: 00}]\n`;
  it.each(BAD)('"%s" is refused with its text', async (text) => {
    const refused = { code: 208, message: expect.stringContaining(`"${text}"`) };
    const defaults = { issuedAt: 1, id: new Uint8Array(8), sequence: 1n };
    for (const member of ['issued', 'not-before', 'expires'])
      expect(() => claimsFromYaml(twin(member, text), 'it', defaults)).toThrow(expect.objectContaining(refused));
    const change = utf8(`issued: ${JSON.stringify(text)}\npolicy: {}\n`);
    await expect(changeFromYaml(change, 'it', () => Promise.reject(new Error('none')), 1)).rejects.toMatchObject(
      refused,
    );
  });
});

describe('on the command line', () => {
  let place: Place;
  beforeAll(async () => {
    place = await makePlace();
    await place.given('keygen', 'operator');
  });
  afterAll(() => place.remove());
  const rule = ['approve', '--class', 'sensor', '--vendor', 'example.com', '-k', 'operator.pem', '--record', 'none'];

  it.each(['2027-02-30', '2027-01-31 10:00', '253402300800', '2027-01-31 or so', '9999999999y'])(
    '"%s" is a wrong argument, shown as it was given',
    async (text) => {
      const ended = await place.run(...rule, '--expires', text, '-o', 'rule.cose', '--json');
      expect([ended.code, ended.json().error.message]).toEqual([4, expect.stringContaining(`"${text}"`)]);
      expect(ended.json().error.message).toContain('2027-01-31, UTC');
    },
  );

  it('a YAML twin gives the same bytes in every time zone', async () => {
    const { writeFile, readFile } = await import('node:fs/promises');
    const text = 'issuer: A\nissued: 2026-01-31\nexpires: 2027-02-28T10:00:00+01:00\nid: 0011\nsequence: 7\n';
    await writeFile(place.path('twin.yaml'), `${text}entries: [{verdict: deny, vendor-key: 00}]\n`);
    const made = new Set<string>();
    for (const TZ of ZONES) {
      const words = [
        'approve',
        '--from',
        'twin.yaml',
        '-k',
        'operator.pem',
        '--record',
        'none',
        '-o',
        'twin.cose',
        '-q',
      ];
      const { code, stderr } = await place.runWith({ environment: { TZ } }, ...words);
      expect([code, stderr]).toEqual([0, '']);
      made.add((await readFile(place.path('twin.cose'))).toString('hex'));
    }
    expect(made.size).toBe(1);
  });
});

// approve and revoke: what they sign and record, what they say of it, and that a failure writes nothing.
// Runs the built program in a folder of its own.

import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { viewApproval } from '../../host/formats/approval.js';
import { claimsFromYaml } from '../../host/formats/approval-yaml.js';
import { approvalsIn, splitEnvelope } from '../../host/formats/envelope.js';
import { withRecord } from '../../host/local/issue.js';
import { makePlace, type Place, runHere } from '../support/command.js';
import { hex } from '../support/make.js';

let place: Place;
const bytesOf = async (name: string) => new Uint8Array(await readFile(place.path(name)));
const put = (name: string, content: string | Uint8Array) => writeFile(place.path(name), content);

beforeAll(async () => {
  place = await makePlace();
  for (const name of ['vendor', 'operator']) await place.given('keygen', name);
  await put('app.bin', new Uint8Array(1000));
  const words = ['-k', 'vendor.pem', '--vendor', 'example.com', '--class', 'sensor', '-s', '5', '--version', '1.2.0'];
  await place.given('package', 'app.bin', ...words);
});
afterAll(() => place.remove());

describe('approve and revoke', () => {
  const digest = async () => hex(splitEnvelope(await bytesOf('app.suit'), 'app').digest);
  const operator = (name: string) => place.must('keygen', name);

  it('approve one package, for a time, on a device', async () => {
    await operator('op1');
    const ended = await place.must(
      'approve',
      'app.suit',
      '-k',
      'op1.pem',
      '--expires',
      '30d',
      '-d',
      '00:11',
      '--confirm',
      'ask',
      '--issuer',
      'ACME',
      '--json',
    );
    const { document, output } = ended.json();
    expect(output).toBe('app.cose');
    expect(document.entries).toEqual([
      { verdict: 'approve', digest: await digest(), devices: ['0011'], confirm: 'ask' },
    ]);
    expect(document.issuer).toBe('ACME');
    const span = Date.parse(document.expires!) - Date.parse(document.issuedAt);
    expect(Math.abs(span - 30 * 86400_000)).toBeLessThan(30_000);
    expect(Math.abs(Number(document.sequence) - Date.now() / 1000)).toBeLessThan(60);
    expect(ended.stderr).toContain(await digest());
  });

  it('the next document repeats, counts on, and is recorded beside the key', async () => {
    await operator('op2');
    const first = (await place.must('approve', 'app.suit', '-k', 'op2.pem', '-o', 'a.cose', '--json')).json();
    const rule = ['--class', 'sensor', '--vendor', 'example.com', '--range', '5..9'];
    const second = (await place.must('approve', ...rule, '-k', 'op2.pem', '-o', 'b.cose', '--json')).json();
    expect(Number(second.document.sequence)).toBeGreaterThan(Number(first.document.sequence));
    expect(second.document.entries).toHaveLength(2);
    const record = claimsFromYaml(await readFile(place.path('op2.record.yaml'), 'utf8'), 'record');
    expect(record).toEqual(viewApproval(await bytesOf('b.cose'), 'b').claims);

    const third = (await place.must('revoke', 'app.suit', '-k', 'op2.pem', '-o', 'c.cose', '--json')).json();
    expect(
      third.document.entries.map(({ verdict, classId }: { verdict: string; classId?: string }) => [
        verdict,
        classId !== undefined,
      ]),
    ).toEqual([
      ['deny', false],
      ['approve', true],
    ]);
    const again = ['approve', 'app.suit', '-k', 'op2.pem', '--only', '-o', 'd.cose', '--json'];
    const only = (await place.must(...again)).json();
    expect(only.document.entries).toHaveLength(1);
    expect(only.dropped).toBe(1);
  });

  it('a denial ends only if that is meant: not by --only, another rule or a YAML document that do not name it', async () => {
    await operator('op14');
    const key = ['-k', 'op14.pem', '--json'];
    const rule = ['--class', 'sensor', '--vendor', 'example.com', '--range', '5..9'];
    await place.must('revoke', 'app.suit', ...key, '-o', 'no.cose');
    await put('other.yaml', 'issuer: A\nentries: [{verdict: approve, vendor-key: 00}]\n');
    const lifting = [
      ['approve', ...rule, '--only'],
      ['revoke', ...rule, '--only'],
      ['approve', '--from', 'other.yaml'],
    ];
    const before = await place.listing();
    for (const words of lifting) {
      const ended = await place.run(...words, ...key, '-o', 'yes.cose');
      expect([words, ended.code, ended.json().error.reason.name]).toEqual([words, 4, 'WouldLift']);
      expect(ended.json().error.message).toContain(`deny package ${await digest()}`);
    }
    expect(await place.listing()).toEqual(before);
    await place.given('approve', ...rule, ...key, '-o', 'yes.cose'); // repeats it
    const named = await place.must('approve', 'app.suit', '--dry-run', ...key);
    expect(named.stderr).toContain(`warning: this ends a denial: deny package ${await digest()}`);
    await place.must('revoke', '--class', 'sensor', '--vendor', 'example.com', ...key, '-o', 'all.cose');
    await place.given('approve', ...rule, '--only', '--lift', ...key, '-o', 'yes.cose');
    expect(claimsFromYaml(await readFile(place.path('op14.record.yaml'), 'utf8'), 'record').entries).toHaveLength(1);
  });

  it('a number far ahead wants --force, and behind the last of all there is none', async () => {
    await operator('op15');
    const key = ['-k', 'op15.pem', '-o', 'far.cose', '--json'];
    const far = [String(2n ** 64n - 1n), '4000000000000'];
    for (const number of far) {
      for (const words of [
        ['approve', 'app.suit'],
        ['revoke', 'app.suit'],
      ]) {
        const ended = await place.run(...words, '-s', number, ...key);
        expect([ended.code, ended.json().error.reason.name]).toEqual([4, 'FarAhead']);
      }
      const vendor = ['-k', 'vendor.pem', '--vendor', 'example.com', '--class', 'sensor', '-o', 'far.suit', '--json'];
      expect((await place.run('package', 'app.bin', ...vendor, '-s', number)).json().error.reason.name).toBe(
        'FarAhead',
      );
    }
    await put('far.yaml', 'issuer: A\nissued: 2099-01-01\nentries: [{verdict: deny, vendor-key: 00}]\n');
    const dated = await place.must('approve', '--from', 'far.yaml', '--dry-run', ...key);
    expect(dated.stderr).toContain('warning: issued 2099-01-01T00:00:00Z is ahead of the time');
    await put('far.yaml', `sequence: ${far[1]}\npolicy: {}\n`);
    expect((await place.must('change', 'far.yaml', ...key)).stderr).toMatch(/warning: sequence \d+ is far ahead/);

    await place.given('approve', 'app.suit', '-s', far[0]!, '--force', ...key);
    const next = await place.run('revoke', 'app.suit', ...key);
    expect([next.code, next.json().error.reason.name]).toEqual([1, 'SequenceExhausted']);
    expect(next.json().error.message).toBe(`approval: ${far[0]} was used, and there is no higher number`);
    expect(next.json().error.hint).toContain('countersign change');
  });

  it('a clock that disagrees with the last document is told', async () => {
    await operator('op16');
    const rule = ['--class', 'sensor', '--vendor', 'example.com', '--range', '5..9'];
    const record = (issued: string) =>
      put(
        'op16.record.yaml',
        `issuer: A\nissued: ${issued}\nid: 00\nsequence: 1\nentries: [{verdict: approve, vendor-key: 00}]\n`,
      );
    await record('2090-01-01');
    const behind = await place.must('approve', ...rule, '-k', 'op16.pem', '-o', 'clock.cose');
    expect(behind.stderr).toMatch(
      /warning: dated .* but the last document is dated 2090-01-01T00:00:00Z: one of the two/,
    );
    await record('2001-01-01');
    const ahead = await place.must('approve', ...rule, '-k', 'op16.pem', '-o', 'clock.cose');
    expect(ahead.stderr).toMatch(/more than a year after the last document .* if this clock runs ahead/);
    expect((await place.must('approve', ...rule, '-k', 'op16.pem', '-o', 'clock.cose')).stderr).not.toContain(
      'warning',
    );
  });

  it('issues one document after the other, of whoever asks at once', async () => {
    await operator('op17');
    const of = (name: string, ...words: string[]) =>
      place.must(...words, '-k', 'op17.pem', '-o', `${name}.cose`, '--json').then((ended) => ended.json().document);
    const rule = (first: number) => [
      'approve',
      '--class',
      'sensor',
      '--vendor',
      'example.com',
      '--range',
      `${first}..900`,
    ];
    const documents = await Promise.all([
      of('at-once-1', ...rule(1)),
      of('at-once-2', ...rule(2)),
      of('at-once-3', 'revoke', 'app.suit'),
      of('at-once-4', ...rule(4)),
    ]);
    expect(new Set(documents.map(({ sequence }) => sequence)).size).toBe(4);
    const record = claimsFromYaml(await readFile(place.path('op17.record.yaml'), 'utf8'), 'record');
    expect(record.entries).toHaveLength(4);
    expect(await readdir(place.folder)).not.toContain('op17.record.yaml.lock');
  });

  it('waits for another one to end, and not for ever', async () => {
    await put('op18.record.yaml.lock', `${process.pid}\n`);
    const record = place.path('op18.record.yaml');
    await expect(withRecord(record, async () => 'alone', 100)).rejects.toMatchObject({
      reason: { name: 'RecordBusy', code: 346 },
      message: `record: process ${process.pid} issues a document of this operator`,
    });
    setTimeout(() => rm(`${record}.lock`), 100);
    expect(await withRecord(record, async () => 'alone', 20_000)).toBe('alone');
  });

  it('keeps no record if told so, and none of a dry run', async () => {
    await operator('op3');
    await place.given('approve', 'app.suit', '-k', 'op3.pem', '--record', 'none', '-o', 'e.cose');
    await place.given('approve', 'app.suit', '-k', 'op3.pem', '--dry-run', '-o', 'f.cose');
    const names = await readdir(place.folder);
    expect(names).not.toContain('op3.record.yaml');
    expect(names).not.toContain('f.cose');
  });

  it('embeds the document in the package', async () => {
    await operator('op4');
    await place.given('approve', 'app.suit', '-k', 'op4.pem', '--embed', '-o', 'embedded.suit');
    const [document] = approvalsIn(splitEnvelope(await bytesOf('embedded.suit'), 'e'), 'e');
    expect(hex(viewApproval(document!, 'd').claims.entries[0]!.digest!)).toBe(await digest());
  });

  it('countersigns', async () => {
    const ended = await place.must('approve', 'app.suit', '-k', 'operator.pem', '--countersign', '--json');
    expect(ended.json()).toMatchObject({
      output: 'app.approved.suit',
      signatures: 2,
      digest: await digest(),
    });
    expect(await readdir(place.folder)).not.toContain('operator.record.yaml');
  });

  it('signs what a YAML file says, and inspect gives it back', async () => {
    await operator('op5');
    await put(
      'rule.yaml',
      'issuer: ACME\nsequence: 77\nid: 0a0b\nissued: 2027-01-01T00:00:00Z\nentries:\n  - {verdict: deny, vendor-key: 00ff}\n',
    );
    await place.given('approve', '--from', 'rule.yaml', '-k', 'op5.pem');
    const twin = await place.must('inspect', 'rule.cose', '--yaml');
    expect(claimsFromYaml(twin.stdout, 'twin')).toEqual(
      claimsFromYaml(await readFile(place.path('rule.yaml'), 'utf8'), 'rule'),
    );
    expect(await place.run('approve', '--from', 'rule.yaml', '-k', 'op5.pem')).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('not above 77'),
    });
  });

  it.each<[string, string[], number]>([
    ['nothing to approve', ['approve'], 4],
    ['a rule without a subject', ['approve', '--range', '1..2'], 4],
    ['a class name without its vendor', ['approve', '--class', 'sensor'], 4],
    ['a package and a rule', ['approve', 'app.suit', '--vendor-kid', '00'], 4],
    ['a package twice', ['approve', 'app.suit', '--package', 'app.suit'], 4],
    ['a package and a digest', ['approve', 'app.suit', '--digest', '00'], 4],
    ['a short digest', ['approve', '--digest', '0011'], 4],
    ['two forms at once', ['approve', 'app.suit', '--embed', '--countersign'], 4],
    ['a countersignature that would expire', ['approve', 'app.suit', '--countersign', '--expires', '1d'], 4],
    ['a countersignature for one device', ['approve', 'app.suit', '--countersign', '-d', '00'], 4],
    ['a countersignature of nothing', ['approve', '--vendor-kid', '00', '--countersign'], 4],
    ['a file that is no package', ['approve', 'app.bin'], 1],
    ['a package that is not there', ['approve', 'none.suit'], 3],
    ['a damaged package', ['approve', 'damaged.suit'], 21],
    ['a package that is cut off', ['approve', 'cut.suit'], 1],
    ['an approval that is born expired', ['approve', 'app.suit', '--expires', '2020-01-01'], 4],
    ['a record that is not one', ['approve', 'app.suit', '--record', 'app.bin'], 1],
    ['an unknown name in a YAML file', ['approve', '--from', 'odd.yaml'], 1],
    ['an option beside a YAML file', ['approve', '--from', 'odd.yaml', '--expires', '1d'], 4],
    ['nothing to revoke', ['revoke'], 4],
  ])('refuse %s and leave no trace', async (_, words, code) => {
    const whole = await bytesOf('app.suit');
    const damaged = whole.slice();
    damaged[200]! ^= 1; // inside the manifest
    await put('damaged.suit', damaged);
    await put('cut.suit', whole.slice(0, 300));
    await put('odd.yaml', 'issuer: A\nexpiry: 2027-01-01\nentries: []\n');
    await put('empty.bin', '');
    const before = await place.listing();
    const { code: exit, json } = await runHere(place, ...words, '-k', 'operator.pem', '-o', 'never.cose');
    expect(json().error.message).toMatch(/^[a-z]+: /);
    expect(exit).toBe(code);
    expect(await place.listing()).toEqual(before);
  });
});

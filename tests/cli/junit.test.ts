// --junit: a report that a real XML parser takes whatever the texts are, with the number of the reason and what to do.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { SaxesParser } from 'saxes';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { junitXml } from '../../host/describe/junit.js';
import { LINT_RULES } from '../../host/formats/approval-lint.js';
import { makePlace, type Place } from '../support/command.js';

interface Element {
  name: string;
  attributes: Record<string, string>;
  text: string;
}

/** Elements in their order, each with the text right inside it. Throws on anything that XML 1.0 does not allow. */
function parse(xml: string): Element[] {
  const found: Element[] = [];
  const open: Element[] = [];
  const parser = new SaxesParser();
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('opentag', ({ name, attributes }) => {
    const element = { name, attributes: { ...attributes } as Record<string, string>, text: '' };
    found.push(element);
    open.push(element);
  });
  parser.on('text', (text) => {
    if (open.length > 0) open.at(-1)!.text += text;
  });
  parser.on('closetag', () => open.pop());
  parser.write(xml).close();
  return found;
}

let place: Place;
const report = (name: string) => parse(readFileSync(place.path(name), 'utf8'));
const cases = (name: string) => report(name).filter((one) => one.name === 'testcase');

beforeAll(async () => {
  place = await makePlace();
  for (const name of ['vendor', 'operator']) await place.given('keygen', name);
  writeFileSync(place.path('app.bin'), 'x'.repeat(1000));
  const hostile = 'a]]>b<c>&"\u0007\u001b[2J\u202e';
  const names = ['--vendor', 'example.com', '--class', 'sensor', '-s', '5', '--name', hostile, '--version', '1'];
  await place.given('package', 'app.bin', '-k', 'vendor.pem', ...names);
  await place.given('approve', 'app.suit', '-k', 'operator.pem', '-o', 'app.cose');
  const anchors = '[{role: vendor, key: vendor.pub.pem}, {role: operator, key: operator.pub.pem}]';
  writeFileSync(place.path('d.yaml'), `device: "0a"\nvendor: example.com\nclass: sensor\nanchors: ${anchors}\n`);
});
afterAll(() => place.remove());

describe('check --junit', () => {
  it('a package that passes is a case without failure', async () => {
    await place.must('check', 'app.suit', '-b', 'd.yaml', '-a', 'app.cose', '--junit', 'pass.xml');
    const [suites, suite, one, ...inside] = report('pass.xml');
    expect(suites).toMatchObject({ name: 'testsuites', attributes: { tests: '1', failures: '0', errors: '0' } });
    expect(suite).toMatchObject({ name: 'testsuite', attributes: { name: 'countersign check', tests: '1' } });
    expect(one).toMatchObject({ name: 'testcase', attributes: { classname: 'd.yaml', name: 'app.suit' } });
    expect(inside).toMatchObject([{ name: 'system-out', text: expect.stringContaining('would install: approved') }]);
    expect(inside[0]!.text).toContain('a]]>b<c>&"\\x07\\x1b[2J\\x202e');
  });

  it('one that does not is a failure with the number of the reason, and what to do', async () => {
    expect((await place.run('check', 'app.suit', '-b', 'd.yaml', '--junit', 'fail.xml')).code).toBe(20);
    const [suites] = report('fail.xml');
    expect(suites!.attributes).toMatchObject({ tests: '1', failures: '1', errors: '0' });
    const failure = report('fail.xml').find(({ name }) => name === 'failure');
    expect(failure!.attributes).toEqual({
      type: '80 NotApproved',
      message: 'would refuse: the operator has not approved it',
    });
    expect(failure!.text).toMatch(/hint: have the operator approve it/);
  });

  it('one that the policy would ask about: its failure is of the reason that its text gives', async () => {
    writeFileSync(
      place.path('ask.yaml'),
      `${readFileSync(place.path('d.yaml'), 'utf8')}policy: {unapproved: prompt}\n`,
    );
    expect((await place.run('check', 'app.suit', '-b', 'ask.yaml', '--junit', 'ask.xml')).code).toBe(30);
    const failure = report('ask.xml').find(({ name }) => name === 'failure');
    expect(failure).toMatchObject({
      attributes: { type: '80 NotApproved', message: 'would ask the user: the operator has not approved it' },
      text: expect.stringContaining('80 NotApproved'),
    });
  });

  it('one that cannot be judged is an error, and the command ends as without', async () => {
    const ended = await place.run('check', 'nothing.suit', '-b', 'd.yaml', '--junit', 'error.xml', '--json');
    expect([ended.code, ended.json().error.reason.name]).toEqual([3, 'FileNotFound']);
    const error = report('error.xml').find(({ name }) => name === 'error');
    expect(error).toMatchObject({ attributes: { type: '203 FileNotFound' }, text: expect.stringContaining('hint: ') });
    expect((await place.run('check', 'app.suit', '-b', 'd.yaml', '--junit', '-')).code).toBe(4);
    expect(existsSync(place.path('-'))).toBe(false);
  });
});

describe('lint --junit', () => {
  it('has a case for each rule; what is warned of fails with --strict, and is told without', async () => {
    const words = ['lint', 'app.cose', '-b', 'd.yaml', '--package', 'app.suit', '--soon', '2999-01-01'];
    await place.given('approve', 'app.suit', '-k', 'operator.pem', '-o', 'app.cose', '--expires', '90d');
    expect((await place.run(...words, '--strict', '--junit', 'strict.xml')).code).toBe(1);
    expect(cases('strict.xml').map(({ attributes }) => attributes.name)).toEqual([...LINT_RULES]);
    const failures = report('strict.xml').filter(({ name }) => name === 'failure');
    expect(failures).toMatchObject([
      { attributes: { type: '242 LintWarnings', message: expect.stringContaining('[expires-soon]') } },
    ]);
    expect(failures[0]!.text).toContain('hint: correct the approvals');
    await place.must(...words, '--junit', 'told.xml');
    const told = report('told.xml');
    expect(told[0]!.attributes).toMatchObject({ tests: String(LINT_RULES.length), failures: '0' });
    expect(told.filter(({ name }) => name === 'system-out').map(({ text }) => text)).toMatchObject([
      expect.stringContaining('[expires-soon]'),
    ]);
  });
});

it('whatever stands in a text, the report is XML', () => {
  const every = [
    ...Array.from({ length: 0x2100 }, (_, code) => String.fromCharCode(code)),
    ...['\ud800', '\udfff', '\ufffe', '\uffff', '\u{10ffff}', '\u{e0001}', ']]>', '<!--', '-->', '<?', '&#0;', '%x;'],
  ];
  for (let at = 0; at < every.length; at += 64) {
    const text = every.slice(at, at + 64).join('');
    const failed = { kind: 'failure' as const, type: text, message: text, lines: [text, text] };
    const elements = parse(
      junitXml(text, text, [
        { name: text, failed },
        { name: text, lines: [text] },
      ]),
    );
    expect(elements.map(({ name }) => name)).toEqual([
      ...['testsuites', 'testsuite', 'testcase', 'failure', 'testcase', 'system-out'],
    ]);
  }
});

// docs/bootstrap-and-policy.md names every field that the product reads, with the default that the device has, and each example
// on it is one that is taken.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { anchorsFileSchema, viewBootstrap } from '../../host/formats/bootstrap.js';
import { utf8 } from '../../host/formats/bytes.js';
import { CHANNELS, policySchema, policyToCbor, SOURCES } from '../../host/formats/policy.js';
import { bootstrapFromFile, changeFromYaml } from '../../host/named-files.js';
import { cbor, coseKey, makeKey } from '../support/make.js';
import { splitCode, tableBelow } from './markdown.js';

const page = readFileSync('docs/bootstrap-and-policy.md', 'utf8');

/** What stands below a heading, up to the next one. */
function section(heading: string): string {
  const [, text] = page.split(`\n${heading}\n`);
  if (text === undefined) throw new Error(`the page has no heading "${heading}"`);
  return text.split(/\n#+ /)[0]!;
}

const said = (heading: string, what: string) => new RegExp(`^- ${what}: (.*)$`, 'm').exec(section(heading))?.[1];

/** The fields of a schema that its file keeps to itself. */
function fieldsOf(file: string): string[] {
  const source = readFileSync(file, 'utf8');
  const [, body] =
    /const fileSchema = (?:z\.lazy\(\(\) =>\s*)?z\s*\.strictObject\(\{([\s\S]*?)\n\s*\}\)/.exec(source) ?? [];
  return [...body!.matchAll(/^ +(\w+): /gm)].map(([, name]) => name!);
}

const POLICY = Object.keys(policySchema.unwrap().shape);
const BOOTSTRAP = fieldsOf('host/formats/bootstrap.ts');
const CHANGE = fieldsOf('host/formats/change.ts');

describe('every field', () => {
  it('is known here', () => {
    expect(BOOTSTRAP).toEqual(['device', 'vendor', 'class', 'anchors', 'policy', 'approvals', 'groups']);
    expect(CHANGE).toEqual(['sequence', 'issued', 'devices', 'anchors', 'policy', 'groups']);
    expect(POLICY.length).toBe(8);
  });

  it.each([...BOOTSTRAP, ...POLICY])('%s has a section with values, default and an example', (field) => {
    const heading = `### \`${field}\``;
    expect(said(heading, 'Value'), 'values').toBeDefined();
    expect(said(heading, 'Default'), 'default').toBeDefined();
    const examples = splitCode(section(heading)).blocks.map(({ text }) => parse(text) as Record<string, object>);
    const named = POLICY.includes(field) ? Object.keys(examples[0]!.policy!) : Object.keys(examples[0]!);
    expect(named).toEqual([field]);
  });

  it.each(CHANGE)('%s of a change has a section with a default', (field) => {
    const heading = BOOTSTRAP.includes(field) ? `### \`${field}\` of a change` : `### \`${field}\``;
    expect(said(heading, 'Default')).toBeDefined();
  });

  it('of an anchor, each role, each source and each channel has its row', () => {
    const anchors = tableBelow(page, '### `anchors`');
    const fields = anchors.map(([field]) => field).filter(Boolean);
    expect(fields).toEqual(Object.keys(anchorsFileSchema.unwrap().element.shape).map((field) => `\`${field}\``));
    expect(anchors.slice(0, 3).map(([, role]) => role)).toEqual(
      anchorsFileSchema.unwrap().element.shape.role.options.map((role) => `\`${role}\``),
    );
    const rows = (heading: string) => tableBelow(page, heading).map(([word]) => word);
    expect(rows('### `sources`')).toEqual(SOURCES.map((word) => `\`${word}\``));
    expect(rows('### `consent-channels`')).toEqual(CHANNELS.map((word) => `\`${word}\``));
  });
});

describe('of the policy', () => {
  const source = readFileSync('assembly/policy/policy.ts', 'utf8');
  const constants = new Map(
    [...`${source}${readFileSync('assembly/approval/anchors.ts', 'utf8')}`.matchAll(/const (\w+): u32 = (\d+);/g)].map(
      ([, name, value]) => [name!, Number(value)],
    ),
  );
  const numberOf = (text: string): number => ({ true: 1, false: 0 })[text] ?? constants.get(text) ?? Number(text);
  /** Field of the device's policy by member, its default, and its highest value. */
  const members = [...source.matchAll(/case (\d):\n\s+policy\.(\w+) = (?:reading\.upTo|atLeastOne)\((\w+)\)/g)].map(
    ([, member, field, most]) => {
      const unsaid = new RegExp(`if \\(policy\\.${field} === \\w+\\) policy\\.${field} = (\\w+);`); // at the end of the map
      const [, value] =
        unsaid.exec(source) ?? new RegExp(`function policyDefaults[\\s\\S]*?policy\\.${field} = (\\w+);`).exec(source)!;
      return { member: Number(member), preset: numberOf(value!), most: numberOf(most!) };
    },
  );

  it('every member is found in the device', () =>
    expect(members.map(({ member }) => member)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]));

  it.each(POLICY)('%s has the number and the default of the device', (field) => {
    const heading = `### \`${field}\``;
    const [, preset] = /^`(.*)`$/.exec(said(heading, 'Default')!)!;
    const [[member, value] = []] = policyToCbor(policySchema.parse({ [field]: parse(preset!) }));
    expect(said(heading, 'Number')).toBe(`${member}`);
    expect(value).toBe(members.find((one) => one.member === member)!.preset);
    const [, most] = /\d+ to (\d+)/.exec(said(heading, 'Value')!) ?? [];
    if (most) expect(Number(most)).toBe(members.find((one) => one.member === member)!.most);
  });
});

describe('every example', () => {
  const key = cbor(coseKey(makeKey('ed25519', 'vendor')));
  const keys: Record<string, Uint8Array> = {
    'operator.pub.pem': cbor(coseKey(makeKey('ed25519', 'operator'))),
    'second.pub.pem': cbor(coseKey(makeKey('ed25519', 'second'))),
  };
  const read = async (path: string) => keys[path] ?? key;
  const whole = `device: "00"\nvendor: v\nclass: c\nanchors: [{role: vendor, key: k}]\n`;
  const blocks = splitCode(page).blocks.filter(({ language }) => language === 'yaml');
  const isChange = (text: string) => Object.keys(parse(text) as object).every((field) => CHANGE.includes(field));

  it.each(blocks.map(({ line, text }) => [line, text] as const))('of line %i is taken', async (_, text) => {
    const missing = whole.split('\n').filter((line) => !new RegExp(`^${line.split(':')[0]}:`, 'm').test(text));
    const alone = isChange(text) && /^(sequence|issued|devices):/m.test(text);
    if (alone || text.includes('threshold: 2\n')) {
      await changeFromYaml(utf8(`${text}${/^(anchors|policy):/m.test(text) ? '' : 'policy: {}\n'}`), 'x', read, 0);
    } else {
      const bytes = await bootstrapFromFile(utf8(`${text}${missing.join('\n')}\n`), 'x', read);
      expect(viewBootstrap(bytes, 'x')).toBeDefined();
    }
  });
});

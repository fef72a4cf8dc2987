// The parts of the pages that come from the table of reasons: host/reasons.ts, and the remarks of assembly/reason.ts.

import { readFileSync } from 'node:fs';
import { exitCodes, type ReasonRow, reasons } from '../../host/reasons.js';

/** The blocks of numbers, as assembly/reason.ts and host/reasons.ts divide them. */
const GROUPS: readonly (readonly [first: number, last: number, title: string])[] = [
  [0, 0, 'No fault'],
  [1, 19, 'Encoding (CBOR)'],
  [20, 39, 'Signatures and keys (COSE)'],
  [40, 69, 'The package (SUIT)'],
  [70, 79, 'The device'],
  [80, 99, 'Operator approval'],
  [100, 119, 'Bootstrap, trust anchors and policy'],
  [120, 139, 'The question to the user'],
  [140, 169, 'The device agent'],
  [170, 189, 'SMP'],
  [200, 399, 'The host and its command'],
];

interface Named extends ReasonRow {
  name: string;
}

const rows: Named[] = Object.entries(reasons)
  .map(([name, row]) => ({ name, ...row }))
  .sort((a, b) => a.code - b.code);

const source = readFileSync(new URL('../../assembly/reason.ts', import.meta.url), 'utf8');
/** What stands beside a number in the device's code; remarks that send the reader to another file are for its authors. */
const remarks = new Map(
  [...source.matchAll(/^ {2}(\w+) = \d+, \/\/ (.+)$/gm)]
    .map(([, name, remark]) => [name!, remark!] as const)
    .filter(([, remark]) => !/\.ts\b/.test(remark)),
);

const sentence = (text: string): string => {
  const first = text.startsWith('`') || /^[a-z]+-[a-z]/.test(text) ? text : `${text[0]!.toUpperCase()}${text.slice(1)}`;
  return /[.?!]$/.test(first) ? first : `${first}.`;
};

const exitTexts = new Map(exitCodes);
const fumoText = (fumo: number) => (fumo === 0 ? 'none: nothing final is reported' : `${fumo}`);
const lwm2mText = (lwm2m: number) => (lwm2m === 0 ? '0: nothing final is reported' : `${lwm2m}`);

const wordsOf = (text: string) => text.toLowerCase().match(/[a-z]+/g) ?? [];

/** Does a remark say more than the text? */
const adds = (remark: string, text: string): boolean => {
  const said = new Set([...wordsOf(text), 'a', 'an', 'the', 'is', 'it', 'of', 'we']);
  return wordsOf(remark).some((word) => !said.has(word));
};

function entry({ code, name, text, hint, fumo, lwm2m, exit }: Named): string {
  const remark = remarks.get(name);
  const detail = remark !== undefined && adds(remark, text) ? `- Detail: ${sentence(remark)}\n` : '';
  return `### ${code} ${name}

- Meaning: ${sentence(text)}
${detail}- What to do: ${sentence(hint)}
- FUMO result: ${fumoText(fumo)}
- LwM2M update result: ${lwm2mText(lwm2m)}
- Exit code: ${exit} (${exitTexts.get(exit)})
`;
}

/** One entry per reason, in the order of their numbers. */
export function reasonsPart(): string {
  const homeless = rows.filter(({ code }) => !GROUPS.some(([first, last]) => code >= first && code <= last));
  if (homeless.length > 0) throw new Error(`in no group: ${homeless.map(({ name }) => name).join(', ')}`);
  return GROUPS.map(([first, last, title]) => {
    const entries = rows.filter(({ code }) => code >= first && code <= last).map(entry);
    return `## ${title}\n\n${entries.join('\n')}`;
  }).join('\n');
}

const linkTo = ({ code, name }: Named) => `[${code} ${name}](reasons.md#${code}-${name.toLowerCase()})`;

/** Exit codes of the command, and the reasons that end with each. */
export function exitsPart(): string {
  const lines = exitCodes.map(([exit, text]) => {
    const named = rows.filter((row) => row.exit === exit);
    return `| ${exit} | ${text} | ${named.map(({ code, name }) => `[${code}](#${code}-${name.toLowerCase()})`).join(', ')} |`;
  });
  return ['| exit code | meaning | reasons |', '|---|---|---|', ...lines].join('\n');
}

/** What no alert carries: an open question, a request that was refused, trouble on the line (tests/agent/fumo.test.ts). */
const NO_RESULT = [0, 400, 408, 503];

/** Result codes of the final alert, and the reasons that give each. A device has the reasons below 200 only. */
export function fumoPart(): string {
  const ofDevice = rows.filter(({ code }) => code < 200);
  const results = [...new Set(ofDevice.map(({ fumo }) => fumo))]
    .filter((fumo) => !NO_RESULT.includes(fumo))
    .sort((a, b) => a - b);
  const lines = results.map((result) => {
    const named = ofDevice.filter(({ fumo }) => fumo === result).map(linkTo);
    return `| ${result} | ${named.join(', ')} |`;
  });
  return ['| result | reasons |', '|---|---|', ...lines].join('\n');
}

// What devices can show of their updates as one HTML page: complete in itself, without a script, and made to be printed.
//
// All that it shows comes from devices and packages: nothing of it is markup.

import type { History } from '../device/history.js';
import type { OneOf } from '../device/many.js';
import { printable } from '../printable.js';
import { byName, type Findings, runsText, updateText } from './evidence.js';
import { endLines } from './log.js';

const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const text = (value: string): string => printable(value).replace(/[&<>"']/g, (letter) => ESCAPES[letter]!);

const STYLE = `
body { font: 10pt/1.4 system-ui, sans-serif; margin: 2em auto; max-width: 70em; padding: 0 1em; color: #111; background: #fff }
h1 { font-size: 16pt } h2 { font-size: 12pt; margin: 1.5em 0 .3em }
table { border-collapse: collapse; width: 100% }
th, td { border: 1px solid #999; padding: .2em .5em; text-align: left; vertical-align: top }
th { background: #eee } code { font-size: 8pt; overflow-wrap: anywhere }
.bad { font-weight: bold; color: #a00 }
section { break-inside: avoid }
@media print { body { margin: 0; max-width: none } thead { display: table-header-group } tr { break-inside: avoid } }
@page { margin: 15mm }`;

/** The whole page, as text. */
export function evidencePage({ devices, unknown, fleet, made }: Findings): string {
  const sorted = byName(devices);
  const title = text(`Update evidence${fleet === undefined ? '' : ` of fleet ${fleet}`}`);
  const left = unknown.length > 0 ? `<p>Of unknown class, and left out: ${text(unknown.join(', '))}</p>\n` : '';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${title}</title>
<style>${STYLE}
</style>
</head>
<body>
<h1>${title}</h1>
<p>Made ${new Date(made).toISOString()} from the audit logs that ${sorted.length} devices were asked for. In a log that is whole no
record is missing or altered. A log that was written anew as a whole shows only beside a record that was remembered before.</p>
${table(['device', 'id', 'runs', 'log'], sorted.map(summary))}
${left}${sorted.map(section).join('\n')}
</body>
</html>
`;
}

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  `<table><thead><tr>${head.map((cell) => `<th>${cell}</th>`).join('')}</tr></thead><tbody>
${rows.map((row) => `<tr>${row.map((cell) => `<td>${cell}</td>`).join('')}</tr>`).join('\n')}
</tbody></table>`;

const bad = (value: string): string => `<span class="bad">${text(value)}</span>`;

function summary(one: OneOf<History>): string[] {
  if ('error' in one) return [text(one.device), '', '', bad(one.error.message)];
  const { log } = one.value;
  return [
    text(one.device),
    `<code>${text(log.device)}</code>`,
    text(runsText(one.value)),
    log.whole ? text(endLines(log).join('; ')) : bad('NOT whole'),
  ];
}

function section(one: OneOf<History>): string {
  if ('error' in one) return `<section><h2>${text(one.device)}</h2><p>${bad(one.error.message)}</p></section>`;
  const { log, updates, names } = one.value;
  const rows = updates.map((update) => {
    const told = updateText(update, names);
    return [
      ...[told.when, told.sequences, told.result, told.why].map(text),
      told.approved.map(text).join('<br>'),
      text(told.consent),
      `<code>${told.package}</code>`,
    ];
  });
  const faults = log.whole ? '' : `<p>${endLines(log).map(bad).join('<br>')}</p>`;
  const head = ['time', 'sequence', 'result', 'verdict', 'approved by', 'consent', 'package'];
  const body = rows.length > 0 ? table(head, rows) : '<p>No update is recorded.</p>';
  return `<section><h2>${text(one.device)}</h2>${faults}\n${body}</section>`;
}

// evidence: what devices can show of their updates, one or a fleet: as text, JSON, or a page to be printed.

import { evidenceDescribed } from '../../describe/evidence.js';
import { evidencePage } from '../../describe/evidence-page.js';
import { writeBytes } from '../../files.js';
import { utf8 } from '../../formats/bytes.js';
import { command } from '../command.js';
import { whereOf } from '../connection.js';
import { connectionOptions, output, waitOption } from '../options.js';
import { askingOf, selectionOf, severalOptions } from '../several.js';

export const evidence = command({
  name: 'evidence',
  summary: 'show for each update who approved it, who agreed, and how it ended',
  details: [
    'From the audit log of each device: old and new sequence number, row of the verdict, operators and documents that',
    'counted, the consent and its channel, and whether the chain of the log holds. A device keeps its newest records.',
    'Exit code 1: a log is not whole. 41: a device is offline.',
  ].join('\n'),
  arguments: {},
  options: {
    ...connectionOptions,
    ...severalOptions,
    html: output('also write one HTML page, complete in itself, to print'),
    wait: waitOption('how long to wait for devices that are offline'),
  },
  examples: [
    'countersign evidence --port /dev/ttyACM0',
    'countersign evidence --broker mqtt://localhost --fleet plant --all --html evidence.html',
  ],
  writes: true,
  async run({ options, ...around }) {
    const { readFindings } = await import('../../fleet/findings.js');
    const { broker: url, fleet } = options;
    const chosen = selectionOf(options.all, options);
    const selected = chosen && { url: url!, fleet, selection: chosen, asking: askingOf(options, around.signal) };
    const found = await readFindings(selected ?? whereOf(options), around.terminal, around.signal);
    const { html } = options;
    if (html !== undefined) await writeBytes(html, utf8(evidencePage(found)), { dryRun: around.dryRun });
    return { ...evidenceDescribed(found), exit: found.exit, product: true };
  },
});

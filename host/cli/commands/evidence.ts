// evidence: what devices can show of their updates, one or a fleet: as text, JSON, or a page to be printed.

import { evidenceDescribed, type Findings } from '../../describe/evidence.js';
import { evidencePage } from '../../describe/evidence-page.js';
import { type History, readHistory } from '../../device/history.js';
import { writeBytes } from '../../files.js';
import { utf8 } from '../../formats/bytes.js';
import { reasons } from '../../reasons.js';
import type { Client } from '../../smp/client.js';
import { command } from '../command.js';
import { type Surroundings, withDevice } from '../connection.js';
import { connectionOptions, output, type Values, waitOption } from '../options.js';
import { askingOf, selectionOf, severalOptions } from '../several.js';

const options = {
  ...connectionOptions,
  ...severalOptions,
  html: output('also write one HTML page, complete in itself, to print'),
  wait: waitOption('how long to wait for devices that are offline'),
};

export const evidence = command({
  name: 'evidence',
  summary: 'show for each update who approved it, who agreed, and how it ended',
  details: [
    'From the audit log of each device: old and new sequence number, row of the verdict, operators and documents that',
    'counted, the consent and its channel, and whether the chain of the log holds. A device keeps its newest records.',
    'Exit code 1: a log is not whole. 41: a device is offline.',
  ].join('\n'),
  arguments: {},
  options,
  examples: [
    'countersign evidence --port /dev/ttyACM0',
    'countersign evidence --broker mqtt://localhost --fleet plant --all --html evidence.html',
  ],
  writes: true,
  async run({ options, ...around }) {
    const found = { ...(await gather(options, around)), made: Date.now() };
    const { html } = options;
    if (html !== undefined) await writeBytes(html, utf8(evidencePage(found)), { dryRun: around.dryRun });
    return { ...evidenceDescribed(found), exit: found.exit, product: true };
  },
});

const exitOf = ({ log }: History): number => (log.whole ? 0 : reasons.LogBroken.exit);

type Options = Values<typeof options>;

async function gather(options: Options, around: Surroundings): Promise<Omit<Findings, 'made'>> {
  const { signal } = around;
  const read = (client: Client) => readHistory(client, { signal });
  const selection = selectionOf(options.all, options);
  if (!selection) {
    const [device, value] = await withDevice(
      options,
      around,
      async ({ client, address }) => [address?.device ?? client.link.name, await read(client)] as const,
    );
    return { devices: [{ device, value }], unknown: [], fleet: undefined, exit: exitOf(value) };
  }
  const { askSelected } = await import('../../fleet/several.js');
  const place = { url: options.broker!, fleet: options.fleet };
  const { asked, ...found } = await askSelected(place, selection, askingOf(options, signal), read, exitOf);
  return { ...found, devices: asked };
}

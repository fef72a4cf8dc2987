// bootstrap: the document that a blank device takes once, as a file: for firmware with its own way of storing it, for the
// factory, for `check` and for export-c's example. `provision` makes the same bytes and brings them to a device.

import { CountersignError } from '../../errors.js';
import { writeBytes } from '../../files.js';
import { BOOTSTRAP_BYTES_MAX, viewBootstrap } from '../../formats/bootstrap.js';
import { hex } from '../../formats/bytes.js';
import type { Row } from '../../formats/wording.js';
import { readBootstrapFile } from '../../local/bootstrap-file.js';
import { reasonOf } from '../../reasons.js';
import { loadCore } from '../../wasm.js';
import { command } from '../command.js';
import { file } from '../options.js';
import { written } from '../result.js';
import { pathSchema } from '../values.js';

export const bootstrap = command({
  name: 'bootstrap',
  summary: 'write the bootstrap document of a device from a YAML file',
  details: [
    'FILE says who the device is, whom it trusts, and its policy. Paths in it are relative to it. The verifier checks',
    `the document before it is written. It has at most ${BOOTSTRAP_BYTES_MAX} bytes. \`countersign provision\` brings`,
    'it to a device.',
  ].join('\n'),
  arguments: { file: { text: 'the bootstrap file (YAML)', schema: pathSchema } },
  options: { output: file('output file; default: FILE with the ending .cbor', { short: 'o' }) },
  examples: ['countersign bootstrap device.yaml -o boot.cbor', 'countersign bootstrap device.yaml --dry-run --json'],
  writes: true,
  async run({ arguments: { file: source }, options, dryRun }) {
    const bytes = await readBootstrapFile(source);
    const fault = (await loadCore()).provision(bytes);
    if (fault !== 0) throw new CountersignError(fault, `bootstrap: ${source}: ${reasonOf(fault).text}`);
    const path = options.output ?? `${source.replace(/\.(ya?ml|cbor)$/i, '')}.cbor`;
    await writeBytes(path, bytes, { dryRun });
    const { device, anchors } = viewBootstrap(bytes, source)!; // the core took it
    const kids = anchors.map(({ role, name, key }) => ({ role, name, kid: key.kid }));
    const trusts = kids.map(({ role, name, kid }) => [role, hex(kid), name ?? ''].join(' ').trim());
    const facts: Row[] = [
      ['device', hex(device)],
      ['trusts', trusts],
    ];
    return written(path, dryRun, { bytes: bytes.length, device, anchors: kids }, facts, ['provision', path]);
  },
});

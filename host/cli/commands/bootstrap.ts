// bootstrap: the document that a blank device takes once, as a file: for firmware with its own way of storing it, for the
// factory, for `check` and for export-c's example. `provision` makes the same bytes and brings them to a device.

import { bootstrapMade } from '../../describe/made.js';
import { writeBytes } from '../../files.js';
import { BOOTSTRAP_BYTES_MAX, bootstrapInC } from '../../formats/bootstrap.js';
import { readBootstrapFile } from '../../local/bootstrap-file.js';
import { provisionCore } from '../../operator/foresee.js';
import { loadCore } from '../../wasm.js';
import { command } from '../command.js';
import { fileArgument, output } from '../options.js';

export const bootstrap = command({
  name: 'bootstrap',
  summary: 'write the bootstrap document of a device from a YAML file',
  details: [
    'FILE says who the device is, whom it trusts, and its policy. Paths in it are relative to it. The verifier checks',
    `the document before it is written. It has at most ${BOOTSTRAP_BYTES_MAX} bytes. \`countersign provision\` brings`,
    'it to a device. With -o FILE.c it is written as C, for firmware that has it built in (export-c --mcuboot).',
  ].join('\n'),
  arguments: { file: fileArgument('the bootstrap file (YAML)') },
  options: { output: output('output file; default: FILE with the ending .cbor', { short: 'o' }) },
  examples: [
    'countersign bootstrap device.yaml -o boot.cbor',
    'countersign bootstrap device.yaml -o bootstrap.c',
    'countersign bootstrap device.yaml --dry-run --json',
  ],
  writes: true,
  async run({ arguments: { file: source }, options, dryRun }) {
    const bytes = await readBootstrapFile(source);
    provisionCore(await loadCore(), bytes, source);
    const path = options.output ?? `${source.replace(/\.(ya?ml|cbor)$/i, '')}.cbor`;
    await writeBytes(path, path.endsWith('.c') ? bootstrapInC(bytes) : bytes, { dryRun });
    return { ...bootstrapMade(bytes, { path, dryRun }), next: path.endsWith('.c') ? undefined : ['provision', path] };
  },
});

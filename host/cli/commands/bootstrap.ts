// bootstrap: the document that a blank device takes once, as a file: for firmware with its own way of storing it, for the
// factory, for `check` and for export-c's example. `provision` makes the same bytes and brings them to a device.

import { loadCore } from '../../core.js';
import { CountersignError } from '../../errors.js';
import { writeBytes } from '../../files.js';
import { BOOTSTRAP_BYTES_MAX, viewBootstrap } from '../../formats/bootstrap.js';
import { hex } from '../../formats/bytes.js';
import { reasonOf } from '../../reasons.js';
import { command } from '../command.js';
import { readBootstrapFile } from '../provisioning.js';
import { rows } from '../show.js';
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
  options: {
    output: {
      short: 'o',
      value: 'file',
      text: 'output file; default: FILE with the ending .cbor',
      schema: pathSchema.optional(),
    },
  },
  examples: ['countersign bootstrap device.yaml -o boot.cbor', 'countersign bootstrap device.yaml --dry-run --json'],
  writes: true,
  async run({ arguments: { file }, options, dryRun }) {
    const bytes = await readBootstrapFile(file);
    const fault = (await loadCore()).provision(bytes);
    if (fault !== 0) throw new CountersignError(fault, `bootstrap: ${file}: ${reasonOf(fault).text}`);
    const path = options.output ?? `${file.replace(/\.(ya?ml|cbor)$/i, '')}.cbor`;
    await writeBytes(path, bytes, { dryRun });
    const view = viewBootstrap(bytes, file);
    const trusts = view?.anchors.map(({ role, name, key }) => [role, hex(key.kid), name ?? ''].join(' ').trim());
    return {
      data: {
        output: path,
        written: !dryRun,
        bytes: bytes.length,
        device: view?.device,
        anchors: view?.anchors.map(({ role, name, key }) => ({ role, name, kid: key.kid })),
      },
      lines: [
        `${dryRun ? 'would write' : 'wrote'} ${path} (${bytes.length} bytes)`,
        ...rows([
          ['device', view && hex(view.device)],
          ['trusts', trusts],
        ]),
      ],
      next: ['provision', path],
    };
  },
});

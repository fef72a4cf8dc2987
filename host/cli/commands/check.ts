// check: what a device would do with a package, without the device: for CI, and before anything is sent.
//
// The gathering and the verdict are local/foresee.ts. The exit code is that of the reason.

import { z } from 'zod';
import { verdictCase } from '../../describe/junit.js';
import { SOURCES, type SourceName } from '../../formats/policy.js';
import { addressSchema, sequenceSchema } from '../../formats/typed.js';
import { foreseeFiles } from '../../local/foresee.js';
import { reported } from '../../local/junit-file.js';
import { reasonOf } from '../../reasons.js';
import { command } from '../command.js';
import {
  accessOptions,
  bootstrapOption,
  brokerOptions,
  componentsOption,
  file,
  fileArgument,
  flag,
  junitOption,
  nowOption,
  option,
  sourceOptions,
  textSchema,
} from '../options.js';

/** Where an approval is put when nobody says: by a DM session. */
const USUAL_SOURCE: SourceName = 'tree';

const evidenceSchema = z.string().transform((text) => {
  const [, path = text, source = USUAL_SOURCE] = new RegExp(`^(.+):(${SOURCES.join('|')})$`).exec(text) ?? [];
  return { path, source: source as SourceName };
});

export const check = command({
  name: 'check',
  summary: 'predict what a device would do with a package, and why',
  details: [
    'Uses the verifier that runs on devices. --bootstrap describes the device: its ids, trusted keys and policy.',
    `Approvals inside the package and the bootstrap document are found automatically. Sources: ${SOURCES.join(', ')}.`,
  ].join('\n'),
  arguments: { package: fileArgument('the package') },
  options: {
    bootstrap: {
      ...bootstrapOption('bootstrap document of the device, YAML or CBOR', { short: 'b' }),
      schema: textSchema,
    },
    approval: option(
      'file[:source]',
      `an approval document, and the source where the device finds it; default: ${USUAL_SOURCE}`,
      z.array(evidenceSchema).default([]),
      { short: 'a', repeat: true, file: 'read' },
    ),
    approvalsFrom: sourceOptions.approvalsFrom,
    fleet: brokerOptions.fleet,
    ...accessOptions,
    unreachable: option('source', 'a source that the device cannot read', z.array(z.enum(SOURCES)).default([]), {
      repeat: true,
    }),
    image: file('the firmware of a detached package'),
    installed: option('number', 'sequence number of the installed firmware', sequenceSchema.optional()),
    now: nowOption,
    clockless: flag('the device has no clock; it knows only the dates in signed documents', { not: ['now'] }),
    slot: option('bytes', 'largest image that fits the device', addressSchema.optional()),
    components: componentsOption,
    junit: junitOption,
  },
  examples: [
    'countersign check release.suit -b device.yaml',
    'countersign check release.suit -b device.yaml -a release.cose -a operator2.cose:card --installed 4 --json',
    'countersign check release.suit -b device.yaml --approvals-from mqtt://broker/plant',
  ],
  run({ arguments: { package: path }, options, terminal, signal }) {
    const what = { className: options.bootstrap, name: path };
    return reported(options.junit, 'countersign check', what, async (tell) => {
      const { foreseen, told } = await foreseeFiles({ path, ...options }, terminal.warn, signal);
      tell([verdictCase(path, foreseen, told.lines)]);
      return { ...told, exit: reasonOf(foreseen.reason).exit };
    });
  },
});

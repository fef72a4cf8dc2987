// check: what a device would do with a package, without the device: for CI, and before anything is sent.
//
// The verdict is the core's (operator/foresee.ts), the same that runs on the device, over the device's bootstrap document and
// the approvals that would reach it. This file gathers them. The exit code is that of the reason.

import { z } from 'zod';
import type { Facts } from '../../core.js';
import { verdictCase } from '../../describe/junit.js';
import { explain } from '../../describe/verdict.js';
import { documentsIn, type Gathered } from '../../device/evidence.js';
import { readBytes } from '../../files.js';
import { piecesOf } from '../../formats/byte-source.js';
import { openEnvelope } from '../../formats/envelope.js';
import { SOURCES, type SourceName } from '../../formats/policy.js';
import { addressSchema, sequenceSchema } from '../../formats/typed.js';
import { gatherFromBroker } from '../../local/approvals.js';
import { readBootstrapFile, readBootstrapNames } from '../../local/bootstrap-file.js';
import { withFiles } from '../../open-file.js';
import { foreseeVerdict } from '../../operator/foresee.js';
import { reasonOf } from '../../reasons.js';
import { loadCore } from '../../wasm.js';
import { command } from '../command.js';
import { junitOption, reported } from '../junit.js';
import {
  accessOptions,
  bootstrapOption,
  brokerOptions,
  file,
  fileArgument,
  flag,
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
    junit: junitOption,
  },
  examples: [
    'countersign check release.suit -b device.yaml',
    'countersign check release.suit -b device.yaml -a release.cose -a operator2.cose:card --installed 4 --json',
    'countersign check release.suit -b device.yaml --approvals-from mqtt://broker/plant',
  ],
  run({ arguments: { package: path }, options, terminal, signal }) {
    const { bootstrap: what, approvalsFrom, fleet, installed, slot, image } = options;
    return reported(options.junit, 'countersign check', { className: what, name: path }, async (tell) =>
      // Package and detached firmware, one behind the other as they would arrive. Of a package that is refused, the rest is
      // not read.
      withFiles([path, ...(image === undefined ? [] : [image])], async (files) => {
        const bootstrap = await readBootstrapFile(what);
        const given = options.approval.map(async ({ source, path }) => ({ source, bytes: await readBytes(path) }));
        const found: Pick<Gathered, 'evidence'>[] = [
          ...(await Promise.all(given)).map((evidence) => ({ evidence })),
          ...(await gatherFromBroker(approvalsFrom, fleet, terminal.warn, signal)),
          ...options.unreachable.map((source) => ({ evidence: { source, unreachable: true as const } })),
        ];
        const now = options.clockless ? undefined : (options.now ?? Math.floor(Date.now() / 1000));
        const facts: Facts = {
          ...(installed !== undefined && { installed }),
          ...(now !== undefined && { time: BigInt(now) }),
          ...(slot !== undefined && { slotBytes: slot }),
        };
        const evidence = found.map((one) => one.evidence);
        const about = { bootstrap, what, envelope: piecesOf(...files), evidence, facts };
        const foreseen = await foreseeVerdict(await loadCore(), about);
        const envelope = await openEnvelope(files[0]!, path).catch(() => undefined);
        const known = { names: await readBootstrapNames(what), slotBytes: slot, installed };
        const judged = { path, envelope, bootstrap, documents: documentsIn(found), known };
        const { lines, data } = explain(foreseen.judgement, judged);
        tell([verdictCase(path, foreseen, lines)]);
        return { data, lines, exit: reasonOf(foreseen.reason).exit };
      }),
    );
  },
});

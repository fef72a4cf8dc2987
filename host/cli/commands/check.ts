// check: what a device would do with a package, without the device: for CI, and before anything is sent.
//
// The verdict is the core's, the same that runs on the device, over the device's bootstrap document and the approvals
// that would reach it. This file gathers them and words the answer: the row of the verdict table, every piece of
// evidence with its source and signer, and what would make the package pass. The exit code is that of the reason.

import { z } from 'zod';
import type { Evidence, Facts, Judgement } from '../../core.js';
import { explain } from '../../describe/verdict.js';
import { CountersignError } from '../../errors.js';
import { readBytes } from '../../files.js';
import { piecesOf } from '../../formats/byte-source.js';
import { openEnvelope } from '../../formats/envelope.js';
import { SOURCES, type SourceName } from '../../formats/policy.js';
import { gatherFromBroker } from '../../local/approvals.js';
import { readBootstrapFile, readBootstrapNames } from '../../local/bootstrap-file.js';
import { withFiles } from '../../open-file.js';
import { reasonOf, reasons } from '../../reasons.js';
import { loadCore } from '../../wasm.js';
import { command } from '../command.js';
import { junitOption, reported, typeOf } from '../junit.js';
import { brokerOptions, sourceOptions } from '../options.js';
import { addressSchema, momentSchema, pathSchema, sequenceSchema, switchSchema } from '../values.js';

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
  arguments: { package: { text: 'the package', schema: pathSchema } },
  options: {
    bootstrap: {
      short: 'b',
      value: 'file',
      text: 'bootstrap document of the device, YAML or CBOR',
      schema: pathSchema,
      config: 'bootstrap',
      path: true,
    },
    approval: {
      short: 'a',
      value: 'file[:source]',
      text: `an approval document, and the source where the device finds it; default: ${USUAL_SOURCE}`,
      schema: z.array(evidenceSchema).default([]),
      repeat: true,
    },
    approvalsFrom: sourceOptions.approvalsFrom,
    fleet: brokerOptions.fleet,
    unreachable: {
      value: 'source',
      text: 'a source that the device cannot read',
      schema: z.array(z.enum(SOURCES)).default([]),
      repeat: true,
    },
    image: { value: 'file', text: 'the firmware of a detached package', schema: pathSchema.optional() },
    installed: {
      value: 'number',
      text: 'sequence number of the installed firmware',
      schema: sequenceSchema.optional(),
    },
    now: { value: 'moment', text: 'use this time instead of the current time', schema: momentSchema.optional() },
    clockless: { text: 'the device has no clock; it knows only the dates in signed documents', schema: switchSchema },
    slot: { value: 'bytes', text: 'largest image that fits the device', schema: addressSchema.optional() },
    junit: junitOption,
  },
  examples: [
    'countersign check release.suit -b device.yaml',
    'countersign check release.suit -b device.yaml -a release.cose -a operator2.cose:card --installed 4 --json',
    'countersign check release.suit -b device.yaml --approvals-from mqtt://broker/plant',
  ],
  async run({ arguments: { package: path }, options, terminal, signal }) {
    if (options.clockless && options.now !== undefined) {
      throw new CountersignError('BadArgument', 'argument: --clockless and --now contradict each other');
    }
    // Package and detached firmware, one behind the other as they would arrive. Of a package that is refused, the rest is
    // not read.
    const judge = () =>
      withFiles([path, ...(options.image === undefined ? [] : [options.image])], async (files) => {
        const bootstrap = await readBootstrapFile(options.bootstrap);
        const documents = await Promise.all(
          options.approval.map(async (one) => ({ source: one.source, bytes: await readBytes(one.path) })),
        );
        const { approvalsFrom, fleet } = options;
        const gathered = await gatherFromBroker(approvalsFrom, fleet, terminal.warn, signal);
        const kept = gathered.map(({ evidence: one }) => one);
        const evidence: Evidence[] = [
          ...documents,
          ...kept,
          ...options.unreachable.map((source) => ({ source, unreachable: true as const })),
        ];
        const now = options.clockless ? undefined : (options.now ?? Math.floor(Date.now() / 1000));
        const facts: Facts = {
          ...(options.installed !== undefined && { installed: options.installed }),
          ...(now !== undefined && { time: BigInt(now) }),
          ...(options.slot !== undefined && { slotBytes: options.slot }),
        };
        const core = await loadCore();
        const provisioned = core.provision(bootstrap);
        if (provisioned !== 0) {
          const { text } = reasonOf(provisioned);
          throw new CountersignError(provisioned, `bootstrap: a device would not take ${options.bootstrap}: ${text}`);
        }
        const pieces = piecesOf(...files);
        const judgement = await core.judge({ envelope: pieces, evidence, facts });
        const seen = [...documents, ...kept].flatMap((one) => ('bytes' in one ? [one.bytes] : []));
        const names = await readBootstrapNames(options.bootstrap);
        const known = { names, slotBytes: options.slot, installed: options.installed };
        const envelope = await openEnvelope(files[0]!, path).catch(() => undefined);
        const explained = explain(judgement, { path, envelope, bootstrap, documents: seen, known });
        const reason = outcomeOf(judgement);
        return { explained, reason, exit: reasonOf(reason).exit };
      });
    const named = { className: options.bootstrap, name: path };
    return reported(options.junit, 'countersign check', named, async (tell) => {
      const { exit, reason, explained } = await judge();
      const { lines, data } = explained;
      const { name, hint } = reasonOf(reason);
      const failed = {
        kind: 'failure' as const,
        type: typeOf({ code: reason, name }),
        message: lines[0]!,
        lines: [...lines, `hint: ${hint}`],
      };
      tell([exit === 0 ? { name: path, lines } : { name: path, failed }]);
      return { data, lines, exit };
    });
  },
});

/** A damaged firmware fails after a verdict that let it pass; "ask" means that nobody has been asked here. */
function outcomeOf({ verdict, reason, payload }: Judgement): number {
  if (payload !== undefined && payload.reason !== 0) return payload.reason;
  return verdict === 'ask' ? reasons.AwaitingUser.code : reason;
}

// What a device would do with a package, from files of this machine: package, bootstrap document, approvals, and those of a broker.
//
// The verdict is the core's (operator/foresee.ts), the same that runs on the device.

import type { Facts } from '../core.js';
import { explain } from '../describe/verdict.js';
import type { Described } from '../describe/words.js';
import { documentsIn, type Gathered } from '../device/evidence.js';
import { readBytes } from '../files.js';
import { piecesOf } from '../formats/byte-source.js';
import { ownComponents } from '../formats/components.js';
import { openEnvelope } from '../formats/envelope.js';
import type { SourceName } from '../formats/policy.js';
import type { BrokerPlace } from '../links/broker-place.js';
import { withFiles } from '../open-file.js';
import { type Foreseen, foreseeVerdict } from '../operator/foresee.js';
import { loadCore } from '../wasm.js';
import { gatherFromBroker } from './approvals.js';
import { readBootstrapFile, readBootstrapNames } from './bootstrap-file.js';

export interface Case {
  /** Paths: of the package, and of its firmware if that is detached. */
  path: string;
  image?: string | undefined;
  /** Path of the device's bootstrap document. */
  bootstrap: string;
  /** Paths of approvals, and where the device finds each. */
  approval: readonly { path: string; source: SourceName }[];
  /** The broker that has others; `fleet` where its place names none. */
  approvalsFrom?: BrokerPlace | undefined;
  fleet: string;
  /** Sources that the device cannot read. */
  unreachable: readonly SourceName[];
  /** Sequence number of what it runs. */
  installed?: bigint | undefined;
  /** Unix seconds; default: the time. `clockless`: the device knows none. */
  now?: number | undefined;
  clockless: boolean;
  /** How many components the device has, if it has several: those that `packageImage` makes packages for. */
  components?: number | undefined;
  /** Bytes of the largest image that fits. */
  slot?: number | undefined;
}

/** The verdict, and the same in words. Throws what cannot be read, and why a device would not take its bootstrap document. */
export const foreseeFiles = (one: Case, warn: (text: string) => void, signal: AbortSignal) =>
  // Package and detached firmware, one behind the other as they would arrive. Of a package that is refused, the rest is not read.
  withFiles(
    [one.path, ...(one.image === undefined ? [] : [one.image])],
    async (files): Promise<{ foreseen: Foreseen; told: Described }> => {
      const { path, bootstrap: what, installed, slot } = one;
      const bootstrap = await readBootstrapFile(what);
      const given = one.approval.map(async ({ source, path }) => ({ source, bytes: await readBytes(path) }));
      const found: Pick<Gathered, 'evidence'>[] = [
        ...(await Promise.all(given)).map((evidence) => ({ evidence })),
        ...(await gatherFromBroker(one.approvalsFrom, one.fleet, warn, signal)),
        ...one.unreachable.map((source) => ({ evidence: { source, unreachable: true as const } })),
      ];
      const evidence = found.map((gathered) => gathered.evidence);
      const about = { bootstrap, what, envelope: piecesOf(...files), evidence, facts: factsOf(one) };
      const foreseen = await foreseeVerdict(await loadCore(), about);
      const envelope = await openEnvelope(files[0]!, path).catch(() => undefined);
      const known = { names: await readBootstrapNames(what), slotBytes: slot, installed };
      const judged = { path, envelope, bootstrap, documents: documentsIn(found), known };
      return { foreseen, told: explain(foreseen.judgement, judged) };
    },
  );

function factsOf({ installed, slot, components = 0, clockless, now = Math.floor(Date.now() / 1000) }: Case): Facts {
  return {
    ...(installed !== undefined && { installed }),
    ...(!clockless && { time: BigInt(now) }),
    ...(slot !== undefined && { slotBytes: slot }),
    components: ownComponents(components, slot),
  };
}

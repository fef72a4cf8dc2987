// What was left for Home Assistant on a broker, in words: which devices are offered a package there, or no more.

import { type InFleet, tableLines } from './fleet.js';
import type { Described } from './words.js';

/** What became of the entity of a device. */
export interface Offered {
  device: string;
  topic: string;
  outcome: 'offered' | 'unchanged' | 'removed';
}

/** A package, as it is offered. */
interface OfferedPackage {
  path: string;
  digest: Uint8Array;
  version: string;
}

/** `offer` undefined: entities were taken away. */
export function offeredToDevices(
  offered: readonly Offered[],
  offer: OfferedPackage | undefined,
  { fleet, unknown, exit, dryRun }: InFleet & { dryRun: boolean },
): Described {
  const changed = offered.filter(({ outcome }) => outcome !== 'unchanged').length;
  const what = offer ? `version ${offer.version} offered` : 'removed';
  return {
    data: {
      ...{ fleet, exit, unknown, written: !dryRun },
      ...(offer && { package: offer.path, digest: offer.digest, firmwareVersion: offer.version }),
      devices: offered.map(({ device, topic, outcome }) => ({ name: device, topic, outcome })),
    },
    lines: [
      ...tableLines(
        ['device', 'entity', 'topic'],
        offered.map(({ device, outcome, topic }) => [device, outcome, topic]),
      ),
      `${changed} of ${offered.length} entities ${dryRun ? 'would be ' : ''}${what}`,
      ...(unknown.length > 0 ? [`of unknown class, and left out: ${unknown.join(', ')}`] : []),
    ],
  };
}

/** One, while somebody watches. */
export const offeredNow = (fleet: string, { device, topic, outcome }: Offered): Described => ({
  data: { time: new Date().toISOString(), fleet, name: device, topic, outcome },
  lines: [`${fleet}/${device}  ${outcome}`],
});

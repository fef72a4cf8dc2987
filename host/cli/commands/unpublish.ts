// unpublish: takes the blocks of a package off a broker. Devices that are fetching it stay where they are.

import { hex } from '../../formats/bytes.js';
import { openEnvelope } from '../../formats/envelope.js';
import { placeSchema } from '../../links/broker-place.js';
import { withFile } from '../../open-file.js';
import { reasons } from '../../reasons.js';
import { command } from '../command.js';
import { accessOptions, option, publishOptions, textSchema } from '../options.js';

const DIGEST = /^[0-9a-f]{64}$/i;

export const unpublish = command({
  name: 'unpublish',
  summary: 'remove a package from a broker',
  details:
    'Removes the blocks that `countersign publish` left there. Approvals and changes stay: a newer one replaces them.',
  arguments: { package: { text: 'the .suit file, or the digest of its manifest', schema: textSchema } },
  options: {
    from: option('url', 'the broker: mqtt://host/fleet or mqtts://user:password@host/fleet', placeSchema, {
      config: 'publish',
    }),
    fleet: publishOptions.fleet,
    ...accessOptions,
  },
  examples: ['countersign unpublish release.suit --from mqtt://broker/plant'],
  writes: true,
  async run({ arguments: { package: named }, options: { from, fleet: fleetDefault }, dryRun, signal }) {
    const { unpublishPackage } = await import('../../links/packages.js');
    const { url, fleet = fleetDefault } = from;
    const digest = DIGEST.test(named)
      ? Uint8Array.from(Buffer.from(named, 'hex'))
      : (await withFile(named, (file) => openEnvelope(file, named))).digest!;
    const { topic, removed } = await unpublishPackage({ url, fleet }, digest, { dryRun, signal });
    const where = `${topic} on ${url}`;
    const done = `${dryRun ? 'would remove' : 'removed'} ${removed} messages: ${where}`;
    return {
      data: { broker: `${url}`, fleet, topic, digest: hex(digest), removed, unpublished: removed > 0 && !dryRun },
      lines: [removed > 0 ? done : `nothing there: ${where}`],
      ...(removed === 0 && { exit: reasons.NothingToDo.exit }),
    };
  },
});

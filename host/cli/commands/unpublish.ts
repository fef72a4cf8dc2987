// unpublish: takes the blocks of a package off a broker. Devices that are fetching it stay where they are.

import { placeSchema } from '../../links/broker-place.js';
import { command } from '../command.js';
import { accessOptions, option, textSchema } from '../options.js';
import { publishOptions } from '../signing-options.js';

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
  async run({ arguments: { package: named }, options: { from, fleet }, ...around }) {
    const { unpublishNamed } = await import('../../fleet/publish-file.js');
    return unpublishNamed(named, from, fleet, around);
  },
});

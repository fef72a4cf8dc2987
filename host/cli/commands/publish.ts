// publish: leaves what a fleet's devices fetch on its broker: an approval document or a denial, a change of anchors, policy or groups,
// or the blocks of a package.
//
// approve and revoke do the same with what they sign (--publish); this is for documents that are there: signed on another
// machine, kept since a broker was away, or to replace what the other two would not (--force).

import { placeSchema } from '../../links/broker-place.js';
import { command } from '../command.js';
import { accessOptions, fileArgument, flag, option, waitOption } from '../options.js';
import { publishOptions } from '../signing-options.js';

export const publish = command({
  name: 'publish',
  summary: 'publish an approval, a change or a package on a broker',
  details: [
    'An approval is retained under cs/FLEET/approvals/OPERATOR, a change under cs/FLEET/changes/NUMBER: devices take',
    'both by themselves. A package is published once, in blocks, and devices fetch it when they are told to.',
    'A newer document replaces an older one, never the reverse. The command succeeds only when the broker has',
    'returned what was published.',
  ].join('\n'),
  arguments: { file: fileArgument('the .cose, .change or .suit file') },
  options: {
    to: option('url', 'the broker: mqtt://host/fleet or mqtts://user:password@host/fleet', placeSchema, {
      config: 'publish',
    }),
    as: publishOptions.publishAs,
    fleet: publishOptions.fleet,
    force: flag('replace even a newer document, one signed with another key, or a denial; send all blocks again'),
    wait: waitOption('wait this long until all online devices have taken it'),
    ...accessOptions,
  },
  examples: [
    'countersign publish release.cose --to mqtt://broker/plant',
    'countersign publish release.denied.cose --to mqtts://ops@broker/plant --as acme --dry-run',
    'countersign publish release.suit --to mqtt://broker/plant',
  ],
  writes: true,
  async run({ arguments: { file }, options, terminal, ...around }) {
    const { publishFile } = await import('../../fleet/publish-file.js');
    return publishFile(file, options, terminal, around);
  },
});

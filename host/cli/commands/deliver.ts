// deliver: brings a package to a device, and reports what the device decided.
//
// How it gets there, fleet/deliver-file.ts says. Nothing here answers the device's question to its user: there is no prompt for
// it and no flag.

import { momentText } from '../../formats/moment.js';
import { countSchema, momentSchema, sequenceSchema } from '../../formats/typed.js';
import type { OrderPaper } from '../../links/papers.js';
import { SPREAD_SECONDS_MAX } from '../../links/words.js';
import { cardAccess } from '../../local/secrets.js';
import { command, grouped } from '../command.js';
import { whereOf } from '../connection.js';
import {
  bootstrapOption,
  connectionOptions,
  fileArgument,
  flag,
  option,
  output,
  sourceOptions,
  textSchema,
  type Values,
  waitOption,
} from '../options.js';
import { askingOf, selectionOf, severalOptions } from '../several.js';

/** How a package gets to devices on a broker. */
const orderOptions = grouped('On a broker', {
  push: flag('send the package to the device instead of ordering it to fetch: for agents that cannot', {
    not: ['notBefore', 'deadline', 'spread'],
    why: 'these belong to an order',
  }),
  notBefore: option('moment', 'the device begins no earlier: 2027-01-31T22:00:00Z, or 2h', momentSchema.optional()),
  deadline: option('moment', 'the device begins no later', momentSchema.optional()),
  spread: option(
    'seconds',
    'the device begins after a random time of at most this',
    countSchema(0, SPREAD_SECONDS_MAX).optional(),
  ),
});

/** What a device may have already. */
const lineOptions = grouped('Over a serial line', {
  from: option(
    'file',
    'a package that the device may run now: it is sent the difference from that, if it can decode it',
    textSchema.array().default([]),
    { repeat: true, file: 'read', not: ['broker'], why: 'devices on a broker fetch blocks that are the same for all' },
  ),
});

/** When devices are to begin, as an order says it. */
function timingOf({
  notBefore,
  deadline,
  spread,
}: Values<typeof orderOptions>): Pick<OrderPaper, 'notBefore' | 'deadline' | 'spread'> {
  return {
    ...(notBefore !== undefined && { notBefore: momentText(notBefore) }),
    ...(deadline !== undefined && { deadline: momentText(deadline) }),
    ...(spread !== undefined && { spread }),
  };
}

const options = {
  ...connectionOptions,
  ...sourceOptions,
  ...lineOptions,
  ...orderOptions,
  ...severalOptions,
  ...grouped('Boards without our agent', {
    bootstrap: bootstrapOption('whom the board would trust, and its policy; this machine decides'),
    installed: option('number', 'sequence number of the firmware that the board runs', sequenceSchema.optional()),
    remember: output('file that remembers operators and boards; default: guard.json in the state folder', {
      config: 'guard-memory',
      path: true,
    }),
    test: flag('mark the image for test, and leave the reset to you'),
    noConfirm: flag('test and reset, but do not confirm: the next reset reverts'),
  }),
  wait: waitOption('how long to wait for the user, for the installation, and for a device that is offline'),
  for: { ...waitOption('end after this time, whatever devices say; their orders stay (exit 32)'), needs: 'broker' },
};
export const deliver = command({
  name: 'deliver',
  summary: 'bring a package to a device, and wait for its decision',
  details: [
    'The device itself checks vendor, approval and policy before it takes the first byte of the firmware. If it asks',
    'its user, the answer is given at the device, never here. Over a broker the package is published once, and the',
    'device is told by a retained order to fetch it; one that is offline does so when it comes back (exit code 41).',
    'A board without our agent (Zephyr, MCUboot serial recovery) cannot check. With --bootstrap this machine decides',
    'in its place before it sends the image, asks here what the device would ask its user, and then tests, resets and',
    'confirms the image.',
  ].join('\n'),
  arguments: { package: fileArgument('the .suit file') },
  options,
  examples: [
    'countersign deliver release.suit --port /dev/ttyACM0',
    'countersign deliver release.suit --broker mqtt://localhost --device virtual --approval release.cose',
    'countersign deliver release.suit --port /dev/ttyACM0 --json',
    'countersign deliver release.suit --port /dev/ttyACM0 --from release-1.0.suit --from release-1.1.suit',
    'countersign deliver release.suit --broker mqtt://localhost --fleet plant --group cellar --spread 600',
    'countersign deliver release.suit --port udp://192.0.2.7 --bootstrap board.yaml --approvals-from mqtt://broker/factory',
  ],
  writes: true,
  async run({ arguments: { package: path }, options, terminal, ...doing }) {
    const { deliverFile, deliverFileToMany } = await import('../../fleet/deliver-file.js');
    const { approval: files, card: reader, modem, approvalsFrom: broker, fleet, wait, for: end } = options;
    const places = { files, reader, modem, broker, fleet, access: cardAccess(options, terminal) };
    const how = {
      ...options,
      ...places,
      timing: timingOf(options),
      waitMs: wait === undefined ? undefined : wait * 1000,
      endMs: end === undefined ? undefined : end * 1000,
    };
    const selection = selectionOf(options.all, options);
    if (!selection) return deliverFile(path, whereOf(options), how, terminal, doing);
    const asking = { url: options.broker!, fleet, ...askingOf(options, doing.signal) };
    return deliverFileToMany(path, asking, selection, how, terminal, doing);
  },
});

// What is published on a broker, as --json tells it, and who has taken it.

import * as z from 'zod';
import * as part from './parts.js';
import { count, document, flag, hex, path, sequence, text } from './parts.js';

export const published = {
  broker: text,
  fleet: text,
  topic: text,
  published: flag.meta({ description: 'false: a dry run, or it was there already' }),
  replaced: sequence.optional().meta({ description: 'number of the document that was there' }),
};

const names = z.array(text);
export const holders = z.strictObject({ taken: names, waiting: names, offline: names }).meta({
  id: 'Holders',
  description:
    'names of the devices that hold what was published; that are online and do not yet; that are offline, and do not or (--wait) cannot be asked',
});

export const publish = z.union([
  document('an approval document on a broker', {
    ...{ file: path, ...published, document: part.approval },
    signer: hex.optional(),
    devices: holders.optional(),
  }),
  document('a change on a broker', {
    ...{ file: path, ...published, change: z.strictObject(part.change) },
    devices: holders.optional(),
  }),
  document('a package on a broker', {
    ...{ file: path, ...published, digest: part.digest, bytes: count },
    blocks: count,
  }),
]);
export const unpublish = document('a package that was on a broker', {
  ...{ broker: text, fleet: text, topic: text, digest: part.digest },
  removed: count.meta({ description: 'messages; in a dry run: that would be removed' }),
  unpublished: flag,
});

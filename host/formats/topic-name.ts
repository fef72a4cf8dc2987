// Names of fleets, devices and groups: each is one level of a topic on a broker.

import * as z from 'zod';

const NAME_BYTES_MAX = 64; // with the fixed parts well below the 256 bytes that some brokers allow a topic

/** No separators, no wildcards, nothing that a terminal would act on. */
export const topicNameSchema = z
  .string()
  .regex(/^[A-Za-z0-9._:-]+$/, 'only letters, digits and . _ : - are allowed')
  .max(NAME_BYTES_MAX);

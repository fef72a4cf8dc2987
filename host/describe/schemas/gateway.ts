// What a gateway prints: what it joins, and each thing that joins, leaves, ends or is dropped.

import * as z from 'zod';
import * as part from './parts.js';
import { count, document, reason, state, text } from './parts.js';

const time = part.moment;
const device = text.meta({ description: 'name on the broker' });

export const gateway = z.union([
  document('it runs', { time, event: z.literal('running'), broker: text, fleet: text, ports: z.array(text) }),
  document('a board has joined the fleet', {
    ...{ time, event: z.literal('joined'), port: text, device },
    state: state.optional(),
    firmwareVersion: text.optional(),
  }),
  document('a board has left; without a reason it joins anew, or the gateway ends', {
    ...{ time, event: z.literal('left'), port: text, device },
    reason: reason.optional(),
  }),
  document('the final alert of an order', {
    ...{ time, event: z.literal('ended'), port: text, device, alert: part.alert },
  }),
  document('a port that is not there, or a board that does not answer: it is waited for', {
    ...{ time, event: z.literal('waiting'), port: text, reason, message: text, hint: text },
  }),
  document('what was dropped, told once: requests to a device, or blocks of a package', {
    ...{ time, event: z.literal('dropped'), device: device.optional(), digest: part.digest.optional(), why: text },
  }),
  document('the end', {
    event: z.literal('stopped'),
    fetched: count.meta({ description: 'blocks from the broker' }),
    served: count.meta({ description: 'blocks to boards' }),
    coded: count.meta({ description: 'blocks that were coded for slow lines, once for all boards' }),
    dropped: count.meta({ description: 'blocks that were none' }),
  }),
]);

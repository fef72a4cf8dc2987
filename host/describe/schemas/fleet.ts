// What was done with several devices of a fleet, as --json tells it.

import * as z from 'zod';
import * as part from './parts.js';
import { count, document, path, reason, text } from './parts.js';

const exit = count.meta({ description: 'the exit code: of the worst' });
const unknown = z.array(text).meta({ description: '--class: names of devices whose class nobody could ask for' });
const name = text.meta({ description: 'name of the device on the broker' });

/** An answer of each device, or the reason why there is none. */
export const asked = (about: string, answer: z.core.$ZodLooseShape) =>
  document(about, {
    ...{ fleet: text, exit, unknown },
    devices: z.array(
      z.union([z.strictObject({ name, reason, message: text }), z.strictObject({ name, reason, ...answer })]),
    ),
  });

export const deliveredToMany = document('several devices', {
  ...{ package: path, digest: part.digest, fleet: text, exit, unknown },
  devices: z.array(
    z.strictObject({
      name,
      result: z.enum(['installed', 'unchanged', 'refused', 'deferred', 'asked', 'ordered', 'failed', 'dry-run']),
      exit: count.meta({ description: 'as for this device alone' }),
      reason,
      firmwareVersion: text.optional().meta({ description: 'what runs' }),
      message: text.optional(),
    }),
  ),
});

export const provisionedList = document('--from: the devices of a list', {
  exit,
  devices: z.array(
    z.strictObject({
      name,
      device: part.hex,
      outcome: z.enum(['provisioned', 'blank', 'unchanged', 'failed', 'written']),
      file: path.optional().meta({ description: '--out: the document' }),
      message: text.optional(),
      reason,
    }),
  ),
});

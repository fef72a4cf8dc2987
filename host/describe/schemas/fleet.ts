// What was done with several devices of a fleet, as --json tells it.

import * as z from 'zod';
import { deviceStateSchema } from '../../links/topics.js';
import * as part from './parts.js';
import { count, document, flag, path, reason, text, time } from './parts.js';

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

const update = z.strictObject({
  result: z.enum(['installed', 'reverted', 'under way', 'refused', 'went back']),
  reason,
  record: count.meta({ description: 'number of the record of the decision' }),
  time: part.moment.nullable().meta({ description: 'null: the device knew no time' }),
  digest: part.hex.optional(),
  from: part.sequence.optional(),
  to: part.sequence.optional(),
  row: count.optional(),
  rowText: text.optional(),
  operators: z.array(
    z.strictObject({
      kid: part.hex.nullable(),
      name: text.optional().meta({ description: 'as the device calls the anchor now' }),
      document: part.sequence.nullable().meta({ description: 'null: a countersignature' }),
      source: text,
    }),
  ),
  answer: part.answer.optional(),
});
export const evidence = document('what devices can show of their updates', {
  ...{ made: part.moment, fleet: text.optional(), exit, unknown },
  devices: z.array(
    z.union([
      z.strictObject({ name, reason, message: text }),
      z.strictObject({
        ...{ name, reason, device: text, installed: part.installed.optional() },
        log: z.strictObject({
          whole: z.boolean(),
          records: count,
          first: count.optional().meta({ description: 'number of the oldest record that is kept' }),
          ...part.logEnds,
        }),
        updates: z.array(update),
      }),
    ]),
  ),
});

const entity = {
  ...{ name, topic: text },
  outcome: z.enum(['offered', 'unchanged', 'removed']),
};
export const homeAssistant = z.union([
  document('entities of devices in Home Assistant', {
    ...{ fleet: text, exit, unknown, written: flag.meta({ description: 'false: a dry run' }) },
    package: path.optional().meta({ description: 'what is offered' }),
    digest: part.digest.optional(),
    firmwareVersion: text.optional(),
    devices: z.array(z.strictObject(entity)),
  }),
  document('--watch: an entity of a device', { time, fleet: text, ...entity }),
  document('--watch: the end', { offered: count }),
]);

const seen = { fleet: text, name: text, ...deviceStateSchema.omit({ version: true }).shape, online: flag };
export const devices = z.union([
  document('what can be reached', {
    ports: z.array(z.strictObject({ path: text, about: text.optional() })),
    devices: z.array(z.strictObject(seen)),
  }),
  document('--watch: what a device says anew', { time, ...seen }),
  document('--watch: the end', { changes: count }),
]);

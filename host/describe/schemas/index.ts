// Every public JSON document and its schema: the one source of docs/schemas/*.json (JSON Schema 2020-12) and docs/json.md.
//
// Loaded by whoever validates or publishes; no command needs it, so none pays for it.

import * as z from 'zod';
import { reasonSchema } from '../../formats/reason-schema.js';
import { alertSchema, blocksSchema, orderSchema } from '../../links/papers.js';
import { deviceStateSchema } from '../../links/topics.js';
import { commandSchemas } from './commands.js';
import { guardLog } from './guard.js';
import { count, document, text } from './parts.js';

/** What stands on stdout in place of a result, after any command. */
const error = document('a failure', {
  error: z.strictObject({
    reason: reasonSchema,
    message: text.meta({ description: 'where, and what: "area: what"' }),
    hint: text.meta({ description: 'what to do' }),
    exit: count.meta({ description: 'the exit code' }),
  }),
});

/** `cs/FLEET/d/DEVICE/state` on a broker. */
const deviceState = z.strictObject(deviceStateSchema.shape).meta({ description: 'what is known of a device' });

/** The other documents on a broker. */
const onBroker = {
  'device-alert': z.strictObject(alertSchema.shape).meta({ description: 'the final alert of an order' }),
  order: z.strictObject(orderSchema.shape).meta({ description: 'an order to fetch a package and install it' }),
  blocks: z.strictObject(blocksSchema.shape).meta({ description: 'how many blocks of a package there are' }),
};

/** By the name of the file in docs/schemas/: that of the command, or error, or what stands on a broker or in a log. */
export const schemas: Readonly<Record<string, z.ZodType>> = {
  ...commandSchemas,
  error,
  'device-state': deviceState,
  ...onBroker,
  'guard-log': guardLog,
};

/** The descriptions of a schema's documents: one, or several. */
export const documentsOf = (schema: z.ZodType): string[] =>
  (schema instanceof z.ZodUnion ? (schema.options as z.ZodType[]) : [schema]).map((one) => one.description ?? '');

/** JSON Schema 2020-12 of one of `schemas`. */
export const jsonSchema = (name: string): object => ({
  title: `countersign: ${name}`,
  ...z.toJSONSchema(schemas[name]!, { target: 'draft-2020-12' }),
});

// The JSON documents on a broker beside a device's state: its alerts, orders to fetch a package, what blocks there are.
//
// Anybody may leave anything on a topic: every reader goes through a schema here, and what is no such document, or is
// larger than one, is nobody's. All of them are hints: what a device does about them, it decides.

import * as z from 'zod';
import { reasonSchema } from '../formats/reason-schema.js';
import { documentJson, JSON_VERSION, reasonData } from '../json.js';
import type { Alert } from '../smp/commands.js';
import { RAW } from './topics.js';
import { SPREAD_SECONDS_MAX } from './words.js';

/** Of any of these documents. */
export const PAPER_BYTES_MAX = 2048;

/** Bytes of a block; only the last one of a package is shorter. */
export const BLOCK_BYTES = 512;
/** Of a package on a broker: far more than any device of this kind has flash. */
export const PACKAGE_BYTES_MAX = 16 * 1024 * 1024;

const CORRELATOR_BYTES_MAX = 32; // as devices have it

const version = z.literal(JSON_VERSION).describe('of this document; one of another version is not read');
const digest = z.string().regex(/^[0-9a-f]{64}$/);
const moment = z.iso.datetime({ offset: true });

const OPERATIONS = ['none', 'download', 'update', 'downloadandupdate'] as const;

export const alertSchema = z.object({
  version,
  device: z.string().optional().describe('device id in hex, once the device is provisioned'),
  number: z.number().int().min(0).describe('number of alerts so far'),
  operation: z.enum(OPERATIONS).describe('the order; without one, what ended'),
  uri: z.string().max(255).optional(),
  result: z.number().int().optional().describe('FUMO result code'),
  reason: reasonSchema,
  correlator: z.string().max(CORRELATOR_BYTES_MAX).optional().describe('of the order, if it had one'),
});

export const orderSchema = z.object({
  version,
  digest: digest.describe('of the manifest: the package'),
  encoding: z.literal(RAW),
  correlator: z
    .string()
    .min(1)
    .max(CORRELATOR_BYTES_MAX)
    .regex(/^[!-~]+$/)
    .describe('comes back in the final alert; an order with another one is another order'),
  notBefore: moment.optional().describe('not begun earlier, by the clock of the device'),
  deadline: moment.optional().describe('not begun later'),
  spread: z
    .number()
    .int()
    .min(0)
    .max(SPREAD_SECONDS_MAX)
    .optional()
    .describe('begun after a random time of so many seconds at most'),
});
/** An order to fetch a package and install it. */
export type OrderPaper = Omit<z.infer<typeof orderSchema>, 'version'>;

export const blocksSchema = z.object({
  version,
  bytes: z.number().int().min(1).max(PACKAGE_BYTES_MAX).describe('length of the package'),
  blockBytes: z.literal(BLOCK_BYTES).describe('length of each block but the last'),
  count: z.number().int().min(1).describe('how many blocks there are'),
});
/** What stands beside the blocks of a package. */
export type BlocksPaper = Omit<z.infer<typeof blocksSchema>, 'version'>;

export const alertPaper = ({ n, type = 0, uri, result, reason = 0, corr }: Alert, device?: string): string =>
  documentJson({
    device,
    number: n,
    operation: OPERATIONS[type] ?? OPERATIONS[0],
    uri,
    result,
    reason: reasonData(reason),
    correlator: corr,
  });
export const orderPaper = (order: OrderPaper): string => documentJson(order);
export const blocksPaper = (bytes: number): string =>
  documentJson({ bytes, blockBytes: BLOCK_BYTES, count: blockCount(bytes) });

export const blockCount = (bytes: number): number => Math.ceil(bytes / BLOCK_BYTES);

/** The bytes of block `block` in a package of `bytes`; 0 beyond its end. */
export const blockBytes = (bytes: number, block: number): number =>
  Math.max(0, Math.min(BLOCK_BYTES, bytes - block * BLOCK_BYTES));

/** As an alert packet has it. */
export function readAlertPaper(payload: Uint8Array): Alert | undefined {
  const read = readPaper(alertSchema, payload);
  if (!read) return undefined;
  const { number: n, operation, uri, result, reason, correlator: corr } = read;
  return { n, type: OPERATIONS.indexOf(operation), uri, result, reason: reason.code, corr };
}

export function readOrderPaper(payload: Uint8Array): OrderPaper | undefined {
  return readPaper(orderSchema, payload);
}

export function readBlocksPaper(payload: Uint8Array): BlocksPaper | undefined {
  const read = readPaper(blocksSchema, payload);
  return read?.count === blockCount(read?.bytes ?? 0) ? read : undefined;
}

function readPaper<S extends z.ZodType>(schema: S, payload: Uint8Array): z.output<S> | undefined {
  if (payload.length === 0 || payload.length > PAPER_BYTES_MAX) return undefined;
  try {
    return schema.safeParse(JSON.parse(new TextDecoder().decode(payload))).data;
  } catch {
    return undefined;
  }
}

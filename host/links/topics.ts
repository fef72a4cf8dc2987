// Where things are on a broker: one place for the names of topics and the form of a device's state. What else stands there as
// JSON is in papers.ts.

import * as z from 'zod';
import { reasonSchema } from '../formats/reason-schema.js';
import { topicNameSchema } from '../formats/topic-name.js';
import { documentJson, JSON_VERSION, reasonData } from '../json.js';

interface DeviceTopics {
  state: string;
  online: string;
  alert: string;
  order: string;
}

/** What a device says, and what it is told to fetch. */
export function topicsOf(fleet: string, device: string): DeviceTopics {
  const base = `cs/${fleet}/d/${device}`;
  return { state: `${base}/state`, online: `${base}/online`, alert: `${base}/alert`, order: `${base}/order` };
}

/** The device that a topic is about, and what of it; undefined: none that can be one. */
export function deviceIn(topic: string): { fleet: string; name: string; kind: string } | undefined {
  const [, fleet, , name, kind = ''] = topic.split('/');
  const isName = (level: string | undefined) => topicNameSchema.safeParse(level).success;
  return isName(fleet) && isName(name) ? { fleet: fleet!, name: name!, kind } : undefined;
}

/** Requests of one client, and the answers that it alone gets. CLIENT is a name of its own, new for each connection. */
export function exchangeTopics(fleet: string, device: string, client: string): { request: string; response: string } {
  const base = `cs/${fleet}/d/${device}`;
  return { request: `${base}/req/${client}`, response: `${base}/rsp/${client}` };
}

/** What all devices of a group are told to fetch. */
export const groupOrderTopic = (fleet: string, group: string): string => `cs/${fleet}/g/${group}/order`;

/** The one encoding of packages on a broker so far: the bytes as they are. */
export const RAW = 'raw';

/** How the topics of all blocks begin. */
export const packagesPrefix = (fleet: string): string => `cs/${fleet}/p/`;

/** A block of a package, by its number; "i" tells how many there are. */
export const blockTopic = (fleet: string, digest: string, block: number | 'i' | '+'): string =>
  `${packagesPrefix(fleet)}${digest}/${RAW}/${block}`;

/** What the devices of a fleet say of themselves; first whether they are there, as that comes first then. */
export const DEVICE_FILTERS = (fleet: string): string[] => [topicsOf(fleet, '+').online, topicsOf(fleet, '+').state];

// One retained approval document for each operator; the last level is the operator's name for themselves.
export const approvalTopic = (fleet: string, operator: string): string => `cs/${fleet}/approvals/${operator}`;
export const APPROVALS_FILTER = (fleet: string): string => approvalTopic(fleet, '+');
// One retained change of anchors, policy or groups under each number.
export const changeTopic = (fleet: string, number: bigint | '+'): string => `cs/${fleet}/changes/${number}`;
/** Beside the approvals, where nobody writes: a level that no operator has. */
export const NOBODY_FILTER = (fleet: string): string => `cs/${fleet}/approvals`;

// Retained by every device under online: whether it is there. OFFLINE is its last will, too. The words are those that Home
// Assistant expects of an availability topic.
export const ONLINE = 'online';
export const OFFLINE = 'offline';

const APPROVALS_MAX = 64; // far more than any device has operators
/** Groups that a device shows: each of them is a subscription of its own. */
export const GROUPS_MAX = 16;
const hexSchema = z.string().regex(/^([0-9a-f]{2}){1,64}$/);
const sequenceSchema = z.string().regex(/^\d{1,20}$/);
const VERSION_CHARACTERS_MAX = 64; // a device keeps 24 bytes
/** Of one document: with as many approvals as a device may show. */
export const STATE_BYTES_MAX = 16 * 1024;
/** Devices that anybody here keeps in mind: names that somebody may make up. */
export const DEVICES_MAX = 100_000;

/** Retained by every device under state: what was last known of it. It stays when the device goes. */
export const deviceStateSchema = z.object({
  version: z.literal(JSON_VERSION).describe('of this document; one of another version is not read'),
  device: hexSchema.optional().describe('device id in hex, once the device is provisioned'),
  state: z.number().int().min(0).max(255).optional().describe('FUMO state, 10 to 100'),
  firmwareVersion: z.string().max(VERSION_CHARACTERS_MAX).optional().describe('version of what runs'),
  digest: hexSchema.optional().describe('digest of the manifest of what runs, in hex'),
  reason: reasonSchema.optional().describe('of the last result or refusal'),
  progress: z
    .number()
    .int()
    .min(0)
    .max(100)
    .optional()
    .describe('percent of the package that a device has fetched, while it does so and that takes more than seconds'),
  approvals: z
    .array(z.strictObject({ kid: hexSchema, sequence: sequenceSchema }))
    .max(APPROVALS_MAX)
    .optional()
    .describe('approval documents that it holds: key id of the operator, number of the document'),
  change: sequenceSchema
    .optional()
    .describe('number of the last change of anchors, policy or groups; absent: there was none'),
  groups: z
    .array(topicNameSchema)
    .max(GROUPS_MAX)
    .optional()
    .describe('that the device belongs to: it takes their orders; absent: none'),
  at: z
    .number()
    .int()
    .min(0)
    .optional()
    .describe('when this was said, in seconds since 1970, by a device with a clock'),
});
export type DeviceState = Omit<z.infer<typeof deviceStateSchema>, 'version'>;

/** The document that a device leaves under state. */
export const stateDocument = (state: DeviceState): string => documentJson(state);

/** What is known from it. Anybody may leave anything on a topic: what is no such document is nobody's. */
export function readState(text: string): DeviceState | undefined {
  if (text.length > STATE_BYTES_MAX) return undefined;
  try {
    const { version: _, reason, ...state } = deviceStateSchema.parse(JSON.parse(text));
    return reason ? { ...state, reason: reasonData(reason.code) } : state; // what a number means is said by our table
  } catch {
    return undefined;
  }
}

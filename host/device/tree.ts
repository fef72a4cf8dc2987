// The management tree of a device, node by node: values with their formats, and orders with their final alert.
//
// What was written is read back where the node can be read. A device tells the children of an interior node as one text,
// names separated by "/".

import { CountersignError } from '../errors.js';
import { same } from '../formats/bytes.js';
import { reasons } from '../reasons.js';
import { type Client, smpFailure } from '../smp/client.js';
import { type Alert, type Node, readAlert, readQuestion, treeExec, treeGet, treePut } from '../smp/commands.js';
import { sleep } from '../wait.js';
import {
  INSTALL_MS_DEFAULT,
  ignoreSilence,
  isAnswerTo,
  isOurs,
  type Order,
  POLL_MS,
  type Steps,
  untilAlert,
} from './follow.js';
import { EXTENSION_URI, NODE, OBJECT_URI, putApproval, readState, STATE, type Waits } from './identity.js';

const DEPTH_MAX = 8; // segments of a URI that a device reads

export interface NamedNode extends Node {
  uri: string;
}

/** Of a short form: State is ./FUMO/1/State, +Policy is ./FUMO/1/Ext/Countersign/Policy. A whole URI stays as it is. */
export function nodeUri(uri: string): string {
  if (uri.startsWith('+')) return `${EXTENSION_URI}/${uri.slice(1)}`;
  return uri.startsWith('.') ? uri.replace(/\/+$/, '') : `${OBJECT_URI}/${uri}`;
}

export const childrenOf = ({ data }: Node): string[] => new TextDecoder().decode(data).split('/').filter(Boolean);

/** A node, and with `all` everything below it, parents first. Nodes that cannot be read are left out of `all`. */
export async function readTree(client: Client, uri: string, all: boolean, waits: Waits = {}): Promise<NamedNode[]> {
  const node = { uri, ...(await treeGet(client, uri, waits)) };
  const found = [node];
  if (!all || node.format !== 'node' || uri.split('/').length > DEPTH_MAX) return found;
  for (const child of childrenOf(node)) {
    found.push(...(await readTree(client, `${uri}/${child}`, all, waits).catch(ignoreUnreadable)));
  }
  return found;
}

const UNREADABLE: number[] = [reasons.NoSuchNode.code, reasons.NotPermitted.code, reasons.NotProvisioned.code];

function ignoreUnreadable(error: unknown): [] {
  if (error instanceof CountersignError && UNREADABLE.includes(error.code)) return [];
  throw error;
}

/** Writes a value. True: read back and the same; false: the node cannot be read. */
export async function writeNode(client: Client, uri: string, data: Uint8Array, waits: Waits = {}): Promise<boolean> {
  if (uri === NODE.approvals) {
    await putApproval(client, data, waits); // reads back by itself: the device chooses the child
    return true;
  }
  await treePut(client, uri, data, waits);
  const back = await treeGet(client, uri, waits).catch(ignoreUnreadable);
  if ('length' in back) return false;
  if (same(back.data, data)) return true;
  throw new CountersignError('Fault', `device: it took ${uri}, but does not give it back as it was written`);
}

export type OrderEnd =
  | { kind: 'alert'; alert: Alert }
  | { kind: 'deferred' } // the device asked its user, and nobody answered
  | { kind: 'asked'; left: number }; // it still asks

/** Gives an order (Exec) and follows it to its final alert. A refusal at once is thrown, unless the order has its alert. */
export async function* execNode(
  client: Client,
  uri: string,
  correlator: string,
  limits: { answerMs?: number; installMs?: number } & Waits = {},
): Steps<OrderEnd> {
  const waits = { signal: limits.signal };
  const order: Order = { client, waits, correlator, alerts: (await readAlert(client, waits)).n };
  try {
    await execOnly(client, uri, correlator, waits);
  } catch (error) {
    // A link that repeats may bring the order twice: the second time it is refused, the first one's end is the answer.
    const alert = await readAlert(client, waits).catch(ignoreSilence);
    if (alert && isAnswerTo(order, alert)) return { kind: 'alert', alert };
    throw error;
  }
  yield { kind: 'note', text: `ordered, correlator ${correlator}: waiting for the final alert` };
  const person = () => untilQuestionGone(order, limits.answerMs);
  const end = yield* untilAlert(order, limits.installMs ?? INSTALL_MS_DEFAULT, person);
  return 'alert' in end ? { kind: 'alert', alert: end.alert } : end.ended;
}

/** Gives an order and does not wait for what becomes of it. */
export async function execOnly(client: Client, uri: string, correlator: string, waits: Waits = {}): Promise<void> {
  const response = await treeExec(client, uri, correlator, waits);
  if (!response.ok) throw smpFailure(response.error, `exec ${uri}`);
}

async function* untilQuestionGone(order: Order, answerMs = Number.POSITIVE_INFINITY): Steps<OrderEnd | undefined> {
  const { client, waits } = order;
  const began = Date.now();
  for (let told = false; ; told = true) {
    const { pending, left = 0 } = await readQuestion(client, waits);
    if (!pending) break;
    if (!told) yield { kind: 'waiting', for: 'the user of the device', seconds: left };
    if (Date.now() - began > answerMs) return { kind: 'asked', left };
    await sleep(POLL_MS, waits.signal);
  }
  if (isOurs(order, await readAlert(client, waits))) return undefined;
  return (await readState(client, waits)) === STATE.ready ? { kind: 'deferred' } : undefined;
}

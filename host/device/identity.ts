// What one can learn from a device over any link, and what one brings to it besides packages: its bootstrap document
// and approvals.
//
// The host asks and reports; every decision is the device's. What was written is read back before it is called done.

import { CountersignError } from '../errors.js';
import { viewApproval } from '../formats/approval.js';
import { hex, same } from '../formats/bytes.js';
import { decode, wholeNumber } from '../formats/cbor.js';
import { changeInForce, viewChange } from '../formats/change.js';
import { reasons } from '../reasons.js';
import type { Client } from '../smp/client.js';
import {
  bootloaderInfo,
  type ImageState,
  imageState,
  type Node,
  osInfo,
  type Parameters,
  parameters,
  treeGet,
  treePut,
} from '../smp/commands.js';

// The management tree's nodes that the host uses. "1" is the one package of our devices.
export const OBJECT_URI = './FUMO/1';
export const EXTENSION_URI = `${OBJECT_URI}/Ext/Countersign`;
export const NODE = {
  state: `${OBJECT_URI}/State`,
  update: `${OBJECT_URI}/Update`,
  downloadAndUpdate: `${OBJECT_URI}/DownloadAndUpdate`,
  packageUrl: `${OBJECT_URI}/DownloadAndUpdate/PkgURL`,
  bootstrap: `${EXTENSION_URI}/Bootstrap`,
  approvals: `${EXTENSION_URI}/Approvals`,
  change: `${EXTENSION_URI}/Change`,
  verdict: `${EXTENSION_URI}/Verdict`,
  deviceId: `${EXTENSION_URI}/DeviceId`,
  installed: `${EXTENSION_URI}/Installed`,
} as const;

// FUMO states, as the State node gives them (FUMO 1.0).
export const STATE = {
  idle: 10,
  downloadFailed: 20,
  downloading: 30,
  downloaded: 40,
  ready: 50,
  updating: 60,
  failedHaveData: 70,
  failedNoData: 80,
  successHaveData: 90,
  successNoData: 100,
} as const;

export interface Waits {
  signal?: AbortSignal | undefined;
}

export interface Installed {
  sequence: bigint;
  digest: Uint8Array; // of the manifest: the package's name
  version: string;
}

export interface Identity {
  about: string; // what the agent calls itself
  bootloader: string;
  parameters: Parameters;
  deviceId: string | undefined; // hex; none: not provisioned
  state: number; // FUMO
  installed: Installed | undefined;
  images: ImageState[];
}

/**
 * All that a device says of itself: ids, FUMO state, what is installed. Throws NoAnswer, or what the device refused.
 */
export async function identify(client: Client, waits: Waits = {}): Promise<Identity> {
  const limits = await parameters(client, waits);
  const deviceId = await readDeviceId(client, waits); // of what only agents know first: others say so there
  return {
    parameters: limits,
    about: await osInfo(client, waits),
    bootloader: await bootloaderInfo(client, waits),
    deviceId,
    state: await readState(client, waits),
    installed: await readInstalled(client, waits),
    images: await imageState(client, waits),
  };
}

/** As hex; none before it is provisioned. */
export async function readDeviceId(client: Client, waits: Waits = {}): Promise<string | undefined> {
  const node = await optionalNode(client, NODE.deviceId, waits);
  return node && hex(node.data);
}

/** The FUMO state, 10 to 100 (FUMO 1.0). */
export async function readState(client: Client, waits: Waits = {}): Promise<number> {
  const { data } = await treeGet(client, NODE.state, waits);
  return Number(new TextDecoder().decode(data));
}

/** What runs, by the device's own record; undefined: nothing that it installed itself. */
export async function readInstalled(client: Client, waits: Waits = {}): Promise<Installed | undefined> {
  const node = await optionalNode(client, NODE.installed, waits);
  if (!node) return undefined;
  const map = decode(node.data, 'the device’s record of what is installed');
  if (!(map instanceof Map)) return undefined;
  const [sequence, digest, version] = [wholeNumber(map.get(1)), map.get(2), map.get(3)];
  if (!(digest instanceof Uint8Array) || sequence === undefined) return undefined;
  return { sequence, digest, version: typeof version === 'string' ? version : '' };
}

/** The record of the last verdict, as the device keeps it (CBOR); none before the first. */
export async function readVerdict(client: Client, waits: Waits = {}): Promise<Uint8Array | undefined> {
  return (await optionalNode(client, NODE.verdict, waits))?.data;
}

export async function readBootstrap(client: Client, waits: Waits = {}): Promise<Uint8Array | undefined> {
  return (await optionalNode(client, NODE.bootstrap, waits))?.data;
}

// A node that is not there, is empty, or cannot be before the device is provisioned.
async function optionalNode(client: Client, uri: string, waits: Waits): Promise<Node | undefined> {
  try {
    const node = await treeGet(client, uri, waits);
    return node.data.length > 0 ? node : undefined;
  } catch (error) {
    const absent: number[] = [reasons.NoSuchNode.code, reasons.NotProvisioned.code];
    if (error instanceof CountersignError && absent.includes(error.code)) return undefined;
    throw error;
  }
}

/**
 * Writes the bootstrap document to a blank device, which then locks. Done when the device gives the same bytes back, or those
 * that a change of its operators has made of them: one may wait for it on a broker.
 */
export async function provision(client: Client, bootstrap: Uint8Array, waits: Waits = {}): Promise<Identity> {
  await treePut(client, NODE.bootstrap, bootstrap, waits);
  const { data } = await treeGet(client, NODE.bootstrap, waits);
  if (!same(data, bootstrap) && (await readChangeNumber(client, waits)) === 0n) throw notKept('the bootstrap document');
  return identify(client, waits);
}

/** The number of the last change of anchors, policy or groups; 0: there was none. */
export async function readChangeNumber(client: Client, waits: Waits = {}): Promise<bigint> {
  const node = await optionalNode(client, NODE.change, waits);
  const map = node && decode(node.data, 'the device’s number of changes');
  return (map instanceof Map ? wholeNumber(map.get(1)) : undefined) ?? 0n;
}

/**
 * Puts a change of anchors, policy or groups into the tree; false: the device has it already, and nothing is sent. Done when
 * the device shows it in force, under its number, or another one that came behind it.
 */
export async function putChange(client: Client, change: Uint8Array, waits: Waits = {}): Promise<boolean> {
  if (await hasChange(client, change, waits)) return false;
  await treePut(client, NODE.change, change, waits);
  if (await hasChange(client, change, waits)) return true;
  if ((await readChangeNumber(client, waits)) > viewChange(change, 'the change').sequence) return true;
  throw notKept('the change');
}

export async function hasChange(client: Client, change: Uint8Array, waits: Waits = {}): Promise<boolean> {
  const view = viewChange(change, 'the change');
  const bootstrap = await readBootstrap(client, waits);
  if (bootstrap === undefined || (await readChangeNumber(client, waits)) !== view.sequence) return false;
  return changeInForce(view, bootstrap, 'the device’s bootstrap document');
}

/**
 * Puts an approval document into the tree. The device keeps it only if it is authentic and newer; otherwise its reason
 * is the error. Done when the device shows it among those that it keeps, or one of the same operator that came behind it.
 */
export async function putApproval(client: Client, document: Uint8Array, waits: Waits = {}): Promise<void> {
  await treePut(client, NODE.approvals, document, waits);
  const kept = await readApprovals(client, waits);
  if (kept.some((one) => same(one, document) || isBehind(one, document))) return;
  throw notKept('the approval');
}

/** The approval documents that the device stores: the newest of each operator. */
export async function readApprovals(client: Client, waits: Waits = {}): Promise<Uint8Array[]> {
  const children = new TextDecoder().decode((await treeGet(client, NODE.approvals, waits)).data);
  const stored: Uint8Array[] = [];
  for (const child of children.split('/').filter(Boolean)) {
    const node = await optionalNode(client, `${NODE.approvals}/${child}`, waits);
    if (node) stored.push(node.data);
  }
  return stored;
}

function isBehind(kept: Uint8Array, document: Uint8Array): boolean {
  try {
    const [later, earlier] = [viewApproval(kept, 'what the device keeps'), viewApproval(document, 'the approval')];
    if (later.kid === undefined || earlier.kid === undefined) return false;
    return same(later.kid, earlier.kid) && later.claims.sequence > earlier.claims.sequence;
  } catch {
    return false; // one of them is no document
  }
}

function notKept(what: string): CountersignError {
  return new CountersignError('Fault', `device: it took ${what}, but does not give it back as it was written`);
}

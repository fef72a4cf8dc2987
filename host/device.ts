// What one can learn from a device, and bring to it, over any link: identity, bootstrap document, approvals. (Packages: host/deliver.ts.)
//
// The host asks and reports; every decision is the device's. What was written is read back before it is called done.

import { CountersignError } from './errors.js';
import { reasons } from './reasons.js';
import type { Client } from './smp/client.js';
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
} from './smp/commands.js';

// The management tree's nodes that the host uses. "1" is the one package slot of our devices.
const OBJECT = './FUMO/1';
const EXTENSION = `${OBJECT}/Ext/Countersign`;
export const NODE = {
  name: `${OBJECT}/PkgName`,
  version: `${OBJECT}/PkgVersion`,
  state: `${OBJECT}/State`,
  update: `${OBJECT}/Update`,
  bootstrap: `${EXTENSION}/Bootstrap`,
  approvals: `${EXTENSION}/Approvals`,
  verdict: `${EXTENSION}/Verdict`,
  deviceId: `${EXTENSION}/DeviceId`,
  installed: `${EXTENSION}/Installed`,
} as const;

// FUMO states (reference: FUMO 1.0, values of the State node).
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

interface Waits {
  signal?: AbortSignal | undefined;
}

export interface Identity {
  about: string; // what the agent calls itself
  bootloader: string;
  parameters: Parameters;
  provisioned: boolean;
  deviceId: string | undefined; // hex; none before it is provisioned
  state: number; // FUMO
  name: string;
  version: string;
  images: ImageState[];
}

export async function identify(client: Client, waits: Waits = {}): Promise<Identity> {
  const limits = await parameters(client, waits);
  const deviceId = await optionalNode(client, NODE.deviceId, waits);
  return {
    about: await osInfo(client, waits),
    bootloader: await bootloaderInfo(client, waits),
    parameters: limits,
    provisioned: deviceId !== undefined,
    deviceId: deviceId && Buffer.from(deviceId.data).toString('hex'),
    state: await readState(client, waits),
    name: textOf(await optionalNode(client, NODE.name, waits)),
    version: textOf(await optionalNode(client, NODE.version, waits)),
    images: await imageState(client, waits),
  };
}

export async function readState(client: Client, waits: Waits = {}): Promise<number> {
  return Number(textOf(await treeGet(client, NODE.state, waits)));
}

// A blank device has no identity yet: then the node is not there, or empty, or it says that it is not provisioned.
async function optionalNode(client: Client, uri: string, waits: Waits): Promise<Node | undefined> {
  try {
    const node = await treeGet(client, uri, waits);
    return node.data.length > 0 ? node : undefined;
  } catch (error) {
    const absent = [reasons.NoSuchNode.code, reasons.NotProvisioned.code] as number[];
    if (error instanceof CountersignError && absent.includes(error.code)) return undefined;
    throw error;
  }
}

const textOf = (node: Node | undefined): string => (node ? new TextDecoder().decode(node.data) : '');

// Writes the bootstrap document to a blank device. Ends only when the device names itself as the document does.
export async function provision(client: Client, bootstrap: Uint8Array, waits: Waits = {}): Promise<Identity> {
  await treePut(client, NODE.bootstrap, bootstrap, waits);
  const identity = await identify(client, waits);
  if (identity.provisioned) return identity;
  throw new CountersignError('Fault', 'provision: the device took the document, but is not provisioned');
}

// Puts an approval document into the tree. The device keeps it only if it is authentic and newer; if it does not, that is the error.
export async function putApproval(client: Client, document: Uint8Array, waits: Waits = {}): Promise<void> {
  await treePut(client, NODE.approvals, document, waits);
}

// What a board shows of its agent on a broker: what it reads there over a link of its own, and what the agent says on its console.

import {
  readApprovals,
  readChangeNumber,
  readDeviceId,
  readInstalled,
  readState,
  type Waits,
} from '../device/identity.js';
import { viewApproval } from '../formats/approval.js';
import { hex } from '../formats/bytes.js';
import { reasonData } from '../json.js';
import type { DeviceState } from '../links/topics.js';
import type { Client } from '../smp/client.js';
import { imageState } from '../smp/commands.js';

/** All of it or nothing: what was shown before stays then. Undefined for what the device does not have. */
export async function readDevice(client: Client, waits: Waits = {}): Promise<DeviceState> {
  const device = await readDeviceId(client, waits);
  const state = await readState(client, waits);
  const installed = await readInstalled(client, waits);
  const hash = (await imageState(client, waits)).find((image) => image.active)?.hash;
  const blank = device === undefined;
  const change = blank ? 0n : await readChangeNumber(client, waits);
  return {
    state,
    device,
    firmwareVersion: installed?.version,
    digest: hash && hex(hash),
    approvals: blank ? undefined : (await readApprovals(client, waits)).flatMap(heldApproval),
    change: change === 0n ? undefined : `${change}`,
  };
}

// What the device keeps it has verified; what names no key cannot be told apart.
function heldApproval(document: Uint8Array): NonNullable<DeviceState['approvals']> {
  try {
    const { claims, kid } = viewApproval(document, 'a document of the device');
    return kid ? [{ kid: hex(kid), sequence: `${claims.sequence}` }] : [];
  } catch {
    return [];
  }
}

/** A line of the agent's console that tells where its update stands. */
export function toldState(line: string): DeviceState | undefined {
  const told = /^state (\d{1,3}), reason (\d{1,3})$/.exec(line);
  return told ? { state: Number(told[1]), reason: reasonData(Number(told[2])) } : undefined;
}

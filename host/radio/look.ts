// What a board shows of its agent on a broker: what it reads there over a link of its own, and what the agent says on its console.

import {
  readApprovals,
  readBootstrap,
  readChangeNumber,
  readDeviceId,
  readInstalled,
  readState,
  type Waits,
} from '../device/identity.js';
import { viewApproval } from '../formats/approval.js';
import { viewBootstrap } from '../formats/bootstrap.js';
import { hex } from '../formats/bytes.js';
import { reasonData } from '../json.js';
import type { DeviceState } from '../links/topics.js';
import type { Client } from '../smp/client.js';
import { imageState } from '../smp/commands.js';

/**
 * All of it or nothing: what was shown before stays then. Undefined for what the device does not have. `before` is what was read
 * the last time: what only a change alters is not read again.
 */
export async function readDevice(client: Client, waits: Waits = {}, before?: DeviceState): Promise<DeviceState> {
  const device = await readDeviceId(client, waits);
  const state = await readState(client, waits);
  const installed = await readInstalled(client, waits);
  const hash = (await imageState(client, waits)).find((image) => image.active)?.hash;
  const blank = device === undefined;
  const number = blank ? 0n : await readChangeNumber(client, waits);
  const change = number === 0n ? undefined : `${number}`;
  const stands = before !== undefined && before.device === device && before.change === change;
  return {
    state,
    device,
    firmwareVersion: installed?.version,
    digest: hash && hex(hash),
    approvals: blank ? undefined : (await readApprovals(client, waits)).flatMap(heldApproval),
    change,
    groups: blank ? undefined : stands ? before.groups : await readGroups(client, waits),
  };
}

async function readGroups(client: Client, waits: Waits): Promise<string[] | undefined> {
  const bootstrap = await readBootstrap(client, waits);
  return bootstrap && viewBootstrap(bootstrap, 'the device’s bootstrap document')?.groups;
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

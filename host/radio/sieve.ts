// What of the papers on a broker an operator of this device has made: found out with the core, by the anchors that the agent itself
// names, so that no number of a stranger's papers keeps out the one that counts.
//
// It decides nothing. What it proves goes first and always has room; everything else goes in as well, a little at a time, and the
// agent says what it is. A paper that says that it is no newer than what the agent holds the agent would take in no case,
// whoever made it.

import type { Core } from '../core.js';
import { readBootstrap, type Waits } from '../device/identity.js';
import { viewApproval } from '../formats/approval.js';
import { viewBootstrap } from '../formats/bootstrap.js';
import { hex } from '../formats/bytes.js';
import { encode } from '../formats/cbor.js';
import { viewChange } from '../formats/change.js';
import { publicKeyToCose } from '../formats/keys.js';
import type { DeviceState } from '../links/topics.js';
import type { Client } from '../smp/client.js';
import { loadCore } from '../wasm.js';

export type Kind = 'approval' | 'change';

/** What a paper says of itself, proven or not. */
export interface Word {
  number: bigint;
  /** Who is said to have signed it; of an approval. */
  kid: string | undefined;
}

/** Is it made by an operator of this device? */
export type Sieve = (kind: Kind, bytes: Uint8Array, word: Word) => boolean;

/** Undefined: it is no such paper. */
export function wordOf(kind: Kind, bytes: Uint8Array): Word | undefined {
  try {
    if (kind === 'change') return { number: viewChange(bytes, 'it').sequence, kid: undefined };
    const { claims, kid } = viewApproval(bytes, 'it');
    return { number: claims.sequence, kid: kid && hex(kid) };
  } catch {
    return undefined;
  }
}

/** By what the agent said of itself it would not take this one: it holds that, or a newer one. */
export function saysThatItHolds({ approvals, change }: DeviceState, kind: Kind, { number, kid }: Word): boolean {
  if (kind === 'change') return change !== undefined && number <= BigInt(change);
  return approvals?.some((one) => one.kid === kid && number <= BigInt(one.sequence)) ?? false;
}

const nothing: Sieve = () => false;
let shared: Promise<Core | undefined> | undefined; // for all radios of this process: each uses it from one question to its answer

/** Asks the agent whom it trusts. A device without anchors proves nothing. Throws what the agent says, and its silence. */
export async function readSieve(client: Client, waits: Waits): Promise<Sieve> {
  shared ??= loadCore().catch(() => undefined);
  const [core, bootstrap] = [await shared, await readBootstrap(client, waits)];
  return core && bootstrap ? sieveOf(core, bootstrap) : nothing;
}

function sieveOf(core: Core, bootstrap: Uint8Array): Sieve {
  const keys = new Map<string, Uint8Array>();
  try {
    for (const { role, key } of viewBootstrap(bootstrap, 'the device')?.anchors ?? [])
      if (role === 'operator') keys.set(hex(key.kid), encode(publicKeyToCose(key)));
  } catch {
    return nothing; // of another version
  }
  return (kind, bytes, { kid }) => {
    if (kind === 'change') return core.provision(bootstrap) === 0 && core.change(bytes).reason === 0;
    const key = kid === undefined ? undefined : keys.get(kid);
    return key !== undefined && core.sign1Verify(key, bytes) === 0;
  };
}

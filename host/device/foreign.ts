// Brings an image to a board without our agent: any SMP server (Zephyr, Mynewt, MCUboot's serial recovery).
//
//   sending      the image itself, to the server's secondary slot (serial recovery: where the boot loader runs it from)
//   installing   marked for test, reset, seen running, confirmed; a boot loader without these is just reset
//
// Such a board checks at most who made the image. Nobody may call this without a verdict: it is the only guard.

import { CountersignError } from '../errors.js';
import { hex, same, sha256 } from '../formats/bytes.js';
import { type Client, smpFailure } from '../smp/client.js';
import {
  confirmImage,
  type ImageState,
  imageState,
  knowsOurGroup,
  parameters,
  reset,
  testImage,
} from '../smp/commands.js';
import { upload } from '../smp/upload.js';
import { sleep } from '../wait.js';
import { INSTALL_MS_DEFAULT, ignoreSilence, POLL_MS, type Steps } from './follow.js';
import type { Waits } from './identity.js';

export type ForeignOutcome =
  | { kind: 'confirmed'; version: string; hash: Uint8Array }
  | { kind: 'sent' } // the boot loader has it; it offers no test and no confirmation
  | { kind: 'reverted'; version: string }; // something else runs after the reset

export interface ForeignDelivery extends Waits {
  image: Uint8Array;
  installMs?: number;
}

/** Whether the other side is a board that cannot judge packages: it does not know our group. */
export const isForeign = async (client: Client, waits: Waits = {}): Promise<boolean> =>
  !(await knowsOurGroup(client, waits));

export async function* deliverForeign(client: Client, delivery: ForeignDelivery): Steps<ForeignOutcome> {
  const waits = { signal: delivery.signal };
  const { image } = delivery;
  const job = { file: image, digest: sha256(image), parameters: await parameters(client, waits), ...waits };
  const steps = upload(client, job);
  for (let step = await steps.next(); ; step = await steps.next()) {
    if (!step.done) yield { kind: 'work', phase: 'sending', done: step.value, total: image.length };
    else if (step.value.kind === 'refused') throw smpFailure(step.value.error, 'upload');
    else break;
  }
  yield { kind: 'work', phase: 'checking', done: 0, total: 0 };
  const staged = (await states(client, waits))?.find(({ image: which, active }) => which === 0 && !active);
  if (!staged?.hash) {
    await reset(client, waits).catch(ignoreSilence);
    return { kind: 'sent' };
  }
  await testImage(client, staged.hash, waits);
  await reset(client, waits).catch(ignoreSilence);
  yield { kind: 'work', phase: 'installing', done: 0, total: 0 };
  const running = await untilRunning(client, staged.hash, delivery);
  if (!running.hash || !same(running.hash, staged.hash)) return { kind: 'reverted', version: running.version };
  await confirmImage(client, waits);
  const now = (await states(client, waits))?.find(({ active }) => active);
  if (now?.confirmed && now.hash && same(now.hash, staged.hash)) {
    return { kind: 'confirmed', version: now.version, hash: now.hash };
  }
  throw new CountersignError(
    'Fault',
    `deliver: the board took the confirmation, but does not show ${hex(staged.hash)} as confirmed`,
  );
}

// What a server without the state command has, is not known.
async function states(client: Client, waits: Waits): Promise<ImageState[] | undefined> {
  try {
    return await imageState(client, waits);
  } catch (error) {
    if (error instanceof CountersignError && error.reason.name === 'DeviceRefused') return undefined;
    throw error;
  }
}

// The image that runs once the swap is over: the new one, or another that has run on after the time for it.
async function untilRunning(client: Client, hash: Uint8Array, delivery: ForeignDelivery): Promise<ImageState> {
  const waits = { signal: delivery.signal };
  const deadline = Date.now() + (delivery.installMs ?? INSTALL_MS_DEFAULT);
  let other: ImageState | undefined;
  while (Date.now() < deadline) {
    await sleep(POLL_MS, waits.signal);
    const images = await imageState(client, waits).catch(ignoreSilence);
    if (client.gone) throw client.gone;
    const active = images?.find((image) => image.active);
    if (active?.hash && same(active.hash, hash)) return active;
    // Still marked for test: the reset has not come yet.
    const pending = images?.some((image) => image.pending);
    if (active && !pending) return active;
    other = active ?? other;
  }
  if (other) return other;
  throw new CountersignError('TimedOut', 'deliver: the board did not come back after its reset');
}

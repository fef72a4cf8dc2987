// Brings an image to a board without our agent: any SMP server (Zephyr, Mynewt, MCUboot's serial recovery).
//
//                                    test and confirm                  MCUboot's serial recovery
//   sending     the image goes to    the secondary slot                the slot that it is started from: no way back
//   checking    the board shows it   by its hash, beside the old one   by hash, else version, if it finds it sound
//   installing  it is                marked for test, reset, seen      reset; an application that answers then is
//                                    running, confirmed                read back
//
// A boot loader that runs images in place or from RAM has neither test nor confirmation: such a board is reset, and must be
// seen running it. An empty list before and after the upload proves nothing: not that it is there, nor that it is not.
//
// An image is known by the hash in its own TLV, never by that of the file. Nothing is called done that was not read back.
// Such a board checks at most who made the image. Nobody may call this without a verdict: it is the only guard.

import { CountersignError } from '../errors.js';
import { type Bytes, readFrom, sha256Of, sizeOf } from '../formats/byte-source.js';
import { hex, same } from '../formats/bytes.js';
import { HEADER_BYTES, imageHash, isMcuboot, readMcuboot, sameVersion } from '../formats/images/mcuboot.js';
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

// An application whose boot loader had to look at the image first is up by then; most have no SMP, and never answer.
const ANSWER_MS = 5000;
const ANSWER_TRY_MS = 500;

/** confirm: for good. trial: it runs, and the next reset takes it back. test: marked, the reset is left to others. */
export type Ending = 'confirm' | 'trial' | 'test';

export type ThirdPartyOutcome =
  | { kind: 'confirmed' | 'unchanged' | 'on-trial' | 'marked'; version: string; hash: Uint8Array }
  | { kind: 'started'; version: string; hash: Uint8Array } // runs, on a board that has neither test nor confirmation
  | { kind: 'sent'; version: string; shown: boolean } // shown: the boot loader lists it as an image that it could start
  | { kind: 'reverted'; version: string }; // something else runs after the reset

export interface ThirdPartyDelivery extends Waits {
  image: Bytes;
  ending?: Ending;
  installMs?: number;
  /**
   * A last look whether it may be started; throws if not. Called before a byte is sent (some boards start it from where it
   * arrives, whatever becomes of this command), and again when everything is there and nothing is marked yet.
   */
  last?(reached: Reached): Promise<void>;
}

/** Where the image is: not sent, in a slot that is not started before it is marked, or where the next reset starts it. */
export type Reached = 'nowhere' | 'staged' | 'in place';

/** An image that boards with SMP can start. */
export interface Bootable {
  bytes: Bytes;
  version: string;
  hash: Uint8Array | undefined; // images of old tools may have none
}

/** Throws NotBootable: a board that is given anything else may not start again. */
export async function bootable(bytes: Bytes, name: string): Promise<Bootable> {
  if (!isMcuboot(await readFrom(bytes, 0, HEADER_BYTES))) {
    throw new CountersignError('NotBootable', `image: ${name} holds no MCUboot image`);
  }
  const read = await readMcuboot(bytes, name);
  return { bytes, version: read.version, hash: imageHash(read) };
}

/** Whether the other side is a board that cannot judge packages: it does not know our group. */
export const isThirdParty = async (client: Client, waits: Waits = {}): Promise<boolean> =>
  !(await knowsOurGroup(client, waits));

/** What the board runs, as far as it says. */
export const runningImage = async (client: Client, waits: Waits = {}): Promise<ImageState | undefined> =>
  (await states(client, waits))?.find(({ active }) => active);

export async function* deliverToThirdParty(client: Client, delivery: ThirdPartyDelivery): Steps<ThirdPartyOutcome> {
  const waits = { signal: delivery.signal };
  const { ending = 'confirm' } = delivery;
  const image = await bootable(delivery.image, 'the package');
  const { version } = image;

  const listed = await states(client, waits);
  const before = listed?.find(({ active }) => active);
  if (before === undefined) {
    // A boot loader in recovery runs no image; one that lists states could be asked for a trial, but starts slot 0.
    if (ending !== 'confirm') throw new CountersignError('NoTrial', `deliver: ${client.link.name} runs no application`);
    const text =
      'it runs no application now (serial recovery?): the image goes where it is started from, without a way back';
    yield { kind: 'note', text };
  }
  if (image.hash && before?.hash && same(before.hash, image.hash) && before.confirmed) {
    return { kind: 'unchanged', version, hash: image.hash };
  }
  const running = image.hash !== undefined && before?.hash !== undefined && same(before.hash, image.hash);
  if (!running) {
    await delivery.last?.('nowhere');
    yield* send(client, image, waits);
  }

  yield { kind: 'work', phase: 'checking', done: 0, total: 0 };
  const after = await states(client, waits);
  const silent = listed?.length === 0 && after?.length === 0;
  const staged = silent ? 'unknown' : entryOf(after, image);
  // What is asked for by its hash waits for that; anything else, the next reset starts.
  const waiting = staged !== 'unknown' && !(staged.active && !running) && before !== undefined;
  const hash = waiting ? staged.hash : undefined;
  await delivery.last?.(running ? 'nowhere' : hash ? 'staged' : 'in place');
  if (!hash) {
    if (ending !== 'confirm')
      throw new CountersignError('NoTrial', `deliver: ${client.link.name} names no hash to test`);
    await reset(client, waits).catch(ignoreSilence);
    return (await answering(client, image, waits)) ?? { kind: 'sent', version, shown: staged !== 'unknown' };
  }
  if (!running && !(await testImage(client, hash, waits))) {
    if (ending !== 'confirm') {
      throw new CountersignError('NoTrial', `deliver: ${client.link.name} took the image, and has no test of images`, {
        hint: 'the next reset starts it: leave out --test and --no-confirm, or reset the board yourself',
      });
    }
    yield {
      kind: 'note',
      text: 'the board has neither test nor confirmation: it is reset, and runs what it was given',
    };
    await reset(client, waits).catch(ignoreSilence);
    yield { kind: 'work', phase: 'installing', done: 0, total: 0 };
    const now = await untilRunning(client, hash, delivery);
    return now.hash && same(now.hash, hash)
      ? { kind: 'started', version, hash }
      : { kind: 'reverted', version: now.version };
  }
  if (!running) {
    if (ending === 'test') {
      const marked = entryOf(await states(client, waits), image);
      if (marked !== 'unknown' && marked.pending) return { kind: 'marked', version, hash };
      throw new CountersignError(
        'Fault',
        `deliver: the board took the mark, but does not show ${hex(hash)} as pending`,
      );
    }
    await reset(client, waits).catch(ignoreSilence);
    yield { kind: 'work', phase: 'installing', done: 0, total: 0 };
    const now = await untilRunning(client, hash, delivery);
    if (!now.hash || !same(now.hash, hash)) return { kind: 'reverted', version: now.version };
  }
  if (ending !== 'confirm') return { kind: 'on-trial', version, hash };
  await confirmImage(client, waits);
  const now = await runningImage(client, waits);
  if (now?.confirmed && now.hash && same(now.hash, hash)) return { kind: 'confirmed', version, hash };
  throw new CountersignError(
    'Fault',
    `deliver: the board took the confirmation, but does not show ${hex(hash)} as confirmed`,
  );
}

// What an application that speaks SMP says of itself after the reset; undefined where none answers in time.
async function answering(client: Client, image: Bootable, waits: Waits): Promise<ThirdPartyOutcome | undefined> {
  const deadline = Date.now() + ANSWER_MS;
  while (Date.now() < deadline && !client.gone) {
    const listed = await states(client, { ...waits, timeoutMs: ANSWER_TRY_MS, retries: 0 }).catch(ignoreSilence);
    const active = listed?.find((one) => one.active);
    if (active) {
      const { version } = image;
      const isOurs = active.hash && image.hash ? same(active.hash, image.hash) : versionIs(active.version, version);
      if (!isOurs) return { kind: 'reverted', version: active.version };
      return { kind: active.confirmed ? 'confirmed' : 'started', version, hash: active.hash ?? new Uint8Array() };
    }
    await sleep(POLL_MS, waits.signal);
  }
  return undefined;
}

async function* send(client: Client, image: Bootable, waits: Waits): Steps<void> {
  const { bytes } = image;
  const job = {
    file: bytes,
    digest: await sha256Of(bytes),
    parameters: await parameters(client, waits),
    aligned: true,
  };
  const steps = upload(client, { ...job, ...waits });
  for (let step = await steps.next(); ; step = await steps.next()) {
    if (!step.done) yield { kind: 'work', phase: 'sending', done: step.value, total: sizeOf(bytes) };
    else if (step.value.kind === 'refused') throw smpFailure(step.value.error, 'upload');
    else if (step.value.match === false) throw notTaken('it says that what it stored is not what was sent');
    else return;
  }
}

// Ours among what the board lists: boot loaders list only what they could start. Lists without hashes go by version.
function entryOf(listed: ImageState[] | undefined, image: Bootable): ImageState | 'unknown' {
  if (listed === undefined) return 'unknown';
  const hashed = image.hash !== undefined && listed.some(({ hash }) => hash !== undefined);
  const found = listed.find(({ hash, version }) =>
    hashed ? hash !== undefined && same(hash, image.hash!) : versionIs(version, image.version),
  );
  if (found) return found;
  const shown = listed.map(({ slot, version }) => `${version} in slot ${slot}`).join(', ');
  throw notTaken(`of ${image.version} nothing is listed, but ${shown || 'no image at all'}`);
}

const notTaken = (why: string) => new CountersignError('ImageNotTaken', `deliver: ${why}`);

// MCUboot and Zephyr write the build number behind a point, imgtool behind a plus.
const versionIs = (listed: string, header: string): boolean =>
  sameVersion(listed.replace(/^(\d+\.\d+\.\d+)\.(\d+)$/, '$1+$2'), header);

// What a server without the state command has, is not known.
async function states(
  client: Client,
  waits: Waits & { timeoutMs?: number; retries?: number },
): Promise<ImageState[] | undefined> {
  try {
    return await imageState(client, waits);
  } catch (error) {
    if (error instanceof CountersignError && error.reason.name === 'DeviceRefused') return undefined;
    throw error;
  }
}

// The image that runs once the swap is over: the new one, or another that has run on after the time for it.
async function untilRunning(client: Client, hash: Uint8Array, delivery: ThirdPartyDelivery): Promise<ImageState> {
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
  throw new CountersignError('TimedOut', 'deliver: the board did not come back after its reset', {
    hint: 'if the new firmware does not start, or does not confirm itself, the boot loader goes back at the next reset',
  });
}

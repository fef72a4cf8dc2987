// A package offered to a fleet's devices in Home Assistant: published once, and beside it a document for each device, which
// makes an entity of it there (home-assistant.ts). Who installs, and when, people decide there; whether, each device.
//
// Orders that "Install" has left, for an earlier offer or for what runs by now, are taken away at the next occasion: nobody else
// would. As everywhere, what was left on the broker is called kept when the broker gives it back.

import type { Offered } from '../describe/home-assistant.js';
import { STATE } from '../device/identity.js';
import { CountersignError } from '../errors.js';
import { same } from '../formats/bytes.js';
import { lost, readKept, requireKept } from '../links/approvals.js';
import { type FleetLine, openFleetLine } from '../links/fleet-line.js';
import { acknowledged, connectBroker, endBroker } from '../links/mqtt.js';
import type { PackagePlace } from '../links/packages.js';
import { readOrderPaper } from '../links/papers.js';
import { topicsOf } from '../links/topics.js';
import { sleep, within } from '../wait.js';
import {
  deviceOfEntity,
  ENTITY_BYTES_MAX,
  type EntityOffer,
  entityDocument,
  entityTopic,
  isInstallOrder,
} from './home-assistant.js';

const TIME_MS_MAX = 60_000;
const ENTITIES_MAX = 100_000; // as many devices as a line keeps
const AT_A_TIME = 64; // messages that wait for their acknowledgement
const LOOK_MS = 1000; // at what is new, while somebody watches
const KEPT = { qos: 1, retain: true } as const;

export interface Offering {
  /** Where Home Assistant looks. */
  prefix: string;
  dryRun?: boolean;
  signal?: AbortSignal | undefined;
}

/** Which devices are meant, of those that are known. */
export type Choosing = (line: FleetLine) => readonly string[] | Promise<readonly string[]>;

/** Offers a package to devices. Throws what the broker throws, and NotPublished if it does not keep what it was given. */
export async function offerInHomeAssistant(
  place: PackagePlace,
  offer: EntityOffer,
  choose: Choosing,
  options: Offering,
): Promise<Offered[]> {
  return withShelf(place, options, async (shelf, line) => {
    const devices = await choose(line);
    const done = await shelf.offer(offer, devices);
    await shelf.withdraw(devices, offer.digest);
    return done;
  });
}

/** The same, and for each device as it comes, until the signal ends it, with its error. */
export async function* keepOffering(
  place: PackagePlace,
  offer: EntityOffer,
  choose: Choosing,
  options: Offering & { signal: AbortSignal },
): AsyncGenerator<Offered, never, undefined> {
  const line = await openFleetLine(place, options.signal);
  const offered = new Set<string>();
  try {
    const shelf = await openShelf(place, line, options);
    try {
      for (;;) {
        const chosen = await choose(line);
        const fresh = chosen.filter((device) => !offered.has(device));
        for (const device of fresh) offered.add(device);
        if (fresh.length > 0) yield* await shelf.offer(offer, fresh);
        await shelf.withdraw(chosen, offer.digest);
        await sleep(LOOK_MS, options.signal);
      }
    } finally {
      await shelf.close();
    }
  } finally {
    await line.close();
  }
}

/** Takes entities away, also those of devices that are gone: all, or those that are chosen. */
export async function removeFromHomeAssistant(
  place: PackagePlace,
  choose: Choosing | undefined,
  options: Offering,
): Promise<Offered[]> {
  return withShelf(place, options, async (shelf, line) => {
    const devices = choose ? await choose(line) : undefined;
    const done = await shelf.remove(devices);
    await shelf.withdraw(devices ?? [...line.devices.keys()]);
    return done;
  });
}

interface Shelf {
  offer(offer: EntityOffer, devices: readonly string[]): Promise<Offered[]>;
  remove(devices: readonly string[] | undefined): Promise<Offered[]>;
  /** Orders of ours that are over; all but those for `digest`. */
  withdraw(devices: readonly string[], digest?: string): Promise<void>;
  close(): Promise<void>;
}

async function withShelf<T>(
  place: PackagePlace,
  options: Offering,
  work: (shelf: Shelf, line: FleetLine) => Promise<T>,
): Promise<T> {
  const line = await openFleetLine(place, options.signal);
  try {
    const shelf = await openShelf(place, line, options);
    try {
      return await work(shelf, line);
    } finally {
      await shelf.close();
    }
  } finally {
    await line.close();
  }
}

async function openShelf(
  { url, fleet }: PackagePlace,
  line: FleetLine,
  { prefix, dryRun = false, signal }: Offering,
): Promise<Shelf> {
  const client = await connectBroker(url, {}, within(TIME_MS_MAX, signal));
  const filter = entityTopic(prefix, fleet, '+');
  async function read(): Promise<Map<string, Uint8Array>> {
    const shelf = { filter, bytesMax: ENTITY_BYTES_MAX, countMax: ENTITIES_MAX };
    const found = await readKept(client, url, fleet, shelf, within(TIME_MS_MAX, signal));
    return new Map(found.map(({ topic, bytes }) => [topic, bytes]));
  }

  /** Leaves each where it is not yet, and reads it back; an empty one is taken away. */
  async function put(wanted: Map<string, Uint8Array>): Promise<Set<string>> {
    const before = await read();
    const isThere = (all: Map<string, Uint8Array>, topic: string) =>
      same(all.get(topic) ?? NOTHING, wanted.get(topic)!);
    const missing = [...wanted.keys()].filter((topic) => !isThere(before, topic));
    if (dryRun || missing.length === 0) return new Set(missing);
    for (let at = 0; at < missing.length; at += AT_A_TIME) {
      const batch = missing.slice(at, at + AT_A_TIME);
      const sent = batch.map((topic) =>
        acknowledged(url, client.publishAsync(topic, Buffer.from(wanted.get(topic)!), KEPT), signal),
      );
      await Promise.all(sent).catch((cause: unknown) => lost(client, url, cause));
    }
    const after = await read();
    for (const topic of missing) {
      const [document, found] = [wanted.get(topic)!, after.get(topic)];
      if (document.length > 0) requireKept(url, topic, document, found);
      else if (found) throw stillThere(topic);
    }
    return new Set(missing);
  }

  return {
    async offer(offer, devices) {
      const topics = new Map(devices.map((device) => [device, entityTopic(prefix, fleet, device)]));
      const wanted = devices.map(
        (device) => [topics.get(device)!, Buffer.from(entityDocument(fleet, device, offer))] as const,
      );
      const changed = await put(new Map(wanted));
      return [...topics].map(([device, topic]) => ({
        ...{ device, topic },
        outcome: changed.has(topic) ? 'offered' : 'unchanged',
      }));
    },
    async remove(devices) {
      const found = [...(await read()).keys()].flatMap((topic) => {
        const device = deviceOfEntity(topic);
        return device !== undefined && (devices?.includes(device) ?? true) ? [{ device, topic }] : [];
      });
      await put(new Map(found.map(({ topic }) => [topic, NOTHING])));
      return found.map((one) => ({ ...one, outcome: 'removed' }));
    },
    async withdraw(devices, digest) {
      for (const device of dryRun ? [] : devices) {
        const topic = topicsOf(fleet, device).order;
        const standing = line.standing(topic);
        const order = standing && readOrderPaper(standing);
        if (!order || !isInstallOrder(order)) continue;
        const { state } = line.devices.get(device) ?? {};
        const over = order.digest !== digest || (state?.digest === digest && state?.state === STATE.successNoData);
        if (over) await line.put(topic, '');
      }
    },
    close: () => endBroker(client),
  };

  function stillThere(topic: string): CountersignError {
    return new CountersignError('NotPublished', `mqtt: the broker still keeps what was removed under ${topic}`, {
      hint: 'allow the user in the URL to write and read these topics (ACL of the broker)',
    });
  }
}

const NOTHING = new Uint8Array();

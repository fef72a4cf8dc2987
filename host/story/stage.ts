// The stage: two devices of one hospital, each reached as in the field, and a person at each.
//
//   clinic   refuses what is not approved; on a serial line
//   ward     asks its user about what is not approved; on the broker
//
// Both run the agent that a microcontroller runs, from the same file; their flash is a file in a folder that goes with the story.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startVirtualBoard, type VirtualBoard } from '../../boards/virtual/board.js';
import { loadBoard } from '../boards.js';
import { hex, sha256 } from '../formats/bytes.js';
import { type Broker, startBroker } from '../links/broker.js';
import { openMqtt, untilOnline } from '../links/mqtt.js';
import { openSerial } from '../links/serial.js';
import { type Client, createClient } from '../smp/client.js';
import type { Question } from '../smp/commands.js';
import type { Link } from '../smp/link.js';

const FLEET = 'hospital';
export const DEVICE_NAMES = ['clinic', 'ward'] as const;
export type DeviceName = (typeof DEVICE_NAMES)[number];

export type Answer = 'yes' | 'no';
/** What the person at the device says to a question. */
export type Person = (question: Question) => Promise<Answer>;

export interface Device {
  name: DeviceName;
  client: Client;
  /** Where it is reached, for the transcript. */
  reached: string;
  /** A fingerprint of both slots: equal before and after means that not one payload byte was written. */
  slots(): string;
}

export interface Stage {
  devices: Record<DeviceName, Device>;
  close(): Promise<void>;
}

export async function setStage(person: Person, signal: AbortSignal): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-'));
  const open: { close(): Promise<void> }[] = [];
  const close = async () => {
    for (const thing of open.splice(0).reverse()) await thing.close();
    rmSync(folder, { recursive: true, force: true });
  };
  const keep = <T extends { close(): Promise<void> }>(thing: T): T => {
    open.push(thing);
    return thing;
  };
  try {
    const broker: Broker = keep(await startBroker());
    const flashOf = (name: DeviceName) => join(folder, `${name}.flash`);
    const start = async (name: DeviceName, extra: { broker?: string; fleet?: string } = {}): Promise<VirtualBoard> =>
      keep(await startVirtualBoard({ flash: flashOf(name), name, onQuestion: person, signal, ...extra }));
    const { flash: map } = await loadBoard('virtual');
    const slots = (name: DeviceName) => () => {
      const cells = readFileSync(flashOf(name));
      const region = ({ offset, bytes }: { offset: number; bytes: number }) => cells.subarray(offset, offset + bytes);
      return hex(sha256(region(map.primary), region(map.secondary)));
    };
    const device = (name: DeviceName, link: Link, reached: string): Device => ({
      name,
      client: createClient(keep(link)),
      reached,
      slots: slots(name),
    });

    const clinic = await start('clinic');
    await start('ward', { broker: broker.url, fleet: FLEET });
    const address = { url: broker.url, fleet: FLEET, device: 'ward' };
    await untilOnline(address, signal);
    return {
      devices: {
        clinic: device('clinic', await openSerial(clinic.port), `serial port ${clinic.port}`),
        ward: device('ward', await openMqtt(address, signal), `broker ${broker.url}`),
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

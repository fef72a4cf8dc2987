// The stage: two devices of one hospital, and a person at each.
//
//   clinic   refuses what is not approved
//   ward     asks its user about what is not approved
//
// Both run the agent that a microcontroller runs, from the same file; their flash is a file in a folder that goes with the
// story. On the virtual board clinic hangs on a serial line and ward on the broker, and the person is asked through the
// board's panel. Emulated micro:bits have a serial line each; the person reads the question there and presses a button.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Microbit, startMicrobit } from '../../boards/microbit/board.js';
import { startVirtualBoard, type VirtualBoard } from '../../boards/virtual/board.js';
import { type FlashMap, loadBoard } from '../boards.js';
import { hex, sha256 } from '../formats/bytes.js';
import { type Broker, startBroker } from '../links/broker.js';
import { openMqtt, untilOnline } from '../links/mqtt.js';
import { openSerial } from '../links/serial.js';
import { openTcp } from '../links/tcp.js';
import { type Client, createClient } from '../smp/client.js';
import { type Question, readQuestion } from '../smp/commands.js';
import { orAbort, withResolvers } from '../wait.js';

const FLEET = 'hospital';
export const DEVICE_NAMES = ['clinic', 'ward'] as const;
export type DeviceName = (typeof DEVICE_NAMES)[number];
export const BOARD_NAMES = ['virtual', 'microbit'] as const;
export type BoardName = (typeof BOARD_NAMES)[number];

export type Answer = 'yes' | 'no';
/** What the person at the device says to a question. */
export type Person = (question: Question) => Promise<Answer>;

export interface Device {
  name: DeviceName;
  client: Client;
  /** Where it is reached, for the transcript. */
  reached: string;
  /** A fingerprint of both slots: equal before and after means that not one payload byte was written. */
  slots(): Promise<string>;
  /** Resets the board, and gives the first line that the application says then. Absent: the board executes none. */
  banner?(): Promise<string>;
}

export interface Stage {
  devices: Record<DeviceName, Device>;
  close(): Promise<void>;
}

type Keep = <T extends { close(): Promise<void> }>(thing: T) => T;

interface Setting {
  person: Person;
  signal: AbortSignal;
  folder: string;
  /** What is told while the stage is set. */
  note(text: string): void;
  /** Closed at the end, the last one first. */
  keep: Keep;
}

const SETTERS: Record<BoardName, (setting: Setting) => Promise<Stage['devices']>> = {
  virtual: setVirtual,
  microbit: setMicrobits,
};

export async function setStage(
  board: BoardName,
  person: Person,
  note: (text: string) => void,
  signal: AbortSignal,
): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-'));
  const open: { close(): Promise<void> }[] = [];
  const close = async () => {
    for (const thing of open.splice(0).reverse()) await thing.close();
    rmSync(folder, { recursive: true, force: true });
  };
  const keep: Keep = (thing) => {
    open.push(thing);
    return thing;
  };
  try {
    return { devices: await SETTERS[board]({ person, signal, folder, note, keep }), close };
  } catch (error) {
    await close();
    throw error;
  }
}

function fingerprint(cells: Uint8Array, { primary, secondary }: FlashMap): string {
  const region = ({ offset, bytes }: { offset: number; bytes: number }) => cells.subarray(offset, offset + bytes);
  return hex(sha256(region(primary), region(secondary)));
}

async function setVirtual({ person, signal, folder, keep }: Setting): Promise<Stage['devices']> {
  const broker: Broker = keep(await startBroker());
  const { flash: map } = await loadBoard('virtual');
  const flashOf = (name: DeviceName) => join(folder, `${name}.flash`);
  const start = async (name: DeviceName, extra: { broker?: string; fleet?: string } = {}): Promise<VirtualBoard> =>
    keep(await startVirtualBoard({ flash: flashOf(name), name, onQuestion: person, signal, ...extra }));
  const slots = (name: DeviceName) => async () => fingerprint(readFileSync(flashOf(name)), map);

  const clinic = await start('clinic');
  await start('ward', { broker: broker.url, fleet: FLEET });
  const address = { url: broker.url, fleet: FLEET, device: 'ward' };
  await untilOnline(address, signal);
  const lines = { clinic: await openSerial(clinic.port), ward: await openMqtt(address, signal) };
  const device = (name: DeviceName, reached: string): Device => ({
    name,
    client: createClient(keep(lines[name])),
    reached,
    slots: slots(name),
  });
  return {
    clinic: device('clinic', `serial port ${clinic.port}`),
    ward: device('ward', `broker ${broker.url}`),
  };
}

const MICROBIT_ANSWER_MS = 10_000; // an emulated core checks a signature in seconds when the machine is busy
const BANNER_MS = 120_000;
const QUESTION = /^Install .*\? yes\/no$/; // what the agent says on its serial line (assembly/smp/notice.ts)
const BANNER = /^demo-app /; // boards/microbit/app/main.c

async function setMicrobits({ person, signal, folder, note, keep }: Setting): Promise<Stage['devices']> {
  const { flash: map } = await loadBoard('microbit');
  const device = async (name: DeviceName): Promise<Device> => {
    let heard: (line: string) => void = note;
    const board: Microbit = keep(
      await startMicrobit({ flash: join(folder, `${name}.flash`), onText: (line) => heard(line) }),
    );
    const client = createClient(keep(await openTcp(board.port, signal)), { timeoutMs: MICROBIT_ANSWER_MS });
    let banner = withResolvers<string>();
    heard = (line) => {
      if (BANNER.test(line)) banner.resolve(line);
      if (QUESTION.test(line)) void answer().catch(() => undefined); // the link's end is told by who waits for the answer
    };
    const answer = async () => {
      const question = await readQuestion(client, { signal });
      if (question.pending) await board.press((await person(question)) === 'yes' ? 'a' : 'b');
    };
    return {
      name,
      client,
      reached: `serial line ${board.port} of an emulated micro:bit`,
      slots: async () => fingerprint(await board.readFlash(), map),
      async banner() {
        banner = withResolvers();
        await board.reset();
        return orAbort(banner.promise, AbortSignal.any([signal, AbortSignal.timeout(BANNER_MS)]));
      },
    };
  };
  return { clinic: await device('clinic'), ward: await device('ward') };
}

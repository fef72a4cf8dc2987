// The stage: two devices of one hospital, and a person at each.
//
//   clinic   refuses what is not approved
//   ward     asks its user about what is not approved
//
// Both run the agent that a microcontroller runs, from the same file, on a board that needs no hardware; their flash is a file
// in a folder that goes with the story. Where a broker reaches the board, ward hangs on one; else both have a serial line. A
// board with a panel puts its question to the person there. On a board with buttons the person reads it on the serial line,
// and presses one.

import { EventEmitter, once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import {
  type Broker,
  type Client,
  createClient,
  type FlashMap,
  hex,
  join,
  type Link,
  listRunners,
  loadBoard,
  openMqtt,
  openSerial,
  openTcp,
  readAsked,
  sha256Of,
  startBoard,
  startBroker,
  untilOnline,
} from '../index.js';

const FLEET = 'hospital';
export const DEVICE_NAMES = ['clinic', 'ward'] as const;
export type DeviceName = (typeof DEVICE_NAMES)[number];

export type Answer = 'yes' | 'no';

/** What the person is shown of a question. */
export interface Asking {
  name?: string | undefined;
  version?: string | undefined;
  reason?: number | undefined;
  digest?: Uint8Array | undefined;
}

/** What the person at the device says to a question. */
export type Person = (question: Asking) => Promise<Answer>;

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
  /** They have a button or a panel of their own. Without one, a person types on the line that delivers. */
  hasUser: boolean;
  devices: Record<DeviceName, Device>;
  close(): Promise<void>;
}

interface Setting {
  board: string;
  map: FlashMap;
  /** For ward, where the board has a radio. */
  broker: Broker | undefined;
  folder: string;
  person: Person;
  signal: AbortSignal;
  /** What is told while the stage is set. */
  note(text: string): void;
  /** Closed at the end, the last one first. */
  keep<T extends { close(): Promise<void> }>(thing: T): T;
}

export async function setStage(
  board: string,
  person: Person,
  note: (text: string) => void,
  signal: AbortSignal,
): Promise<Stage> {
  const folder = mkdtempSync(joinPath(tmpdir(), 'countersign-'));
  const open: { close(): Promise<void> }[] = [];
  const close = async () => {
    for (const thing of open.splice(0).reverse()) await thing.close();
    rmSync(folder, { recursive: true, force: true });
  };
  const keep: Setting['keep'] = (thing) => {
    open.push(thing);
    return thing;
  };
  try {
    const { flash: map, abilities } = await loadBoard(board);
    const hasRadio = listRunners().some(({ name, radio }) => name === board && radio === true);
    const broker = hasRadio ? keep(await startBroker()) : undefined;
    const setting = { board, map, folder, person, signal, note, keep };
    const clinic = await setDevice('clinic', { ...setting, broker: undefined });
    const ward = await setDevice('ward', { ...setting, broker });
    return { hasUser: abilities.user, devices: { clinic, ward }, close };
  } catch (error) {
    await close();
    throw error;
  }
}

const ANSWER_MS = 10_000; // an emulated core checks a signature in seconds when the machine is busy
const BANNER_MS = 120_000;
const QUESTION = /^Install .*\? yes\/no$/; // what the agent says on its serial line (assembly/smp/notice.ts)
const BANNER = /^demo-app /; // boards/microbit/app/main.c
/** Buttons of the panel, or keys that type on the console: a board has one of each. */
const BUTTONS = { yes: ['a', 'y'], no: ['b', 'n'], reset: ['r'] } as const;

async function setDevice(name: DeviceName, setting: Setting): Promise<Device> {
  const { board, map, broker, folder, person, signal, note, keep } = setting;
  const said = new EventEmitter();
  const buttons: Record<string, () => void> = {};
  let heard = note;
  const started = keep(
    await startBoard(board, {
      flash: joinPath(folder, `${name}.flash`),
      radio: { ...(broker && { broker: broker.url }), fleet: FLEET, name },
      card: undefined,
      panel: {
        interactive: true,
        heard: (line) => heard(line),
        note: () => undefined, // which keys are buttons: here a program presses them
        warn: note,
        answers: () => ({ ask: (question) => person(question), close: () => undefined }),
        buttons(those) {
          Object.assign(buttons, those);
          return () => undefined;
        },
      },
    }),
  );
  const client = createClient(keep(await lineTo(name, started.port, setting)), { timeoutMs: ANSWER_MS });
  const button = (what: keyof typeof BUTTONS) => BUTTONS[what].map((letter) => buttons[letter]).find(Boolean);
  const reset = button('reset'); // there is one where there are buttons
  const answer = async () => {
    const question = await readAsked(client, { signal });
    if (question) button(await person(question))?.();
  };
  heard = (line) => {
    if (BANNER.test(line)) said.emit('banner', line);
    if (reset && QUESTION.test(line)) void answer().catch(() => undefined); // the link's end is told by who waits for the answer
  };
  return {
    name,
    client,
    reached: broker ? `broker ${broker.url}` : `serial port ${started.port}`,
    slots: async () => fingerprint(await started.readFlash(), map),
    ...(reset && {
      async banner() {
        const limit = AbortSignal.any([signal, AbortSignal.timeout(BANNER_MS)]);
        const line = once(said, 'banner', { signal: limit });
        reset();
        return String((await line)[0]);
      },
    }),
  };
}

async function lineTo(device: DeviceName, port: string, { broker, signal }: Setting): Promise<Link> {
  if (!broker) return port.startsWith('tcp:') ? openTcp(port, signal) : openSerial(port);
  const address = { url: broker.url, fleet: FLEET, device };
  await untilOnline(address, signal);
  return openMqtt(address, signal);
}

async function fingerprint(cells: Uint8Array, { primary, secondary }: FlashMap): Promise<string> {
  const region = ({ offset, bytes }: { offset: number; bytes: number }) => cells.subarray(offset, offset + bytes);
  return hex(await sha256Of(join([region(primary), region(secondary)])));
}

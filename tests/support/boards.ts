// One driver for every board that runs the agent: what a suite does with a board, whatever the board is. Emulated ones run in QEMU.
// COUNTERSIGN_BOARD and COUNTERSIGN_PORT name real silicon in their place, whose serial port is open to us and which is blank: the
// agent alone. What it cannot do (let its flash be read, press its own button, lose its power) is left out, and said.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startSf2 } from '../../boards/emcraft-sf2/qemu.js';
import { buildApplication, buildFirmware } from '../../boards/port/build.js';
import type { Emulator } from '../../boards/port/emulator.js';
import { startVirt } from '../../boards/riscv-virt/qemu.js';
import { type FlashMap, loadBoard, type Region } from '../../host/boards.js';
import { readImage } from '../../host/formats/images/image.js';
import { openSerial } from '../../host/links/serial.js';
import { openTcp } from '../../host/links/tcp.js';
import type { Client } from '../../host/smp/client.js';
import { readQuestion, reset as resetByCommand } from '../../host/smp/commands.js';
import type { Link } from '../../host/smp/link.js';
import { canRunMicrobit, microbitBench } from './microbit.js';
import { have } from './need.js';

export const VERSIONS = ['1.0.0', '1.1.0'] as const;
export type Version = (typeof VERSIONS)[number];

/** Consent channels of a policy, as bits: assembly/policy/consent.ts. */
const LOCAL = 1;
const DELIVERING = 4;

export interface Emulated {
  emulator: Emulator;
  /** Where the processor is, of a machine that stands still. */
  programCounter(): Promise<number>;
}

export interface Board {
  name: string;
  map: FlashMap;
  apps: Record<Version, Uint8Array>;
  /** What the policy of a device must allow for `answer` to count. */
  channels: number;
  /** Undefined: real silicon. Another one after `stopAndStart`. */
  readonly emulated: Emulated | undefined;
  connect(): Promise<Link>;
  /** As a power cut that RAM survives; of silicon, as a reset by command. */
  reset(client: Client): Promise<void>;
  /** With the flash it had, or the one given, and fresh RAM: connect again. Silicon goes on. */
  stopAndStart(flash?: Uint8Array): Promise<void>;
  /** What stands in a region now; undefined: this board does not tell. */
  read(region: Region): Promise<Uint8Array | undefined>;
  /** As a person does it who is asked: again, if the board took no notice. */
  answer(client: Client, answer: 'yes' | 'no'): Promise<void>;
  end(): Promise<void>;
}

interface Kind {
  name: string;
  canRun(): boolean;
  /** `wasm` makes the module in the agent's place, in that folder. */
  open(wasm?: (folder: string) => string): Promise<Board>;
}

/** An emulated board: how it starts, is pressed, and what runs on it. */
interface Machine<E extends Emulator> {
  name: string;
  start(flash?: Uint8Array): Promise<E>;
  apps: Record<Version, Uint8Array>;
  /** As QEMU's monitor shows it among the registers. */
  programCounter: RegExp;
  press?(emulator: E, answer: 'yes' | 'no'): Promise<void>;
  end(): Promise<void>;
}

async function emulatedBoard<E extends Emulator>(machine: Machine<E>): Promise<Board> {
  let emulator = await machine.start();
  const programCounter = async () => {
    const said = await emulator.control('human-monitor-command', { 'command-line': 'info registers' });
    return Number.parseInt(machine.programCounter.exec(String(said))?.[1] ?? '', 16);
  };
  return {
    name: machine.name,
    map: (await loadBoard(machine.name)).flash,
    apps: machine.apps,
    channels: machine.press ? LOCAL : LOCAL | DELIVERING,
    get emulated() {
      return { emulator, programCounter };
    },
    connect: () => openTcp(emulator.url),
    reset: () => emulator.reset(),
    async stopAndStart(flash) {
      const kept = flash ?? (await emulator.readFlash());
      await emulator.close();
      emulator = await machine.start(kept);
    },
    async read({ offset, bytes }) {
      return (await emulator.readFlash()).subarray(offset, offset + bytes);
    },
    answer: untilAnswered((client, answer) => machine.press?.(emulator, answer) ?? type(client, answer)),
    async end() {
      await emulator.close();
      await machine.end();
    },
  };
}

/** On the board's own line, as its person would; the empty line ends what was typed before. */
const type = async (client: Client, answer: string) => client.link.type?.(Buffer.from(` \n${answer}\n`));

const untilAnswered =
  (give: (client: Client, answer: 'yes' | 'no') => Promise<void>): Board['answer'] =>
  async (client, answer) => {
    while ((await readQuestion(client)).pending) await give(client, answer);
  };

async function microbit(wasm?: (folder: string) => string): Promise<Board> {
  const bench = await microbitBench(wasm);
  return emulatedBoard({
    name: 'microbit',
    start: (flash) => bench.start(flash && { flash }),
    apps: await appsOf(microbitApp),
    programCounter: /R15=([0-9a-f]{8})/,
    press: (emulator, answer) => emulator.press(answer === 'yes' ? 'a' : 'b'),
    end: bench.end,
  });
}

async function microbitApp(version: Version): Promise<Uint8Array> {
  const hex = `boards/microbit/app/app-${version}.hex`;
  return (await readImage(readFileSync(hex), hex)).bytes;
}

interface Made {
  firmware: string;
  flash?: Uint8Array;
}

/** A board whose flash is a file of QEMU's, and whose application is built here. */
const withFlashFile =
  (name: string, start: (made: Made) => Promise<Emulator>, programCounter: RegExp): Kind['open'] =>
  async (wasm) => {
    const folder = mkdtempSync(join(tmpdir(), `countersign-${name}-`));
    const firmware = await buildFirmware(name, { folder, ...(wasm && { wasm: wasm(folder) }) });
    return emulatedBoard({
      name,
      start: (flash) => start({ firmware, ...(flash && { flash }) }),
      apps: await appsOf((version) => buildApplication(name, version, folder)),
      programCounter,
      end: async () => rmSync(folder, { recursive: true }),
    });
  };

async function appsOf(make: (version: Version) => Promise<Uint8Array>): Promise<Record<Version, Uint8Array>> {
  return { '1.0.0': await make('1.0.0'), '1.1.0': await make('1.1.0') };
}

export const canRunVirt = () => have('qemu-system-riscv32', 'riscv64-unknown-elf-gcc', 'sh');

/** Those that can be looked into. */
export const EMULATED: Kind[] = [
  { name: 'microbit', canRun: canRunMicrobit, open: microbit },
  {
    name: 'riscv-virt',
    canRun: canRunVirt,
    open: withFlashFile('riscv-virt', startVirt, /^ pc +([0-9a-f]{8})/m),
  },
  {
    name: 'emcraft-sf2',
    canRun: () => have('qemu-system-arm', 'arm-none-eabi-gcc', 'sh'),
    open: withFlashFile('emcraft-sf2', startSf2, /R15=([0-9a-f]{8})/),
  },
];

/** Somebody sits at it; what is asked is typed on its line. */
async function silicon(name: string, port: string): Promise<Board> {
  console.warn(`${name} at ${port}: LEFT OUT, its flash is not read, its power not cut, its button not pressed`);
  const folder = mkdtempSync(join(tmpdir(), `countersign-${name}-`));
  const app = name === 'microbit' ? microbitApp : (version: Version) => buildApplication(name, version, folder);
  return {
    name,
    map: (await loadBoard(name)).flash,
    apps: await appsOf(app),
    channels: LOCAL | DELIVERING,
    emulated: undefined,
    connect: () => (port.startsWith('tcp:') ? openTcp(port) : openSerial(port)),
    reset: (client) => resetByCommand(client),
    stopAndStart: async () => undefined,
    read: async () => undefined,
    answer: untilAnswered(type),
    end: async () => rmSync(folder, { recursive: true }),
  };
}

const { COUNTERSIGN_BOARD: named, COUNTERSIGN_PORT: port } = process.env;
if ((named === undefined) !== (port === undefined))
  throw new Error('COUNTERSIGN_BOARD and COUNTERSIGN_PORT go together');

/** The boards that a suite runs on. */
export const BOARDS: Kind[] =
  named && port ? [{ name: named, canRun: () => true, open: () => silicon(named, port) }] : EMULATED;

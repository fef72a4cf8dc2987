// The micro:bit in QEMU: buttons, and flash that can be taken out and put back. Beside QMP (boards/port/emulator.ts) QEMU opens
// two sockets to us: qtest (button pins) and gdb (writes flash while the machine stands still).
//
// A reset here is a power cut that leaves the mailbox's RAM: QEMU keeps RAM and flash, except what it loaded as the
// kernel, the agent, which it loads anew.

import type { Socket } from 'node:net';
import { sleep } from '../../host/wait.js';
import { type Emulator, startMachine } from '../port/emulator.js';
import { addressOf, openDebugger } from './debugger.js';
import { openProbe, type Probe } from './qtest.js';

const FLASH_BYTES = 0x40000;
const AGENT_END = 0x10000; // below it stands what -kernel loads

const HAND_OVER = 'chip_start_image'; // in boards/port

/** Button pins of the nRF51, low while pressed. */
const PINS = { a: 17, b: 26 } as const;

// How long a finger stays: until the program has looked often enough, however little of this machine QEMU was given.
const LOOK_MS = 150; // longer than contacts bounce
const LOOKS = 8;
const LOOK_MS_MAX = 5000; // a program that does not use that timer is given so long
const LOOKED_AT = 0x40008540; // TIMER0 CC[0]: agent and application take the time into it each time round their loop

export interface MicrobitEmulator extends Emulator {
  press(button: keyof typeof PINS): Promise<void>;
}

export interface EmulatorOptions {
  /** The agent: an ELF of boards/port/build.ts. */
  firmware: string;
  /** Flash as readFlash() gave it; without it, flash is as QEMU makes it. The agent's own part is taken from `firmware`. */
  flash?: Uint8Array;
  /** Hears of the flash as it stands each time the agent hands over to an application. */
  onHandOver?(flash: Uint8Array): void;
  /** More arguments for QEMU. */
  arguments?: string[];
  signal?: AbortSignal;
}

export async function startEmulator({
  firmware,
  flash,
  onHandOver,
  arguments: more = [],
  signal,
}: EmulatorOptions): Promise<MicrobitEmulator> {
  const { sockets, still, ...machine } = await startMachine({
    name: 'microbit',
    qemu: 'qemu-system-arm',
    sockets: ['qtest', 'gdb'],
    words: (_, [qtestAt, gdbAt]) => [
      ...['-M', 'microbit', '-qtest', `unix:${qtestAt}`, '-qtest-log', 'none'],
      ...['-chardev', `socket,id=gdb,path=${gdbAt}`, '-gdb', 'chardev:gdb', '-kernel', firmware, ...more],
    ],
    signal,
  });
  const saveFlash = () => machine.saveMemory(0, FLASH_BYTES);
  try {
    const [pins, debug] = sockets as [Socket, Socket];
    const { setPin, readWord } = openProbe(pins);
    const debugger_ = openDebugger(debug);
    if (flash) await debugger_.write(AGENT_END, flash.subarray(AGENT_END));
    if (onHandOver) {
      const look = async () => onHandOver(await saveFlash());
      await debugger_.stopAt(addressOf(firmware, HAND_OVER), look);
    }
    for (const pin of Object.values(PINS)) await setPin(pin, 1);
    await machine.control('cont');
    return {
      ...machine,
      saveFlash,
      readFlash: () => still(saveFlash),
      async press(button) {
        await setPin(PINS[button], 0);
        await looked(readWord);
        await setPin(PINS[button], 1);
        await looked(readWord);
      },
    };
  } catch (cause) {
    await machine.close();
    throw cause;
  }
}

async function looked(readWord: Probe['readWord']): Promise<void> {
  const began = performance.now();
  const passed = () => performance.now() - began;
  let seen: number | undefined;
  for (let looks = 0; (looks <= LOOKS || passed() < LOOK_MS) && passed() < LOOK_MS_MAX; ) {
    const now = await readWord(LOOKED_AT);
    if (now !== seen) looks++;
    seen = now;
    await sleep(1);
  }
}

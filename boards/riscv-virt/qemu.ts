// QEMU's RISC-V virt machine as a board: the agent in its first flash device, slots and state in the second one, which is a file that
// QEMU keeps as it changes.
//
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Emulator, flashFile, startMachine } from '../port/emulator.js';

const AGENT_ADDRESS = 0x20000000;
const AGENT_BYTES = 0x40000;
const DEVICE_BYTES = 0x2000000; // QEMU takes a file of no other size
const USED_BYTES = 0x2c0000; // of the second device: the regions of board.json

/** A comma ends a value of QEMU's, unless there are two. */
const escaped = (path: string) => path.replaceAll(',', ',,');

/**
 * The machine with a program in its first flash device, which is loaded and entered at every reset (the machine's own way begins in RAM),
 * and random bytes, by the registers of today's virtio.
 */
export const virtWords = (firmware: string): string[] => [
  ...['-M', 'virt', '-bios', 'none', '-device', `loader,file=${escaped(firmware)},cpu-num=0`],
  ...['-global', 'virtio-mmio.force-legacy=false', '-device', 'virtio-rng-device', '-nic', 'none'],
];

export interface VirtOptions {
  /** The agent: an ELF of boards/port/build.ts. */
  firmware: string;
  /** Path of the file that is the second flash device, made when absent; without it there is one for as long as QEMU runs. */
  flashPath?: string;
  /** What that file is made of, as readFlash() gave it. */
  flash?: Uint8Array;
  /** The chips are protected: they refuse to be written and erased. */
  protect?: boolean;
  signal?: AbortSignal;
}

export async function startVirt({
  firmware,
  flashPath,
  flash,
  protect = false,
  signal,
}: VirtOptions): Promise<Emulator> {
  let path = flashPath;
  const { sockets, still, ...machine } = await startMachine({
    name: 'riscv-virt',
    qemu: 'qemu-system-riscv32',
    words(folder) {
      path = flashFile(flashPath ?? join(folder, 'flash'), DEVICE_BYTES, flash?.subarray(DEVICE_BYTES));
      return [
        ...virtWords(firmware),
        ...['-drive', `if=pflash,unit=1,format=raw,readonly=${protect ? 'on' : 'off'},file=${escaped(path)}`],
      ];
    },
    signal,
  });
  // From the file: a device that is being written answers the processor with its status. QEMU writes it before a command is over.
  const saveFlash = async (): Promise<Uint8Array> => {
    const all = new Uint8Array(DEVICE_BYTES + USED_BYTES);
    all.set(await machine.saveMemory(AGENT_ADDRESS, AGENT_BYTES));
    all.set(readFileSync(path!).subarray(0, USED_BYTES), DEVICE_BYTES);
    return all;
  };
  await machine.control('cont');
  return { ...machine, saveFlash, readFlash: () => still(saveFlash) };
}

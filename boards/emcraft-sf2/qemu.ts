// The Emcraft SmartFusion2 kit in QEMU: the agent in its ROM, the serial NOR a file that QEMU keeps as it changes.
//
// What is made with the board goes into a new file as it would into the part: the first record of its seed (seed.c).

import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { encodeSettings, type NetworkSettings } from '../net/settings.js';
import { type Emulator, flashFile, startMachine } from '../port/emulator.js';

const ROM_BYTES = 0x40000; // of board.json's envm; the offsets of the NOR begin behind it
const NOR_BYTES = 0x1000000;
const SEED = 0x230000; // layout.h
const SEED_BYTES = 32;
const NETWORK = 0x250000; // layout.h

export interface Sf2Options {
  /** The agent: an ELF of boards/port/build.ts. */
  firmware: string;
  /** Path of the file that is the NOR, made when absent; without it there is one for as long as QEMU runs. */
  flashPath?: string;
  /** What that file is made of, as readFlash() gave it. */
  flash?: Uint8Array;
  /** Written into the NOR; without it the board has the network that it had, if any. */
  network?: NetworkSettings;
  signal?: AbortSignal;
}

export async function startSf2({ firmware, flashPath, flash, network, signal }: Sf2Options): Promise<Emulator> {
  let path = flashPath;
  const { sockets, still, ...machine } = await startMachine({
    name: 'emcraft-sf2',
    qemu: 'qemu-system-arm',
    words(folder) {
      path ??= join(folder, 'flash');
      const content = flash?.subarray(ROM_BYTES) ?? (existsSync(path) ? undefined : newNor());
      flashFile(path, NOR_BYTES, content);
      if (network) writeAt(path, NETWORK, encodeSettings(network));
      const drive = `if=mtd,format=raw,file=${path.replaceAll(',', ',,')}`;
      return ['-M', 'emcraft-sf2', '-kernel', firmware, '-drive', drive, '-nic', 'user'];
    },
    signal,
  });
  const saveFlash = async (): Promise<Uint8Array> => {
    const all = new Uint8Array(ROM_BYTES + NOR_BYTES);
    all.set(await machine.saveMemory(0, ROM_BYTES));
    all.set(readFileSync(path!), ROM_BYTES);
    return all;
  };
  await machine.control('cont');
  return { ...machine, saveFlash, readFlash: () => still(saveFlash) };
}

function writeAt(path: string, offset: number, bytes: Uint8Array): void {
  const file = openSync(path, 'r+');
  writeSync(file, bytes, 0, bytes.length, offset);
  closeSync(file);
}

function newNor(): Uint8Array {
  const record = new DataView(new ArrayBuffer(SEED_BYTES + 12));
  record.setUint32(0, 1, true);
  record.setUint32(4, ~1, true);
  new Uint8Array(record.buffer).set(randomBytes(SEED_BYTES), 8);
  record.setUint32(8 + SEED_BYTES, crc32(new Uint8Array(record.buffer, 0, 8 + SEED_BYTES)), true);
  const nor = new Uint8Array(SEED + record.byteLength).fill(0xff);
  nor.set(new Uint8Array(record.buffer), SEED);
  return nor;
}

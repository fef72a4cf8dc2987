// The agent's settings, read from and laid out in flash by ourselves (assembly/flash/store.ts says how they stand there):
// two devices with the same settings are the same device, wherever their logs of commits have got to.

import { BANK_BYTES, END, STATE } from './board.js';
import type { Device } from './device.js';
import { STORE } from './table.js';

export type Settings = Map<number, Buffer>;

const HEADER_BYTES = 16; // magic, generation, bytes of the snapshot, CRC of all that
const MAGIC = 0x31675343;

const TABLE = new Int32Array(256).map((_, i) => {
  for (let bit = 0; bit < 8; bit++) i = i & 1 ? (i >>> 1) ^ 0xedb88320 : i >>> 1;
  return i;
});
function crc32(bytes: Uint8Array, at: number, length: number, crc = -1): number {
  for (let i = at; i < at + length; i++) crc = (crc >>> 8) ^ TABLE[(crc ^ bytes[i]!) & 255]!;
  return crc;
}

const padded = (length: number) => (length + 3) & ~3;

export function readSettings(device: Device): Settings {
  const settings: Settings = new Map();
  if (Number(device.global(STORE.generation).value) === 0) return settings;
  const { bytes } = device;
  const flash = new DataView(bytes.buffer);
  const bank = STATE + Number(device.global(STORE.bank).value) * BANK_BYTES;
  const snapshot = Number(device.global(STORE.snapshotBytes).value);
  const tail = Number(device.global(STORE.tail).value);
  const group = (from: number, end: number) => {
    for (let at = from; at < end; ) {
      const head = flash.getUint32(bank + at, true);
      const [key, length] = [head & 0xffff, head >>> 16];
      if (length) settings.set(key, Buffer.from(bytes.subarray(bank + at + 4, bank + at + 4 + length)));
      else settings.delete(key);
      at += 4 + padded(length);
    }
  };
  group(HEADER_BYTES, HEADER_BYTES + snapshot);
  for (let at = HEADER_BYTES + snapshot + 4; at < tail; ) {
    const length = flash.getUint32(bank + at, true) & 0xffffff;
    group(at + 4, at + 4 + length);
    at += 8 + length;
  }
  return settings;
}

/** One snapshot in the first bank, nothing behind it. */
export function layOut(device: Device, settings: Settings): void {
  const { bytes, writable } = device;
  bytes.fill(0x5a, STATE + BANK_BYTES, END);
  writable.fill(0, (STATE + BANK_BYTES) / 4, END / 4);
  bytes.fill(0xff, STATE, STATE + BANK_BYTES);
  writable.fill(1, STATE / 4, (STATE + BANK_BYTES) / 4);
  const flash = new DataView(bytes.buffer);
  let at = HEADER_BYTES;
  for (const [key, value] of settings) {
    flash.setUint32(STATE + at, key | (value.length << 16), true);
    bytes.fill(0, STATE + at + 4, STATE + at + 4 + padded(value.length));
    bytes.set(value, STATE + at + 4);
    at += 4 + padded(value.length);
  }
  flash.setUint32(STATE, MAGIC, true);
  flash.setUint32(STATE + 4, 1, true);
  flash.setUint32(STATE + 8, at - HEADER_BYTES, true);
  const crc = ~crc32(bytes, STATE + HEADER_BYTES, at - HEADER_BYTES, crc32(bytes, STATE, 12));
  flash.setInt32(STATE + 12, crc, true);
  flash.setUint32(STATE + at, 0, true);
  writable.fill(0, STATE / 4, (STATE + at + 4) / 4);
  const set = (name: string, value: number) => {
    device.global(name).value = value;
  };
  set(STORE.bank, 0);
  set(STORE.generation, 1);
  set(STORE.snapshotBytes, at - HEADER_BYTES);
  set(STORE.tail, at + 4);
  set(STORE.fresh, 1);
  set(STORE.certain, 0);
  set(STORE.bankBytes, BANK_BYTES);
}

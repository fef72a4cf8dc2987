// The agent's settings, read from and laid out in flash by ourselves (the pictures at the top of assembly/flash/store.ts and
// record.ts): two devices with the same settings are the same device, wherever their logs of commits have got to.

import { coded, crcOf, decoded, HEADER_BYTES, proofOf, RECORD_OVERHEAD } from '../support/store-format.js';
import { BANK_BYTES, END, Fault, STATE } from './board.js';
import type { Device } from './device.js';
import { STORE } from './table.js';

export type Settings = Map<number, Buffer>;

const padded = (length: number) => (length + 3) & ~3;

/** Of the bank that counts, up to the end of the last record that does. */
export function readSettings(device: Device): Settings {
  const settings: Settings = new Map();
  if (Number(device.global(STORE.generation).value) === 0) return settings;
  const { bytes } = device;
  const flash = new DataView(bytes.buffer);
  const tail = Number(device.global(STORE.tail).value);
  let at = STATE + Number(device.global(STORE.bank).value) * BANK_BYTES + HEADER_BYTES;
  while (at < tail) {
    const words = decoded(flash.getUint32(at, true));
    if (words === undefined) throw new Fault('a record that counts has no length');
    const end = at + 4 + 4 * words;
    for (at += 4; at < end; ) {
      const head = flash.getUint32(at, true);
      const [key, length] = [head & 0xffff, head >>> 16];
      if (length) settings.set(key, Buffer.from(bytes.subarray(at + 4, at + 4 + length)));
      else settings.delete(key);
      at += 4 + padded(length);
    }
    at = end + 8; // the CRC and the proof
  }
  return settings;
}

const GENERATION = 1;

/** One snapshot in the first bank, nothing behind it. */
export function layOut(device: Device, settings: Settings): void {
  const { bytes, writable } = device;
  bytes.fill(0x5a, STATE + BANK_BYTES, END);
  writable.fill(0, (STATE + BANK_BYTES) / 4, END / 4);
  bytes.fill(0xff, STATE, STATE + BANK_BYTES);
  writable.fill(1, STATE / 4, (STATE + BANK_BYTES) / 4);
  const flash = new DataView(bytes.buffer);
  [GENERATION, 0, GENERATION, 0].forEach((part, i) => {
    flash.setUint32(STATE + 4 * i, coded(part), true);
  });
  const record = STATE + HEADER_BYTES;
  let at = record + 4;
  for (const [key, value] of settings) {
    flash.setUint32(at, key | (value.length << 16), true);
    bytes.fill(0, at + 4, at + 4 + padded(value.length));
    bytes.set(value, at + 4);
    at += 4 + padded(value.length);
  }
  const entries = bytes.subarray(record + 4, at);
  flash.setUint32(record, coded(entries.length / 4), true);
  flash.setUint32(at, crcOf(GENERATION, entries), true);
  flash.setUint32(at + 4, proofOf(GENERATION, entries), true);
  const tail = record + RECORD_OVERHEAD + entries.length;
  writable.fill(0, STATE / 4, tail / 4);
  const set = (name: string, value: number) => {
    device.copy(name).value = value;
  };
  set(STORE.bank, 0);
  set(STORE.generation, GENERATION);
  set(STORE.seed, GENERATION);
  set(STORE.tail, tail);
  set(STORE.fresh, 1);
  set(STORE.certain, 0);
}

// A board's flash with MCUboot on it, for the tests' SMP servers: two slots, the trailer's flags, and what happens at a reset.
//
// Written from MCUboot's docs/design.md (swap types, trailer) and boot/bootutil/src/image_validate.c, apart from host/:
// the boot loader finds an image sound if its SHA-256 TLV is right and its KEYHASH TLV is the one it trusts. It stands for
// the signature, which the loader would check with that key.

import { createHash } from 'node:crypto';

const sha256 = (...parts: Uint8Array[]): Buffer => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};

/** What the application in an image does when it is started. */
export const CONDUCT = { serves: 0, crashes: 1, silent: 2 } as const;
export type Conduct = keyof typeof CONDUCT;

export interface ImageOptions {
  version?: [number, number, number, number?];
  bytes?: number;
  conduct?: Conduct;
  key?: string;
}

const HEADER_BYTES = 32;

export function makeImage({ version = [1, 5, 0], bytes = 3001, conduct = 'serves', key = 'maker' }: ImageOptions = {}) {
  const body = Buffer.alloc(bytes, version.join('.'));
  body[0] = CONDUCT[conduct];
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32LE(0x96f3b83d, 0);
  header.writeUInt16LE(HEADER_BYTES, 8);
  header.writeUInt32LE(bytes, 12);
  header[20] = version[0];
  header[21] = version[1];
  header.writeUInt16LE(version[2], 22);
  header.writeUInt32LE(version[3] ?? 0, 24);
  const tlv = (type: number, value: Uint8Array) => Buffer.concat([Buffer.of(type, 0, value.length, 0), value]);
  const tlvs = Buffer.concat([tlv(0x10, sha256(header, body)), tlv(0x01, sha256(Buffer.from(key)))]);
  const info = Buffer.of(0x07, 0x69, tlvs.length + 4, 0);
  return Uint8Array.from(Buffer.concat([header, body, info, tlvs]));
}

export interface Seen {
  version: string;
  hash: Uint8Array;
  conduct: Conduct;
  trusted: boolean;
}

/** The image at the start of a slot, or undefined if there is none that is whole. */
export function look(slot: Uint8Array, trusts = 'maker'): Seen | undefined {
  const flash = Buffer.from(slot);
  if (flash.length < HEADER_BYTES || flash.readUInt32LE(0) !== 0x96f3b83d) return undefined;
  const end = flash.readUInt16LE(8) + flash.readUInt32LE(12);
  if (flash.length < end + 4 || flash.readUInt16LE(end) !== 0x6907) return undefined;
  const tlvs = new Map<number, Buffer>();
  const last = end + flash.readUInt16LE(end + 2);
  for (let at = end + 4; at < last; at += 4 + flash.readUInt16LE(at + 2)) {
    tlvs.set(flash.readUInt16LE(at), flash.subarray(at + 4, at + 4 + flash.readUInt16LE(at + 2)));
  }
  const hash = tlvs.get(0x10);
  if (!hash?.equals(sha256(flash.subarray(0, end)))) return undefined;
  const build = flash.readUInt32LE(24);
  const conduct = (Object.keys(CONDUCT) as Conduct[]).find((name) => CONDUCT[name] === flash[HEADER_BYTES]) ?? 'serves';
  return {
    // Zephyr's img_mgmt_ver_str and MCUboot's bs_list_img_ver put the build number behind a point.
    version: `${flash[20]}.${flash[21]}.${flash.readUInt16LE(22)}${build ? `.${build}` : ''}`,
    hash: Uint8Array.from(hash),
    conduct,
    trusted: tlvs.get(0x01)?.equals(sha256(Buffer.from(trusts))) ?? false,
  };
}

export interface BootFlash {
  slots: [Uint8Array, Uint8Array];
  /** Type of the swap at the next reset, as boot_swap_type() has it. */
  swap: 'none' | 'test' | 'perm' | 'revert';
}

/** A reset: swaps, refuses, or goes back; returns what starts then. A crash is a watchdog's reset. */
export function boot(flash: BootFlash): Seen {
  if (flash.swap !== 'none') {
    const [primary, secondary] = flash.slots;
    if (flash.swap !== 'revert' && !look(secondary)?.trusted) {
      // "A bad image in the secondary slot is erased": the one that ran goes on.
      flash.slots = [primary, new Uint8Array()];
      flash.swap = 'none';
    } else {
      flash.slots = [secondary, primary];
      flash.swap = flash.swap === 'test' ? 'revert' : 'none';
    }
  }
  const started = look(flash.slots[0]);
  if (!started) throw new Error('the board is bricked');
  return started.conduct === 'crashes' && flash.swap === 'revert' ? boot(flash) : started;
}

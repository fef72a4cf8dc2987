// MCUboot images: header and TLV areas, read to show them and to compare their version; the file is kept whole.
//
// All sizes are checked before use. The image's own hash (when it is SHA-256, -384 or -512) is recomputed, so that a
// damaged file is found here and not in the field; its signature is between the maker and MCUboot. Of the image itself no
// more than a piece is in memory.

import { CountersignError } from '../../errors.js';
import { type Bytes, type HashName, hashOf, partOf, readFrom, sizeOf } from '../byte-source.js';
import { join, same } from '../bytes.js';

const MAGIC = 0x96f3b83d;
export const HEADER_BYTES = 32;
const TLV_MAGIC = { protected: 0x6908, plain: 0x6907 } as const;
const TLV_HEAD_BYTES = 4;
const HASHES: Record<number, HashName> = { 16: 'SHA-256', 17: 'SHA-384', 18: 'SHA-512' };
/** Encrypted or compressed: the hash is over what the boot loader makes of it. */
const FLAGS_TRANSFORMED = 0x04 | 0x08 | 0x200 | 0x400 | 0x800;
const SECURITY_COUNTER = 0x50;
const SHA256_TLV = 16;

const TLV_NAMES: Record<number, string> = {
  1: 'KEYHASH',
  2: 'PUBKEY',
  16: 'SHA256',
  17: 'SHA384',
  18: 'SHA512',
  32: 'RSA2048_PSS',
  34: 'ECDSA_SIG',
  35: 'RSA3072_PSS',
  36: 'ED25519',
  37: 'SIG_PURE',
  64: 'DEPENDENCY',
  80: 'SEC_CNT',
  96: 'BOOT_RECORD',
  116: 'UUID_VID',
  117: 'UUID_CID',
};

export interface McubootTlv {
  type: number;
  name: string;
  protected: boolean;
  value: Uint8Array;
}

export interface McubootImage {
  /** major.minor.revision, and +build unless it is 0 */
  version: string;
  loadAddress: number;
  headerBytes: number;
  imageBytes: number;
  /** Header, body and protected TLVs: what the hash is over. */
  hashedBytes: number;
  flags: number;
  securityCounter: number | undefined;
  tlvs: McubootTlv[];
}

export function isMcuboot(head: Uint8Array): boolean {
  return head.length >= HEADER_BYTES && viewOf(head).getUint32(0, true) === MAGIC;
}

type Malformed = (why: string) => CountersignError;

/** Reads what begins as one (`isMcuboot`). */
export async function readMcuboot(file: Bytes, name: string): Promise<McubootImage> {
  const malformed: Malformed = (why) =>
    new CountersignError('FileMalformed', `image: ${name} is not a whole MCUboot image: ${why}`);
  const bytes = sizeOf(file);
  const view = viewOf(await readFrom(file, 0, HEADER_BYTES));
  const [headerBytes, protectedBytes] = [view.getUint16(8, true), view.getUint16(10, true)];
  const imageBytes = view.getUint32(12, true);
  const hashed = headerBytes + imageBytes + protectedBytes;
  if (headerBytes < HEADER_BYTES) throw malformed(`a header of ${headerBytes} bytes`);
  if (hashed > bytes) throw malformed(`it should have ${hashed} bytes and more, and has ${bytes}`);
  const at = headerBytes + imageBytes;
  const signed = protectedBytes > 0 ? await readArea(file, at, TLV_MAGIC.protected, malformed) : [];
  const plain = bytes > hashed ? await readArea(file, hashed, TLV_MAGIC.plain, malformed) : [];
  const flags = view.getUint32(16, true);
  for (const { type, value } of plain) {
    const algorithm = HASHES[type];
    if (algorithm === undefined || flags & FLAGS_TRANSFORMED) continue;
    if (!same(value, await hashOf(partOf(file, 0, hashed), algorithm))) {
      throw malformed('its hash does not match its content');
    }
  }
  const counter = signed.find(({ type, value }) => type === SECURITY_COUNTER && value.length === 4)?.value;
  return {
    version: versionText(view),
    loadAddress: view.getUint32(4, true),
    headerBytes,
    imageBytes,
    hashedBytes: hashed,
    flags,
    securityCounter: counter && viewOf(counter).getUint32(0, true),
    tlvs: [...signed, ...plain],
  };
}

/** The hash by which the image is known to MCUboot and to SMP: that of its TLV. */
export const imageHash = ({ tlvs }: McubootImage): Uint8Array | undefined =>
  tlvs.find((tlv) => HASHES[tlv.type] !== undefined && !tlv.protected)?.value;

/** The SHA-256 that names the image for MCUboot. Throws NotMcuboot if there is none. */
export function requireImageHash(image: McubootImage | undefined, name: string): Uint8Array {
  const found = image?.tlvs.filter((tlv) => tlv.type === SHA256_TLV && !tlv.protected) ?? [];
  if (found.length === 1 && found[0]!.value.length === 32) return found[0]!.value;
  throw new CountersignError('NotMcuboot', `image: ${name} has no hash that MCUboot checks`);
}

/** Type of the unprotected TLV with a package's head (boards/export-c/mcuboot/countersign_gate.h). */
export const HEAD_TLV = 0x43a0;

/**
 * The file with the head of a package in an unprotected TLV, in place of one that is there; parts to be written one after the other.
 * Throws NotMcuboot if something follows the TLVs (padding), TooLarge if they have no room for it.
 */
export function withHead(file: Bytes, image: McubootImage, head: Uint8Array, name: string): (Uint8Array | Bytes)[] {
  const plain = image.tlvs.filter((tlv) => !tlv.protected);
  const bytesOf = (tlvs: readonly { value: Uint8Array }[]) =>
    tlvs.reduce((sum, { value }) => sum + TLV_HEAD_BYTES + value.length, TLV_HEAD_BYTES);
  if (image.hashedBytes + bytesOf(plain) !== sizeOf(file)) {
    throw new CountersignError('NotMcuboot', `image: ${name} is padded: something follows its TLVs`);
  }
  const tlvs = [...plain.filter(({ type }) => type !== HEAD_TLV), { type: HEAD_TLV, value: head }];
  const total = bytesOf(tlvs);
  if (total > 0xffff)
    throw new CountersignError('TooLarge', `image: ${name} has no room for ${head.length} bytes more of TLVs`);
  const area = tlvs.flatMap(({ type, value }) => [words16(type, value.length), value]);
  return [partOf(file, 0, image.hashedBytes), join([words16(TLV_MAGIC.plain, total), ...area])];
}

const words16 = (...words: number[]) => new Uint8Array(Uint16Array.from(words).buffer);

function versionText(view: DataView): string {
  const build = view.getUint32(24, true);
  return `${view.getUint8(20)}.${view.getUint8(21)}.${view.getUint16(22, true)}${build === 0 ? '' : `+${build}`}`;
}

async function readArea(file: Bytes, start: number, magic: number, malformed: Malformed): Promise<McubootTlv[]> {
  const head = await readFrom(file, start, TLV_HEAD_BYTES);
  if (head.length < TLV_HEAD_BYTES || viewOf(head).getUint16(0, true) !== magic) throw malformed('no TLV area');
  const end = viewOf(head).getUint16(2, true); // 16 bits: small enough to be read whole
  if (start + end > sizeOf(file)) throw malformed('its TLV area is cut off');
  const bytes = await readFrom(file, start, end);
  const view = viewOf(bytes);
  const tlvs: McubootTlv[] = [];
  for (let at = TLV_HEAD_BYTES; at < end; ) {
    const type = at + TLV_HEAD_BYTES <= end ? view.getUint16(at, true) : -1;
    const next = type < 0 ? end + 1 : at + TLV_HEAD_BYTES + view.getUint16(at + 2, true);
    if (next > end) throw malformed('a TLV reaches beyond its area');
    const shown = TLV_NAMES[type] ?? `0x${type.toString(16).padStart(4, '0')}`;
    const value = bytes.subarray(at + TLV_HEAD_BYTES, next);
    tlvs.push({ type, name: shown, protected: magic === TLV_MAGIC.protected, value });
    at = next;
  }
  return tlvs;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

const VERSION = /^(\d+)\.(\d+)\.(\d+)(?:\+(\d+))?$/;

/** Whether a version that somebody typed is the one of the header: 1.2.3 and 1.2.3+0 are the same. */
export function sameVersion(typed: string, header: string): boolean {
  const parts = (text: string) =>
    VERSION.exec(text.trim())
      ?.slice(1)
      .map((part) => Number(part ?? 0))
      .join('.');
  return parts(typed) !== undefined && parts(typed) === parts(header);
}

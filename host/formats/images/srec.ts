// Motorola S-records: lines "S", type, count, address, data, checksum. Data in S1, S2 and S3 (addresses of 2, 3 and 4 bytes).
//
// Checked: count and checksum of each line, the number of data records where S5 or S6 states it, an end record (S7 to S9),
// and that nothing follows it. Lines are taken as those of Intel HEX.

import { CountersignError } from '../../errors.js';
import { fromHex, join } from '../bytes.js';
import { textOf } from '../key-forms.js';
import { linesOf, textOfRecords } from './hex.js';
import type { Segment } from './segments.js';

const RECORD = /^S[0-9]([0-9a-f]{2}){3,}$/i;
/** Bytes of the address, by type. */
const ADDRESS_BYTES = [2, 2, 3, 4, 0, 2, 3, 4, 3, 2];

export const isSrec = (bytes: Uint8Array): boolean => textOfRecords(bytes, RECORD);

export function readSrec(bytes: Uint8Array, name: string): Segment[] {
  const malformed = (why: string) => new CountersignError('FileMalformed', `image: ${name}: S-records: ${why}`);
  const segments: Segment[] = [];
  let ended = false;
  for (const [index, line] of linesOf(textOf(bytes) ?? '').entries()) {
    const at = `record ${index + 1}`;
    if (!RECORD.test(line)) throw malformed(`${at} is none`);
    if (ended) throw malformed(`${at} stands behind the end`);
    const type = Number(line[1]);
    const content = fromHex(line.slice(2));
    const addressBytes = ADDRESS_BYTES[type]!;
    if (addressBytes === 0) throw malformed(`${at} is of the reserved type S${type}`);
    if (content[0] !== content.length - 1) throw malformed(`${at} has another length than it states`);
    if ((content.reduce((sum, byte) => sum + byte, 0) & 0xff) !== 0xff)
      throw malformed(`the checksum of ${at} is wrong`);
    if (content.length < addressBytes + 2) throw malformed(`${at} is too short`);
    const address = content.slice(1, 1 + addressBytes).reduce((sum, byte) => sum * 256 + byte, 0);
    if (type >= 1 && type <= 3) segments.push({ address, bytes: content.subarray(1 + addressBytes, -1) });
    if ((type === 5 || type === 6) && address !== segments.length) {
      throw malformed(`it states ${address} data records and has ${segments.length}`);
    }
    ended = type >= 7;
  }
  if (!ended) throw malformed('there is no end record');
  return joined(segments);
}

/** Neighbours as one, since a file has one record for some 16 bytes. */
function joined(segments: readonly Segment[]): Segment[] {
  const runs: { address: number; end: number; parts: Uint8Array[] }[] = [];
  for (const { address, bytes } of segments) {
    const last = runs.at(-1);
    if (last?.end === address) last.parts.push(bytes);
    else runs.push({ address, end: address, parts: [bytes] });
    runs.at(-1)!.end = address + bytes.length;
  }
  return runs.map(({ address, parts }) => ({ address, bytes: join(parts) }));
}

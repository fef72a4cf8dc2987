// The files of a card (ISO 7816-4 section 7, ISO 7816-9): select, read, update, create, delete.
//
// A path of PKCS#15 is absolute when it begins with 3F00, else it starts in the application that is selected. Cards differ
// in how they like to be asked for a file, so a refused form of SELECT is followed by the next. When a card wants a PIN
// (6982), `verify` presents it, once, and the command is repeated. Everything read has a limit.

import { CountersignError } from '../errors.js';
import { hex, join, same } from '../formats/bytes.js';
import { CHUNK_BYTES, exchange, INS, type Response, refused, STATUS } from './apdu.js';
import type { CardChannel } from './channel.js';
import { find, numberOf, readAll, tlv, u16 } from './tlv.js';

const FILE_BYTES_MAX = 32768; // what 15 bits of offset reach
const MASTER_FILE = 0x3f00;
const CURRENT_APPLICATION = 0x7fff; // the name that UICCs have for it
const P2_CONTROL_PARAMETERS = 0x04;
const TAG_FCP = 0x62;
const TAG_FCI = 0x6f;
const FCP = { size: 0x80, descriptor: 0x82, id: 0x83, name: 0x84, life: 0x8a } as const;
const TRANSPARENT_FILE = 0x01;
const FOLDER = 0x38;
const OPERATIONAL = 0x05;

export interface CardFiles {
  /** Selects an application by its AID; false if the card has none. */
  application(id: Uint8Array): Promise<boolean>;
  read(path: Uint8Array): Promise<Uint8Array>;
  /** Overwrites from the start; what the file holds beyond stays. */
  update(path: Uint8Array, content: Uint8Array): Promise<void>;
  /** Bytes that the file has room for, as far as the card says. */
  size(path: Uint8Array): Promise<number | undefined>;
  /** `folder` none: in the application that is selected. */
  create(folder: Uint8Array | undefined, id: number, what: { bytes: number } | { name: Uint8Array }): Promise<void>;
  /** Deletes a file; false if the card does not know how, or does not say that this file is selected. */
  remove(path: Uint8Array): Promise<boolean>;
}

export function createFiles(channel: CardChannel, verify: () => Promise<void>): CardFiles {
  let current: Uint8Array | undefined; // AID of the application that relative paths start in
  let verified = false;

  /** One command on a file that is selected; a PIN that is asked for is presented, and the file selected again. */
  async function act(command: Parameters<typeof exchange>[1], again: () => Promise<unknown>): Promise<Response> {
    const response = await exchange(channel, command);
    if (response.status !== STATUS.securityStatus || verified) return response;
    verified = true;
    await verify();
    await again();
    return exchange(channel, command);
  }

  async function select(path: Uint8Array): Promise<Response> {
    let status: number = STATUS.notFound;
    for (const [p1, data, from] of waysTo(path)) {
      if (from === 'application' && current !== undefined) await selectApplication(current);
      const response = await exchange(channel, { ins: INS.select, p1, p2: P2_CONTROL_PARAMETERS, data, wanted: 256 });
      if (response.status === STATUS.ok) return response;
      // Of the refusals the first says most, but "not found" is the surest.
      if (status !== STATUS.notFound || response.status !== STATUS.notFound) status = response.status;
      if (response.status === STATUS.securityStatus) break;
    }
    throw refused(`select file ${hex(path)}`, status, channel);
  }

  async function selectApplication(id: Uint8Array): Promise<number> {
    return (await exchange(channel, { ins: INS.select, p1: 0x04, data: id, wanted: 256 })).status;
  }

  const sizeIn = ({ data }: Response): number | undefined => {
    const [outer] = data[0] === TAG_FCP || data[0] === TAG_FCI ? readAll(data, 'a file') : [];
    const size = outer && find(readAll(outer.value, 'a file'), FCP.size);
    return size && numberOf(size.value);
  };

  /** Whether the answer to SELECT says that it is this file, and no folder. */
  const isFile = ({ data }: Response, id: Uint8Array): boolean => {
    const [outer] = data[0] === TAG_FCP || data[0] === TAG_FCI ? readAll(data, 'a file') : [];
    const parameters = outer ? readAll(outer.value, 'a file') : [];
    const named = find(parameters, FCP.id)?.value;
    const descriptor = find(parameters, FCP.descriptor)?.value[0];
    return named !== undefined && same(named, id) && descriptor !== undefined && (descriptor & FOLDER) !== FOLDER;
  };

  return {
    async application(id) {
      const status = await selectApplication(id);
      if (status === STATUS.ok) current = id;
      else if (status !== STATUS.notFound) throw refused('select the application', status, channel);
      return status === STATUS.ok;
    },
    async read(path) {
      const size = Math.min(sizeIn(await select(path)) ?? FILE_BYTES_MAX, FILE_BYTES_MAX);
      const parts: Uint8Array[] = [];
      for (let at = 0; at < size; ) {
        const wanted = Math.min(CHUNK_BYTES, size - at);
        const { status, data } = await act({ ins: INS.readBinary, p1: at >>> 8, p2: at & 0xff, wanted }, () =>
          select(path),
        );
        const ended = status === STATUS.endOfFile || (status === STATUS.offsetOutside && at > 0);
        if (status !== STATUS.ok && !ended) throw refused(`read file ${hex(path)}`, status, channel);
        parts.push(data);
        at += data.length;
        if (ended || data.length === 0) break;
      }
      return join(parts);
    },
    async update(path, content) {
      await select(path);
      for (let at = 0; at < content.length; at += CHUNK_BYTES) {
        const data = content.subarray(at, at + CHUNK_BYTES);
        const command = { ins: INS.updateBinary, p1: at >>> 8, p2: at & 0xff, data };
        const { status } = await act(command, () => select(path));
        if (status !== STATUS.ok) throw refused(`write file ${hex(path)}`, status, channel);
      }
    },
    size: async (path) => sizeIn(await select(path)),
    async create(folder, id, what) {
      const enter = async () => (folder ? select(folder) : current && selectApplication(current));
      await enter();
      const descriptor = 'bytes' in what ? TRANSPARENT_FILE : FOLDER;
      const own = 'bytes' in what ? tlv(FCP.size, u16(what.bytes)) : tlv(FCP.name, what.name);
      const parameters = [
        tlv(FCP.descriptor, Uint8Array.of(descriptor)),
        tlv(FCP.id, u16(id)),
        own,
        tlv(FCP.life, Uint8Array.of(OPERATIONAL)),
      ];
      const { status } = await act({ ins: INS.createFile, data: tlv(TAG_FCP, ...parameters) }, enter);
      if (status !== STATUS.ok) throw refused(`make file ${id.toString(16)}`, status, channel);
    },
    async remove(path) {
      // With no file id some cards delete what is current: the folder, on those whose SELECT of a file leaves it so.
      const id = path.subarray(-2);
      if (!isFile(await select(path), id)) return false;
      const { status } = await act({ ins: INS.deleteFile, data: id }, () => select(path));
      return status === STATUS.ok;
    },
  };
}

type Way = readonly [p1: number, data: Uint8Array, from: 'anywhere' | 'application'];

/** The forms of SELECT that may lead to a path, the most usual first. */
function waysTo(path: Uint8Array): Way[] {
  if (path.length < 2 || path.length % 2 !== 0) {
    throw new CountersignError('CardMalformed', `card: ${hex(path)} is not a path`);
  }
  const first = (path[0]! << 8) | path[1]!;
  if (first === MASTER_FILE && path.length === 2) return [[0x00, path, 'anywhere']];
  if (first === MASTER_FILE) return [[0x08, path.subarray(2), 'anywhere']];
  const byPath: Way[] = [
    [0x09, path, 'application'],
    [0x08, join([u16(CURRENT_APPLICATION), path]), 'application'],
  ];
  return path.length === 2 ? [[0x00, path, 'application'], ...byPath] : byPath;
}

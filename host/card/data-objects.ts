// Data objects of a card: list, read, write and remove them, through whichever channel leads to the card.
//
// Writing puts the document in place of an object with the same identifier if its file is large enough, else into a new
// file and directory entry (ISO 7816-9, as far as the card lets us), and reads it back before it says that it is
// there. A card that is pulled out in between holds a torn document, which no device takes for an approval: nobody
// signed it. A card without the PKCS#15 application gets one only if the caller says so.

import { CountersignError } from '../errors.js';
import { hex, join, same, utf8 } from '../formats/bytes.js';
import { decodePrefix } from '../formats/cbor.js';
import { exchange, INS, refused, STATUS } from './apdu.js';
import type { CardChannel } from './channel.js';
import { type CardFiles, createFiles } from './files.js';
import { APPLICATION_ID, FILE, OBJECT } from './layout.js';
import {
  type DataObject,
  type DirectoryEntry,
  directories,
  directoryEntry,
  directoryReference,
  isObject,
  type Pin,
  paddedPin,
  pinIn,
  readDirectory,
} from './pkcs15.js';
import { readAll, TAG, tlv, u16 } from './tlv.js';

const DIRECTORY_BYTES = 512; // of a directory file that we make
const OBJECT_BYTES_MIN = 1024; // of a file that we make: the largest document fits, whatever stands there first
const NEW_FILES = { directory: 0x4401, objects: 0x4410 } as const;
const FILES_MAX = 16;
const TRIES_LEFT = 0x63c0; // and the number
const PIN_DEFAULT: Pin = { reference: 0x01, bytes: 8, padding: 0xff };

export interface DataObjects {
  list(): Promise<DataObject[]>;
  /** The content, without what fills its file. */
  read(object: DataObject): Promise<Uint8Array>;
  /** Returns whether it took the place of another document. */
  write(document: Uint8Array): Promise<{ replaced: boolean }>;
  remove(): Promise<void>;
  /** The approval document among the objects: by identifier, else by label. */
  approval(): Promise<DataObject | undefined>;
}

export interface CardAccess {
  /** Asked for when the card wants a PIN, at most once. */
  pin(): Promise<string>;
  /** Instead of the one that the card names. */
  pinReference?: number | undefined;
  /** Present it even if the card has one try left. */
  lastTry?: boolean | undefined;
  /** Make the application on a card that has none. */
  create?: boolean;
}

interface Directory {
  path: Uint8Array;
  content: Uint8Array;
  entries: DirectoryEntry[];
}

/** Opens the PKCS#15 application of the card. Throws NotFound if it has none and none is to be made. */
export async function openDataObjects(channel: CardChannel, access: CardAccess): Promise<DataObjects> {
  const files = createFiles(channel, verify);
  const root = join([u16(0x3f00), u16(FILE.application)]);
  const odfPath = u16(FILE.objects);

  async function verify(): Promise<void> {
    const pin = { ...PIN_DEFAULT, ...(await cardPin()) };
    if (access.pinReference !== undefined) pin.reference = access.pinReference;
    await spareLastTry(pin);
    const data = paddedPin(await access.pin(), pin);
    const { status } = await exchange(channel, { ins: INS.verify, p2: pin.reference, data });
    if (status !== STATUS.ok) throw refused('accept the PIN', status, channel);
  }

  // VERIFY without data asks how many tries are left (ISO 7816-4 section 11.6.6). A card that does not say gets the PIN.
  async function spareLastTry({ reference }: Pin): Promise<void> {
    const { status } = await exchange(channel, { ins: INS.verify, p2: reference });
    if (status === STATUS.blocked || status === TRIES_LEFT) throw refused('take a PIN', STATUS.blocked, channel);
    if (status === (TRIES_LEFT | 1) && !access.lastTry) {
      throw new CountersignError('PinLastTry', `card: the PIN of the card in ${channel.name} has one try left`);
    }
  }

  async function cardPin(): Promise<Pin | undefined> {
    const [path] = directories(await files.read(odfPath)).authentication;
    return path && pinIn(await files.read(path));
  }

  if (!(await files.application(APPLICATION_ID))) {
    if (!access.create) {
      throw new CountersignError('NotFound', `card: the card in ${channel.name} has no PKCS#15 application`, {
        hint: 'write with --create to make one on a blank card',
      });
    }
    await makeApplication(files, root);
  }

  async function readDirectories(): Promise<Directory[]> {
    const { data } = directories(await files.read(odfPath));
    const found: Directory[] = [];
    for (const path of data) {
      const content = await files.read(path);
      found.push({ path, content, entries: readDirectory(content) });
    }
    return found;
  }

  const objectsIn = (list: readonly Directory[]) =>
    list.flatMap(({ entries }) => entries.flatMap(({ object }) => object ?? []));
  const approvalIn = (list: readonly Directory[]) => {
    const objects = objectsIn(list).filter((object) => isObject(object, OBJECT));
    return objects.find(({ oid }) => oid) ?? objects[0];
  };

  async function read(object: DataObject): Promise<Uint8Array> {
    const content = await files.read(object.path);
    return withoutFilling(object.length === undefined ? content : content.slice(0, object.length));
  }

  /** Puts `entries` into a directory in place of what it held. */
  async function rewrite({ path, content }: Directory, entries: readonly Uint8Array[]): Promise<void> {
    const room = (await files.size(path)) ?? content.length;
    const packed = join([...entries]);
    if (packed.length > room) {
      throw new CountersignError('TooLarge', `card: the directory of the card has room for ${room} bytes`);
    }
    await files.update(path, join([packed, new Uint8Array(room - packed.length)]));
  }

  async function makeDirectory(): Promise<Directory> {
    const odf = await files.read(odfPath);
    const path = join([root, u16(NEW_FILES.directory)]);
    await files.create(root, NEW_FILES.directory, { bytes: DIRECTORY_BYTES });
    await files.update(path, new Uint8Array(DIRECTORY_BYTES));
    const kept = readAll(odf, 'EF.ODF').map(({ whole }) => whole);
    await rewrite({ path: odfPath, content: odf, entries: [] }, [...kept, directoryReference(path)]);
    return { path, content: new Uint8Array(DIRECTORY_BYTES), entries: [] };
  }

  /** A file beside the directory, under the first number that is free. */
  async function makeFile(beside: Directory, bytes: number): Promise<Uint8Array> {
    const taken = objectsIn(await readDirectories()).map(({ path }) => hex(path.subarray(-2)));
    const folder = beside.path.length > 2 ? beside.path.slice(0, -2) : undefined;
    for (let id = NEW_FILES.objects as number; id < NEW_FILES.objects + FILES_MAX; id++) {
      if (taken.includes(hex(u16(id)))) continue;
      const path = join([folder ?? new Uint8Array(0), u16(id)]);
      const there = await files.size(path).catch(notFound);
      if (there !== 'none' && (there ?? 0) < bytes) continue; // somebody else's, or left over and too small
      if (there === 'none') await files.create(folder, id, { bytes: Math.max(bytes, OBJECT_BYTES_MIN) });
      return path;
    }
    throw new CountersignError('CardRefused', 'card: no file number is free for the document');
  }

  async function write(document: Uint8Array): Promise<{ replaced: boolean }> {
    const list = await readDirectories();
    const old = approvalIn(list);
    const home = list.find(({ entries }) => entries.some(({ object }) => object === old && old)) ?? list[0];
    const directory = home ?? (await makeDirectory());
    const fits = old !== undefined && ((await files.size(old.path)) ?? 0) >= document.length;
    const path = fits ? old.path : await makeFile(directory, document.length);
    await files.update(path, document);
    const entry = directoryEntry({ ...OBJECT, path, length: document.length });
    const others = directory.entries.filter(({ object }) => object === undefined || object !== old);
    await rewrite(directory, [...others.map(({ bytes }) => bytes), entry]);
    const [there] = [approvalIn(await readDirectories())];
    if (there === undefined || !same(await read(there), document)) {
      throw new CountersignError('CardRefused', `card: the card in ${channel.name} does not hold what was written`);
    }
    return { replaced: old !== undefined };
  }

  async function remove(): Promise<void> {
    const list = await readDirectories();
    const old = approvalIn(list);
    const home = list.find(({ entries }) => entries.some(({ object }) => object === old));
    if (old === undefined || home === undefined) throw noDocument(channel);
    const room = (await files.size(old.path)) ?? (await files.read(old.path)).length;
    await files.update(old.path, new Uint8Array(room).fill(0xff));
    await rewrite(
      home,
      home.entries.filter(({ object }) => object !== old).map(({ bytes }) => bytes),
    );
    await files.remove(old.path); // a card that cannot keeps an empty file, which the next document takes
    if (approvalIn(await readDirectories()) === undefined) return;
    throw new CountersignError('CardRefused', `card: the card in ${channel.name} still lists the document`);
  }

  return {
    list: async () => objectsIn(await readDirectories()),
    approval: async () => approvalIn(await readDirectories()),
    read,
    write,
    remove,
  };
}

export const noDocument = (channel: CardChannel) =>
  new CountersignError('NotFound', `card: the card in ${channel.name} holds no approval document`, {
    hint: 'put one there: `countersign card write FILE.cose`',
  });

/** A document is one CBOR item; what stands behind it only fills the file. Anything else is handed on as it is. */
function withoutFilling(content: Uint8Array): Uint8Array {
  try {
    const [, rest] = decodePrefix(content, 'card');
    return rest.every((byte) => byte === 0x00 || byte === 0xff)
      ? content.slice(0, content.length - rest.length)
      : content;
  } catch {
    return content;
  }
}

function notFound(error: unknown): 'none' {
  if (error instanceof CountersignError && error.reason.name === 'NotFound') return 'none';
  throw error;
}

/** The files that PKCS#15 v1.1 asks of an application: EF.DIR, EF.ODF and EF.TokenInfo (sections 5.4, 5.5). */
async function makeApplication(files: CardFiles, root: Uint8Array): Promise<void> {
  const master = u16(0x3f00);
  const put = async (folder: Uint8Array, id: number, content: Uint8Array, bytes: number) => {
    await files.create(folder, id, { bytes });
    await files.update(join([folder, u16(id)]), join([content, new Uint8Array(bytes - content.length)]));
  };
  const name = tlv(0x50, utf8(OBJECT.application));
  await put(master, FILE.directory, tlv(0x61, tlv(0x4f, APPLICATION_ID), name, tlv(0x51, root)), DIRECTORY_BYTES / 4);
  await files.create(master, FILE.application, { name: APPLICATION_ID });
  await put(root, FILE.objects, directoryReference(join([root, u16(NEW_FILES.directory)])), DIRECTORY_BYTES / 4);
  await put(root, NEW_FILES.directory, new Uint8Array(0), DIRECTORY_BYTES);
  const tokenInfo = tlv(
    TAG.sequence,
    tlv(TAG.integer, Uint8Array.of(0)), // version 1
    tlv(TAG.octets, Uint8Array.of(0)), // no serial number
    tlv(0x80, utf8(OBJECT.application)),
    tlv(TAG.bits, Uint8Array.of(5, 0x00)), // no restrictions
  );
  await put(root, FILE.tokenInfo, tokenInfo, DIRECTORY_BYTES / 4);
  if (await files.application(APPLICATION_ID)) return;
  throw new CountersignError('CardRefused', 'card: the application was made, but cannot be selected');
}

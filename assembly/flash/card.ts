// The smart card, read through the HAL's APDU exchange (ISO 7816-4): a PKCS#15 data object that holds an approval
// document. The card is transport, not trust: the document proves itself.
//
//   SELECT the application by AID -> EF.ODF 5031: A7 { Path } for each directory of data objects ->
//   EF.DODF: SEQUENCE { { ? label … }, { ? application name, ? OID }, [1] { Path } } -> the object -> READ BINARY
//
//   the card                                                        is
//   has no such application, no directory or no such object         a card that has nothing to say: CARD_NONE
//   does not answer, wants a PIN, refuses, holds what is no DER,    CARD_UNREACHABLE: a finding of its own, which
//   or what is no whole CBOR item of at most the room there is      approves nothing
//
// The object is the one with our identifier (wrapped twice on some cards), else one without any that has our label;
// host/card/layout.ts has the same constants. Files may be filled with 00 or FF. Status 61xx and 6Cxx are followed,
// 6282 and 6B00 end a file. Everything here is bounded: files by the room, directories, answers and depths by constants.

import { reading } from '../codec/cbor';
import { card } from '../hal';
import { Reason } from '../reason';
import { PIECE } from './flash';

export const CARD_NONE: i32 = 0;
export const CARD_UNREACHABLE: i32 = -1;

const NO_INTERFACE: i32 = -1; // what the HAL says of a board without a card
const READ_BYTES: u32 = 128; // of one READ BINARY: what every card and every short buffer can do
// Behind the largest document, there has to be room for this.
export const CARD_ROOM: u32 = READ_BYTES + 2;
const OFFSET_MAX: u32 = 0x7fff;
const DIRECTORIES_MAX: u32 = 4;
const ANSWERS_MAX: u32 = 8; // to one command, each in pieces as small as the card likes
const DEPTH_MAX: u32 = 4; // an entry, its parts, the object or path inside, and one more that cards add
const PATH_BYTES_MAX: u32 = 12;

const enum Status {
  Ok = 0x9000,
  EndOfFile = 0x6282,
  OffsetOutside = 0x6b00,
  NotFound = 0x6a82,
  None = 0, // no answer
}

const enum Tag {
  Octets = 0x04,
  Oid = 0x06,
  Label = 0x0c,
  Sequence = 0x30,
  Type = 0xa1, // the type attributes of an entry; the whole entry on some cards
  DataObjects = 0xa7,
}

const AID_BYTES: u32 = 12;
function aid(): usize {
  return memory.data<u8>([0xa0, 0x00, 0x00, 0x00, 0x63, 0x50, 0x4b, 0x43, 0x53, 0x2d, 0x31, 0x35]); // RSA, "PKCS-15"
}

const OID_BYTES: u32 = 10;
function oid(): usize {
  return memory.data<u8>([0x2b, 0x06, 0x01, 0x04, 0x01, 0x81, 0xfd, 0x59, 0x6b, 0x01]); // 1.3.6.1.4.1.32473.107.1
}

const LABEL_BYTES: u32 = 20;
function label(): usize {
  return memory.data<u8>([
    0x43, 0x6f, 0x75, 0x6e, 0x74, 0x65, 0x72, 0x73, 0x69, 0x67, 0x6e, 0x20, 0x61, 0x70, 0x70, 0x72, 0x6f, 0x76, 0x61,
    0x6c,
  ]); // "Countersign approval"
}

const COMMAND: usize = PIECE; // nobody moves flash while a card is asked
const HEADER_BYTES: u32 = 5;
const PATH: usize = memory.data(16, 4); // PATH_BYTES_MAX
let pathBytes: u32 = 0;
let answered: u32 = 0; // bytes of data that the last exchange gave
let malformed: bool = false; // what was looked into is no DER, or has no path

// Reads the approval document of the card to `to`, of which `capacity` bytes may be used: CARD_ROOM more than the
// largest document. Returns its length, CARD_NONE, or CARD_UNREACHABLE.
export function cardRead(to: usize, capacity: u32): i32 {
  // In line here, so that a compiler who knows of a board without interface leaves out all that follows.
  selectCommand(0x04, aid(), AID_BYTES);
  const first = exchange(HEADER_BYTES + AID_BYTES, to, capacity);
  if (first === NO_INTERFACE) return CARD_NONE;
  const selected = selectAgain(first, AID_BYTES, to, capacity);
  if (selected === Status.NotFound) return CARD_NONE;
  if (!selects(selected)) return CARD_UNREACHABLE;
  for (let directory: u32 = 0; directory < DIRECTORIES_MAX; directory++) {
    pathBytes = 2;
    store<u16>(PATH, 0x3150); // 5031, EF.ODF
    let bytes = readPath(to, capacity, false);
    if (bytes <= 0) return CARD_UNREACHABLE; // every application has one, with something in it
    if (!findDirectory(to, bytes, directory)) break;
    bytes = malformed ? CARD_UNREACHABLE : readPath(to, capacity, false);
    if (bytes < 0) return CARD_UNREACHABLE;
    if (findObject(to, bytes, true) || findObject(to, bytes, false)) {
      return malformed ? CARD_UNREACHABLE : readPath(to, capacity, true);
    }
    if (malformed) return CARD_UNREACHABLE;
  }
  return malformed ? CARD_UNREACHABLE : CARD_NONE;
}

// --- Files ---

// 61xx announces what we did not ask for: it need not be fetched.
function selects(status: i32): bool {
  return status === Status.Ok || status >>> 8 === 0x61;
}

// A path is absolute when it begins with 3F00, else it starts in the application. Cards differ in what they take.
function selectPath(to: usize, capacity: u32): bool {
  if (pathBytes > 2 && load<u16>(PATH) === 0x3f) return selects(select(0x08, PATH + 2, pathBytes - 2, to, capacity));
  if (pathBytes === 2 && selects(select(0x00, PATH, 2, to, capacity))) return true;
  if (selects(select(0x09, PATH, pathBytes, to, capacity))) return true;
  memory.copy(PATH + 2, PATH, pathBytes);
  store<u16>(PATH, 0xff7f); // 7FFF, the current application
  return selects(select(0x08, PATH, pathBytes + 2, to, capacity));
}

// SELECT, nothing wanted in return.
function selectCommand(way: u32, what: usize, bytes: u32): void {
  header(0xa4, way, 0x0c, bytes);
  memory.copy(COMMAND + HEADER_BYTES, what, bytes);
}

// A card that must return something is let to.
function selectAgain(status: i32, bytes: u32, to: usize, capacity: u32): i32 {
  if (status !== 0x6a86) return status; // wrong P1 or P2
  store<u8>(COMMAND, 0x04, 3);
  store<u8>(COMMAND + HEADER_BYTES + bytes, 0);
  return exchange(HEADER_BYTES + bytes + 1, to, capacity);
}

function select(way: u32, what: usize, bytes: u32, to: usize, capacity: u32): i32 {
  selectCommand(way, what, bytes);
  return selectAgain(exchange(HEADER_BYTES + bytes, to, capacity), bytes, to, capacity);
}

// Reads the file at PATH to its end, or until its first CBOR item is whole. Returns the bytes of it, or < 0.
function readPath(to: usize, capacity: u32, document: bool): i32 {
  if (!selectPath(to, capacity)) return CARD_UNREACHABLE;
  let have: u32 = 0;
  while (have + CARD_ROOM <= capacity && have <= OFFSET_MAX) {
    header(0xb0, have >>> 8, have, READ_BYTES);
    const status = exchange(HEADER_BYTES, to + have, capacity - have);
    const ended = status === Status.EndOfFile || (status === Status.OffsetOutside && have !== 0);
    if (status !== Status.Ok && !ended) return CARD_UNREACHABLE;
    have += answered;
    const whole = document ? documentBytes(to, have) : 0;
    if (whole) return whole;
    if (ended || answered === 0) return document ? CARD_UNREACHABLE : have;
  }
  return document ? CARD_UNREACHABLE : have;
}

// The file may be longer than the document: the first CBOR item is it. 0: not whole yet.
function documentBytes(from: usize, have: u32): u32 {
  reading.open(from, have);
  reading.skip();
  return reading.fault === Reason.Ok ? <u32>(reading.at - from) : 0;
}

function header(instruction: u32, p1: u32, p2: u32, p3: u32): void {
  store<u8>(COMMAND, 0x00);
  store<u8>(COMMAND, instruction, 1);
  store<u8>(COMMAND, p1, 2);
  store<u8>(COMMAND, p2, 3);
  store<u8>(COMMAND, p3, 4);
}

// One command, with what T=0 makes of it: 6Cxx, the same again for xx bytes; 61xx to a read, xx bytes are to be fetched.
// Returns the status, or < 0 and Status.None when there was no answer.
function exchange(length: u32, to: usize, capacity: u32): i32 {
  const reads = load<u8>(COMMAND, 1) === 0xb0;
  answered = 0;
  let status: i32 = Status.None;
  for (let answer: u32 = 0; answer < ANSWERS_MAX; answer++) {
    if (capacity < answered + 2) return Status.None;
    const bytes = card(COMMAND, length, to + answered, capacity - answered);
    if (bytes < 2) return bytes < 0 ? bytes : Status.None;
    const data: u32 = bytes - 2;
    status = ((<i32>load<u8>(to + answered + data)) << 8) | load<u8>(to + answered + data + 1);
    answered += data;
    const wanted = status & 0xff;
    if (status >>> 8 === 0x61 && reads) header(0xc0, 0, 0, wanted);
    else if (status >>> 8 === 0x6c && data === 0 && answer === 0) store<u8>(COMMAND + length - 1, wanted);
    else break;
  }
  return status;
}

// --- Directories: DER, with tags of one byte ---

// One element of a list:   … │ tag │ length │ value … │ …        next: behind it
@unmanaged
class Element {
  tag: u32;
  value: usize;
  bytes: u32;
  next: usize;
}

const entry = changetype<Element>(memory.data(offsetof<Element>(), 4));
const part = changetype<Element>(memory.data(offsetof<Element>(), 4));

// The element at `at` of a list that ends at `end`; false at its end, where padding begins, or when it is malformed.
function element(found: Element, at: usize, end: usize): bool {
  if (at >= end) return false;
  found.tag = load<u8>(at++);
  if (found.tag === 0x00 || found.tag === 0xff) return false;
  let length: u32 = at < end ? load<u8>(at++) : 0xff;
  if (length > 0x7f) {
    const bytes = length & 0x7f;
    length = 0;
    for (let i: u32 = 0; i < bytes && bytes < 3 && at < end; i++) length = (length << 8) | load<u8>(at++);
    if (bytes === 0 || bytes > 2) length = u32.MAX_VALUE;
  }
  if (at > end || length > <u32>(end - at)) {
    malformed = true;
    return false;
  }
  found.value = at;
  found.bytes = length;
  found.next = at + length;
  return true;
}

// The first element with this tag in a list or, depth first, in the sequences and choices inside; left in `part`.
function search(tag: u32, at: usize, end: usize, depth: u32): bool {
  while (element(part, at, end)) {
    if (part.tag === tag) return true;
    const next = part.next;
    const nests = part.tag === Tag.Sequence || part.tag === Tag.Type;
    if (nests && depth !== 0 && search(tag, part.value, next, depth - 1)) return true;
    at = next;
  }
  return false;
}

function keepPath(at: usize, end: usize): void {
  malformed = !search(Tag.Octets, at, end, DEPTH_MAX) || part.bytes < 2 || part.bytes > PATH_BYTES_MAX;
  if (malformed) return;
  pathBytes = part.bytes;
  memory.copy(PATH, part.value, pathBytes);
}

// The path of directory `number` (from 0), to PATH; false: there are not so many.
function findDirectory(odf: usize, bytes: u32, number: u32): bool {
  malformed = false;
  for (let at = odf; element(entry, at, odf + bytes); at = entry.next) {
    if (entry.tag !== Tag.DataObjects || number-- !== 0) continue;
    keepPath(entry.value, entry.next);
    return true;
  }
  return false;
}

// The path of our object, to PATH, found by its identifier or by its label.
function findObject(dodf: usize, bytes: u32, byIdentifier: bool): bool {
  for (let at = dodf; element(entry, at, dodf + bytes); at = entry.next) {
    if (entry.tag !== Tag.Sequence && entry.tag !== Tag.Type) continue;
    const identified = search(Tag.Oid, entry.value, entry.next, DEPTH_MAX);
    if (byIdentifier ? !(identified && isOurs()) : identified || !isLabelled()) continue;
    if (malformed) return true;
    let last = entry.value;
    while (element(part, last, entry.next) && part.tag !== Tag.Type) last = part.next;
    keepPath(last, entry.next);
    return true;
  }
  return false;
}

function isOurs(): bool {
  if (load<u8>(part.value) === Tag.Oid && part.bytes === OID_BYTES + 2) {
    return load<u8>(part.value, 1) === OID_BYTES && memory.compare(part.value + 2, oid(), OID_BYTES) === 0;
  }
  return part.bytes === OID_BYTES && memory.compare(part.value, oid(), OID_BYTES) === 0;
}

function isLabelled(): bool {
  if (!search(Tag.Label, entry.value, entry.next, DEPTH_MAX)) return false;
  return part.bytes === LABEL_BYTES && memory.compare(part.value, label(), LABEL_BYTES) === 0;
}

// CBOR as a tree of items with their places, and its hex dump with remarks: RFC 8949 section 3, definite lengths only.
//
// A byte string that the CDDL says holds CBOR is opened in the dump as well (`inside`).

export interface Item {
  bytes: Uint8Array;
  at: number;
  /** Where the content begins, behind the head. */
  from: number;
  end: number;
  major: number;
  argument: bigint;
  /** Of an array; of a map: key, value, key, value; of a tag: one. */
  items: Item[];
  /** What a byte string holds, if a rule says so. */
  inside?: Item;
  /** What the rule says about it. */
  remark?: string;
}

export const MAJOR = { uint: 0, negative: 1, bytes: 2, text: 3, array: 4, map: 5, tag: 6, simple: 7 } as const;

/** Exactly one item. */
export function readTree(bytes: Uint8Array): Item {
  const item = readItem(bytes, 0);
  if (item.end !== bytes.length) throw new Error(`cbor: ${bytes.length - item.end} bytes behind the end`);
  return item;
}

function readItem(bytes: Uint8Array, at: number): Item {
  const first = bytes[at];
  if (first === undefined) throw new Error(`cbor: ends at ${at}`);
  const [major, info] = [first >> 5, first & 31];
  if (info > 27) throw new Error(`cbor: head ${first} at ${at}`);
  const extra = info < 24 ? 0 : 1 << (info - 24);
  const from = at + 1 + extra;
  const argument =
    extra === 0 ? BigInt(info) : bytes.subarray(at + 1, from).reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
  const item: Item = { bytes, at, from, end: from, major, argument, items: [] };
  if (major === MAJOR.bytes || major === MAJOR.text) item.end = from + Number(argument);
  const children = { [MAJOR.array]: argument, [MAJOR.map]: argument * 2n, [MAJOR.tag]: 1n }[major] ?? 0n;
  for (let left = children; left > 0n; left--) {
    const child = readItem(bytes, item.end);
    item.items.push(child);
    item.end = child.end;
  }
  if (item.end > bytes.length) throw new Error(`cbor: an item at ${at} reaches beyond the end`);
  return item;
}

export const contentOf = ({ bytes, from, end }: Item): Uint8Array => bytes.slice(from, end);
export const textOf = (item: Item): string => new TextDecoder('utf-8', { fatal: true }).decode(contentOf(item));
export const numberOf = ({ major, argument }: Item): bigint => (major === MAJOR.negative ? -1n - argument : argument);

const TAGS: Record<string, string> = { 18: 'COSE_Sign1', 107: 'SUIT envelope' };
const SIMPLE: Record<string, string> = { 20: 'false', 21: 'true', 22: 'null' };

function meaning(item: Item): string {
  const { major, argument } = item;
  switch (major) {
    case MAJOR.uint:
    case MAJOR.negative:
      return `${numberOf(item)}`;
    case MAJOR.bytes:
      return `${argument} byte${argument === 1n ? '' : 's'}${item.inside ? ', which hold CBOR' : ''}`;
    case MAJOR.text:
      return JSON.stringify(textOf(item));
    case MAJOR.array:
      return `array of ${argument}`;
    case MAJOR.map:
      return `map of ${argument}`;
    case MAJOR.tag:
      return `tag ${argument}${TAGS[`${argument}`] ? `, ${TAGS[`${argument}`]}` : ''}`;
    default:
      return SIMPLE[`${argument}`] ?? `simple ${argument}`;
  }
}

const PIECE = 16; // bytes of a string in one line
const COLUMN = 44; // where remarks begin, unless the hex is longer

/** One item a line: its head in hex, indented by its depth, then what it is. Strings follow in pieces. */
export function dump(item: Item): string {
  const lines: string[] = [];
  const line = (depth: number, bytes: Uint8Array, text = '') =>
    lines.push(`${`${'  '.repeat(depth)}${Buffer.from(bytes).toString('hex')}`.padEnd(COLUMN)} # ${text}`.trimEnd());
  const walk = (one: Item, depth: number, key = false) => {
    const { bytes, at, from, end, items, inside, major } = one;
    const text = one.remark
      ? key
        ? `${meaning(one)} = ${one.remark}`
        : `${one.remark}: ${meaning(one)}`
      : meaning(one);
    const leaf = major === MAJOR.bytes || major === MAJOR.text;
    if (!leaf || (!inside && end - from <= PIECE)) line(depth, bytes.subarray(at, leaf ? end : from), text);
    else line(depth, bytes.subarray(at, from), text);
    if (inside) walk(inside, depth + 1);
    else if (leaf && end - from > PIECE) {
      for (let piece = from; piece < end; piece += PIECE) {
        lines.push(
          '  '.repeat(depth + 1) + Buffer.from(bytes.subarray(piece, Math.min(end, piece + PIECE))).toString('hex'),
        );
      }
    }
    const map = major === MAJOR.map;
    for (const [index, child] of items.entries())
      walk(child, depth + 1 + (map ? index % 2 : 0), map && index % 2 === 0);
  };
  walk(item, 0);
  return lines.join('\n');
}

/** The bytes of a dump. */
export function fromDump(text: string): Uint8Array {
  const hex = text
    .split('\n')
    .map((line) => line.replace(/#.*/, '').replace(/\s/g, ''))
    .join('');
  return Uint8Array.from(Buffer.from(hex, 'hex'));
}

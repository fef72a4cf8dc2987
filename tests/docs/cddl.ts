// CDDL (RFC 8610), as much of it as docs/formats.md uses: whether bytes are what a rule says, and what its comments call them.
//
// Understood: rules for types and groups; choices `/` and `//`; maps, arrays, occurrence `?` `*` `+` `n*m`; keys as a value
// with ":" or as a type with "=>"; ranges; tags; .size and .cbor; the names of the prelude that stand in PRELUDE. Anything
// else is an error, never skipped. Entries of a map are tried in their order. The comment at the end of a line
// becomes the remark of the item that the line describes.

import { contentOf, type Item, MAJOR, numberOf, readTree, textOf } from './tree.js';

type Type =
  | { kind: 'choice'; of: Type[] }
  | { kind: 'value'; value: bigint | string }
  | { kind: 'range'; from: bigint; to: bigint }
  | { kind: 'name'; name: string }
  | { kind: 'map' | 'array'; group: Group }
  | { kind: 'tag'; tag: bigint; type: Type }
  | { kind: 'size' | 'cbor'; type: Type; by: Type };

/** Alternatives of sequences. */
type Group = Entry[][];
interface Entry {
  least: number;
  most: number;
  key?: Type;
  what: { type: Type } | { group: Group };
  remark?: string | undefined;
}

export type Rules = Map<string, Type | Group>;

const PRELUDE: Record<string, (item: Item) => boolean> = {
  any: () => true,
  uint: ({ major }) => major === MAJOR.uint,
  nint: ({ major }) => major === MAJOR.negative,
  int: ({ major }) => major <= MAJOR.negative,
  bstr: ({ major }) => major === MAJOR.bytes,
  tstr: ({ major }) => major === MAJOR.text,
  bool: ({ major, argument }) => major === MAJOR.simple && (argument === 20n || argument === 21n),
  false: ({ major, argument }) => major === MAJOR.simple && argument === 20n,
  true: ({ major, argument }) => major === MAJOR.simple && argument === 21n,
  null: ({ major, argument }) => major === MAJOR.simple && argument === 22n,
};

/** The other names of RFC 8610 appendix D: a rule must not give them another meaning. */
const TAKEN = new Set(
  `${Object.keys(PRELUDE).join(' ')} bytes text tdate time number biguint bignint bigint integer unsigned decfrac bigfloat
  eb64url eb64legacy eb16 encoded-cbor uri b64url b64legacy regexp mime-message cbor-any float16 float32 float64
  float16-32 float32-64 float nil undefined`.split(/\s+/),
);

// --- Reading ---

interface Token {
  text: string;
  line: number;
}

const TOKEN =
  /\s+|;[^\n]*|#6\.\d+|"(?:[^"\\]|\\.)*"|-?\d+(?:\*\d*)?|\*\d*|\.\.\.?|\.[a-z]+|=>|\/\/|[A-Za-z_][\w-]*|[=/:,?+(){}[\]]/gy;

/** The rules of a text, by name. */
export function readCddl(text: string): Rules {
  const tokens: Token[] = [];
  const comments = new Map<number, string>();
  let line = 1;
  TOKEN.lastIndex = 0;
  for (let at = 0; at < text.length; at = TOKEN.lastIndex) {
    TOKEN.lastIndex = at;
    const [found] = TOKEN.exec(text) ?? [];
    if (found === undefined) throw new Error(`cddl: line ${line}: ${JSON.stringify(text.slice(at, at + 20))}`);
    if (found.startsWith(';')) comments.set(line, found.slice(1).trim());
    else if (found.trim()) tokens.push({ text: found, line });
    line += found.split('\n').length - 1;
  }
  return new Reader(tokens, comments).rules();
}

class Reader {
  #at = 0;
  readonly #tokens: Token[];
  readonly #comments: Map<number, string>;
  /** The entries so far, each with the line that it ends on: a comment belongs to the outermost of its line. */
  readonly #made: { entry: Entry; line: number }[] = [];
  constructor(tokens: Token[], comments: Map<number, string>) {
    this.#tokens = tokens;
    this.#comments = comments;
  }

  #peek(ahead = 0): string {
    return this.#tokens[this.#at + ahead]?.text ?? '';
  }
  #take(wanted?: string): string {
    const { text, line } = this.#tokens[this.#at] ?? { text: 'the end', line: 0 };
    if (wanted !== undefined && text !== wanted) throw new Error(`cddl: line ${line}: ${text} instead of ${wanted}`);
    this.#at++;
    return text;
  }
  #skips(text: string): boolean {
    if (this.#peek() !== text) return false;
    this.#at++;
    return true;
  }

  rules(): Rules {
    const rules: Rules = new Map();
    while (this.#at < this.#tokens.length) {
      const name = this.#take();
      this.#take('=');
      if (rules.has(name)) throw new Error(`cddl: ${name} stands twice`);
      if (TAKEN.has(name)) throw new Error(`cddl: ${name} is a name of the prelude`);
      rules.set(name, this.#peek() === '(' ? this.#groupIn('(', ')') : this.#type());
    }
    return rules;
  }

  #groupIn(open: string, close: string): Group {
    this.#take(open);
    const group: Group = [[]];
    while (!this.#skips(close)) {
      if (this.#skips('//')) group.push([]);
      else group.at(-1)!.push(this.#entry());
      this.#skips(',');
    }
    return group;
  }

  #entry(): Entry {
    const [least, most] = this.#occurrence();
    const before = this.#made.length;
    if (this.#peek() === '(') return { least, most, what: { group: this.#groupIn('(', ')') } };
    // In an array a bare word with ":" is a name for people, in a map it is a key; only the former is used here.
    if (this.#peek(1) === ':' && /^[A-Za-z]/.test(this.#peek())) this.#at += 2;
    const first = this.#type();
    const keyed = this.#skips(':') || this.#skips('=>');
    const type = keyed ? this.#type() : first;
    const last = this.#at - 1 + (this.#peek() === ',' ? 1 : 0);
    const { line } = this.#tokens[last]!;
    for (const inner of this.#made.slice(before)) if (inner.line === line) inner.entry.remark = undefined;
    const entry: Entry = {
      least,
      most,
      ...(keyed && { key: first }),
      what: { type },
      remark: this.#comments.get(line),
    };
    this.#made.push({ entry, line });
    return entry;
  }

  #occurrence(): [number, number] {
    if (this.#skips('?')) return [0, 1];
    if (this.#skips('+')) return [1, Number.POSITIVE_INFINITY];
    const [found, least, most] = /^(\d*)\*(\d*)$/.exec(this.#peek()) ?? [];
    if (found === undefined) return [1, 1];
    this.#at++;
    return [Number(least), most ? Number(most) : Number.POSITIVE_INFINITY];
  }

  #type(): Type {
    const of = [this.#controlled()];
    while (this.#skips('/')) of.push(this.#controlled());
    return of.length === 1 ? of[0]! : { kind: 'choice', of };
  }

  #controlled(): Type {
    const type = this.#single();
    if (this.#skips('..')) {
      const to = this.#single();
      if (
        type.kind === 'value' &&
        to.kind === 'value' &&
        typeof type.value === 'bigint' &&
        typeof to.value === 'bigint'
      )
        return { kind: 'range', from: type.value, to: to.value };
      throw new Error('cddl: a range goes from number to number');
    }
    if (this.#skips('.size')) return { kind: 'size', type, by: this.#single() };
    if (this.#skips('.cbor')) return { kind: 'cbor', type, by: this.#single() };
    return type;
  }

  #single(): Type {
    const text = this.#peek();
    if (text === '{') return { kind: 'map', group: this.#groupIn('{', '}') };
    if (text === '[') return { kind: 'array', group: this.#groupIn('[', ']') };
    this.#at++;
    if (text === '(') {
      const type = this.#type();
      this.#take(')');
      return type;
    }
    if (text.startsWith('#6.')) {
      this.#take('(');
      const type = this.#type();
      this.#take(')');
      return { kind: 'tag', tag: BigInt(text.slice(3)), type };
    }
    if (text.startsWith('"')) return { kind: 'value', value: JSON.parse(text) as string };
    if (/^-?\d+$/.test(text)) return { kind: 'value', value: BigInt(text) };
    if (/^[A-Za-z]/.test(text)) return { kind: 'name', name: text };
    throw new Error(`cddl: line ${this.#tokens[this.#at - 1]?.line}: ${text || 'the end'} is no type`);
  }
}

// --- Checking ---

/** The item, with remarks, if the bytes are what the rule says; otherwise undefined. */
export function match(rules: Rules, rule: string, bytes: Uint8Array): Item | undefined {
  const item = readTree(bytes);
  return new Matcher(rules).type(item, { kind: 'name', name: rule }) ? item : undefined;
}

class Matcher {
  readonly #rules: Rules;
  constructor(rules: Rules) {
    this.#rules = rules;
  }

  type(item: Item, type: Type): boolean {
    const { major } = item;
    switch (type.kind) {
      case 'choice':
        return type.of.some((one) => this.type(item, one));
      case 'value':
        if (typeof type.value === 'string') return major === MAJOR.text && textOf(item) === type.value;
        return major <= MAJOR.negative && numberOf(item) === type.value;
      case 'range':
        return major <= MAJOR.negative && numberOf(item) >= type.from && numberOf(item) <= type.to;
      case 'name': {
        const rule = this.#rules.get(type.name);
        if (rule === undefined) return named(type.name)(item);
        if (Array.isArray(rule)) throw new Error(`cddl: ${type.name} is a group`);
        return this.type(item, rule);
      }
      case 'tag':
        return major === MAJOR.tag && item.argument === type.tag && this.type(item.items[0]!, type.type);
      case 'size':
        return this.type(item, type.type) && this.#sized(item, type.by);
      case 'cbor':
        return this.type(item, type.type) && this.#holds(item, type.by);
      case 'map':
        return major === MAJOR.map && this.#alternatives(type.group).some((entries) => this.#map(item.items, entries));
      case 'array':
        return major === MAJOR.array && this.#ends(item.items, 0, type.group).includes(item.items.length);
    }
  }

  /** Of a string its length; of a number the bytes that it fits in. */
  #sized(item: Item, by: Type): boolean {
    const length = item.major >= MAJOR.bytes ? item.argument : BigInt(Math.ceil(item.argument.toString(16).length / 2));
    if (by.kind === 'value') return item.major >= MAJOR.bytes ? length === by.value : length <= BigInt(by.value);
    return by.kind === 'range' && length >= by.from && length <= by.to;
  }

  #holds(item: Item, by: Type): boolean {
    let inside: Item;
    try {
      inside = readTree(contentOf(item));
    } catch {
      return false;
    }
    if (!this.type(inside, by)) return false;
    item.inside = inside;
    return true;
  }

  /** A group of a map as flat lists of entries: names of groups and groups in it are put in place. */
  #alternatives(group: Group): Entry[][] {
    return group.flatMap((entries) => {
      let lists: Entry[][] = [[]];
      for (const entry of entries) {
        const inner = this.#groupOf(entry);
        const more = inner ? this.#alternatives(inner) : [[entry]];
        if (inner && entry.least === 0) more.push([]);
        lists = lists.flatMap((list) => more.map((one) => [...list, ...one]));
      }
      return lists;
    });
  }

  #groupOf({ key, what }: Entry): Group | undefined {
    if ('group' in what) return what.group;
    const rule = key === undefined && what.type.kind === 'name' ? this.#rules.get(what.type.name) : undefined;
    return Array.isArray(rule) ? rule : undefined;
  }

  #map(items: readonly Item[], entries: readonly Entry[]): boolean {
    const used = entries.map(() => 0);
    for (let at = 0; at < items.length; at += 2) {
      const [key, value] = [items[at]!, items[at + 1]!];
      const found = entries.findIndex(
        ({ key: wanted, what, most }, index) =>
          used[index]! < most && wanted && 'type' in what && this.type(key, wanted) && this.type(value, what.type),
      );
      if (found < 0) return false;
      used[found]!++;
      remark(key, entries[found]!);
    }
    return entries.every(({ least }, index) => used[index]! >= least);
  }

  /** Where a group can end that begins at `at`. */
  #ends(items: readonly Item[], at: number, group: Group): number[] {
    return group.flatMap((entries) =>
      entries.reduce<number[]>((ends, entry) => ends.flatMap((end) => this.#after(items, end, entry)), [at]),
    );
  }

  #after(items: readonly Item[], at: number, entry: Entry): number[] {
    const inner = this.#groupOf(entry);
    const ends: number[] = entry.least === 0 ? [at] : [];
    let open = [at];
    for (let count = 1; count <= entry.most && open.length > 0; count++) {
      open = open.flatMap((from) => (inner ? this.#ends(items, from, inner) : this.#one(items, from, entry)));
      if (count >= entry.least) ends.push(...open);
      if (open.every((end) => end >= items.length)) break;
    }
    return [...new Set(ends)];
  }

  #one(items: readonly Item[], at: number, entry: Entry): number[] {
    const item = items[at];
    if (!item || !('type' in entry.what) || !this.type(item, entry.what.type)) return [];
    remark(item, entry);
    return [at + 1];
  }
}

function remark(item: Item, entry: Entry): void {
  if (entry.remark !== undefined) item.remark = entry.remark;
}

function named(name: string): (item: Item) => boolean {
  const found = PRELUDE[name];
  if (found === undefined) throw new Error(`cddl: nothing is called ${name}`);
  return found;
}

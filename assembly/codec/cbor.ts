// CBOR (RFC 8949) by cursor: nothing is copied, nothing is built.
//
// The reader speaks the subset that our formats use: integers, byte and text strings, arrays, maps, tags, true, false
// and null. It insists on the deterministic encoding (section 4.2.1): shortest heads, definite lengths, and map keys
// strictly ascending where the caller asks for them by `ordered`. Floats and other simple values are refused. The first
// fault sticks and empties the cursor, later reads return 0: parse first, look at the fault once at the end.
//
// A `lenient` cursor also takes longer heads, indefinite arrays and maps, and keys in any order. It is for requests of
// foreign SMP clients only; whatever is signed or decides is read strictly. Bytes are read one by one: messages lie
// at any alignment.

import { Reason } from '../reason';
import { INSIDE, NESTING, READING, WRITING } from '../scratch';
import { compare } from './bytes';

// Major types; None is what a faulty cursor reads.
export const enum Type {
  Uint = 0,
  Negative = 1,
  Bytes = 2,
  Text = 3,
  Array = 4,
  Map = 5,
  Tag = 6,
  Simple = 7,
  None = 8,
}

// Deeper than any format of ours (a SUIT text member is 4 deep), and little enough to be kept in a table.
export const NESTING_MAX: u32 = 16;
// In NESTING, while an item is skipped: a word for each level, the items left on it.

// What `array` and `map` of a lenient cursor return when a break marks the end: never a count, also counted down.
const UNTIL_BREAK: u32 = u32.MAX_VALUE;
const COUNT_MAX: u32 = i32.MAX_VALUE;

const FALSE: u64 = 20;
const TRUE: u64 = 21;
const NULL: u64 = 22;

// A window on bytes that someone else owns.
//   already read | at ........ end          from, length: the string that was read last
@unmanaged
export class Cursor {
  value: u64; // argument of the head that was read last
  at: usize;
  end: usize;
  from: usize;
  length: u32;
  fault: Reason;
  lenient: bool;

  open(from: usize, length: u32): void {
    this.at = from;
    this.end = from + length;
    this.from = from;
    this.length = 0;
    this.fault = Reason.Ok;
    this.lenient = false;
  }

  openLenient(from: usize, length: u32): void {
    this.open(from, length);
    this.lenient = true;
  }

  fail(fault: Reason): void {
    if (this.fault === Reason.Ok) this.fault = fault;
    this.at = this.end;
    this.from = this.end;
    this.length = 0;
    this.value = 0;
  }

  // To be called after the last item: nothing may be left over.
  close(): Reason {
    if (this.fault === Reason.Ok && this.at !== this.end) this.fail(Reason.TrailingBytes);
    return this.fault;
  }

  // Major type of the next item, which stays unread; Type.None at the end.
  peek(): Type {
    return this.at < this.end ? <i32>load<u8>(this.at) >> 5 : Type.None;
  }

  // Whether the next item is null.
  peekNull(): bool {
    return this.at < this.end && load<u8>(this.at) === 0xf6;
  }

  // Reads a head: returns the major type, leaves the argument in `value`.
  head(): Type {
    let at = this.at;
    if (at >= this.end) return this.none(Reason.Truncated);
    const type = <i32>load<u8>(at) >> 5;
    const info = <u32>load<u8>(at++) & 31;
    if (type === Type.Simple && (info < FALSE || info > NULL)) return this.none(Reason.UnsupportedItem);
    let value = <u64>info;
    if (info > 23) {
      if (info > 27) return this.unbounded(at, type, info);
      const bytes = 1 << (info - 24);
      if (<usize>bytes > this.end - at) return this.none(Reason.Truncated);
      const after = at + bytes;
      value = 0;
      while (at < after) value = (value << 8) | load<u8>(at++);
      const least: u64 = info === 24 ? 24 : (<u64>1) << (bytes << 2);
      if (value < least && !this.lenient) return this.none(Reason.NotDeterministic);
    }
    this.at = at;
    this.value = value;
    return type;
  }

  // Additional information 28 to 31: only the indefinite arrays and maps of a lenient cursor are anything to us.
  private unbounded(at: usize, type: Type, info: u32): Type {
    if (info !== 31) return this.none(Reason.UnsupportedItem);
    if (!this.lenient || (type !== Type.Array && type !== Type.Map)) return this.none(Reason.NotDeterministic);
    this.at = at;
    this.value = UNTIL_BREAK;
    return type;
  }

  private none(fault: Reason): Type {
    this.fail(fault);
    return Type.None;
  }

  private expect(type: Type): u64 {
    if (this.head() !== type) this.fail(Reason.WrongType);
    return this.value;
  }

  uint(): u64 {
    return this.expect(Type.Uint);
  }

  // An unsigned integer of at most `most`.
  upTo(most: u32): u32 {
    if (this.expect(Type.Uint) > <u64>most) this.fail(Reason.OutOfRange);
    return <u32>this.value;
  }

  int(): i64 {
    const type = this.head();
    if (type > Type.Negative) this.fail(Reason.WrongType);
    if (this.value > <u64>i64.MAX_VALUE) this.fail(Reason.OutOfRange);
    return type === Type.Negative ? -1 - <i64>this.value : <i64>this.value;
  }

  // An integer key of a map. All of ours fit 32 bits; cutting a longer one short would make it another.
  label(): i32 {
    const label = this.int();
    if (label !== <i64>(<i32>label)) this.fail(Reason.OutOfRange);
    return <i32>label;
  }

  // Address of a byte string's content; its length is left in `length`.
  bytes(): usize {
    return this.string(Type.Bytes);
  }

  // Like `bytes`, for a string that has one right length.
  bytesOf(length: u32): usize {
    this.string(Type.Bytes);
    if (this.length !== length) this.fail(Reason.OutOfRange);
    return this.from;
  }

  text(): usize {
    return this.string(Type.Text);
  }

  private string(type: i32): usize {
    const length = this.expect(type);
    if (length > <u64>(this.end - this.at)) this.fail(Reason.Truncated);
    this.from = this.at;
    this.length = <u32>this.value;
    this.at += this.length;
    return this.from;
  }

  // The string that was read last, up to 8 ASCII characters, the first in the lowest byte; a longer one is none, 0.
  word(): u64 {
    let packed: u64 = 0;
    for (let i = this.length > 8 ? 0 : this.length; i !== 0; ) packed = (packed << 8) | load<u8>(this.from + --i);
    return packed;
  }

  // Number of items that follow.
  array(): u32 {
    return this.count(this.expect(Type.Array), 0);
  }

  // Number of pairs that follow.
  map(): u32 {
    return this.count(this.expect(Type.Map), 1);
  }

  // An item takes at least a byte, a pair two (shift 1): a larger count is a lie that would only cost time.
  private count(count: u64, shift: u32): u32 {
    if (this.fault !== Reason.Ok) return 0;
    if (this.lenient && count === UNTIL_BREAK) return UNTIL_BREAK;
    if (count > <u64>(<u32>(this.end - this.at) >> shift)) this.fail(Reason.Truncated);
    return <u32>this.value;
  }

  // `for (let left = c.map(); c.more(left); left--)` walks a container of either kind, and ends at the first fault.
  more(left: u32): bool {
    if (this.fault !== Reason.Ok) return false;
    if (left <= COUNT_MAX) return left !== 0;
    if (this.at === this.end) this.fail(Reason.Truncated);
    else if (load<u8>(this.at) !== 0xff) return true;
    else this.at++;
    return false;
  }

  tag(): u64 {
    return this.expect(Type.Tag);
  }

  boolean(): bool {
    const type = this.head();
    if (type !== Type.Simple || this.value === NULL) this.fail(Reason.WrongType);
    return this.value === TRUE;
  }

  // Opens `inner` on the content of the byte string that comes next, and reads past it.
  enter(inner: Cursor): void {
    const from = this.bytes();
    inner.open(from, this.length);
    if (this.fault !== Reason.Ok) inner.fail(this.fault);
  }

  // Ends what `enter` began: the content must have been read to its end, and its fault becomes ours.
  leave(inner: Cursor): void {
    if (inner.close() !== Reason.Ok) this.fail(inner.fault);
  }

  // Before each key of a map: `previous = c.ordered(previous)`, starting from 0. A key that does not stand after the
  // previous one in the bytewise order of the encodings, or repeats it, is a fault. Encodings are prefix-free, so
  // comparing as many bytes as the new key has is enough.
  ordered(previous: usize): usize {
    const key = this.at;
    if (this.lenient || this.fault !== Reason.Ok) return key;
    this.skip();
    const length = this.at - key;
    if (this.fault === Reason.Ok) this.at = key;
    if (previous !== 0 && compare(previous, key, length) >= 0) this.fail(Reason.NotDeterministic);
    return key;
  }

  // Reads past one item, whatever it is.
  skip(): void {
    let depth: u32 = 0;
    let left: u32 = 1;
    for (;;) {
      while (!this.more(left)) {
        if (depth === 0 || this.fault !== Reason.Ok) return;
        left = load<u32>(NESTING + (--depth << 2));
      }
      left--;
      const type = this.head();
      if (type === Type.Bytes || type === Type.Text) {
        if (this.value > <u64>(this.end - this.at)) this.fail(Reason.Truncated);
        this.at += <usize>this.value;
      } else if (type >= Type.Array && type <= Type.Tag) {
        if (depth === NESTING_MAX) {
          this.fail(Reason.TooDeep);
          return;
        }
        store<u32>(NESTING + (depth++ << 2), left);
        const shift: u32 = type === Type.Map ? 1 : 0;
        left = type === Type.Tag ? 1 : this.count(this.value, shift) << shift;
      }
    }
  }
}

// For whoever reads a document from its first byte to its last in one go: such readings do not stand inside another.
export const reading = changetype<Cursor>(READING);
// And for a byte string in it that is looked into.
export const inside = changetype<Cursor>(INSIDE);

// The mirror of Cursor: writes the deterministic encoding (but not the order of keys, which is the caller's).
//   written | at ........ end          the first fault (no room) sticks, later writes do nothing
@unmanaged
export class Writer {
  from: usize;
  at: usize;
  end: usize;
  fault: Reason;

  open(from: usize, capacity: u32): void {
    this.from = from;
    this.at = from;
    this.end = from + capacity;
    this.fault = Reason.Ok;
  }

  // Bytes written so far.
  written(): u32 {
    return <u32>(this.at - this.from);
  }

  private room(bytes: u32): bool {
    if (this.fault === Reason.Ok && bytes > <u32>(this.end - this.at)) this.fault = Reason.TooLarge;
    return this.fault === Reason.Ok;
  }

  head(type: i32, value: u64): void {
    const info: u32 =
      value < 24 ? <u32>value : value < 0x100 ? 24 : value < 0x10000 ? 25 : value < 0x100000000 ? 26 : 27;
    const bytes: u32 = info < 24 ? 0 : 1 << (info - 24);
    if (!this.room(1 + bytes)) return;
    store<u8>(this.at++, ((<u32>type) << 5) | info);
    for (let left = bytes; left !== 0; ) store<u8>(this.at++, <u8>(value >> (--left << 3)));
  }

  uint(value: u64): void {
    this.head(Type.Uint, value);
  }

  int(value: i64): void {
    if (value < 0) this.head(Type.Negative, <u64>(-1 - value));
    else this.head(Type.Uint, <u64>value);
  }

  bytes(from: usize, length: u32): void {
    this.head(Type.Bytes, length);
    this.raw(from, length);
  }

  text(from: usize, length: u32): void {
    this.head(Type.Text, length);
    this.raw(from, length);
  }

  array(count: u32): void {
    this.head(Type.Array, count);
  }

  map(count: u32): void {
    this.head(Type.Map, count);
  }

  tag(value: u32): void {
    this.head(Type.Tag, value);
  }

  boolean(value: bool): void {
    this.head(Type.Simple, value ? TRUE : FALSE);
  }

  empty(): void {
    this.head(Type.Simple, NULL);
  }

  // Bytes that are encoded already.
  raw(from: usize, length: u32): void {
    if (!this.room(length)) return;
    memory.copy(this.at, from, length);
    this.at += length;
  }
}

// For whoever writes a document or a value in one go, as `reading` is for readers.
export const writing = changetype<Writer>(WRITING);

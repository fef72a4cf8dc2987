// What a request says: one table of all the keys that our groups know, filled by one lenient walk over the body.
//
// Foreign clients order keys as they like, write longer heads and indefinite maps, and add keys of their own: those are
// skipped. A key twice, a body that is no map, or bytes behind it make the request malformed. Values stay where they
// lie in the packet; a value of another type than the command wants is as good as absent. No body at all is the empty
// map: clients leave it out where a command has no arguments.

import { reading, Type } from '../codec/cbor';
import { Reason } from '../reason';
import { wordBytes, wordIs } from './words';

// Keys: the first words of words.ts, in its order.
export const enum Field {
  Off,
  Len,
  Data,
  Sha,
  Image,
  Hash,
  Confirm,
  Slot,
  D,
  Format,
  Query,
  Uri,
  Corr,
  Answer,
  From,
  Count, // how many
}

@unmanaged
class Value {
  at: usize; // strings
  number: u32; // strings: length; uint; boolean 0 or 1
  type: i32; // Type, Type.None when absent
}

const values: usize = memory.data(Field.Count * offsetof<Value>(), 4);

function value(field: Field): Value {
  return changetype<Value>(values + field * offsetof<Value>());
}

// The field whose key was read last, Field.Count for a stranger's.
function fieldRead(): Field {
  let field: Field = Field.Off;
  for (let word: u32 = 0; field < Field.Count && !wordIs(word, reading.from, reading.length); word += wordBytes(word))
    field++;
  return field;
}

export function requestRead(body: usize, length: u32): Reason {
  for (let field: i32 = 0; field < Field.Count; field++) value(field).type = Type.None;
  if (length === 0) return Reason.Ok;
  reading.openLenient(body, length);
  for (let left = reading.map(); reading.more(left); left--) {
    reading.text();
    const field = fieldRead();
    if (field === Field.Count) reading.skip();
    else readValue(value(field));
  }
  return reading.close() === Reason.Ok ? Reason.Ok : Reason.RequestMalformed;
}

function readValue(value: Value): void {
  if (value.type !== Type.None) reading.fail(Reason.RequestMalformed);
  const type = reading.peek();
  if (type === Type.Uint) {
    value.number = reading.upTo(u32.MAX_VALUE);
  } else if (type === Type.Bytes || type === Type.Text) {
    value.at = type === Type.Bytes ? reading.bytes() : reading.text();
    value.number = reading.length;
  } else if (type === Type.Simple && !reading.peekNull()) {
    value.number = reading.boolean() ? 1 : 0;
  } else {
    reading.skip(); // null, and what no command of ours takes: absent
    return;
  }
  value.type = type;
}

export function has(field: Field, type: Type): bool {
  return value(field).type === type;
}

// The number of a field, or `otherwise` when it is absent.
export function numberOf(field: Field, otherwise: u32): u32 {
  return has(field, Type.Uint) ? value(field).number : otherwise;
}

export function isTrue(field: Field): bool {
  return has(field, Type.Simple) && value(field).number !== 0;
}

export function addressOf(field: Field): usize {
  return value(field).at;
}

export function lengthOf(field: Field): u32 {
  return value(field).number;
}

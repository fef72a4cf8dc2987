// The CBOR cursor: what is read, what is refused, and by which number (RFC 8949 section 4.2.1).

import { Cursor, NESTING_MAX, Type, Writer } from '../../../assembly/codec/cbor';
import { Reason } from '../../../assembly/reason';
import { clear, lay, repeat, sizeOf, toHex } from '../support/bytes';

const cursor = changetype<Cursor>(memory.data(64, 8));
const inner = changetype<Cursor>(memory.data(64, 8));
const writer = changetype<Writer>(memory.data(32, 8));

function open(hex: string): Cursor {
  clear();
  cursor.open(lay(hex), sizeOf(hex));
  return cursor;
}

function openLenient(hex: string): Cursor {
  clear();
  cursor.openLenient(lay(hex), sizeOf(hex));
  return cursor;
}

function faultOfSkip(hex: string): i32 {
  open(hex).skip();
  return cursor.close();
}

function faultOfKeys(hex: string): i32 {
  open(hex);
  let previous: usize = 0;
  for (let left = cursor.map(); cursor.more(left); left--) {
    previous = cursor.ordered(previous);
    cursor.skip();
    cursor.skip();
  }
  return cursor.close();
}

describe('integers', () => {
  it('are read at every width', () => {
    expect(open('00').uint()).toBe(0);
    expect(open('17').uint()).toBe(23);
    expect(open('1818').uint()).toBe(24);
    expect(open('190100').uint()).toBe(256);
    expect(open('1a00010000').uint()).toBe(65536);
    expect(open('1b0000000100000000').uint()).toBe(4294967296);
    expect(open('1bffffffffffffffff').uint()).toBe(u64.MAX_VALUE);
    expect(open('20').int()).toBe(-1);
    expect(open('3a00011170').int()).toBe(-70001);
    expect(open('3b7fffffffffffffff').int()).toBe(i64.MIN_VALUE);
  });

  it('in longer heads than they need are refused', () => {
    const longer = [
      '1800',
      '1817',
      '190000',
      '1900ff',
      '1a00000000',
      '1a0000ffff',
      '1b0000000000000000',
      '1b00000000ffffffff',
    ];
    for (let i = 0; i < longer.length; i++) expect(faultOfSkip(longer[i])).toBe(Reason.NotDeterministic, longer[i]);
    expect(openLenient('190001').uint()).toBe(1);
    expect(openLenient('1b0000000000000005').uint()).toBe(5);
  });

  it('over their bounds are refused', () => {
    open('3b8000000000000000').int();
    expect(cursor.fault).toBe(Reason.OutOfRange);
    open('1b0000000100000001').label(); // cut to 32 bits it would be label 1
    expect(cursor.fault).toBe(Reason.OutOfRange);
    open('1a80000000').label();
    expect(cursor.fault).toBe(Reason.OutOfRange);
    open('05').upTo(4);
    expect(cursor.fault).toBe(Reason.OutOfRange);
    expect(open('04').upTo(4)).toBe(4);
  });
});

describe('a cursor', () => {
  it('keeps its first fault and then reads nothing', () => {
    open('40 0102');
    cursor.uint();
    expect(cursor.fault).toBe(Reason.WrongType);
    expect(cursor.uint()).toBe(0);
    cursor.bytes();
    expect(cursor.length).toBe(0);
    cursor.fail(Reason.TooLarge);
    expect(cursor.close()).toBe(Reason.WrongType);
  });

  it('reports bytes that are left over', () => {
    open('0102').uint();
    expect(cursor.close()).toBe(Reason.TrailingBytes);
  });

  it('refuses a string that reaches beyond the end, at any length', () => {
    const beyond = ['41', '5818', '4301 02', '5a7fffffff00', '5bffffffffffffffff00', '61', '78ff41'];
    for (let i = 0; i < beyond.length; i++) expect(faultOfSkip(beyond[i])).toBe(Reason.Truncated, beyond[i]);
    for (let i = 0; i < 3; i++) {
      open(beyond[i]).bytes();
      expect(cursor.fault).toBe(Reason.Truncated, beyond[i]);
      expect(cursor.length).toBe(0);
    }
  });

  it('refuses a container that claims more items than there are bytes', () => {
    const lies = ['81', '8201', 'a1', 'a101', '9a7fffffff', 'ba7fffffff01', '9bffffffffffffffff'];
    for (let i = 0; i < lies.length; i++) {
      expect(faultOfSkip(lies[i])).toBe(Reason.Truncated, lies[i]);
    }
    open('ba7fffffff0102').map();
    expect(cursor.fault).toBe(Reason.Truncated);
  });

  it('refuses floats, simple values and reserved heads', () => {
    const foreign = ['f90000', 'fa00000000', 'fb0000000000000000', 'f7', 'e0', 'f8ff', '1c', 'fc'];
    for (let i = 0; i < foreign.length; i++) expect(faultOfSkip(foreign[i])).toBe(Reason.UnsupportedItem, foreign[i]);
    expect(faultOfSkip('ff')).toBe(Reason.UnsupportedItem);
  });

  it('reads true, false and null, each where it is wanted', () => {
    expect(open('f5').boolean()).toBe(true);
    expect(open('f4').boolean()).toBe(false);
    expect(cursor.close()).toBe(Reason.Ok);
    expect(open('f6').peekNull()).toBe(true);
    cursor.boolean();
    expect(cursor.fault).toBe(Reason.WrongType);
    expect(open('').peekNull()).toBe(false);
    expect(open('').peek()).toBe(Type.None);
  });

  it('enters a byte string and takes over its fault', () => {
    open('4201 02 03').enter(inner);
    expect(inner.uint()).toBe(1);
    cursor.leave(inner);
    expect(cursor.fault).toBe(Reason.TrailingBytes);
    open('420102 03').enter(inner);
    inner.uint();
    inner.uint();
    cursor.leave(inner);
    expect(cursor.uint()).toBe(3);
    expect(cursor.close()).toBe(Reason.Ok);
    open('01').enter(inner); // no byte string: the inner cursor is as faulty as the outer
    expect(inner.fault).toBe(Reason.WrongType);
  });

  it('packs short texts into a number', () => {
    open('6272 63').text();
    expect(cursor.word()).toBe(0x6372);
    open('68 2331323334353637').text();
    expect(cursor.word()).toBe(0x3736353433323123);
    open('69 233132333435363738').text(); // nine characters never fit
    expect(cursor.word()).toBe(0);
  });
});

describe('nesting', () => {
  it('is followed to its bound and no further', () => {
    expect(faultOfSkip(`${repeat('81', NESTING_MAX)}00`)).toBe(Reason.Ok);
    expect(faultOfSkip(`${repeat('81', NESTING_MAX + 1)}00`)).toBe(Reason.TooDeep);
    expect(faultOfSkip(`${repeat('a100', NESTING_MAX)}00`)).toBe(Reason.Ok);
    expect(faultOfSkip(`${repeat('c1', NESTING_MAX + 1)}00`)).toBe(Reason.TooDeep);
  });

  it('ends where its containers end', () => {
    expect(faultOfSkip('83 8101 a10203 820405')).toBe(Reason.Ok);
    expect(faultOfSkip('80')).toBe(Reason.Ok);
    expect(faultOfSkip('a0')).toBe(Reason.Ok);
    expect(faultOfSkip('8080')).toBe(Reason.TrailingBytes);
  });
});

describe('map keys', () => {
  it('stand in bytewise order of their encodings', () => {
    // RFC 8949 section 4.2.1: 10, 100, -1, "z", "aa", [100], [-1], false
    expect(faultOfKeys('a8 0a00 186400 2000 617a00 62616100 81186400 812000 f400')).toBe(Reason.Ok);
  });

  it('are refused out of order or twice', () => {
    const wrong = [
      'a2 0200 0100',
      'a2 0100 0100',
      'a2 2000 0100',
      'a2 62616100 617a00',
      'a2 812000 81186400',
      'a2 190100 00 1818 00',
    ];
    for (let i = 0; i < wrong.length; i++) expect(faultOfKeys(wrong[i])).toBe(Reason.NotDeterministic, wrong[i]);
  });

  it('are free for a lenient reader', () => {
    openLenient('a2 0200 0100');
    let previous: usize = 0;
    for (let left = cursor.map(); cursor.more(left); left--) {
      previous = cursor.ordered(previous);
      cursor.uint();
      cursor.uint();
    }
    expect(cursor.close()).toBe(Reason.Ok);
  });
});

describe('indefinite lengths', () => {
  it('are refused where it matters', () => {
    const open = ['9f00ff', 'bf0000ff', '5f4100ff', '7f6161ff'];
    for (let i = 0; i < open.length; i++) expect(faultOfSkip(open[i])).toBe(Reason.NotDeterministic, open[i]);
  });

  it('are followed by a lenient reader, arrays and maps', () => {
    openLenient('bf 01 9f 02 03 ff 04 bf ff ff');
    let pairs = 0;
    for (let left = cursor.map(); cursor.more(left); left--) {
      cursor.uint();
      cursor.skip();
      pairs++;
    }
    expect(pairs).toBe(2);
    expect(cursor.close()).toBe(Reason.Ok);
    openLenient('9f01').skip(); // the break is missing
    expect(cursor.fault).toBe(Reason.Truncated);
    openLenient('5f4100ff').skip(); // strings in chunks are beyond what our peers send
    expect(cursor.fault).toBe(Reason.NotDeterministic);
  });
});

describe('what is written', () => {
  it('is the deterministic form, and reads back', () => {
    const at = lay(repeat('00', 64));
    writer.open(at, 64);
    writer.map(2);
    writer.uint(24);
    writer.int(-70001);
    writer.text(lay('7263'), 2); // "rc"
    writer.array(3);
    writer.boolean(true);
    writer.empty();
    writer.tag(18);
    writer.uint(u64.MAX_VALUE);
    expect(writer.fault).toBe(Reason.Ok);
    expect(toHex(at, writer.written())).toBe('a218183a00011170627263' + '83f5f6d2' + '1bffffffffffffffff');
    cursor.open(at, writer.written());
    cursor.skip();
    expect(cursor.close()).toBe(Reason.Ok);
  });

  it('never passes its end, and a fault sticks', () => {
    const at = lay(repeat('ee', 8));
    writer.open(at, 3);
    writer.uint(1);
    writer.uint(65536); // five bytes
    expect(writer.fault).toBe(Reason.TooLarge);
    writer.uint(1);
    expect(writer.written()).toBe(1);
    writer.open(at, 3);
    writer.bytes(at, 3);
    expect(writer.fault).toBe(Reason.TooLarge);
    expect(load<u8>(at + 3)).toBe(0xee);
  });
});

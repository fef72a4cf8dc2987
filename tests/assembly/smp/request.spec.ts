// Requests of foreign clients: read leniently, malformed only when their CBOR is.

import { Type } from '../../../assembly/codec/cbor';
import { Reason } from '../../../assembly/reason';
import { addressOf, Field, has, isTrue, lengthOf, numberOf, requestRead } from '../../../assembly/smp/request';
import { clear, lay, sizeOf } from '../support/bytes';

function read(hex: string): Reason {
  clear();
  return requestRead(lay(hex), sizeOf(hex));
}

describe('a request', () => {
  it('is empty', () => {
    expect(read('a0')).toBe(Reason.Ok);
    expect(read('')).toBe(Reason.Ok);
    expect(has(Field.Off, Type.Uint)).toBe(false);
  });

  it('has keys in any order, strange ones too', () => {
    // {"zz": [1, {2: 3}], "off": 7, "data": h'0102', "confirm": true}
    expect(read('a4627a7a8201a10203636f66660764646174614201026763 6f6e6669726df5'.replace(' ', ''))).toBe(Reason.Ok);
    expect(numberOf(Field.Off, 0)).toBe(7);
    expect(lengthOf(Field.Data)).toBe(2);
    expect(load<u8>(addressOf(Field.Data))).toBe(1);
    expect(isTrue(Field.Confirm)).toBe(true);
  });

  it('may be an indefinite map with longer heads than needed', () => {
    expect(read('bf636f666619000763 6c656e1a00000064ff'.replace(' ', ''))).toBe(Reason.Ok);
    expect(numberOf(Field.Off, 0)).toBe(7);
    expect(numberOf(Field.Len, 0)).toBe(100);
  });

  it('null and other types are as good as absent', () => {
    expect(read('a2636f6666f6636c656e616c')).toBe(Reason.Ok);
    expect(numberOf(Field.Off, 5)).toBe(5);
    expect(numberOf(Field.Len, 6)).toBe(6);
    expect(has(Field.Len, Type.Text)).toBe(true);
  });

  it('keeps nothing of the one before', () => {
    read('a1636f666607');
    read('a0');
    expect(numberOf(Field.Off, 99)).toBe(99);
  });
});

describe('malformed', () => {
  it('is what is cut short, no map, too much, or said twice', () => {
    expect(read('a1636f6666')).toBe(Reason.RequestMalformed);
    expect(read('80')).toBe(Reason.RequestMalformed);
    expect(read('a000')).toBe(Reason.RequestMalformed);
    expect(read('a2636f666601636f666602')).toBe(Reason.RequestMalformed);
    expect(read('a1636f66661b0000000100000000')).toBe(Reason.RequestMalformed);
    expect(read('a10102')).toBe(Reason.RequestMalformed);
    expect(read('a0a0')).toBe(Reason.RequestMalformed);
  });
});

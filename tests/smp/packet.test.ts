// Packets: the vectors both ways, strictness towards ours, errors of both protocol versions, messages that help.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodePacket, describeError, encodePacket, errorOf, OP } from '../../host/smp/packet.js';

const file = new URL('../vectors/smp/serial.json', import.meta.url);
const vectors = (JSON.parse(readFileSync(file, 'utf8')) as { vectors: { name: string; packet: string }[] }).vectors;
const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));
const header = (group: number, body: string, version = 2) =>
  `${version === 2 ? '09' : '01'}00${(body.length / 2).toString(16).padStart(4, '0')}${group.toString(16).padStart(4, '0')}0700${body}`;

describe('vectors', () => {
  it.each(vectors)('$name', ({ packet }) => {
    const decoded = decodePacket(bytes(packet));
    // Deterministic maps sort their keys; the vectors' own order is only legal, so the bytes are compared after one
    // more turn.
    expect(decodePacket(encodePacket(decoded))).toEqual(decoded);
    expect(encodePacket(decoded).length).toBe(packet.length / 2);
  });

  it('echo: every field', () => {
    expect(decodePacket(bytes('0a00000900004200a161646568656c6c6f'))).toEqual({
      version: 2,
      op: OP.write,
      group: 0,
      sequence: 0x42,
      id: 0,
      body: { d: 'hello' },
    });
  });
});

it('no body is the empty map', () => {
  expect(decodePacket(bytes('0b00000000000805')).body).toEqual({});
});

describe('what cannot be read says why, with header and bytes', () => {
  it.each([
    ['short', '0b0000', 'shorter than a header; header 0b0000 |'],
    ['length', '0b00000900010801a1636f66661860', 'length field says 9 bytes, 7 are there; header 0b00000900010801'],
    ['version', '1300000100010801a0', 'protocol version 3 is unknown'],
    ['operation', '0f00000100010801a0', 'operation 7 is unknown'],
    ['not a map', '0b0000010001080180', 'the body is not a map'],
    ['not CBOR', '0b00000100010801ff', 'body ff (9 bytes)'],
    ['a key twice', '0b00000700010801a26161016161 02'.replace(' ', ''), 'repeat map key'],
  ])('%s', (_, packet, text) => {
    expect(() => decodePacket(bytes(packet))).toThrow(text);
  });
});

describe('strict on ours, lenient on others', () => {
  const forms: [string, string][] = [
    ['a number longer than needed', 'a1616118 01'.replace(' ', '')],
    ['a map of indefinite length', 'bf616101ff'],
  ];
  it.each(forms)('%s', (_, body) => {
    expect(decodePacket(bytes(header(1, body))).body).toEqual({ a: 1 });
    expect(() => decodePacket(bytes(header(64, body)))).toThrow('unreadable packet');
  });

  // What Zephyr answers to a group that it does not have.
  it('but for a refusal in general terms: bf 62 rc 08 ff', () => {
    expect(decodePacket(bytes(header(64, 'bf62726308ff'))).body).toEqual({ rc: 8 });
    expect(() => decodePacket(bytes(header(64, 'bf62726300ff')))).toThrow('unreadable packet');
    expect(() => decodePacket(bytes(header(64, 'bf62726308616101ff')))).toThrow('unreadable packet');
  });
});

describe('errors in an answer', () => {
  const cases: [string, Record<string, unknown>, ReturnType<typeof errorOf>][] = [
    ['none', {}, undefined],
    ['old servers say rc 0', { rc: 0, off: 5 }, undefined],
    ['version 1', { rc: 6 }, { rc: 6 }],
    ['version 1 with a text', { rc: 2, rsn: 'no heap' }, { rc: 2, text: 'no heap' }],
    ['version 2', { err: { group: 64, rc: 80 } }, { group: 64, rc: 80 }],
    ['version 2, rc 0', { err: { group: 1, rc: 0 } }, undefined],
    ['unreadable never means yes', { err: { group: 1 } }, { rc: 1 }],
    ['err that is no map', { err: 5 }, { rc: 1 }],
    ['err that is null', { err: null }, { rc: 1 }],
    ['rc that is no number', { rc: 'ok' }, { rc: 1 }],
    ['rc below zero', { rc: -1 }, { rc: 1 }],
  ];
  it.each(cases)('%s', (_, body, wanted) => expect(errorOf(body)).toEqual(wanted));

  it('has words for the common ones and numbers for all', () => {
    expect(describeError({ rc: 8 })).toBe('not supported (smp error 8)');
    expect(describeError({ rc: 300 })).toBe('smp error 300');
    expect(describeError({ rc: 2, text: 'no heap' })).toBe('no heap (smp error 2)');
    expect(describeError({ group: 1, rc: 27 })).toBe('the installed version is newer (group 1 error 27)');
    expect(describeError({ group: 8, rc: 3 })).toBe('error 3 of group 8');
  });
});

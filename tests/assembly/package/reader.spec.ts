// The envelope as it arrives: members in their order, the head's end found to the byte, nothing taken beyond it. What the
// members hold does not matter here, so they are a byte or two each.

import {
  envelope,
  envelopeHeadBytes,
  installMember,
  payloadFetchMember,
  textMember,
} from '../../../assembly/package/envelope';
import { HEAD, HEAD_BYTES_MAX } from '../../../assembly/package/head';
import {
  offerAccept,
  offerBegin,
  offerFault,
  offerHeadBytes,
  offerPhase,
  offerPush,
  offerResume,
  Phase,
} from '../../../assembly/package/reader';
import { Reason } from '../../../assembly/reason';
import { bstr, clear, lay, repeat, sizeOf, toHex } from '../support/bytes';

const WRAPPER = '02 41aa';
const MANIFEST = '03 41bb';
const FETCH = '10 41cc';
const INSTALL = '14 41dd';
const TEXT = '17 41ee';
const APPROVALS = '69 23617070726f76616c 42 8040';
const PAYLOAD = '69 236669726d77617265 43'; // "#firmware", the head of 3 bytes

function envelopeOf(members: string[]): string {
  return `d86b a${members.length}${members.join('')}`;
}

// Offers it in pieces of this size; returns the bytes taken.
function offer(hex: string, piece: u32): u32 {
  clear();
  offerBegin();
  const from = lay(hex);
  const length = sizeOf(hex);
  let at: u32 = 0;
  while (at < length) {
    const wanted = min(piece, length - at);
    const taken = offerPush(from + at, wanted);
    at += taken;
    if (taken < wanted) break;
  }
  return at;
}

function faultOf(hex: string): i32 {
  offer(hex, 4096);
  const whole = offerFault();
  offer(hex, 1);
  expect(offerFault()).toBe(whole, 'the same byte by byte');
  return whole;
}

describe('a head', () => {
  it('ends before the first payload byte, however it arrives', () => {
    const hex = envelopeOf([WRAPPER, MANIFEST, FETCH, INSTALL, TEXT, APPROVALS, PAYLOAD]);
    const head = sizeOf(hex);
    for (let piece: u32 = 1; piece <= head + 3; piece++) {
      expect(offer(`${hex}010203`, piece)).toBe(head, `pieces of ${piece}`);
      expect(offerPhase()).toBe(Phase.Judging);
      expect(offerHeadBytes()).toBe(head);
      expect(toHex(envelope.wrapper, envelope.wrapperBytes)).toBe('aa');
      expect(toHex(envelope.manifest, envelope.manifestBytes)).toBe('41bb');
      expect(toHex(payloadFetchMember.from, payloadFetchMember.bytes)).toBe('41cc');
      expect(toHex(installMember.from, installMember.bytes)).toBe('41dd');
      expect(toHex(textMember.from, textMember.bytes)).toBe('41ee');
      expect(toHex(envelope.approvals, envelope.approvalsBytes)).toBe('8040');
      expect(toHex(envelope.payloadKey, envelope.payloadKeyBytes)).toBe('236669726d77617265');
      expect(envelope.payloadBytes).toBe(3);
    }
  });

  it('without payload ends with its last member', () => {
    const hex = envelopeOf([WRAPPER, MANIFEST]);
    expect(offer(`${hex}00`, 1)).toBe(sizeOf(hex));
    expect(offerPhase()).toBe(Phase.Judging);
    expect(envelope.payloadKey).toBe(0);
  });

  it('is not whole at any byte before', () => {
    const hex = envelopeOf([WRAPPER, MANIFEST, TEXT, PAYLOAD]).replaceAll(' ', '');
    for (let length = 2; length < hex.length; length += 2) {
      offer(hex.slice(0, length), 4096);
      expect(offerPhase()).toBe(Phase.Head, `after ${length / 2} bytes`);
    }
  });
});

describe('members', () => {
  it('stand in their order, once each', () => {
    expect(faultOf(envelopeOf([MANIFEST, WRAPPER]))).toBe(Reason.EnvelopeOrder);
    expect(faultOf(envelopeOf([WRAPPER, WRAPPER, MANIFEST]))).toBe(Reason.EnvelopeOrder);
    expect(faultOf(envelopeOf([WRAPPER, MANIFEST, INSTALL, FETCH]))).toBe(Reason.EnvelopeOrder);
    expect(faultOf(envelopeOf([WRAPPER, MANIFEST, TEXT, INSTALL]))).toBe(Reason.EnvelopeOrder);
    expect(faultOf(envelopeOf([WRAPPER, MANIFEST, PAYLOAD, APPROVALS]))).toBe(Reason.EnvelopeOrder);
    expect(faultOf(envelopeOf([WRAPPER, MANIFEST, PAYLOAD, PAYLOAD]))).toBe(Reason.EnvelopeOrder);
  });

  it('that are required are there', () => {
    expect(faultOf(envelopeOf([MANIFEST]))).toBe(Reason.WrapperMissing);
    expect(faultOf(envelopeOf([WRAPPER]))).toBe(Reason.ManifestMissing);
    expect(faultOf('d86ba0')).toBe(Reason.WrapperMissing);
  });

  it('that we do not know are refused', () => {
    const unknown = ['00 40', '01 40', '0e 40', '0f 40', '12 40', '1818 40', '20 40', '40 40'];
    for (let i = 0; i < unknown.length; i++)
      expect(faultOf(envelopeOf([WRAPPER, MANIFEST, unknown[i]]))).toBe(Reason.EnvelopeMember);
  });

  it('are byte strings', () => {
    expect(faultOf(envelopeOf(['02 81aa', MANIFEST]))).toBe(Reason.WrongType);
    expect(faultOf(envelopeOf([WRAPPER, '03 61aa']))).toBe(Reason.WrongType);
    expect(faultOf(envelopeOf([WRAPPER, MANIFEST, '61 23 f6']))).toBe(Reason.WrongType);
    expect(faultOf(envelopeOf([WRAPPER, '03 5fff']))).toBe(Reason.NotDeterministic);
    expect(faultOf(envelopeOf([WRAPPER, '03 5801bb']))).toBe(Reason.NotDeterministic);
  });
});

describe('an envelope', () => {
  it('has tag 107 and a map of few members', () => {
    expect(faultOf('d904 2e a0')).toBe(Reason.EnvelopeTag);
    expect(faultOf('a2 02 41aa 03 41bb')).toBe(Reason.EnvelopeTag);
    expect(faultOf('d86b 82 00 00')).toBe(Reason.WrongType);
    expect(faultOf('d86b a8 02 41aa')).toBe(Reason.EnvelopeMember);
    expect(faultOf('d86b bf 02 41aa')).toBe(Reason.NotDeterministic);
  });

  it('has a head of at most HEAD_BYTES_MAX, known before the bytes come', () => {
    const most = HEAD_BYTES_MAX - 3 - 3 - 1 - 3; // tag and map, wrapper, key, string head
    const fits = `d86ba2 ${WRAPPER} 03 59${hex16(most)}`;
    offer(fits, 4096);
    expect(offerPhase()).toBe(Phase.Head);
    offer(`d86ba2 ${WRAPPER} 03 59${hex16(most + 1)}`, 4096);
    expect(offerFault()).toBe(Reason.TooLarge);
    offer(`d86ba2 ${WRAPPER} 03 5a7fffffff`, 4096);
    expect(offerFault()).toBe(Reason.TooLarge);
    offer(envelopeOf([WRAPPER, MANIFEST, '61 23 5b0000000100000000']), 4096);
    expect(offerFault()).toBe(Reason.TooLarge);
    const key = repeat('61', 200);
    expect(offer(`d86ba3 ${WRAPPER} ${MANIFEST} 78c8${key} 40`, 7)).toBe(3 + 3 + 3 + 2 + 200 + 1);
    expect(offerPhase()).toBe(Phase.Judging);
    expect(faultOf(`d86ba3 ${WRAPPER} ${MANIFEST} 790100${repeat('61', 256)} 40`)).toBe(Reason.EnvelopeMember);
  });
});

function hex16(value: u32): string {
  const at = lay('0000');
  store<u8>(at, value >> 8);
  store<u8>(at + 1, value);
  return toHex(at, 2);
}

describe('a reader', () => {
  it('that has failed takes nothing more', () => {
    offer(envelopeOf([MANIFEST, WRAPPER]), 4096);
    const at = lay('00');
    expect(offerPush(at, 1)).toBe(0);
    expect(offerPhase()).toBe(Phase.Failed);
    expect(offerAccept()).toBe(Reason.WrongState);
  });

  it('takes no payload before it is told to, and is not told by a manifest that nobody has read', () => {
    offer(envelopeOf([WRAPPER, MANIFEST, PAYLOAD]), 4096);
    expect(offerPush(lay('01'), 1)).toBe(0);
    expect(offerAccept()).toBe(Reason.WrongState);
    expect(offerPhase()).toBe(Phase.Judging);
  });

  it('reads a stored head again', () => {
    const hex = envelopeOf([WRAPPER, MANIFEST, PAYLOAD]);
    const length = sizeOf(hex);
    offer(hex, 4096);
    const copy = lay(toHex(HEAD, length));
    offerBegin();
    memory.copy(HEAD, copy, length);
    expect(offerResume(length)).toBe(Reason.Ok);
    expect(offerPhase()).toBe(Phase.Judging);
    expect(bstr(toHex(envelope.wrapper, 1))).toBe('41aa');
    expect(offerResume(length - 1)).toBe(Reason.Truncated);
    expect(offerResume(length + 1)).toBe(Reason.TrailingBytes);
    expect(offerResume(0)).toBe(Reason.Truncated);
    expect(offerResume(HEAD_BYTES_MAX + 1)).toBe(Reason.TooLarge);
    expect(offerPhase()).toBe(Phase.Failed);
    expect(envelopeHeadBytes()).toBe(0);
  });
});

// The bootstrap document, spoiled in every way that has a number: a device is provisioned whole or not at all.

import { anchorAt, anchorCount, anchorHasKid, anchorsOf, Role } from '../../../assembly/approval/anchors';
import { bootstrapBytes, identity } from '../../../assembly/approval/bootstrap';
import { policy } from '../../../assembly/policy/policy';
import { provision, provisioned } from '../../../assembly/policy/provision';
import { Reason } from '../../../assembly/reason';
import { array, bstr, clear, lay, map, repeat, sizeOf, toHex } from '../support/bytes';
import * as documents from '../support/documents';

const ID = repeat('1d', 16);
// Points that the suites of COSE know to be good.
const ED25519 = `a3 0101 2006 21${bstr('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a')}`;
const P256 =
  `a5 0102 02423131 2001 21${bstr('bac5b11cad8f99f9c72b05cf4b9e26d244dc189f745228255a219a86d6a09eff')}` +
  `22${bstr('20138bf82dc1b6d562be0fa54ab7804a3a64b6d72ccfed6b6fb6ed28bbfc117e')}`;
const VENDOR: string = map(['01', '01', '02', ED25519]);
const OPERATOR: string = map(['01', '02', '02', P256, '03', '626f70']);

function give(hex: string): i32 {
  clear();
  return provision(lay(hex), sizeOf(hex));
}

// The document with one member replaced: `key` 1 to 7 as hex of key and value, empty to leave it out.
function withMember(key: i32, value: string): string {
  const values = ['01', bstr('d0d1'), bstr(ID), bstr(ID), array([VENDOR, OPERATOR]), 'a0', ''];
  values[key - 1] = value;
  const items: string[] = [];
  for (let i = 0; i < 7; i++) {
    if (values[i].length == 0) continue;
    items.push(`0${i + 1}`);
    items.push(values[i]);
  }
  return map(items);
}

function usual(): string {
  return withMember(1, '01');
}

function anchors(list: string[]): string {
  return withMember(5, array(list));
}

describe('a bootstrap document', () => {
  it('makes a device', () => {
    expect(give(usual())).toBe(Reason.Ok);
    expect(provisioned()).toBe(true);
    expect(bootstrapBytes()).toBe(sizeOf(usual()));
    expect(toHex(identity.deviceId, identity.deviceIdBytes)).toBe('d0d1');
    expect(toHex(identity.classId, 16)).toBe(ID);
    expect(anchorCount()).toBe(2);
    expect(anchorsOf(Role.Vendor)).toBe(1);
    expect(anchorsOf(Role.Consenter)).toBe(0);
    expect(anchorAt(1).nameBytes).toBe(2);
    expect(anchorHasKid(1, lay('3131'), 2)).toBe(true);
    expect(anchorHasKid(0, lay('3131'), 2)).toBe(false);
    expect(policy.prompt).toBe(false);
  });

  it('is all or nothing', () => {
    expect(give(usual())).toBe(Reason.Ok);
    expect(give(withMember(6, 'a10102'))).toBe(Reason.PolicyMalformed);
    expect(provisioned()).toBe(false);
    expect(anchorCount()).toBe(0);
    expect(identity.deviceIdBytes).toBe(0);
  });

  it('has every required member and none that we do not know', () => {
    for (let key = 1; key <= 6; key++) expect(give(withMember(key, ''))).toBe(Reason.MissingMember, `member ${key}`);
    expect(give(`${usual()}00`)).toBe(Reason.TrailingBytes);
    expect(give('')).toBe(Reason.Truncated);
    expect(give(`a7${usual().slice(2)}0940`)).toBe(Reason.UnknownMember);
    expect(give(`a7${usual().slice(2)}0640`)).toBe(Reason.NotDeterministic);
    expect(give(withMember(1, '02'))).toBe(Reason.BootstrapVersion);
    expect(give(withMember(1, '00'))).toBe(Reason.BootstrapVersion);
  });

  it('has ids of their sizes', () => {
    expect(give(withMember(2, '40'))).toBe(Reason.IdentityMalformed);
    expect(give(withMember(2, bstr(repeat('aa', 32))))).toBe(Reason.Ok);
    expect(give(withMember(2, bstr(repeat('aa', 33))))).toBe(Reason.IdentityMalformed);
    expect(give(withMember(3, bstr(repeat('aa', 15))))).toBe(Reason.IdentityMalformed);
    expect(give(withMember(4, bstr(repeat('aa', 17))))).toBe(Reason.IdentityMalformed);
  });

  it('has sound anchors', () => {
    expect(give(anchors([VENDOR, map(['01', '00', '02', P256])]))).toBe(Reason.AnchorRole);
    expect(give(anchors([VENDOR, map(['01', '04', '02', P256])]))).toBe(Reason.AnchorRole);
    expect(give(anchors([VENDOR, map(['01', '02'])]))).toBe(Reason.AnchorMalformed);
    expect(give(anchors([VENDOR, map(['02', P256])]))).toBe(Reason.AnchorMalformed);
    expect(give(anchors([VENDOR, map(['01', '02', '02', P256, '04', '00'])]))).toBe(Reason.AnchorMalformed);
    expect(give(anchors([VENDOR, map(['01', '02', '02', 'a0'])]))).toBe(Reason.KeyUnsupported);
    expect(give(anchors([VENDOR, map(['01', '02', '02', P256, '03', `7841${repeat('61', 65)}`])]))).toBe(
      Reason.AnchorMalformed,
    );
    const longKid = `a4 0101 02${bstr(repeat('aa', 33))} 2006 21${bstr(repeat('aa', 32))}`;
    expect(give(anchors([map(['01', '02', '02', longKid])]))).not.toBe(Reason.Ok);
  });

  it('has no key twice, in one role or two', () => {
    expect(give(anchors([VENDOR, OPERATOR, OPERATOR]))).toBe(Reason.AnchorDuplicate);
    expect(give(anchors([VENDOR, OPERATOR, map(['01', '02', '02', ED25519])]))).toBe(Reason.AnchorDuplicate);
    const renamed = P256.replace('02423131', '02423132');
    expect(give(anchors([VENDOR, OPERATOR, map(['01', '02', '02', renamed])]))).toBe(Reason.AnchorDuplicate);
  });

  it('has enough anchors, and not too many', () => {
    expect(give(anchors([VENDOR]))).toBe(Reason.AnchorsTooFew);
    expect(give(anchors([OPERATOR]))).toBe(Reason.AnchorsTooFew);
    expect(give(anchors([]))).toBe(Reason.AnchorsTooFew);
    expect(give(withMember(6, 'a10402'))).toBe(Reason.AnchorsTooFew); // one operator, threshold two
    const nine: string[] = [];
    for (let i = 0; i < 9; i++) nine.push('a0');
    expect(give(anchors(nine))).toBe(Reason.AnchorsTooMany);
  });

  it('may bring approval documents, each a byte string', () => {
    expect(give(withMember(7, array([bstr('d284'), bstr('')])))).toBe(Reason.Ok);
    expect(identity.approvalsBytes).toBe(5);
    expect(give(withMember(7, '80'))).toBe(Reason.Ok);
    expect(give(withMember(7, '8100'))).toBe(Reason.WrongType);
    expect(give(withMember(7, '40'))).toBe(Reason.WrongType);
  });

  it('fits its room', () => {
    const room: u32 = 1024;
    const short = sizeOf(withMember(7, array([bstr(repeat('00', 300))]))) - 300;
    expect(give(withMember(7, array([bstr(repeat('00', <i32>(room - short)))])))).toBe(Reason.Ok);
    expect(give(withMember(7, array([bstr(repeat('00', <i32>(room - short) + 1))])))).toBe(Reason.TooLarge);
    expect(provisioned()).toBe(false);
  });

  it('is refused at every truncation', () => {
    const bytes = sizeOf(documents.BOOTSTRAP);
    clear();
    const at = lay(documents.BOOTSTRAP);
    for (let length: u32 = 0; length < bytes; length++) {
      expect(provision(at, length)).not.toBe(Reason.Ok, `${length} bytes`);
      expect(provisioned()).toBe(false);
    }
    expect(provision(at, bytes)).toBe(Reason.Ok);
  });
});

// Entries of an approval document against one package: which match, which prevail, and which make the document malformed.

import { identity } from '../../../assembly/approval/bootstrap';
import { Confirm, DEVICES_MAX, ENTRIES_MAX, entriesRead, opinion, subject } from '../../../assembly/approval/entries';
import { Cursor } from '../../../assembly/codec/cbor';
import { Reason } from '../../../assembly/reason';
import { array, bstr, clear, lay, repeat, sizeOf } from '../support/bytes';

const cursor = changetype<Cursor>(memory.data(64, 8));

const DIGEST = repeat('ab', 32);
const CLASS = repeat('c1', 16);
const DEVICE = 'd0d1';
const ABOUT_DIGEST = `02${bstr(DIGEST)}`;
const ABOUT_CLASS = `03${bstr(CLASS)}`;

function begin(): void {
  clear();
  subject.digest = lay(DIGEST);
  subject.classId = lay(CLASS);
  subject.sequence = 7;
  subject.vendors = 0;
  identity.deviceId = lay(DEVICE);
  identity.deviceIdBytes = 2;
}

// An entry: members as "key value" in turn, each one string.
function entry(members: string[]): string {
  return `a${members.length}${members.join('')}`;
}

function read(entries: string[]): i32 {
  begin();
  const hex = array(entries);
  cursor.open(lay(hex), sizeOf(hex));
  entriesRead(cursor);
  return cursor.close() == Reason.Ok ? opinion.reason : -cursor.fault;
}

// The opinion of a document with this one entry; negative: malformed, by this fault.
function opinionOf(members: string[]): i32 {
  return read([entry(members)]);
}

describe('an entry', () => {
  it('approves or denies what it names', () => {
    expect(opinionOf(['0101', ABOUT_DIGEST])).toBe(Reason.Ok);
    expect(opinionOf(['0102', ABOUT_DIGEST])).toBe(Reason.Denied);
    expect(opinionOf(['0101', ABOUT_CLASS])).toBe(Reason.Ok);
    expect(opinionOf(['0102', ABOUT_CLASS])).toBe(Reason.Denied);
  });

  it('matches in every member or not at all', () => {
    const other = `02${bstr(repeat('00', 32))}`;
    const otherClass = `03${bstr(repeat('00', 16))}`;
    expect(opinionOf(['0101', other])).toBe(Reason.ApprovalOtherPackage);
    expect(opinionOf(['0101', other, ABOUT_CLASS])).toBe(Reason.ApprovalOtherPackage);
    expect(opinionOf(['0101', ABOUT_DIGEST, otherClass])).toBe(Reason.ApprovalOtherPackage);
    expect(opinionOf(['0101', ABOUT_DIGEST, ABOUT_CLASS, '04820707'])).toBe(Reason.Ok);
    expect(opinionOf(['0102', ABOUT_DIGEST, ABOUT_CLASS, '04820809'])).toBe(Reason.ApprovalOtherPackage);
  });

  it('takes a range with both of its ends', () => {
    expect(opinionOf(['0101', ABOUT_CLASS, '04820007'])).toBe(Reason.Ok);
    expect(opinionOf(['0101', ABOUT_CLASS, '0482071bffffffffffffffff'])).toBe(Reason.Ok);
    expect(opinionOf(['0101', ABOUT_CLASS, '04820006'])).toBe(Reason.ApprovalOtherPackage);
    expect(opinionOf(['0101', ABOUT_CLASS, '04820809'])).toBe(Reason.ApprovalOtherPackage);
  });

  it('for a vendor key needs that key to have signed', () => {
    expect(opinionOf(['0101', '0542aabb'])).toBe(Reason.ApprovalOtherPackage);
    expect(opinionOf(['0101', ABOUT_CLASS, '0542aabb'])).toBe(Reason.ApprovalOtherPackage);
  });

  it('for other devices says so', () => {
    expect(opinionOf(['0101', ABOUT_DIGEST, `0681${bstr(DEVICE)}`])).toBe(Reason.Ok);
    expect(opinionOf(['0101', ABOUT_DIGEST, `0682${bstr('00')}${bstr(DEVICE)}`])).toBe(Reason.Ok);
    expect(opinionOf(['0101', ABOUT_DIGEST, '0681 42d0d2'])).toBe(Reason.ApprovalOtherDevice);
    expect(opinionOf(['0101', ABOUT_DIGEST, '0681 41d0'])).toBe(Reason.ApprovalOtherDevice);
    expect(opinionOf(['0102', ABOUT_DIGEST, '0681 41d0'])).toBe(Reason.ApprovalOtherDevice); // a deny that is not for us
    expect(opinionOf(['0101', `02${bstr(repeat('00', 32))}`, '0681 41d0'])).toBe(Reason.ApprovalOtherPackage);
  });

  it('says whether to ask', () => {
    opinionOf(['0101', ABOUT_DIGEST]);
    expect(opinion.confirm).toBe(Confirm.Unsaid);
    opinionOf(['0101', ABOUT_DIGEST, '0700']);
    expect(opinion.confirm).toBe(Confirm.DoNotAsk);
    opinionOf(['0101', ABOUT_DIGEST, '0701']);
    expect(opinion.confirm).toBe(Confirm.Ask);
    opinionOf(['0101', `02${bstr(repeat('00', 32))}`, '0701']); // of an entry about something else, it is nothing to us
    expect(opinion.confirm).toBe(Confirm.Unsaid);
  });

  it('means nothing where there is no package', () => {
    begin();
    subject.digest = 0;
    const hex = array([entry(['0102', ABOUT_DIGEST])]);
    cursor.open(lay(hex), sizeOf(hex));
    entriesRead(cursor);
    expect(cursor.close()).toBe(Reason.Ok);
    expect(opinion.reason).toBe(Reason.ApprovalOtherPackage);
  });
});

describe('several entries', () => {
  it('weigh: deny, approve, other devices, other packages', () => {
    expect(read([entry(['0101', ABOUT_DIGEST]), entry(['0102', ABOUT_CLASS])])).toBe(Reason.Denied);
    expect(opinion.entry).toBe(1);
    expect(read([entry(['0102', ABOUT_CLASS]), entry(['0101', ABOUT_DIGEST])])).toBe(Reason.Denied);
    expect(opinion.entry).toBe(0);
    expect(read([elsewhereEntry(), entry(['0101', ABOUT_DIGEST])])).toBe(Reason.Ok);
    expect(opinion.entry).toBe(1);
    expect(read([otherEntry(), elsewhereEntry()])).toBe(Reason.ApprovalOtherDevice);
    expect(read([otherEntry()])).toBe(Reason.ApprovalOtherPackage);
  });

  it('that approve: one that wants the user asked prevails', () => {
    read([entry(['0101', ABOUT_DIGEST]), entry(['0101', ABOUT_CLASS, '0701'])]);
    expect(opinion.confirm).toBe(Confirm.Ask);
    expect(opinion.entry).toBe(0);
    read([entry(['0101', ABOUT_CLASS, '0701']), entry(['0101', ABOUT_DIGEST, '0700'])]);
    expect(opinion.confirm).toBe(Confirm.Ask);
  });
});

function elsewhereEntry(): string {
  return entry(['0101', ABOUT_CLASS, '068141d0']);
}

function otherEntry(): string {
  return entry(['0102', `02${bstr(repeat('00', 32))}`]);
}

describe('a malformed entry', () => {
  it('spoils the document', () => {
    expect(opinionOf([ABOUT_DIGEST])).toBe(-Reason.MissingMember); // no verdict
    expect(opinionOf(['0101'])).toBe(-Reason.MissingMember); // about nothing
    expect(opinionOf(['0101', '04820007'])).toBe(-Reason.MissingMember); // a range alone is about everything
    expect(opinionOf(['0101', `0681${bstr(DEVICE)}`])).toBe(-Reason.MissingMember);
    expect(opinionOf(['0100', ABOUT_DIGEST])).toBe(-Reason.MissingMember);
    expect(opinionOf(['0103', ABOUT_DIGEST])).toBe(-Reason.OutOfRange);
    expect(opinionOf(['0101', '0241ab'])).toBe(-Reason.OutOfRange);
    expect(opinionOf(['0101', '0341ab'])).toBe(-Reason.OutOfRange);
    expect(opinionOf(['0101', ABOUT_CLASS, '04820807'])).toBe(-Reason.OutOfRange); // upside down
    expect(opinionOf(['0101', ABOUT_CLASS, '048107'])).toBe(-Reason.WrongType);
    expect(opinionOf(['0101', ABOUT_CLASS, '0680'])).toBe(-Reason.OutOfRange); // no device at all
    expect(opinionOf(['0101', ABOUT_CLASS, '068140'])).toBe(-Reason.OutOfRange);
    expect(opinionOf(['0101', ABOUT_CLASS, '0702'])).toBe(-Reason.OutOfRange);
    expect(opinionOf(['0101', ABOUT_CLASS, '0800'])).toBe(-Reason.UnknownMember);
    expect(opinionOf([ABOUT_CLASS, '0101'])).toBe(-Reason.NotDeterministic);
    expect(opinionOf(['0101', ABOUT_CLASS, '20 00'])).toBe(-Reason.UnknownMember);
  });

  it('spoils it also behind one that approves', () => {
    expect(read([entry(['0101', ABOUT_DIGEST]), entry(['0101', ABOUT_DIGEST, '0800'])])).toBe(-Reason.UnknownMember);
  });
});

describe('bounds', () => {
  it('of entries', () => {
    const one = entry(['0101', ABOUT_DIGEST]);
    const most: string[] = [];
    for (let i: u32 = 0; i < ENTRIES_MAX; i++) most.push(one);
    expect(read(most)).toBe(Reason.Ok);
    most.push(one);
    expect(read(most)).toBe(-Reason.OutOfRange);
    expect(read([])).toBe(-Reason.OutOfRange);
  });

  it('of devices', () => {
    expect(opinionOf(['0101', ABOUT_CLASS, `069820${repeat('41aa', DEVICES_MAX)}`])).toBe(Reason.ApprovalOtherDevice);
    expect(opinionOf(['0101', ABOUT_CLASS, `069821${repeat('41aa', DEVICES_MAX + 1)}`])).toBe(-Reason.OutOfRange);
    expect(opinionOf(['0101', ABOUT_CLASS, `0681 5821${repeat('aa', 33)}`])).toBe(-Reason.OutOfRange);
  });
});

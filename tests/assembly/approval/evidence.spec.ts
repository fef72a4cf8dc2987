// What documents of several operators add up to: supersession, denials, validity, floors, and a full table of findings.
// The documents are signed ones (support/documents.ts); operator A is anchor 1, operator B anchor 2.

import { Confirm, subject } from '../../../assembly/approval/entries';
import {
  evidenceBegin,
  evidenceBlock,
  evidenceBroken,
  evidenceConsider,
  evidenceCountersigned,
  evidenceNewest,
  evidenceWeigh,
  FINDINGS_MAX,
  findingAt,
  findingCount,
  findingHasEntry,
  operatorFloor,
  outcome,
  Source,
  setOperatorFloor,
} from '../../../assembly/approval/evidence';
import { provision } from '../../../assembly/policy/provision';
import { Reason } from '../../../assembly/reason';
import { clear, lay, repeat, sizeOf } from '../support/bytes';
import * as documents from '../support/documents';

const NOW: u64 = 1800000000; // the iat of the documents
const ALL: u32 = 15;
const A: i8 = 1;
const B: i8 = 2;

function begin(): void {
  clear();
  provision(lay(documents.BOOTSTRAP), sizeOf(documents.BOOTSTRAP));
  subject.digest = lay(repeat('ab', 32));
  subject.classId = lay('1492af1425695e48bf429b2d51f2ab45');
  subject.sequence = 1;
  subject.vendors = 1;
  evidenceBegin();
  for (let i: u32 = 0; i < 8; i++) setOperatorFloor(i, 0);
}

function consider(hex: string, source: Source = Source.Tree): i32 {
  return evidenceConsider(source, lay(hex), sizeOf(hex));
}

describe('one document', () => {
  it('approves', () => {
    begin();
    expect(consider(documents.A1_APPROVES)).toBe(Reason.Ok);
    evidenceWeigh(NOW, ALL);
    expect(outcome.approvals).toBe(1);
    expect(outcome.denied).toBe(false);
    expect(outcome.confirm).toBe(Confirm.Unsaid);
    expect(findingAt(0).anchor).toBe(A);
    expect(findingHasEntry(findingAt(0))).toBe(true);
    expect(operatorFloor(A)).toBe(1);
    expect(evidenceNewest()).toBe(NOW);
  });

  it('counts from the sources that policy takes', () => {
    for (let source = 1; source <= 4; source++) {
      begin();
      consider(documents.A1_APPROVES, source);
      evidenceWeigh(NOW, ALL ^ (1 << (source - 1)));
      expect(outcome.approvals).toBe(0);
      expect(outcome.reason).toBe(Reason.SourceNotAllowed);
      evidenceWeigh(NOW, 1 << (source - 1));
      expect(outcome.approvals).toBe(1);
    }
  });

  it('of somebody else is nothing', () => {
    begin();
    expect(consider(documents.FORGED)).toBe(Reason.SignatureInvalid); // it claims the kid of A
    expect(consider(documents.UNKNOWN)).toBe(Reason.SignerUnknown);
    evidenceWeigh(NOW, ALL);
    expect(outcome.approvals).toBe(0);
    expect(outcome.reason).toBe(Reason.ApprovalInvalid);
    expect(evidenceNewest()).toBe(0);
    expect(operatorFloor(A)).toBe(0);
  });

  it('holds from nbf up to, not including, exp', () => {
    const times: u64[] = [NOW + 9, NOW + 10, NOW + 19, NOW + 20];
    const reasons: Reason[] = [Reason.ApprovalNotYetValid, Reason.Ok, Reason.Ok, Reason.ApprovalExpired];
    begin();
    consider(documents.A2_WINDOW);
    for (let i = 0; i < 4; i++) {
      evidenceWeigh(times[i], ALL);
      expect(findingAt(0).reason).toBe(<u8>reasons[i]);
      expect(outcome.approvals).toBe(reasons[i] == Reason.Ok ? 1 : 0);
    }
  });

  it('that denies does so at any time and from any source', () => {
    begin();
    consider(documents.A2_DENIES_FOR_A_TIME);
    const times: u64[] = [0, NOW + 15, NOW + 1000];
    for (let i = 0; i < 3; i++) {
      evidenceWeigh(times[i], 0);
      expect(outcome.denied).toBe(true);
      expect(findingAt(0).reason).toBe(<u8>Reason.Denied);
    }
  });
});

describe('documents of one operator', () => {
  it('supersede each other by sequence, in whatever order they come', () => {
    for (let order = 0; order < 2; order++) {
      begin();
      if (order == 0) consider(documents.A1_APPROVES);
      consider(documents.A2_OTHER);
      if (order == 1) consider(documents.A1_APPROVES);
      evidenceWeigh(NOW, ALL);
      expect(outcome.approvals).toBe(0);
      expect(outcome.reason).toBe(Reason.Superseded);
      expect(findingAt(order).reason).toBe(<u8>Reason.Superseded);
      expect(findingAt(1 - order).reason).toBe(<u8>Reason.ApprovalOtherPackage);
    }
  });

  it('supersede a denial too', () => {
    begin();
    consider(documents.A1_DENIES);
    evidenceWeigh(NOW, ALL);
    expect(outcome.denied).toBe(true);
    consider(documents.A2_WINDOW);
    evidenceWeigh(NOW + 15, ALL);
    expect(outcome.denied).toBe(false);
    expect(outcome.approvals).toBe(1);
  });

  it('with the same sequence are both in force, and deny wins', () => {
    begin();
    consider(documents.A1_APPROVES);
    consider(documents.A1_DENIES);
    evidenceWeigh(NOW, ALL);
    expect(outcome.denied).toBe(true);
    begin();
    consider(documents.A1_APPROVES);
    consider(documents.A1_APPROVES_ASKING);
    evidenceWeigh(NOW, ALL);
    expect(outcome.approvals).toBe(1); // one operator, however many documents
    expect(outcome.confirm).toBe(Confirm.Ask);
  });

  it('are held against the floor that the device remembers', () => {
    begin();
    setOperatorFloor(A, 2);
    consider(documents.A1_APPROVES);
    evidenceWeigh(NOW, ALL);
    expect(outcome.approvals).toBe(0);
    expect(outcome.reason).toBe(Reason.Superseded);
  });

  it('are superseded also by one that cannot be read to its end', () => {
    begin();
    consider(documents.A1_APPROVES);
    expect(consider(documents.A3_MALFORMED)).toBe(Reason.ApprovalMalformed);
    evidenceWeigh(NOW, ALL);
    expect(operatorFloor(A)).toBe(3);
    expect(outcome.approvals).toBe(0);
    expect(outcome.reason).toBe(Reason.Superseded);
    begin();
    consider(documents.A3_MALFORMED);
    evidenceWeigh(NOW, ALL);
    expect(outcome.reason).toBe(Reason.ApprovalMalformed);
  });
});

describe('a denial', () => {
  it('is lifted by a newer document that is here and well-formed, and by nothing less', () => {
    begin();
    setOperatorFloor(A, 3);
    consider(documents.A1_DENIES);
    consider(documents.A3_MALFORMED);
    evidenceWeigh(NOW, ALL);
    expect(outcome.denied).toBe(true);
    expect(findingAt(0).reason).toBe(<u8>Reason.Denied); // the record says what the verdict rests on
    consider(documents.A2_OTHER);
    evidenceWeigh(NOW, ALL);
    expect(outcome.denied).toBe(false);
    expect(findingAt(0).reason).toBe(<u8>Reason.Superseded);
  });
});

describe('several operators', () => {
  it('count once each', () => {
    begin();
    consider(documents.A1_APPROVES);
    consider(documents.A1_APPROVES, Source.Card);
    evidenceCountersigned(A);
    evidenceCountersigned(A);
    evidenceWeigh(NOW, ALL);
    expect(outcome.approvals).toBe(1);
    expect(findingCount()).toBe(3); // a second block of one key is no finding at all
    consider(documents.B1_APPROVES);
    evidenceWeigh(NOW, ALL);
    expect(outcome.approvals).toBe(2);
    expect(findingAt(3).anchor).toBe(B);
  });

  it('deny for all', () => {
    begin();
    consider(documents.A1_APPROVES);
    consider(documents.B1_DENIES);
    evidenceWeigh(NOW, ALL);
    expect(outcome.denied).toBe(true);
  });
});

describe('a countersignature', () => {
  it('needs no document and is superseded by none', () => {
    begin();
    evidenceCountersigned(A);
    evidenceWeigh(0, ALL);
    expect(outcome.approvals).toBe(1);
    expect(findingHasEntry(findingAt(0))).toBe(false);
    consider(documents.A2_OTHER);
    evidenceWeigh(NOW, ALL);
    expect(outcome.approvals).toBe(1);
  });

  it('gives way to a denial in force', () => {
    begin();
    evidenceCountersigned(A);
    consider(documents.A1_DENIES);
    evidenceWeigh(NOW, ALL);
    expect(outcome.denied).toBe(true);
  });

  it('is of the package: policy may not take it', () => {
    begin();
    evidenceCountersigned(A);
    evidenceWeigh(NOW, ALL ^ 1);
    expect(outcome.approvals).toBe(0);
  });
});

describe('the reason why not', () => {
  it('is nothing found, or the most telling of what was found', () => {
    begin();
    evidenceWeigh(NOW, ALL);
    expect(outcome.reason).toBe(Reason.NotApproved);
    evidenceBlock(Reason.SignerUnknown, false); // a block of somebody unknown was never meant for us
    evidenceWeigh(NOW, ALL);
    expect(outcome.reason).toBe(Reason.NotApproved);
    evidenceBroken(Source.Card, Reason.SourceUnreachable);
    evidenceWeigh(NOW, ALL);
    expect(outcome.reason).toBe(Reason.SourceUnreachable);
    evidenceBlock(Reason.SignatureInvalid, true);
    evidenceWeigh(NOW, ALL);
    expect(outcome.reason).toBe(Reason.ApprovalInvalid);
    consider(documents.A2_OTHER);
    evidenceWeigh(NOW, ALL);
    expect(outcome.reason).toBe(Reason.ApprovalOtherPackage);
    consider(documents.A1_APPROVES);
    evidenceWeigh(NOW, ALL);
    expect(outcome.reason).toBe(Reason.Superseded);
    consider(documents.A2_WINDOW);
    evidenceWeigh(NOW, ALL);
    expect(outcome.reason).toBe(Reason.ApprovalNotYetValid);
    evidenceWeigh(NOW + 20, ALL);
    expect(outcome.reason).toBe(Reason.ApprovalExpired);
    evidenceWeigh(NOW + 15, ALL);
    expect(outcome.reason).toBe(Reason.TooFewOperators); // if one is fewer than policy wants
  });
});

describe('a flood of junk', () => {
  it('pushes out no approval and no denial', () => {
    begin();
    for (let i: u32 = 0; i < FINDINGS_MAX; i++) consider(documents.UNKNOWN);
    consider(documents.A1_APPROVES);
    evidenceWeigh(NOW, ALL);
    expect(findingCount()).toBe(FINDINGS_MAX);
    expect(outcome.approvals).toBe(1);
    for (let i: u32 = 0; i < FINDINGS_MAX; i++) consider(documents.UNKNOWN);
    evidenceWeigh(NOW, ALL);
    expect(outcome.approvals).toBe(1);
    consider(documents.B1_DENIES);
    evidenceWeigh(NOW, ALL);
    expect(outcome.denied).toBe(true);
  });

  it('of authentic documents loses no denial either, though its finding finds no room', () => {
    begin();
    for (let i: u32 = 0; i < FINDINGS_MAX; i++) consider(documents.A1_DENIES);
    consider(documents.B1_DENIES);
    consider(documents.A2_OTHER); // supersedes what fills the table
    evidenceWeigh(NOW, ALL);
    expect(outcome.denied).toBe(true);
  });
});

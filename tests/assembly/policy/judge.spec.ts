// From alleged to authentic to approved, in one piece: signed packages and documents (support/documents.ts) and the record
// that every verdict leaves.

import { subject } from '../../../assembly/approval/entries';
import { operatorFloor, Source, setOperatorFloor } from '../../../assembly/approval/evidence';
import { Cursor } from '../../../assembly/codec/cbor';
import { manifest } from '../../../assembly/package/manifest';
import { offerBegin, offerFault, offerPhase, offerPush, Phase } from '../../../assembly/package/reader';
import { VERDICT_BYTES_MAX, verdictRecord } from '../../../assembly/policy/explain';
import { facts } from '../../../assembly/policy/facts';
import {
  judgeConsider,
  judgeDecide,
  judgedDigest,
  judgeForget,
  judgeHead,
  judgeReason,
  judgeUnreachable,
} from '../../../assembly/policy/judge';
import { policy } from '../../../assembly/policy/policy';
import { provision } from '../../../assembly/policy/provision';
import { Verdict } from '../../../assembly/policy/verdict';
import { Reason } from '../../../assembly/reason';
import { clear, lay, sizeOf } from '../support/bytes';
import * as documents from '../support/documents';

const NOW: u64 = 1800000000;
const A: u32 = 1; // anchor indices of the operators
const B: u32 = 2;
const RECORD: usize = memory.data(VERDICT_BYTES_MAX, 16);
const cursor = changetype<Cursor>(memory.data(64, 8));

// A provisioned device with this package offered to it.
function offer(hex: string): void {
  clear();
  provision(lay(documents.BOOTSTRAP), sizeOf(documents.BOOTSTRAP));
  facts.installedSequence = 0;
  facts.trustedTime = 0;
  facts.timeFloor = 0;
  facts.slotBytes = 64;
  for (let i: u32 = 0; i < 8; i++) setOperatorFloor(i, 0);
  judgeForget();
  offerBegin();
  offerPush(lay(hex), sizeOf(hex));
}

function judged(hex: string): i32 {
  offer(hex);
  return judgeHead();
}

function consider(hex: string): i32 {
  return judgeConsider(Source.Tree, lay(hex), sizeOf(hex));
}

// Value of an unsigned member of the record; -1: it is not there.
function recorded(key: i32): i64 {
  cursor.open(RECORD, verdictRecord(RECORD));
  for (let left = cursor.map(); cursor.more(left); left--) {
    if (cursor.label() == key) return cursor.uint();
    cursor.skip();
  }
  return -1;
}

describe('a package', () => {
  it('is judged once its head is whole', () => {
    expect(judged(documents.PACKAGE)).toBe(Reason.Ok);
    expect(offerPhase()).toBe(Phase.Judging);
    expect(judgedDigest()).not.toBe(0);
    expect(manifest.sequence).toBe(7);
    expect(judged(documents.PACKAGE.slice(0, 200))).toBe(Reason.Truncated);
    expect(judgedDigest()).toBe(0);
    expect(judged(`00${documents.PACKAGE}`)).toBe(Reason.EnvelopeTag);
    expect(offerFault()).toBe(Reason.EnvelopeTag);
  });

  it('without a vendor’s signature is not even read', () => {
    expect(judged(documents.BY_STRANGER)).toBe(Reason.VendorSignature);
    expect(manifest.read).toBe(false);
    expect(judgedDigest()).toBe(0);
    expect(judgeDecide()).toBe(Verdict.Reject);
    expect(judgeReason()).toBe(Reason.VendorSignature);
  });

  it('must fit the device', () => {
    offer(documents.PACKAGE);
    facts.installedSequence = 8;
    expect(judgeHead()).toBe(Reason.Rollback);
    // It is authentic: whatever reads an approval now has a class to compare with.
    expect(judgedDigest()).not.toBe(0);
    expect(subject.classId).not.toBe(0);
    facts.installedSequence = 7;
    expect(judgeHead()).toBe(Reason.Ok);
    facts.slotBytes = 63;
    expect(judgeHead()).toBe(Reason.SlotTooSmall);
    expect(judgeDecide()).toBe(Verdict.Reject);
  });

  it('means nothing to a device without owner', () => {
    offer(documents.COUNTERSIGNED);
    provision(lay('a0'), 1);
    expect(judgeHead()).toBe(Reason.NotProvisioned);
    expect(judgeDecide()).toBe(Verdict.Reject);
    expect(recorded(6)).toBe(1);
  });
});

describe('a verdict', () => {
  it('follows from what was considered, and can be asked again', () => {
    judged(documents.PACKAGE);
    expect(judgeDecide()).toBe(Verdict.Reject);
    expect(judgeReason()).toBe(Reason.NotApproved);
    expect(consider(documents.A1_APPROVES)).toBe(Reason.Ok);
    expect(judgeDecide()).toBe(Verdict.Install);
    expect(judgeReason()).toBe(Reason.Ok);
    expect(judgeDecide()).toBe(Verdict.Install);
    consider(documents.B1_DENIES);
    expect(judgeDecide()).toBe(Verdict.Reject);
    expect(judgeReason()).toBe(Reason.Denied);
  });

  it('is taken anew for a package that is judged again', () => {
    judged(documents.PACKAGE);
    consider(documents.A1_APPROVES);
    expect(judgeDecide()).toBe(Verdict.Install);
    judgeHead();
    expect(judgeDecide()).toBe(Verdict.Reject); // nothing is carried over
  });

  it('does not outlive its package', () => {
    judged(documents.COUNTERSIGNED);
    expect(judgeDecide()).toBe(Verdict.Install);
    offerBegin();
    expect(judgeDecide()).toBe(Verdict.Reject);
    expect(judgeReason()).toBe(Reason.WrongState);
    expect(consider(documents.A1_APPROVES)).toBe(Reason.WrongState);
  });

  it('finds what the package and the operators brought along', () => {
    judged(documents.COUNTERSIGNED);
    expect(judgeDecide()).toBe(Verdict.Install);
    judged(documents.EMBEDDING);
    expect(judgeDecide()).toBe(Verdict.Install);
    judged(documents.FIVE_EMBEDDED); // the fifth is not looked at
    expect(judgeDecide()).toBe(Verdict.Reject);
  });

  it('counts operators up to the threshold', () => {
    judged(documents.COUNTERSIGNED); // by B
    policy.threshold = 2;
    expect(judgeDecide()).toBe(Verdict.Reject);
    expect(judgeReason()).toBe(Reason.TooFewOperators);
    consider(documents.B1_APPROVES);
    expect(judgeDecide()).toBe(Verdict.Reject);
    consider(documents.A1_APPROVES);
    expect(judgeDecide()).toBe(Verdict.Install);
  });

  it('is never yes for want of a threshold, and never by a clock that fell back', () => {
    judged(documents.PACKAGE);
    policy.threshold = 0;
    expect(judgeDecide()).toBe(Verdict.Reject);
    consider(documents.A1_APPROVES);
    expect(judgeDecide()).toBe(Verdict.Reject);
    judged(documents.PACKAGE);
    facts.timeFloor = NOW + 1_000_000;
    facts.trustedTime = 946_684_800; // 2000
    judgeDecide();
    expect(recorded(9)).toBe(NOW + 1_000_000);
  });

  it('asks where approval or policy wants it', () => {
    judged(documents.PACKAGE);
    policy.prompt = true;
    expect(judgeDecide()).toBe(Verdict.Ask);
    expect(judgeReason()).toBe(Reason.NotApproved);
    consider(documents.A1_APPROVES);
    policy.askBeforeDownload = true;
    expect(judgeDecide()).toBe(Verdict.Ask);
    expect(judgeReason()).toBe(Reason.AwaitingUser);
    policy.askBeforeDownload = false;
    expect(judgeDecide()).toBe(Verdict.Install);
    consider(documents.A1_APPROVES_ASKING);
    expect(judgeDecide()).toBe(Verdict.Ask);
  });

  it('knows of sources that could not be read, and of no others', () => {
    judged(documents.PACKAGE);
    judgeUnreachable(9);
    judgeDecide();
    expect(judgeReason()).toBe(Reason.NotApproved);
    judgeUnreachable(Source.Card);
    judgeDecide();
    expect(judgeReason()).toBe(Reason.SourceUnreachable);
    expect(judgeConsider(0, lay(documents.A1_APPROVES), sizeOf(documents.A1_APPROVES))).toBe(Reason.OutOfRange);
    expect(judgeConsider(5, lay(documents.A1_APPROVES), sizeOf(documents.A1_APPROVES))).toBe(Reason.OutOfRange);
  });
});

describe('time', () => {
  it('is the trusted one, or else the newest that operators have shown', () => {
    judged(documents.PACKAGE);
    consider(documents.A2_WINDOW); // from NOW + 10, issued at NOW
    judgeDecide();
    expect(judgeReason()).toBe(Reason.ApprovalNotYetValid);
    expect(facts.timeFloor).toBe(NOW);
    facts.timeFloor = NOW + 15;
    expect(judgeDecide()).toBe(Verdict.Install);
    facts.trustedTime = NOW + 25;
    judgeDecide();
    expect(judgeReason()).toBe(Reason.ApprovalExpired);
    expect(facts.timeFloor).toBe(NOW + 15); // a clock may be set back; the floor follows documents alone
  });

  it('and sequence numbers are remembered', () => {
    judged(documents.PACKAGE);
    consider(documents.A2_OTHER);
    judgeDecide();
    expect(operatorFloor(A)).toBe(2);
    expect(operatorFloor(B)).toBe(0);
    judgeHead();
    consider(documents.A1_APPROVES);
    judgeDecide();
    expect(judgeReason()).toBe(Reason.Superseded);
  });
});

describe('the record', () => {
  it('says what the verdict rests on', () => {
    judged(documents.COUNTERSIGNED);
    consider(documents.A1_APPROVES_ASKING);
    expect(judgeDecide()).toBe(Verdict.Ask);
    expect(recorded(1)).toBe(Verdict.Ask);
    expect(recorded(2)).toBe(Reason.AwaitingUser);
    expect(recorded(4)).toBe(7);
    expect(recorded(6)).toBe(4);
    expect(recorded(7)).toBe(1);
    expect(recorded(8)).toBe(2);
    expect(recorded(9)).toBe(NOW);
    expect(recorded(11)).toBe(1);
    expect(recorded(12)).toBe(2); // update-authorized in payload-fetch
    cursor.open(RECORD, verdictRecord(RECORD));
    cursor.skip();
    expect(cursor.close()).toBe(Reason.Ok);
  });

  it('names neither digest nor signer of what is not authentic', () => {
    judged(documents.BY_STRANGER);
    judgeDecide();
    expect(recorded(3)).toBe(-1);
    expect(recorded(4)).toBe(-1);
    expect(recorded(10)).toBe(-1);
    expect(recorded(8)).toBe(1); // the countersignature of A is seen; it helps nobody
  });

  it('fits its room with a full table of findings', () => {
    judged(documents.COUNTERSIGNED);
    for (let i = 0; i < 20; i++) consider(documents.A1_APPROVES);
    judgeDecide();
    expect(recorded(12)).toBe(2);
    cursor.open(RECORD, verdictRecord(RECORD));
    cursor.skip();
    expect(cursor.close()).toBe(Reason.Ok);
  });
});

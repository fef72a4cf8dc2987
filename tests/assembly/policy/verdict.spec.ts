// The verdict table against itself in other words: every situation there is, and the row that decides it.

import { Confirm } from '../../../assembly/approval/entries';
import { reasonOfRow, Situation, Verdict, verdictOf, verdictRow } from '../../../assembly/policy/verdict';
import { Reason } from '../../../assembly/reason';

const s = changetype<Situation>(memory.data(64, 8));

function set(
  provisioned: bool,
  fault: i32,
  denied: bool,
  approved: bool,
  confirm: i32,
  early: bool,
  prompt: bool,
): i32 {
  s.provisioned = provisioned;
  s.fault = fault;
  s.denied = denied;
  s.approved = approved;
  s.confirm = confirm;
  s.askBeforeDownload = early;
  s.prompt = prompt;
  s.unapproved = Reason.ApprovalExpired;
  return verdictRow(s);
}

// The table of assembly/policy/verdict.ts as a list of conditions that all must hold for its verdict.
function mayInstall(): bool {
  if (!s.provisioned || s.fault != Reason.Ok || s.denied || !s.approved) return false;
  return s.confirm == Confirm.DoNotAsk || (s.confirm == Confirm.Unsaid && !s.askBeforeDownload);
}

function mayAsk(): bool {
  if (!s.provisioned || s.fault != Reason.Ok || s.denied || mayInstall()) return false;
  return s.approved || s.prompt;
}

describe('the verdict', () => {
  it('is one of three in every situation, and never better than the facts allow', () => {
    let situations = 0;
    let installs = 0;
    for (let bits = 0; bits < 64; bits++) {
      for (let confirm = 0; confirm <= 2; confirm++) {
        const fault: i32 = (bits & 2) != 0 ? Reason.Rollback : Reason.Ok;
        const row = set(
          (bits & 1) != 0,
          fault,
          (bits & 4) != 0,
          (bits & 8) != 0,
          confirm,
          (bits & 16) != 0,
          (bits & 32) != 0,
        );
        const verdict = verdictOf(row);
        const expected: i32 = mayInstall() ? Verdict.Install : mayAsk() ? Verdict.Ask : Verdict.Reject;
        expect(verdict).toBe(expected, `situation ${bits}, confirm ${confirm}`);
        expect(reasonOfRow(row, s) == Reason.Ok).toBe(verdict == Verdict.Install);
        situations++;
        if (verdict == Verdict.Install) installs++;
      }
    }
    expect(situations).toBe(192);
    expect(installs).toBe(6); // provisioned, sound, not denied, approved: 2 x (unsaid, late) + 4 x do not ask
  });

  it('has the rows of its table', () => {
    expect(set(false, Reason.Rollback, true, true, 0, false, true)).toBe(1);
    expect(set(true, Reason.Rollback, true, true, 0, false, true)).toBe(2);
    expect(set(true, Reason.Ok, true, true, 0, false, true)).toBe(3);
    expect(set(true, Reason.Ok, false, true, Confirm.Ask, false, false)).toBe(4);
    expect(set(true, Reason.Ok, false, true, Confirm.Unsaid, true, false)).toBe(5);
    expect(set(true, Reason.Ok, false, true, Confirm.DoNotAsk, true, false)).toBe(6);
    expect(set(true, Reason.Ok, false, false, Confirm.DoNotAsk, true, true)).toBe(7);
    expect(set(true, Reason.Ok, false, false, Confirm.DoNotAsk, true, false)).toBe(8);
  });

  it('gives the reason of its row', () => {
    const reasons = [Reason.NotProvisioned, Reason.Rollback, Reason.Denied, Reason.AwaitingUser, Reason.AwaitingUser];
    s.fault = Reason.Rollback;
    s.unapproved = Reason.ApprovalExpired;
    for (let row = 1; row <= 5; row++) expect(reasonOfRow(row, s)).toBe(reasons[row - 1]);
    expect(reasonOfRow(6, s)).toBe(Reason.Ok);
    expect(reasonOfRow(7, s)).toBe(Reason.ApprovalExpired);
    expect(reasonOfRow(8, s)).toBe(Reason.ApprovalExpired);
  });

  it('of a row that does not exist is reject', () => {
    expect(verdictOf(0)).toBe(Verdict.Reject);
    expect(verdictOf(9)).toBe(Verdict.Reject);
  });
});

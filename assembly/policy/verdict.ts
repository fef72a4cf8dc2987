// The verdict: a pure function of verified facts, read from top to bottom; the first row that fits decides.
//
//   row | provisioned | package | denied | approved | confirm | policy              | verdict | reason
//   ----+-------------+---------+--------+----------+---------+---------------------+---------+---------------------
//    1  | no          |         |        |          |         |                     | reject  | NotProvisioned
//    2  | yes         | faulty  |        |          |         |                     | reject  | the package's fault
//    3  | yes         | sound   | yes    |          |         |                     | reject  | Denied
//    4  | yes         | sound   | no     | yes      | ask     |                     | ask     | AwaitingUser
//    5  | yes         | sound   | no     | yes      | unsaid  | ask before download | ask     | AwaitingUser
//    6  | yes         | sound   | no     | yes      |         |                     | install | Ok
//    7  | yes         | sound   | no     | no       |         | prompt              | ask     | why not approved
//    8  | yes         | sound   | no     | no       |         | reject              | reject  | why not approved
//
// "approved": at least `threshold` distinct operators approve. Row numbers are printed with every verdict and are
// permanent. A denial is final also under prompt (row 3 stands above 7): the operator's no is not the user's to lift.

import { Confirm } from '../approval/entries';
import { Reason } from '../reason';

export const enum Verdict {
  Install = 1,
  Ask = 2,
  Reject = 3,
}

// The facts of the table's columns. Booleans whose column is reached only after the ones before are meaningful.
@unmanaged
export class Situation {
  fault: Reason; // of the package
  unapproved: Reason; // reason, if not approved
  confirm: i32; // Confirm
  provisioned: bool;
  denied: bool;
  approved: bool;
  askBeforeDownload: bool;
  prompt: bool;
}

export function verdictRow(s: Situation): i32 {
  if (!s.provisioned) return 1;
  if (s.fault !== Reason.Ok) return 2;
  if (s.denied) return 3;
  if (s.approved && s.confirm === Confirm.Ask) return 4;
  if (s.approved && s.confirm === Confirm.Unsaid && s.askBeforeDownload) return 5;
  if (s.approved) return 6;
  if (s.prompt) return 7;
  return 8;
}

export function verdictOf(row: i32): Verdict {
  switch (row) {
    case 6:
      return Verdict.Install;
    case 4:
    case 5:
    case 7:
      return Verdict.Ask;
    default:
      return Verdict.Reject;
  }
}

export function reasonOfRow(row: i32, s: Situation): Reason {
  switch (row) {
    case 1:
      return Reason.NotProvisioned;
    case 2:
      return s.fault;
    case 3:
      return Reason.Denied;
    case 4:
    case 5:
      return Reason.AwaitingUser;
    case 6:
      return Reason.Ok;
    default:
      return s.unapproved;
  }
}

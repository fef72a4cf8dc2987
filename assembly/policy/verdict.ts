// stub
export const enum Verdict {
  Install = 1,
  Ask = 2,
  Reject = 3,
}

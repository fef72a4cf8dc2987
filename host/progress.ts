// What anything long yields while it works: the caller owns the display, retries and cancelling.
//
// The phases are the same for every command and every link. `installing` may take place in the device alone, then only
// its beginning and end are seen.

export type Phase = 'deciding' | 'erasing' | 'sending' | 'checking' | 'installing';

export type Progress =
  /** Work: `done` of `total` bytes of this phase. total 0: nobody knows how much it is. */
  | { kind: 'work'; phase: Phase; done: number; total: number }
  /** A person is being asked; there is nothing to do but wait. */
  | { kind: 'waiting'; for: string; seconds: number }
  /** A line for the person watching, such as "resuming at 4096". */
  | { kind: 'note'; text: string };

/** Does the work to its end, and hands each step on. Returns what the work returns. */
export async function runThrough<T>(
  work: AsyncGenerator<Progress, T, undefined>,
  step: (progress: Progress) => void,
): Promise<T> {
  for (;;) {
    const next = await work.next();
    if (next.done) return next.value;
    step(next.value);
  }
}

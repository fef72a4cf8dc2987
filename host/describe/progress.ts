// Progress in words, for whoever shows it: amounts, rates, times left, and lines for where nothing can move.

import { sayable } from '../printable.js';
import type { Progress } from '../progress.js';

const STEP_PERCENT = 10;
const STEP_MS = 5000;

/** 1536 -> "1.5 KiB" */
export function bytesText(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1024 * 1024 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}

/** Seconds as people read them: 95 -> "1m35s" */
function secondsText(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?';
  const whole = Math.ceil(seconds);
  return whole < 60 ? `${whole}s` : `${Math.floor(whole / 60)}m${String(whole % 60).padStart(2, '0')}s`;
}

/** Rate and time left of one phase, from where it began: a resumed download does not count what was there before. */
export function makeMeter(first: number): (done: number, total: number) => { rate: string; left: string } {
  const began = performance.now();
  return (done, total) => {
    const perSecond = ((done - first) / Math.max(performance.now() - began, 1)) * 1000;
    return {
      rate: `${bytesText(Math.round(perSecond))}/s`,
      left: secondsText((total - done) / perSecond),
    };
  };
}

/** "sending 42% 12.0 KiB/28.5 KiB": work on one line that moves. */
export function shareText({ phase, done, total }: Extract<Progress, { kind: 'work' }>): string {
  return total === 0 ? phase : `${phase} ${Math.floor((done / total) * 100)}% ${bytesText(done)}/${bytesText(total)}`;
}

/** Takes each step; says one plain line per 10 % or per 5 s of work, and all else at once. */
export function progressLines(say: (text: string) => void): (progress: Progress) => void {
  let phase = '';
  let shownPercent = 0;
  let shownAt = 0;
  let meter = makeMeter(0);
  return (progress) => {
    if (progress.kind !== 'work') return say(noteText(progress));
    const { done, total } = progress;
    const percent = total === 0 ? 0 : Math.floor((done / total) * 100);
    const now = performance.now();
    if (progress.phase !== phase) {
      phase = progress.phase;
      meter = makeMeter(done);
    } else if (percent < shownPercent + STEP_PERCENT && now < shownAt + STEP_MS && done !== total) {
      return;
    } else if (percent === shownPercent && done === total) {
      return;
    }
    shownPercent = percent;
    shownAt = now;
    const { rate } = meter(done, total);
    say(total === 0 ? phase : `${phase} ${percent}% ${bytesText(done)}/${bytesText(total)} ${rate}`);
  };
}

/** What is no work, in one line. */
export function noteText(progress: Exclude<Progress, { kind: 'work' }>): string {
  if (progress.kind === 'note') return sayable(progress.text);
  return sayable(`waiting for ${progress.for}, ${secondsText(progress.seconds)} left`);
}

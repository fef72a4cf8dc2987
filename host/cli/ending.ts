// How this process ends: by one exit code, set before anything is printed, and never better than the truth.
//
//   nothing decided yet                     1: a program that falls over has not succeeded
//   a command is done                       its own code, whatever becomes of the output afterwards
//   Ctrl-C, SIGTERM before that             130, 143, as a shell has them; what listens (a port that is open, a board's
//                                           flash) ends its work in order; where nothing does, it is over in SOON_MS
//   a second one, or GRACE_MS later         at once
//   stdout's reader goes away before that   141, as by SIGPIPE: nobody would see what the command says
//   stdout cannot be written (a full disk)  1 instead of 0
//
// A closed pipe is no error of the decision: `check … | head -1` ends with what was decided. What is said on stderr may get
// lost; that changes nothing either.

import { getEventListeners, setMaxListeners } from 'node:events';
import { CountersignError, systemCode } from '../errors.js';
import { EXIT_INTERRUPTED, EXIT_NO_READER, EXIT_TERMINATED, reasons } from '../reasons.js';

/** What a command gets for its work in order: to close a port, to write a board's flash. */
const GRACE_MS = 10_000;
/** And where nothing listens: long enough for a file that is being written. */
const SOON_MS = 300;

export interface Ending {
  /** Aborted when the command is to end. */
  readonly signal: AbortSignal;
  /** Rejected when it is to end and nothing listens to `signal`, so that nothing would: a file or a pipe is waited for. */
  readonly left: Promise<never>;
  /** The exit code of a command that was stopped from outside. */
  readonly stopped: number | undefined;
  /** Sets the exit code; call it before the first word is printed. */
  decide(code: number): number;
}

export function watchEnding(): Ending {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal); // everything that waits listens here, for as long as it waits
  let leave: (why: CountersignError) => void = () => undefined;
  const left = new Promise<never>((_, reject) => {
    leave = reject;
  });
  left.catch(() => undefined);
  let stopped: number | undefined;
  let decided: number | undefined;
  process.exitCode = reasons.Fault.exit;

  function stop(code: number, why: string): void {
    if (decided !== undefined || stopped !== undefined) process.exit(decided ?? stopped);
    stopped = code;
    process.exitCode = code;
    setTimeout(() => process.exit(code), GRACE_MS).unref();
    const cancelled = new CountersignError('Cancelled', `countersign: ${why}`);
    if (getEventListeners(controller.signal, 'abort').length === 0) setTimeout(leave, SOON_MS, cancelled).unref();
    controller.abort(cancelled);
  }
  process.on('SIGINT', () => stop(EXIT_INTERRUPTED, 'stopped by Ctrl-C'));
  process.on('SIGTERM', () => stop(EXIT_TERMINATED, 'stopped by a signal'));
  process.stdout.on('error', (error) => {
    if (systemCode(error) === 'EPIPE') {
      if (decided === undefined && stopped === undefined) stop(EXIT_NO_READER, 'nobody reads the output any more');
    } else if (process.exitCode === 0) process.exitCode = reasons.Fault.exit;
  });
  process.stderr.on('error', () => undefined);

  return {
    signal: controller.signal,
    left,
    get stopped() {
      return stopped;
    },
    decide(code) {
      decided = code;
      process.exitCode = code;
      return code;
    },
  };
}

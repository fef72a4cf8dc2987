// The person who has work done on this machine, as far as somebody is there: told what happens, and asked for what nobody else
// knows. A terminal is one, a page that is connected, or a log that nobody answers.

import type { Progress } from '../progress.js';
import type { Listener } from './connect.js';

export interface Person extends Listener {
  /** Somebody can be asked. Where not, a question throws NotTerminal, which names the option that answers it. */
  readonly interactive: boolean;
  note(...lines: string[]): void;
  warn(text: string): void;
  /** Shows the progress of the work until it is done. Returns what the work returns. */
  follow<T>(work: AsyncGenerator<Progress, T, undefined>): Promise<T>;
  /** `option`: what gives the answer instead. */
  password(question: string, option: string): Promise<string>;
  /** Asks for the whole word; the signal ends the question. */
  yesOrNo(question: string, option: string, signal?: AbortSignal): Promise<'yes' | 'no'>;
}

/** How a piece of work is done. */
export interface Doing {
  /** Everything but write. */
  dryRun: boolean;
  signal: AbortSignal;
}

// What a witness beside the device remembers: only what the oracle needs, and only what was seen from outside. It becomes
// part of every explored state, so each field says what it means and when it ends.

import type { Yes } from './oracle.js';

export interface Ghost {
  /** Per operator (0, 1) the number of the newest of its documents that the device took; 0: none. */
  documents: number[];
  /** Mask of the changes (1: reject from now on, 2: another operator) that the device took. */
  changes: number;
  /** Which upload session there is, by the file that was named; '-': none. */
  upload: string;
  /** Mask of the lines over which those bytes of it came that are not in flash. */
  lines: number;
  /** What was asked last ("A install"), and over which lines that had come by then. Until another question. */
  asked: string;
  askedLines: number;
  /** A person's yes to an installation. Ends with the decision, a no, a drop, another package, another question. */
  installYes: Yes | undefined;
  /** The same, to a download: once it has come, what is approved needs no other. */
  downloadYes: Yes | undefined;
  /** The highest sequence number that was ever confirmed. Never falls. */
  floor: number;
  /** What the board shows a person: the question, or ''. */
  shown: string;
}

export const newborn = (): Ghost => ({
  documents: [0, 0],
  changes: 0,
  upload: '-',
  lines: 0,
  asked: '-',
  askedLines: 0,
  installYes: undefined,
  downloadYes: undefined,
  floor: 0,
  shown: '',
});

/** A package that is given up, or makes room, takes every yes with it. */
export function forgetAnswers(ghost: Ghost): void {
  ghost.installYes = undefined;
  ghost.downloadYes = undefined;
}

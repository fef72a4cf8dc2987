// New trust anchors or a new policy for devices in the field: what operators sign, and what a device would say of it.
//
// Several operators pass the one document round until as many have signed as the devices ask for (formats/change.ts).

import type { Core } from '../core.js';
import { CountersignError } from '../errors.js';
import type { NamedFiles } from '../formats/bootstrap.js';
import { type Change, changeFromYaml } from '../formats/change.js';
import { isFarAhead } from '../formats/sequence.js';
import { reasonOf, reasons } from '../reasons.js';
import { type Doubt, dateDoubts } from './doubts.js';
import { provisionCore } from './foresee.js';

/** A change that nobody has signed yet. */
export interface ChangeDraft {
  change: Change;
  warnings: Doubt[];
}

/**
 * The change that a YAML text states. `what` names it in errors; `files` reads what it names. `now` in Unix seconds: the number and the date where the text leaves them open. Throws FileMalformed.
 */
export async function draftChange(
  text: Uint8Array,
  what: string,
  files: NamedFiles,
  now: number,
): Promise<ChangeDraft> {
  const change = await changeFromYaml(text, what, files, now);
  return { change, warnings: [...dateDoubts(change.issuedAt, now), ...numberDoubts(change.sequence, now)] };
}

function numberDoubts(sequence: bigint, now: number): Doubt[] {
  if (!isFarAhead(sequence, now)) return [];
  const text = `sequence ${sequence} is far ahead of the time, ${now}: devices take no lower one again`;
  return [{ rule: 'far-ahead', text }];
}

/**
 * What the device of a bootstrap document would say of a signed change: 0 if it takes it, or TooFewOperators, which is no
 * error: the next signature may follow. Throws the device's reason for refusing either of the two. `what` names the
 * bootstrap document. The core is that device afterwards.
 */
export function foreseeChange(
  core: Pick<Core, 'provision' | 'change'>,
  bootstrap: Uint8Array,
  change: Uint8Array,
  what: string,
): number {
  provisionCore(core, bootstrap, what);
  const { reason } = core.change(change);
  if (reason === 0 || reason === reasons.TooFewOperators.code) return reason;
  throw new CountersignError(reason, `change: a device of ${what} would refuse it: ${reasonOf(reason).text}`);
}

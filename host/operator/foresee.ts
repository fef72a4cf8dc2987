// What a device would do with a package, without the device: the core's verdict over its bootstrap document, the approvals that
// would reach it, and what else is known of it. Nothing is read or decided here.

import type { Core, Judgement, Question } from '../core.js';
import { CountersignError } from '../errors.js';
import { reasonOf, reasons } from '../reasons.js';

/** Makes the core the device of a bootstrap document. Throws the reason why a device would not take it; `what` names it. */
export function provisionCore(core: Pick<Core, 'provision'>, bootstrap: Uint8Array, what: string): void {
  const fault = core.provision(bootstrap);
  if (fault === 0) return;
  throw new CountersignError(fault, `bootstrap: a device would not take ${what}: ${reasonOf(fault).text}`);
}

export interface Foreseen {
  judgement: Judgement;
  /** 0 if it would be installed; AwaitingUser, if somebody would be asked first. */
  reason: number;
}

/** Throws the reason why a device would not take the bootstrap document, `what` in errors. The core is that device afterwards. */
export async function foreseeVerdict(
  core: Pick<Core, 'provision' | 'judge'>,
  { what, bootstrap, ...offer }: Question & { bootstrap: Uint8Array; what: string },
): Promise<Foreseen> {
  provisionCore(core, bootstrap, what);
  const judgement = await core.judge(offer);
  const { verdict, reason, payload } = judgement;
  // A damaged firmware fails after a verdict that let it pass.
  if (payload !== undefined && payload.reason !== 0) return { judgement, reason: payload.reason };
  return { judgement, reason: verdict === 'ask' ? reasons.AwaitingUser.code : reason };
}

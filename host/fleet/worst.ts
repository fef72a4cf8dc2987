// How a command ends that had to do with many devices: as the worst of them.

import { reasons } from '../reasons.js';

const SILENT: number[] = [reasons.LinkLost.exit, reasons.NoAnswer.exit];

/**
 * The exit code of all: of a device that refused or failed, before one that did not answer or is offline; 0 only if all are as
 * they were wanted. Nothing to do (2) counts if it is so for all. No device at all was not found.
 */
export function worstExit(exits: readonly number[]): number {
  if (exits.length === 0) return reasons.NotFound.exit;
  const idle = reasons.NothingToDo.exit;
  if (exits.every((exit) => exit === idle)) return idle;
  const bad = exits.filter((exit) => exit !== reasons.Ok.exit && exit !== idle);
  const heard = bad.filter((exit) => !SILENT.includes(exit));
  return Math.max(0, ...(heard.length > 0 ? heard : bad));
}

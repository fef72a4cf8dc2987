// What became of a board that another program was to write, in words (local/guarded-tool.ts).

import type { Unanswered } from '../device/guard.js';
import { reasonData } from '../json.js';
import { exitCodes, reasons } from '../reasons.js';
import { guardedText, type OutcomeText } from './outcome.js';
import type { Described } from './words.js';

/** How a program ended: `code` as a shell has it, 128 and the number of the signal that ended it. */
export interface ToolEnded {
  kind: 'written' | 'failed';
  code: number;
  signal?: string | undefined;
}

/** That of the program, unless it has a meaning of ours: then it is a fault. */
const exitOf = (code: number): number => (exitCodes.some(([ours]) => ours === code) ? reasons.ToolFailed.exit : code);

/** `tool`: its name. */
export function toolText(outcome: ToolEnded | Unanswered, tool: string): OutcomeText {
  if (!('code' in outcome)) return guardedText(outcome);
  const { kind: result, code, signal } = outcome;
  const data = { tool: { program: tool, ...(signal === undefined ? { exit: code } : { signal }) } };
  if (result === 'written') {
    const line = `written: ${tool} ended with success, and this package is remembered; checked here, not by the board`;
    return { result, exit: reasons.Ok.exit, line, data };
  }
  const { code: number, hint } = reasons.ToolFailed;
  return {
    ...{ result, exit: exitOf(code) },
    line: `failed: ${tool} ended ${signal === undefined ? `with ${code}` : `by ${signal}`} [${number} ToolFailed]`,
    details: [`hint: ${hint}`],
    data: { ...data, reason: reasonData(number) },
  };
}

/** The whole result, with the verdict that was taken here (verdict.ts). */
export const guardedTool = (
  path: string,
  device: Uint8Array,
  verdict: Described,
  { result, exit, line, details = [], data }: OutcomeText,
): Described & { exit: number } => ({
  data: { result, package: path, device, exit, verdict: verdict.data, ...data },
  lines: [line, ...details],
  exit,
});

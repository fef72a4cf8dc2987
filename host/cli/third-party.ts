// `deliver` to a third-party board, shown: the warning that this verdict alone protects it, the verdict, the question to the
// person at this terminal (no flag answers it), and how it ended. What decides is device/guard.ts.

import { guardedText } from '../describe/outcome.js';
import { questionLines } from '../describe/question.js';
import { explain } from '../describe/verdict.js';
import { documentsIn, type Gathered } from '../device/evidence.js';
import { type GuardOptions, type GuardQuestion, makeGuard } from '../device/guard.js';
import type { Ending } from '../device/third-party.js';
import type { ByteSource } from '../formats/byte-source.js';
import type { Answer } from '../formats/consent.js';
import { openEnvelope } from '../formats/envelope.js';
import { reasonOf } from '../reasons.js';
import type { Client } from '../smp/client.js';
import { loadCore } from '../wasm.js';
import type { Result } from './command.js';
import type { Surroundings } from './connection.js';
import { askYesOrNo, type Terminal } from './terminal.js';

interface Job extends GuardOptions {
  path: string;
  file: ByteSource;
  gathered: Gathered[];
  again: (() => Promise<Gathered[]>) | undefined;
  ending: Ending;
  installMs?: number;
}

export async function deliverGuarded(
  client: Client,
  { path, file, gathered, again, ending, installMs, ...options }: Job,
  { terminal, signal, dryRun }: Surroundings,
): Promise<Result> {
  terminal.warn('this board has no agent and cannot check for itself: what protects it is this verdict alone');
  const guard = await makeGuard(await loadCore(), options);
  if (!guard.knowsInstalled) {
    terminal.warn('which sequence number it runs is not known (--installed): an older package is not noticed');
  }
  const decision = await guard.judge({ file, name: path, gathered });
  const envelope = await openEnvelope(file, path).catch(() => undefined);
  const { bootstrap } = options;
  const verdict = explain(decision.judgement, { path, envelope, bootstrap, documents: documentsIn(gathered) });
  const end = (result: string, exit: number, lines: string[], more: object = {}): Result => ({
    data: { result, package: path, device: client.link.name, thirdParty: true, exit, verdict: verdict.data, ...more },
    lines,
    exit,
  });
  if (decision.kind === 'refused') {
    const lines = ['refused here: nothing was sent', ...verdict.lines];
    return end('refused', reasonOf(decision.reason).exit, lines);
  }
  if (dryRun) return end('dry-run', 0, [`would send the firmware to ${client.link.name}`, ...verdict.lines]);
  if (decision.kind === 'approved') terminal.note(...verdict.lines);
  const ask = (question: GuardQuestion, over: AbortSignal) => askHere(question, terminal, over);
  const how = { ask, again, ending, signal, ...(installMs !== undefined && { installMs }) };
  const { result, exit, line, data } = guardedText(await terminal.follow(decision.deliver(client, how)));
  return end(result, exit, [line], data);
}

async function askHere(question: GuardQuestion, terminal: Terminal, signal: AbortSignal): Promise<Answer | undefined> {
  terminal.note(...questionLines(question, 'THIS BOARD CANNOT ASK, NOR CHECK FOR ITSELF: install this on it?'));
  if (!terminal.interactive) return undefined;
  const prompt = `Install it? Type yes or no (within ${question.seconds} s; without an answer nothing is installed)`;
  return askYesOrNo(terminal, prompt, 'nothing', signal);
}

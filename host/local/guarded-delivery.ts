// A package for a third-party board, decided on this machine: the warning that this verdict alone protects the board, the
// verdict, the question to the person who is there (nothing else answers it), and how it ended. What decides is device/guard.ts.

import { guardedDelivery, guardedText, type OutcomeText } from '../describe/outcome.js';
import { questionLines } from '../describe/question.js';
import { explain } from '../describe/verdict.js';
import type { Described } from '../describe/words.js';
import { documentsIn, type Gathered } from '../device/evidence.js';
import { type GuardOptions, type GuardQuestion, makeGuard } from '../device/guard.js';
import type { Ending } from '../device/third-party.js';
import type { ByteSource } from '../formats/byte-source.js';
import type { Answer } from '../formats/consent.js';
import { openEnvelope } from '../formats/envelope.js';
import { reasonOf } from '../reasons.js';
import type { Client } from '../smp/client.js';
import { loadCore } from '../wasm.js';
import type { Doing, Person } from './person.js';

export interface GuardedJob extends GuardOptions {
  path: string;
  file: ByteSource;
  gathered: Gathered[];
  /** Gathers once more what may have changed. */
  again: (() => Promise<Gathered[]>) | undefined;
  ending: Ending;
  installMs?: number;
}

/** Throws what the guard and the board throw. A refusal is a result; its exit code is that of the reason. */
export async function deliverGuarded(
  client: Client,
  { path, file, gathered, again, ending, installMs, ...options }: GuardedJob,
  person: Person,
  { signal, dryRun }: Doing,
): Promise<Described & { exit: number }> {
  person.warn('this board has no agent and cannot check for itself: what protects it is this verdict alone');
  const guard = await makeGuard(await loadCore(), options);
  if (!guard.knowsInstalled) {
    person.warn('which sequence number it runs is not known (--installed): an older package is not noticed');
  }
  const decision = await guard.judge({ file, name: path, gathered });
  const envelope = await openEnvelope(file, path).catch(() => undefined);
  const { bootstrap } = options;
  const documents = documentsIn(gathered);
  const verdict = explain(decision.judgement, { path, envelope, bootstrap, documents });
  const end = (outcome: OutcomeText) => guardedDelivery(path, client.link.name, verdict, outcome);
  const details = verdict.lines;
  if (decision.kind === 'refused') {
    const { exit } = reasonOf(decision.reason);
    return end({ result: 'refused', exit, line: 'refused here: nothing was sent', details });
  }
  const line = `would send the firmware to ${client.link.name}`;
  if (dryRun) return end({ result: 'dry-run', exit: 0, line, details });
  if (decision.kind === 'approved') person.note(...details);
  const ask = (question: GuardQuestion, over: AbortSignal) => askHere(question, person, over);
  const how = { ask, again, ending, signal, ...(installMs !== undefined && { installMs }) };
  return end(guardedText(await person.follow(decision.deliver(client, how))));
}

/** Undefined: nobody is here. */
export async function askHere(
  question: GuardQuestion,
  person: Person,
  signal: AbortSignal,
): Promise<Answer | undefined> {
  person.note(...questionLines(question, 'THIS BOARD CANNOT ASK, NOR CHECK FOR ITSELF: install this on it?'));
  if (!person.interactive) return undefined;
  const prompt = `Install it? Type yes or no (within ${question.seconds} s; without an answer nothing is installed)`;
  return person.yesOrNo(prompt, 'nothing', signal);
}

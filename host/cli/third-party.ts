// `deliver` to a third-party board, shown: the warning that this verdict alone protects it, the verdict, the question to the
// person at this terminal (no flag answers it), and how it ended. What decides is device/guard.ts.

import { documentsIn, type Gathered } from '../device/evidence.js';
import { type GuardedOutcome, type GuardOptions, type GuardQuestion, makeGuard } from '../device/guard.js';
import type { Ending } from '../device/third-party.js';
import type { ByteSource } from '../formats/byte-source.js';
import type { Answer } from '../formats/consent.js';
import { openEnvelope } from '../formats/envelope.js';
import { reasonOf, reasons } from '../reasons.js';
import type { Client } from '../smp/client.js';
import type { Result } from './command.js';
import { questionLines } from './describe/question.js';
import { explain } from './describe/verdict.js';
import type { Terminal } from './terminal.js';

interface Job extends GuardOptions {
  path: string;
  file: ByteSource;
  gathered: Gathered[];
  again: (() => Promise<Gathered[]>) | undefined;
  ending: Ending;
  installMs?: number;
  dryRun: boolean;
}

export async function deliverGuarded(
  client: Client,
  job: Job,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<Result> {
  const { path, file, gathered, bootstrap, again, ending } = job;
  terminal.warn('this board has no agent and cannot check for itself: what protects it is this verdict alone');
  const guard = await makeGuard(job);
  if (!guard.knowsInstalled) {
    terminal.warn('which sequence number it runs is not known (--installed): an older package is not noticed');
  }
  const decision = await guard.judge({ file, name: path, gathered });
  const envelope = await openEnvelope(file, path).catch(() => undefined);
  const explained = explain(decision.judgement, { path, envelope, bootstrap, documents: documentsIn(gathered) });
  const end = (result: string, exit: number, lines: string[], more: object = {}): Result => ({
    data: { result, package: path, device: client.link.name, foreign: true, exit, verdict: explained.data, ...more },
    lines,
    exit,
  });
  if (decision.kind === 'refused') {
    const lines = ['refused here: nothing was sent', ...explained.lines];
    return end('refused', reasonOf(decision.reason).exit, lines);
  }
  if (job.dryRun) return end('dry-run', 0, [`would send the firmware to ${client.link.name}`, ...explained.lines]);
  if (decision.kind === 'approved') terminal.note(...explained.lines);
  const limits = job.installMs === undefined ? {} : { installMs: job.installMs };
  const ask = (question: GuardQuestion, over: AbortSignal) => askHere(question, terminal, over);
  const outcome = await terminal.follow(decision.deliver(client, { ask, again, ending, signal, ...limits }));
  const { kind, ...more } = outcome;
  const { result = kind, exit = 0, line } = endOf(outcome);
  return end(result, exit, [line], 'version' in more ? more : {});
}

async function askHere(question: GuardQuestion, terminal: Terminal, signal: AbortSignal): Promise<Answer | undefined> {
  terminal.note(...questionLines(question, 'THIS BOARD CANNOT ASK, NOR CHECK FOR ITSELF: install this on it?'));
  if (!terminal.interactive) return undefined;
  const word = (line: string) => (/^(yes|no)$/i.test(line.trim()) ? undefined : 'type the whole word: yes or no');
  const prompt = `Install it? Type yes or no (within ${question.seconds} s; without an answer nothing is installed)`;
  const typed = await terminal.text(prompt, 'nothing', word, { signal });
  return typed.trim().toLowerCase() === 'yes' ? 'yes' : 'no';
}

// One row per outcome: what is printed, its name under --json where it is another, and the exit code where it is not 0.
function endOf(outcome: GuardedOutcome): { result?: string; exit?: number; line: string } {
  switch (outcome.kind) {
    case 'confirmed':
      return { line: `installed and confirmed: ${outcome.version}; checked here, not by the board` };
    case 'unchanged':
      return {
        exit: reasons.NothingToDo.exit,
        line: `nothing to do: the board runs exactly this image, ${outcome.version}, and has confirmed it`,
      };
    case 'on-trial':
      return {
        line: `on trial: ${outcome.version} runs, and the next reset takes it back unless it is confirmed (by itself, or \`mcumgr image confirm\`)`,
      };
    case 'marked':
      return {
        line: `marked for test: ${outcome.version} starts at the next reset, and is taken back by the one after it unless it is confirmed`,
      };
    case 'started':
      return {
        line: `installed: ${outcome.version} runs; the board has neither test nor confirmation, and no way back. Checked here, not by the board`,
      };
    case 'sent':
      return {
        line: outcome.shown
          ? `sent, and the board was reset: its boot loader lists ${outcome.version}; it offers neither test nor confirmation`
          : 'sent, and the board was reset; it offers neither test nor confirmation, and did not show what it has now',
      };
    case 'reverted':
      return {
        exit: reasons.RevertedNotConfirmed.exit,
        line: `reverted: the board runs ${outcome.version} after the reset, not the new image: that did not start, or its boot loader did not take it`,
      };
    case 'asked':
      return {
        exit: reasons.AwaitingUser.exit,
        line:
          outcome.of === 'consenter'
            ? 'a consenter has to agree, and a board without our agent cannot take their answer'
            : 'a person has to agree, and there is no terminal to ask on',
      };
    case 'deferred':
      return { exit: reasons.Deferred.exit, line: 'deferred: nobody answered in time; nothing was sent' };
    case 'declined':
      return {
        result: 'refused',
        exit: reasons.UserRefused.exit,
        line: 'refused by the person at the terminal: nothing was sent',
      };
    default:
      return outcome satisfies never;
  }
}

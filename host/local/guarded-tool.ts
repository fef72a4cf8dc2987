// A board that a program of the user's writes, decided on this machine before that program gets the image.
//
//   found      the program, and {image} among its words
//   decided    by the core, from the bootstrap file, the approvals and what is remembered; a person is asked where policy says
//   decided    once more, when the image stands in a private file: an approval may have been revoked meanwhile
//   begun      noted on the disk (guard-log.ts), and the program is run
//   ended      noted; only after success the package is remembered as what the board has
//
// One run at a time works on a board: of two, the one that ends last would have written it, and the other one might have been
// remembered. A run is over when its program is, also where this process was killed before. What decides is device/guard.ts.

import { mkdir } from 'node:fs/promises';
import { constants } from 'node:os';
import { dirname } from 'node:path';
import { requirePackage } from '../describe/file.js';
import { guardedTool, type ToolEnded, toolText } from '../describe/guarded-tool.js';
import type { OutcomeText } from '../describe/outcome.js';
import { explain } from '../describe/verdict.js';
import type { Described } from '../describe/words.js';
import { documentsIn } from '../device/evidence.js';
import { type GuardQuestion, makeGuard, type Unanswered, type Way, type WayDecision } from '../device/guard.js';
import { asCountersignError, CountersignError } from '../errors.js';
import { followed } from '../files.js';
import { viewBootstrap } from '../formats/bootstrap.js';
import type { ByteSource } from '../formats/byte-source.js';
import { hex } from '../formats/bytes.js';
import { ownComponents } from '../formats/components.js';
import { openEnvelope } from '../formats/envelope.js';
import { reasonData } from '../json.js';
import { withFile } from '../open-file.js';
import { shellWord } from '../printable.js';
import { type ReasonName, reasonOf, reasons } from '../reasons.js';
import { throwIfAborted } from '../wait.js';
import { loadCore } from '../wasm.js';
import { type ApprovalPlaces, gatherLasting } from './approvals.js';
import { readBootstrapFile } from './bootstrap-file.js';
import { type Busy, type Joins, withFileLock } from './file-lock.js';
import { guardFile, memoryPath } from './guard-file.js';
import { type GuardLog, logPath, openGuardLog, type RunFacts } from './guard-log.js';
import { askHere } from './guarded-delivery.js';
import type { Doing, Person } from './person.js';
import { withPrivateFiles } from './private-file.js';
import { findTool, runTool, type Tool, type ToolEnd } from './tool.js';

/** Programs tell by the end of the name what they are given. */
const IMAGE_NAME = 'image.bin';
const RUN_BYTES = 8;
const SIGNAL_BASE = 128; // as a shell has it
const BUSY: Busy = { reason: 'BoardBusy', about: 'guard', does: 'works on this board', waitMs: 0 };

export interface ToolJob extends ApprovalPlaces {
  /** Of the package. */
  path: string;
  /** Of the bootstrap file: who the board is, whom it would trust, its policy. */
  bootstrap: string;
  installed?: bigint | undefined;
  /** Paths of the memory and of the log; default: in the folder for state. */
  remember?: string | undefined;
  log?: string | undefined;
  /** The program and its words. */
  tool: readonly string[];
  /** What it says on stdout goes to stderr. */
  quietly: boolean;
}

type Done = Described & { exit: number };

/**
 * Throws what findTool, the guard, the lock, the log and the private file throw. A refusal, and a program that fails, are results;
 * the exit code is that of the reason, or the program's.
 */
export async function guardTool(job: ToolJob, person: Person, doing: Doing): Promise<Done> {
  const tool = await findTool(job.tool);
  const bootstrap = await readBootstrapFile(job.bootstrap);
  return withFile(job.path, async (file) => {
    await requirePackage(file, job.path);
    const decide = (joins: Joins) => guarded({ ...job, ...{ tool, bootstrap, file, joins } }, person, doing);
    const device = viewBootstrap(bootstrap, job.bootstrap)?.device;
    if (doing.dryRun || device === undefined) return decide(() => undefined);
    const memory = memoryPath(job.remember);
    if (job.remember === undefined) await mkdir(dirname(memory), { recursive: true }).catch(() => undefined);
    return withFileLock(`${await followed(memory)}.${hex(device)}.lock`, BUSY, decide);
  });
}

interface Prepared extends Omit<ToolJob, 'tool' | 'bootstrap'> {
  tool: Tool;
  bootstrap: Uint8Array;
  file: ByteSource;
  /** Called with the program, once it runs. */
  joins: Joins;
}

async function guarded(job: Prepared, person: Person, { dryRun, signal }: Doing): Promise<Done> {
  const { path, tool, bootstrap, file, installed, joins } = job;
  person.warn('a board that another program writes cannot check for itself: what protects it is this verdict alone');
  const memory = guardFile(job.remember, dryRun);
  const components = ownComponents(tool.components);
  const guard = await makeGuard(await loadCore(), { bootstrap, memory, installed, components });
  if (!guard.knowsInstalled) {
    person.warn('which sequence number it runs is not known (--installed): an older package is not noticed');
  }
  const { device } = viewBootstrap(bootstrap, 'bootstrap')!;
  const log = dryRun ? undefined : await openGuardLog(logPath(job.log));
  const before = await log?.cutOff(device);
  if (before) {
    person.warn(
      `the last run on this board began at ${before.time} and did not end: it may hold half of ${before.package}`,
    );
  }
  const { gathered, again } = await gatherLasting(job, person.warn, signal);
  const decision = await guard.decide({ file, name: path, gathered });
  const envelope = await openEnvelope(file, path).catch(() => undefined);
  const verdict = explain(decision.judgement, { path, envelope, bootstrap, documents: documentsIn(gathered) });
  const end = (outcome: OutcomeText) => guardedTool(path, device, verdict, outcome);
  const details = verdict.lines;
  const notes = notesOf(log, { device, package: path, tool: tool.name, run: newRun() }, decision);
  if (decision.kind === 'refused') {
    await notes.settled({ kind: 'refused', reason: decision.reason });
    const { exit } = reasonOf(decision.reason);
    return end({ result: 'refused', exit, line: `refused here: ${tool.name} was not run`, details });
  }
  const held = decision.judgement.images?.length;
  if (held !== undefined && held !== tool.components) {
    const why = `guard: ${path} has ${held} images, and ${tool.components} are among the words for ${tool.name}`;
    throw new CountersignError('BadArgument', why, { hint: 'name each component of the package, and no other' });
  }
  if (dryRun) {
    const line = `would run: ${[tool.name, ...tool.words(tool.components === 0 ? ['{image}'] : components.map((_, at) => `{image:${at}}`))].map(shellWord).join(' ')}`;
    return end({ result: 'dry-run', exit: 0, line, details });
  }
  if (decision.kind === 'approved') person.note(...details);
  const ask = (question: GuardQuestion, over: AbortSignal) => askHere(question, person, over);
  const way = wayOf(tool, notes, { signal, quietly: job.quietly, joins });
  const work = () => person.follow(decision.deliver(way, { ask, again, signal }));
  const outcome = await work().catch(async (thrown: unknown) => {
    await notes.broken(asCountersignError(thrown)).catch(() => undefined);
    throw thrown;
  });
  await notes.settled(outcome);
  if (outcome.kind === 'failed') throwIfAborted(signal); // it was stopped, with us
  return end(toolText(outcome, tool.name));
}

/** By the program, from files that are there for it alone. */
const wayOf = (
  tool: Tool,
  notes: Notes,
  how: { signal: AbortSignal; quietly: boolean; joins: Joins },
): Way<ToolEnded> => ({
  reached: () => `${tool.name} was not run`,
  isKept: ({ kind }) => kind === 'written',
  async *write(images, last) {
    yield { kind: 'note', text: `running ${tool.name}` };
    return withPrivateFiles(IMAGE_NAME, images, async (paths) => {
      await last('nowhere');
      throwIfAborted(how.signal);
      await notes.begun();
      return notes.ended(endedOf(await runTool(tool, paths, how)));
    });
  },
});

function endedOf(end: ToolEnd): ToolEnded {
  if ('exit' in end) return { kind: end.exit === 0 ? 'written' : 'failed', code: end.exit };
  return { kind: 'failed', code: SIGNAL_BASE + constants.signals[end.signal], signal: end.signal };
}

/** Why a person's part left the board as it was. */
const REASONS = {
  asked: 'AwaitingUser',
  deferred: 'Deferred',
  declined: 'UserRefused',
} as const satisfies Record<Unanswered['kind'], ReasonName>;

type Settled = ToolEnded | Unanswered | { kind: 'refused'; reason: number };
type Notes = ReturnType<typeof notesOf>;

/** What the log says of one run; without a log, nothing. */
function notesOf(log: GuardLog | undefined, facts: RunFacts, { kind, judgement }: WayDecision) {
  let hasBegun = false;
  let end: ToolEnded | undefined;
  const { manifestDigest: digest, sequence, verdict, row } = judgement;
  const operators = judgement.findings
    .filter(({ reason, operatorKid }) => reason === reasons.Ok.code && operatorKid)
    .map(({ operatorKid, sequence: document, source }) => ({ kid: operatorKid, document: document ?? null, source }));
  const decided = { digest, sequence, verdict, row, operators };
  const because = (reason: number) => ({ reason: reasonData(reason) });
  const endData = () => end && (end.signal === undefined ? { exit: end.code } : { signal: end.signal });
  return {
    async begun() {
      await log?.add('begun', facts, {
        ...decided,
        ...because(judgement.reason),
        ...(kind === 'ask' && { answer: 'yes' }),
      });
      hasBegun = true;
    },
    ended: (ended: ToolEnded) => {
      end = ended;
      return ended;
    },
    async broken({ code }: CountersignError) {
      const how = { ...endData(), ...because(code) };
      if (hasBegun) await log?.add('ended', facts, { ...how, remembered: false });
      else await log?.add('refused', facts, { ...decided, ...how });
    },
    async settled(outcome: Settled) {
      if (outcome.kind === 'written' || outcome.kind === 'failed') {
        await log?.add('ended', facts, { ...endData(), remembered: outcome.kind === 'written' });
      } else {
        const reason = outcome.kind === 'refused' ? outcome.reason : reasons[REASONS[outcome.kind]].code;
        await log?.add('refused', facts, { ...decided, ...because(reason) });
      }
    },
  };
}

const newRun = (): Uint8Array => crypto.getRandomValues(new Uint8Array(RUN_BYTES));

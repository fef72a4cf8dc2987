// Delivering to a board that cannot check for itself: this machine takes the verdict, with the very core that runs on
// devices, before the first byte is sent; and it says so.
//
// What is the device's own elsewhere comes from here: its ids, trusted keys and policy from a bootstrap document, approvals
// from the places that were named (sources.ts) and from the package, floors from what this machine remembers
// (guard-memory.ts). What the policy would ask the user of the device, it asks the person at this terminal; no flag
// answers that. Before the image is marked to start, what a broker holds is read again: an approval may have been revoked
// meanwhile.

import { type Core, type Judgement, loadCore } from '../core.js';
import { documentsIn, type Gathered } from '../device/evidence.js';
import {
  bootable,
  deliverForeign,
  type Ending,
  type ForeignDelivery,
  type ForeignOutcome,
  runningImage,
} from '../device/foreign.js';
import { type GuardMemory, type GuardStore, remember } from '../device/guard-memory.js';
import { CountersignError } from '../errors.js';
import { type BootstrapView, viewBootstrap } from '../formats/bootstrap.js';
import type { ByteSource } from '../formats/byte-source.js';
import { hex } from '../formats/bytes.js';
import { openEnvelope, payloadIn } from '../formats/envelope.js';
import { reasonOf, reasons } from '../reasons.js';
import type { Client } from '../smp/client.js';
import type { Result } from './command.js';
import { questionLines, type Shown } from './describe/question.js';
import { explain } from './describe/verdict.js';
import type { Terminal } from './terminal.js';

const PROMPT_SECONDS = 300; // the core's own default (assembly/policy/policy.ts)

export interface ForeignJob {
  path: string;
  /** Gives the same bytes each time or fails: what is sent is what was judged. */
  file: ByteSource;
  bootstrap: Uint8Array;
  gathered: Gathered[];
  /** Reads again what may have changed since; undefined: nothing may. */
  again: (() => Promise<Gathered[]>) | undefined;
  installed: bigint | undefined; // sequence number that the board runs, as far as the caller knows
  memory: GuardStore;
  ending: Ending;
  installMs?: number;
  dryRun: boolean;
}

export async function deliverToForeign(
  client: Client,
  job: ForeignJob,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<Result> {
  terminal.warn('this board has no agent and cannot check for itself: what protects it is this verdict alone');
  const guard = await makeGuard(job);
  if (!guard.knowsInstalled) {
    terminal.warn('which sequence number it runs is not known (--installed): an older package is not noticed');
  }
  const { judgement, explained, reason } = await guard.judge(job.gathered);
  const { verdict, payload } = judgement;
  const end = (result: string, exit: number, lines: string[]): Result => ({
    data: { result, package: job.path, device: client.link.name, foreign: true, exit, verdict: explained.data },
    lines,
    exit,
  });
  if (reason !== undefined) {
    return end('refused', reasonOf(reason).exit, ['refused here: nothing was sent', ...explained.lines]);
  }
  if (!payload) throw new CountersignError('PayloadMissing', `deliver: ${job.path} holds no firmware to send`);
  const image = payloadIn(await openEnvelope(job.file, job.path))!.value;
  const { version } = await bootable(image, job.path);
  if (job.dryRun) return end('dry-run', 0, [`would send the firmware to ${client.link.name}`, ...explained.lines]);
  if (verdict === 'ask') {
    const answer = await ask(client, guard.view, judgement, version, terminal, signal);
    if (answer !== 'yes') return end(answer.result, answer.exit, [answer.line]);
  } else terminal.note(...explained.lines);
  const delivery: ForeignDelivery = {
    image,
    ending: job.ending,
    signal,
    ...(job.installMs === undefined ? {} : { installMs: job.installMs }),
    ...(job.again && { last: lastLook(guard, job, verdict, job.again) }),
  };
  const outcome = await terminal.follow(deliverForeign(client, delivery));
  if (KEPT.includes(outcome.kind)) await guard.installed(judgement.sequence ?? 0n);
  const ended = end(outcome.kind, exitOf(outcome), [lineOf(outcome)]);
  return { ...ended, data: { ...(ended.data as object), ...outcome, kind: undefined } };
}

interface Guard {
  view: BootstrapView;
  knowsInstalled: boolean;
  judge(gathered: readonly Gathered[]): Promise<Judged>;
  installed(sequence: bigint): Promise<void>;
}

interface Judged {
  judgement: Judgement;
  explained: ReturnType<typeof explain>;
  /** Why not a byte may be sent; undefined: the policy lets it pass, or leaves it to a person. */
  reason: number | undefined;
}

/** The device that this machine stands in for: the core with that bootstrap document, and what is remembered. */
async function makeGuard(job: ForeignJob): Promise<Guard> {
  const core: Core = await loadCore();
  const provisioned = core.provision(job.bootstrap);
  if (provisioned !== 0) throw new CountersignError(provisioned, `bootstrap: ${reasonOf(provisioned).text}`);
  const view = viewBootstrap(job.bootstrap, 'bootstrap')!;
  const device = hex(view.device);
  const operators = view.anchors.map(({ key }) => hex(key.kid));
  let memory = await job.memory.read();
  const keep = async (news: GuardMemory) => {
    memory = await remember(job.memory, news);
  };

  async function judge(gathered: readonly Gathered[]): Promise<Judged> {
    const flag = job.installed ?? 0n;
    const known = memory.boards[device] ?? 0n;
    const judgement = await core.judge({
      envelope: job.file,
      evidence: gathered.map(({ evidence }) => evidence),
      facts: {
        time: BigInt(Math.floor(Date.now() / 1000)),
        installed: flag > known ? flag : known,
        operatorFloors: operators.map((kid) => memory.operators[kid] ?? 0n),
      },
    });
    const seen = core.facts().operatorFloors;
    const raised = operators.map((kid, at) => [kid, seen[at] ?? 0n] as const).filter(([, floor]) => floor > 0n);
    await keep({ operators: Object.fromEntries(raised), boards: {} });
    const explained = explain(judgement, {
      path: job.path,
      envelope: await openEnvelope(job.file, job.path).catch(() => undefined),
      bootstrap: job.bootstrap,
      documents: documentsIn(gathered),
    });
    const damaged = judgement.payload && judgement.payload.reason !== 0 ? judgement.payload.reason : undefined;
    const reason = damaged ?? (judgement.verdict === 'reject' ? judgement.reason : undefined);
    return { judgement, explained, reason };
  }

  return {
    view,
    knowsInstalled: job.installed !== undefined || memory.boards[device] !== undefined,
    judge,
    installed: (sequence) => keep({ operators: {}, boards: { [device]: sequence } }),
  };
}

/** The verdict once more: it must not have become worse than what was decided upon. */
function lastLook(
  guard: Guard,
  job: ForeignJob,
  before: Judgement['verdict'],
  again: NonNullable<ForeignJob['again']>,
): () => Promise<void> {
  return async () => {
    const lasting = job.gathered.filter((one) => one.lasting);
    const { judgement, reason } = await guard.judge([...lasting, ...(await again())]);
    const now = reason ?? (judgement.verdict === 'ask' && before !== 'ask' ? judgement.reason : undefined);
    if (now === undefined) return;
    throw new CountersignError(now, `deliver: meanwhile ${reasonOf(now).text}: the image was sent, and not started`);
  };
}

type Unanswered = { result: string; exit: number; line: string };

async function ask(
  client: Client,
  view: BootstrapView,
  { text, reason, vendorKid, manifestDigest }: Judgement,
  version: string,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<'yes' | Unanswered> {
  const channels = view.policy['consent-channels'];
  if (Array.isArray(channels) && !channels.includes('local') && !channels.includes('delivering')) {
    const line = 'a consenter has to agree, and a board without our agent cannot take their answer';
    return { result: 'asked', exit: reasons.AwaitingUser.exit, line };
  }
  const from = (await runningImage(client, { signal }))?.version;
  const name = vendorKid && view.anchors.find(({ key }) => hex(key.kid) === hex(vendorKid))?.name;
  const asked: Shown = {
    device: view.device,
    name: text.name,
    version: text.version ?? version,
    from,
    vendor: vendorKid && { kid: vendorKid, name },
    digest: manifestDigest,
    reason,
  };
  const seconds = typeof view.policy['prompt-timeout'] === 'number' ? view.policy['prompt-timeout'] : PROMPT_SECONDS;
  terminal.note(...questionLines(asked, 'THIS BOARD CANNOT ASK, NOR CHECK FOR ITSELF: install this on it?'));
  if (!terminal.interactive) {
    const line = 'a person has to agree, and there is no terminal to ask on';
    return { result: 'asked', exit: reasons.AwaitingUser.exit, line };
  }
  const over = AbortSignal.timeout(seconds * 1000);
  const word = (line: string) => (/^(yes|no)$/i.test(line.trim()) ? undefined : 'type the whole word: yes or no');
  const question = `Install it? Type yes or no (within ${seconds} s; without an answer nothing is installed)`;
  try {
    const typed = await terminal.text(question, 'nothing', word, AbortSignal.any([over, signal]));
    if (typed.trim().toLowerCase() === 'yes') return 'yes';
  } catch (error) {
    if (!over.aborted || signal.aborted) throw error;
    return {
      result: 'deferred',
      exit: reasons.Deferred.exit,
      line: 'deferred: nobody answered in time; nothing was sent',
    };
  }
  return {
    result: 'refused',
    exit: reasons.UserRefused.exit,
    line: 'refused by the person at the terminal: nothing was sent',
  };
}

/** After these the board runs this package from now on. */
const KEPT: readonly ForeignOutcome['kind'][] = ['confirmed', 'unchanged', 'started', 'sent'];

function exitOf({ kind }: ForeignOutcome): number {
  if (kind === 'reverted') return reasons.RevertedNotConfirmed.exit;
  return kind === 'unchanged' ? reasons.NothingToDo.exit : 0;
}

function lineOf(outcome: ForeignOutcome): string {
  const { kind, version } = outcome;
  switch (kind) {
    case 'confirmed':
      return `installed and confirmed: ${version}; checked here, not by the board`;
    case 'unchanged':
      return `nothing to do: the board runs exactly this image, ${version}, and has confirmed it`;
    case 'on-trial':
      return `on trial: ${version} runs, and the next reset takes it back unless it is confirmed (by itself, or \`mcumgr image confirm\`)`;
    case 'marked':
      return `marked for test: ${version} starts at the next reset, and is taken back by the one after it unless it is confirmed`;
    case 'started':
      return `installed: ${version} runs; the board has neither test nor confirmation, and no way back. Checked here, not by the board`;
    case 'sent':
      return outcome.shown
        ? `sent, and the board was reset: its boot loader lists ${version}; it offers neither test nor confirmation`
        : 'sent, and the board was reset; it offers neither test nor confirmation, and did not show what it has now';
    case 'reverted':
      return `reverted: the board runs ${version} after the reset, not the new image: that did not start, or its boot loader did not take it`;
    default:
      return kind satisfies never;
  }
}

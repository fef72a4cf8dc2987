// Delivering to a board that cannot check for itself: this machine takes the verdict, with the very core that runs on
// devices, before the first byte is sent; and it says so.
//
// What is the device's own elsewhere comes from files here: its ids, trusted keys and policy from a bootstrap document,
// approvals from files and from the package. What the policy would ask the user of the device, it asks the person at this
// terminal; no flag answers that.

import { loadCore } from '../core.js';
import { deliverForeign, type ForeignOutcome } from '../device/foreign.js';
import { CountersignError } from '../errors.js';
import { payloadIn, splitEnvelope } from '../formats/envelope.js';
import { fingerprint } from '../formats/fingerprint.js';
import { reasonOf, reasons } from '../reasons.js';
import type { Client } from '../smp/client.js';
import type { Result } from './command.js';
import { explain } from './describe/verdict.js';
import type { Terminal } from './terminal.js';

export interface ForeignJob {
  path: string;
  file: Uint8Array;
  bootstrap: Uint8Array;
  documents: Uint8Array[];
  installed: bigint | undefined; // sequence number that the board runs, as far as the caller knows
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
  if (job.installed === undefined) {
    terminal.warn('which sequence number it runs is not known (--installed): an older package is not noticed');
  }
  const core = await loadCore();
  const provisioned = core.provision(job.bootstrap);
  if (provisioned !== 0) throw new CountersignError(provisioned, `bootstrap: ${reasonOf(provisioned).text}`);
  const judgement = await core.judge({
    envelope: job.file,
    evidence: job.documents.map((bytes) => ({ source: 'tree', bytes })),
    facts: {
      time: BigInt(Math.floor(Date.now() / 1000)),
      ...(job.installed !== undefined && { installed: job.installed }),
    },
  });
  const explained = explain(judgement, { ...job, envelope: job.file });
  const { verdict, payload } = judgement;
  const reason = payload && payload.reason !== 0 ? payload.reason : judgement.reason;
  const end = (result: string, exit: number, lines: string[]): Result => ({
    data: { result, package: job.path, device: client.link.name, foreign: true, exit, verdict: explained.data },
    lines,
    exit,
  });
  if (verdict === 'reject' || (payload && payload.reason !== 0)) {
    return end('refused', reasonOf(reason).exit, ['refused here: nothing was sent', ...explained.lines]);
  }
  if (!payload) throw new CountersignError('PayloadMissing', `deliver: ${job.path} holds no firmware to send`);
  if (job.dryRun) return end('dry-run', 0, [`would send the firmware to ${client.link.name}`, ...explained.lines]);
  if (verdict === 'ask') {
    terminal.note(explained.lines.join('\n'));
    if (!terminal.interactive) {
      return end('asked', reasons.AwaitingUser.exit, ['a person has to agree, and there is no terminal to ask on']);
    }
    const digest = judgement.manifestDigest!;
    const typed = await terminal.text(`Install ${fingerprint(digest)}? Type yes or no`, 'nothing', (line) =>
      /^(yes|no)$/i.test(line.trim()) ? undefined : 'type the whole word: yes or no',
    );
    if (typed.trim().toLowerCase() !== 'yes') {
      return end('refused', reasons.UserRefused.exit, ['refused by the person at the terminal: nothing was sent']);
    }
  }
  const image = payloadIn(splitEnvelope(job.file, job.path))!.value;
  const limit = job.installMs === undefined ? {} : { installMs: job.installMs };
  const outcome = await terminal.follow(deliverForeign(client, { image, signal, ...limit }));
  return { ...end(outcome.kind, exitOf(outcome), [lineOf(outcome)]) };
}

const exitOf = ({ kind }: ForeignOutcome): number => (kind === 'reverted' ? reasons.RevertedNotConfirmed.exit : 0);

function lineOf(outcome: ForeignOutcome): string {
  switch (outcome.kind) {
    case 'confirmed':
      return `installed and confirmed: ${outcome.version}; checked here, not by the board`;
    case 'sent':
      return 'sent, and the board was reset; it offers neither test nor confirmation';
    case 'reverted':
      return `the board runs ${outcome.version} after the reset, not the new image`;
    default:
      return outcome satisfies never;
  }
}

// What became of a delivery, in words: to a device of ours (device/deliver.ts), and to a third-party board (device/guard.ts).
//
// One row per outcome: its name for programs, the exit code of the reason behind it, one sentence, and what else there is
// to tell. Any face shows the same.

import type { Denied, Outcome } from '../device/deliver.js';
import type { GuardedOutcome } from '../device/guard.js';
import type { Identity } from '../device/identity.js';
import { rows } from '../formats/wording.js';
import { reasonData } from '../json.js';
import { reasonOf, reasons } from '../reasons.js';
import type { Described } from './words.js';

export interface OutcomeText {
  result: string;
  /** As in the table of reasons; 0: it is as it was wanted. */
  exit: number;
  line: string;
  /** Further lines for a person, and members for a program. */
  details?: string[];
  data?: Record<string, unknown>;
}

/** `explained`: the device's own verdict in words and as data, if it is known why it refused. */
export function deliveryText(
  outcome: Outcome,
  explained?: { data: Record<string, unknown>; lines: string[] },
): OutcomeText {
  const result = outcome.kind;
  switch (outcome.kind) {
    case 'installed': {
      const { version, sequence, digest } = outcome;
      const name = [version, `sequence ${sequence}`].filter(Boolean).join(', ');
      const data = { firmwareVersion: version, sequence, digest };
      return { result, exit: reasons.Ok.exit, line: `installed: ${name}`, data };
    }
    case 'unchanged': {
      if (outcome.denied) return deniedText(outcome.denied);
      const line = 'nothing to do: the device has exactly this package installed';
      return { result, exit: reasons.NothingToDo.exit, line };
    }
    case 'refused': {
      const { code, name, text, hint, fumo, exit } = reasonOf(outcome.reason);
      return {
        ...{ result, exit },
        line: `refused by the device: ${text} [${code} ${name}]`,
        details: explained?.lines ?? rows([['hint', hint]]),
        data: { reason: reasonData(code), hint, fumo, bytesSent: outcome.sent, verdict: explained?.data },
      };
    }
    case 'deferred':
      return {
        ...{ result, exit: reasons.Deferred.exit },
        line: 'deferred: the device asked its user, and nobody answered in time',
      };
    case 'asked': {
      const { left } = outcome;
      const line = `waiting: the device still asks its user, for another ${left} s`;
      return { result, exit: reasons.AwaitingUser.exit, line, data: { left } };
    }
    case 'link-lost': {
      const { offset, error } = outcome;
      const { message, hint, reason } = error;
      const line =
        reason.name === 'PacketsLost'
          ? `nothing more got through after ${offset} bytes: ${hint}`
          : `link lost after ${offset} bytes: the same command goes on from there`;
      const data = { offset, reason: reasonData(error.code), message };
      return { result, exit: reason.exit, line, details: [`  ${message}`], data };
    }
    default:
      return outcome satisfies never;
  }
}

const ORDERED = {
  offline: 'it is offline, and finds the order when it comes back',
  later: 'it begins when the time of the order has come',
} as const;

/** An order that stands on a broker, for a device that has not been heard of. */
export const orderedText = ({ topic, why }: { topic: string; why: keyof typeof ORDERED }): OutcomeText => ({
  ...{ result: 'ordered', exit: reasons.NoAnswer.exit },
  line: `ordered: ${ORDERED[why]}`,
  details: rows([['order', topic]]),
  data: { order: topic, why },
});

/** What a device is, and where its update stands. */
export const deviceLines = ({ deviceId, about, state, installed }: Identity): string[] =>
  rows([
    ['device', deviceId ?? 'not provisioned'],
    ['agent', about],
    ['state', state],
    ['installed', installed && `${installed.version}, sequence ${installed.sequence}`],
  ]);

const WHEN_DENIED: Record<Denied['whenDenied'], string> = {
  report: 'its policy (when-denied: report) keeps it running and reports the denial',
  revert: 'its policy is to go back (when-denied: revert), but the firmware before it is not there, or may not run',
};

/** Nothing is to be sent; but what runs is not what the operator wants to run. */
const deniedText = ({ whenDenied }: Denied): OutcomeText => ({
  ...{ result: 'unchanged', exit: reasons.Denied.exit },
  line: 'the device runs this package already, but the operator has denied it',
  details: rows([
    ['what follows', WHEN_DENIED[whenDenied]],
    ['hint', 'deliver an approved package with a higher sequence number to replace it'],
  ]),
  data: { reason: reasonData(reasons.Denied.code) },
});

/** What a delivery would do. `link` names the device. */
export function previewText(
  { path, size }: { path: string; size: number },
  link: string,
  { about, bootloader, deviceId, state, installed }: Identity,
  approvals: number,
): Described {
  const identity = { about, bootloader, deviceId, state, installed };
  return {
    data: { result: 'dry-run', package: path, device: link, bytes: size, approvals, identity },
    lines: [
      `would offer ${path} to ${link}`,
      ...rows([
        ['device', deviceId ?? 'not provisioned'],
        ['installed', installed?.version],
        ['package', `${size} bytes`],
        ['approvals', approvals || undefined],
        ['verdict', 'decided by the device; `countersign check` predicts it'],
      ]),
    ],
  };
}

/** How a delivery to a third-party board ended, with the verdict that was taken here (verdict.ts). `link` names the board. */
export const guardedDelivery = (
  path: string,
  link: string,
  verdict: Described,
  { result, exit, line, details = [], data }: OutcomeText,
): Described & { exit: number } => ({
  data: { result, package: path, device: link, thirdParty: true, exit, verdict: verdict.data, ...data },
  lines: [line, ...details],
  exit,
});

/** Of a third-party board, which was guarded here. */
export function guardedText(outcome: GuardedOutcome): OutcomeText {
  const result = outcome.kind;
  const shown = 'shown' in outcome ? { shown: outcome.shown } : {};
  const end = (line: string, exit: number = reasons.Ok.exit): OutcomeText => ({
    ...{ result, exit, line },
    data: 'version' in outcome ? { firmwareVersion: outcome.version, ...shown } : {},
  });
  switch (outcome.kind) {
    case 'confirmed':
      return end(`installed and confirmed: ${outcome.version}; checked here, not by the board`);
    case 'unchanged':
      return end(
        `nothing to do: the board runs exactly this image, ${outcome.version}, and has confirmed it`,
        reasons.NothingToDo.exit,
      );
    case 'on-trial':
      return end(
        `on trial: ${outcome.version} runs, and the next reset takes it back unless it is confirmed (by itself, or \`mcumgr image confirm\`)`,
      );
    case 'marked':
      return end(
        `marked for test: ${outcome.version} starts at the next reset, and is taken back by the one after it unless it is confirmed`,
      );
    case 'started':
      return end(
        `installed: ${outcome.version} runs; the board has neither test nor confirmation, and no way back. Checked here, not by the board`,
      );
    case 'sent':
      return end(
        outcome.shown
          ? `sent, and the board was reset: its boot loader lists ${outcome.version}; it offers neither test nor confirmation`
          : 'sent, and the board was reset; it offers neither test nor confirmation, and did not show what it has now',
      );
    case 'reverted':
      return end(
        `reverted: the board runs ${outcome.version} after the reset, not the new image: that did not start, or its boot loader did not take it`,
        reasons.RevertedNotConfirmed.exit,
      );
    case 'asked': {
      const consenter = 'a consenter has to agree, and a board without our agent cannot take their answer';
      const nobody = 'a person has to agree, and there is no terminal to ask on';
      return end(outcome.of === 'consenter' ? consenter : nobody, reasons.AwaitingUser.exit);
    }
    case 'deferred':
      return end('deferred: nobody answered in time; nothing was sent', reasons.Deferred.exit);
    case 'declined':
      return {
        ...end('refused by the person at the terminal: nothing was sent', reasons.UserRefused.exit),
        result: 'refused',
      };
    default:
      return outcome satisfies never;
  }
}

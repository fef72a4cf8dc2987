// What became of what was brought to devices besides packages, in words: a bootstrap document, a change to one device or to a
// fleet, an approval.

import type { Brought } from '../device/bring.js';
import type { ChangedDevice, ChangeOutcome } from '../device/change.js';
import type { Identity } from '../device/identity.js';
import type { CountersignError } from '../errors.js';
import { viewBootstrap } from '../formats/bootstrap.js';
import { hex } from '../formats/bytes.js';
import { viewChange } from '../formats/change.js';
import { rows } from '../formats/wording.js';
import { reasonData } from '../json.js';
import { reasons } from '../reasons.js';
import { changeData, changeRows } from './change.js';
import { tableLines } from './fleet.js';
import type { Described } from './words.js';

/** A bootstrap document; `identity`: what the device says after that, or of a dry run before. `link` names it. */
export function bootstrapBrought(
  document: Uint8Array,
  { deviceId, about }: Identity,
  { link, dryRun }: { link: string; dryRun: boolean },
): Described {
  const view = viewBootstrap(document, 'the bootstrap document');
  const device = deviceId ?? (view && hex(view.device));
  const anchors = view?.anchors.map(({ role, name, key }) => [role, name, hex(key.kid)].filter(Boolean).join(' '));
  return {
    data: { provisioned: !dryRun, device, about, bytes: document.length, anchors: anchors?.length },
    lines: [
      `${dryRun ? 'would provision' : 'provisioned'} ${link}`,
      ...rows([
        ['device', device],
        ['agent', about],
        ['anchors', anchors],
        ['document', `${document.length} bytes`],
      ]),
    ],
  };
}

const OUTCOME_TEXT: Record<ChangeOutcome, string> = {
  taken: 'accepted the change',
  acceptable: 'would accept the change',
  'in-force': 'has this change already',
};

/** A change, to one device. */
export function changeBrought(change: Uint8Array, device: string, outcome: ChangeOutcome): Described {
  const view = viewChange(change, 'the change');
  return {
    data: { device, outcome, ...changeData(view) },
    lines: [`${device}: ${OUTCOME_TEXT[outcome]}`, ...rows(changeRows(view))],
  };
}

/** A change, to a fleet: what each device that was online says; `away` names those that were offline. */
export function changeBroughtToFleet(
  fleet: string,
  { devices, away }: { devices: readonly ChangedDevice[]; away: readonly string[] },
): Described {
  const results = devices.map(resultOf);
  const failed = results.filter(({ outcome }) => outcome === 'failed').length;
  const [online, offline] = [results.length, away.length];
  const again = failed + offline > 0 ? '; run the same command again for these' : '';
  return {
    data: { fleet, online, offline, failed, devices: results, away },
    lines: [
      ...results.map((one) => `${fleet}/${one.device}: ${resultText(one)}`),
      ...away.map((name) => `${fleet}/${name}: offline`),
      `${online - failed} of ${online + offline} devices have the change; ${failed} failed, ${offline} offline${again}`,
    ],
  };
}

const resultOf = (one: ChangedDevice) =>
  'error' in one
    ? { device: one.device, outcome: 'failed' as const, reason: reasonData(one.error.code), message: one.error.message }
    : { device: one.device, outcome: one.outcome, reason: reasonData(reasons.Ok.code) };

const resultText = (one: ReturnType<typeof resultOf>): string =>
  one.outcome === 'failed' ? `failed: ${one.message}` : OUTCOME_TEXT[one.outcome];

/** Bootstrap documents for the devices of a list: brought to each over a broker, or (`file`) written. */
export function bootstrapsBrought(
  ends: readonly { name: string; id: string; outcome: string; error?: CountersignError | undefined; file?: string }[],
  exit: number,
): Described {
  const failed = ends.filter(({ error }) => error).length;
  return {
    data: {
      exit,
      devices: ends.map(({ name, id, outcome, error, file }) => ({
        ...{ name, device: id, outcome, file, message: error?.message },
        reason: reasonData(error?.code ?? reasons.Ok.code),
      })),
    },
    lines: [
      ...tableLines(
        ['device', 'id', 'outcome', ''],
        ends.map(({ name, id, outcome, error, file }) => [name, id, outcome, error?.message ?? file ?? '']),
      ),
      `${ends.length - failed} of ${ends.length} devices have their document${failed > 0 ? '; run the same command again for the others' : ''}`,
    ],
  };
}

/** An approval, and who should hear of it: everybody, only whoever wants details, or a warning. */
export function approvalBrought(name: string, brought: Brought): { level: 'note' | 'detail' | 'warn'; text: string } {
  switch (brought.kind) {
    case 'kept':
      return { level: 'note', text: `approval ${name}: stored by the device` };
    case 'not-taken':
      return { level: 'detail', text: `an approval of ${name} is not for this device: ${brought.error.message}` };
    case 'superseded':
      return { level: 'warn', text: `approval ${name}: the device uses a newer document of this operator instead` };
    default:
      return brought satisfies never;
  }
}

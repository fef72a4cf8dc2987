// Why a device refused a package, in its own words: the record that it keeps of its verdict, explained (verdict.ts).

import { readJudgement } from '../core.js';
import type { Outcome } from '../device/deliver.js';
import { readBootstrap, readInstalled, type Waits } from '../device/identity.js';
import { decode } from '../formats/cbor.js';
import type { Client } from '../smp/client.js';
import { explain, type Judged } from './verdict.js';
import type { Described } from './words.js';

/** Undefined: it was no refusal, or the record is about something else than this one. What else fails is left out. */
export async function explainRefusal(
  client: Client,
  outcome: Outcome,
  judged: Omit<Judged, 'bootstrap'>,
  waits: Waits = {},
): Promise<Described | undefined> {
  if (outcome.kind !== 'refused' || outcome.verdict === undefined) return undefined;
  const judgement = readJudgement(decode(outcome.verdict, 'verdict of the device'));
  const bootstrap = await readBootstrap(client, waits).catch(() => undefined);
  if (judgement.reason !== outcome.reason || bootstrap === undefined) return undefined;
  const installed = (await readInstalled(client, waits).catch(() => undefined))?.sequence;
  const { data, lines } = explain(judgement, { ...judged, bootstrap, known: { ...judged.known, installed } });
  return { data, lines: lines.slice(1) };
}

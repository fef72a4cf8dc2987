// A verdict in words: the answer, the row of the table that gave it, all the evidence, and what would make it pass.
//
// Every fact is the core's; names of keys come from the bootstrap document, and the words of entries from the documents
// that were handed in.

import type { Finding, Judgement } from '../../core.js';
import { type Claims, viewApproval } from '../../formats/approval.js';
import { type BootstrapView, viewBootstrap } from '../../formats/bootstrap.js';
import type { Bytes } from '../../formats/byte-source.js';
import { hex } from '../../formats/bytes.js';
import { approvalsIn, type Envelope } from '../../formats/envelope.js';
import { reasonOf, reasons } from '../../reasons.js';
import { entryText, momentText, rows, shellWord } from '../show.js';
import { comparedRows, type Known } from './compared.js';

/** Rows of the table in assembly/policy/verdict.ts, which are permanent. */
const ROWS: Record<number, string> = {
  1: 'the device has no trust anchors',
  2: 'the package itself is at fault',
  3: 'an operator denies it',
  4: 'approved, and the approval wants the user asked',
  5: 'approved, and the policy asks before every download',
  6: 'approved',
  7: 'not approved, and the policy lets the user decide',
  8: 'not approved, and the policy rejects that',
};

const ANSWERS = { install: 'would install', ask: 'would ask the user', reject: 'would refuse' } as const;

export interface Judged {
  path: string;
  /** Undefined: it cannot be taken apart. */
  envelope: Envelope<Bytes> | undefined;
  bootstrap: Uint8Array;
  /** Approval documents from outside the package. */
  documents: Uint8Array[];
  /** What else is known of the device, to show beside what the package has. */
  known?: Known;
}

type Anchors = BootstrapView['anchors'];

export function explain(judgement: Judgement, judged: Judged): { data: Record<string, unknown>; lines: string[] } {
  const view = viewBootstrap(judged.bootstrap, 'bootstrap');
  const anchors = view?.anchors ?? [];
  const claims = claimsOf([...embedded(judged), ...(view?.approvals ?? []), ...judged.documents]);
  const reason = reasonOf(judgement.reason);
  const payload = judgement.payload && reasonOf(judgement.payload.reason);
  const damaged = payload !== undefined && payload.code !== 0;
  const findings = judgement.findings.map((finding) => describeFinding(finding, anchors, claims));
  const cures = damaged ? [payload.hint] : curesOf(judgement, anchors, judged.path);
  const answer = damaged ? 'would discard' : ANSWERS[judgement.verdict];
  const why = damaged ? payload.text : judgement.reason === 0 ? ROWS[judgement.row] : reason.text;
  const { text, image } = judgement;
  const compared = comparedRows(judgement.reason, judged.envelope, view, judged.known ?? {});
  return {
    data: {
      verdict: judgement.verdict,
      reason: {
        code: reason.code,
        name: reason.name,
        text: reason.text,
        hint: reason.hint,
        fumo: reason.fumo,
        lwm2m: reason.lwm2m,
      },
      compared: compared.length > 0 ? Object.fromEntries(compared) : undefined,
      row: judgement.row,
      rowText: ROWS[judgement.row],
      digest: judgement.manifestDigest,
      sequence: judgement.sequence,
      text,
      image,
      payload: payload && {
        intact: !damaged,
        reason: { code: payload.code, name: payload.name },
        bytes: judgement.payload?.bytes,
      },
      headBytes: judgement.headBytes,
      vendor: judgement.vendorKid && { kid: judgement.vendorKid, name: ownerOf(anchors, judgement.vendorKid) },
      threshold: judgement.threshold,
      approvals: judgement.approvals,
      confirm: judgement.confirm,
      asks: judgement.asks,
      now: momentText(Number(judgement.now)),
      findings: findings.map(({ data }) => data),
      toPass: cures,
    },
    lines: [
      `${answer}: ${why}`,
      ...rows([
        ['name', text.name],
        ['version', text.version],
        ['sequence', judgement.sequence],
        ['package', judgement.manifestDigest && hex(judgement.manifestDigest)],
        ['firmware', firmwareText(judgement)],
        ['vendor', judgement.vendorKid && signerText(anchors, judgement.vendorKid)],
        ...compared,
        ['row', `${judgement.row}: ${ROWS[judgement.row]}`],
        ['reason', `${reason.code} ${reason.name}, FUMO ${reason.fumo}`],
        ['approvals', judgement.row > 2 ? `${judgement.approvals} of ${judgement.threshold} needed` : undefined],
        ['evidence', findings.length > 0 ? findings.map(({ line }) => line) : 'none'],
        [
          'user',
          judgement.confirm && (judgement.confirm === 'ask' ? 'is to be asked all the same' : 'is not to be asked'),
        ],
        ['judged as of', momentText(Number(judgement.now))],
        ['to pass', cures.length > 0 ? cures : undefined],
      ]),
    ],
  };
}

function firmwareText({ image, payload }: Judgement): string | undefined {
  if (image === undefined) return undefined;
  const looked =
    payload === undefined
      ? 'not looked at'
      : payload.reason === 0
        ? 'is the one that was signed'
        : 'is NOT the one that was signed';
  return `${image.bytes} bytes, ${looked}`;
}

/** Documents in the package. If it cannot be taken apart, the verdict says so; here there is just nothing to show. */
function embedded({ envelope, path }: Judged): Uint8Array[] {
  return attempt(() => (envelope ? approvalsIn(envelope, path) : [])) ?? [];
}

/** Claims by document sequence, to say what a finding's entry says. */
function claimsOf(documents: Uint8Array[]): Map<string, Claims> {
  const views = documents.map((bytes) => attempt(() => viewApproval(bytes, 'approval')));
  return new Map(
    views.flatMap((view) => (view ? [[keyOf(view.kid, view.claims.sequence), view.claims] as const] : [])),
  );
}

const keyOf = (kid: Uint8Array | undefined, sequence: bigint) => `${kid ? hex(kid) : ''}/${sequence}`;

function describeFinding(finding: Finding, anchors: Anchors, claims: Map<string, Claims>) {
  const reason = reasonOf(finding.reason);
  const { operatorKid, sequence, entry } = finding;
  const document = sequence === undefined ? undefined : claims.get(keyOf(operatorKid, sequence));
  const said = entry === undefined || !speaks(finding.reason) ? undefined : document?.entries[entry];
  const says = said && entryText(said);
  const who = operatorKid ? `operator ${signerText(anchors, operatorKid)}` : undefined;
  const what = sequence === undefined ? blockName(finding) : `document ${sequence}`;
  const effect =
    finding.reason === 0
      ? 'counts'
      : finding.reason === reasons.Denied.code
        ? 'denies'
        : `does not count: ${reason.text}`;
  return {
    data: {
      source: finding.source,
      reason: { code: reason.code, name: reason.name },
      operator: operatorKid && { kid: operatorKid, name: ownerOf(anchors, operatorKid) },
      sequence,
      entry,
      says,
    },
    line: [`${finding.source}: ${[what, who].filter(Boolean).join(' by ')}`, says, effect].filter(Boolean).join('; '),
  };
}

/** The entry is the reason only if it approved or denied; else nothing in the document spoke. */
const speaks = (reason: number): boolean =>
  reason === 0 ||
  [reasons.Denied, reasons.ApprovalExpired, reasons.ApprovalNotYetValid].some(({ code }) => code === reason);

function blockName(finding: Finding): string {
  if (finding.reason === reasons.SourceUnreachable.code) return 'unreachable';
  return finding.source === 'package' ? (finding.reason === 0 ? 'countersignature' : 'signature') : 'document';
}

function ownerOf(anchors: Anchors, kid: Uint8Array): string | undefined {
  return anchors.find((anchor) => hex(anchor.key.kid) === hex(kid))?.name;
}

function signerText(anchors: Anchors, kid: Uint8Array): string {
  const name = ownerOf(anchors, kid);
  return name ? `${hex(kid)} (${name})` : hex(kid);
}

/** What a person can do. The table's hint, made concrete where the keys and counts are known. */
function curesOf(judgement: Judgement, anchors: Anchors, path: string): string[] {
  if (judgement.verdict === 'install') return [];
  if (judgement.row === 4 || judgement.row === 5) return ['an explicit yes of the user of the device'];
  if (judgement.row < 7) return [reasonOf(judgement.reason).hint];
  const counted = judgement.findings.filter(({ reason, operatorKid }) => reason === 0 && operatorKid);
  const have = new Set(counted.map(({ operatorKid }) => hex(operatorKid!)));
  const missing = anchors.filter(({ role, key }) => role === 'operator' && !have.has(hex(key.kid)));
  const left = Math.max(judgement.threshold - judgement.approvals, 1);
  const list = missing.map(({ key }) => signerText(anchors, key.kid));
  // That nobody has approved it is cured by the line below; other reasons have advice of their own.
  const advice = judgement.reason === reasons.NotApproved.code ? [] : [reasonOf(judgement.reason).hint];
  const cures = [
    ...advice,
    `${left} more approval${left === 1 ? '' : 's'}, of operator ${list.join(' or ')}: countersign approve ${shellWord(path)} -k KEY`,
  ];
  return judgement.row === 7 ? [...cures, 'or an explicit yes of the user of the device'] : cures;
}

function attempt<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}

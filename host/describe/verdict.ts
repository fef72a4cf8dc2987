// A verdict in words: the answer, the row of the table that gave it, all the evidence, and what would make it pass.
//
// Every fact is the core's; names of keys come from the bootstrap document, and the words of entries from the documents
// that were handed in.

import type { Finding, Judgement } from '../core.js';
import { type Claims, viewApproval } from '../formats/approval.js';
import { type BootstrapView, viewBootstrap } from '../formats/bootstrap.js';
import type { Bytes } from '../formats/byte-source.js';
import { hex, same } from '../formats/bytes.js';
import { componentText } from '../formats/components.js';
import { approvalsIn, type Envelope } from '../formats/envelope.js';
import { entryText, rows } from '../formats/wording.js';
import { reasonData } from '../json.js';
import { shellWord } from '../printable.js';
import { reasonOf, reasons } from '../reasons.js';
import { compared, type Known } from './compared.js';
import { type Described, momentText } from './words.js';

/** Rows of the table in assembly/policy/verdict.ts, which are permanent. */
/** The rows of the verdict table, in words. */
export const ROWS: Record<number, string> = {
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

/**
 * A verdict explained: members of a document (describe/schemas/), and lines for a person. Nothing is decided here; what
 * cannot be read of the package or a document is left out.
 */
export function explain(judgement: Judgement, judged: Judged): Described {
  const view = viewBootstrap(judged.bootstrap, 'bootstrap');
  const anchors = view?.anchors ?? [];
  const claims = claimsOf([...embedded(judged), ...(view?.approvals ?? []), ...judged.documents]);
  const { verdict, row, text, image, images, sequence, manifestDigest: digest, vendorKid } = judgement;
  const { approvals, threshold, confirm, asks, headBytes } = judgement;
  const { code, name, hint, fumo, lwm2m } = reasonOf(judgement.reason);
  const payload = judgement.payload && reasonOf(judgement.payload.reason);
  const damaged = payload !== undefined && payload.code !== 0;
  const findings = judgement.findings.map((finding) => describeFinding(finding, anchors, claims));
  const toPass = damaged ? [payload.hint] : curesOf(judgement, anchors, judged.path);
  const answer = damaged ? 'would discard' : ANSWERS[verdict];
  const why = damaged ? payload.text : code === 0 ? ROWS[row] : reasonOf(code).text;
  const now = momentText(Number(judgement.now));
  const sides = compared(code, judged.envelope, view, judged.known ?? {});
  return {
    data: {
      verdict,
      reason: reasonData(code),
      ...{ hint, fumo, lwm2m },
      compared: sides && { package: sides[0][1], device: sides[1][1] },
      row,
      rowText: ROWS[row],
      ...{ digest, sequence, text, image },
      images: images?.map(({ id, ...each }) => ({ component: componentText(id), ...each })),
      payload: payload && { intact: !damaged, reason: reasonData(payload.code), bytes: judgement.payload?.bytes },
      headBytes,
      vendor: vendorKid && signerData(anchors, vendorKid),
      ...{ threshold, approvals, confirm, asks, now },
      findings: findings.map(({ data }) => data),
      toPass,
    },
    lines: [
      `${answer}: ${why}`,
      ...rows([
        ['name', text.name],
        ['version', text.version],
        ['sequence', sequence],
        ['package', digest && hex(digest)],
        ['firmware', firmwareText(judgement)],
        ...imageRows(judgement),
        ['vendor', vendorKid && signerText(anchors, vendorKid)],
        ...(sides ?? []),
        ['row', `${row}: ${ROWS[row]}`],
        ['reason', `${code} ${name}, FUMO ${fumo}`],
        ['approvals', row > 2 ? `${approvals} of ${threshold} needed` : undefined],
        ['evidence', findings.length > 0 ? findings.map(({ line }) => line) : 'none'],
        ['user', confirm && (confirm === 'ask' ? 'is to be asked all the same' : 'is not to be asked')],
        ['judged as of', now],
        ['to pass', toPass.length > 0 ? toPass : undefined],
      ]),
    ],
  };
}

const lookedAt = (payload: Judgement['payload'], which: string): string =>
  payload === undefined ? 'not looked at' : `is ${payload.reason === 0 ? '' : 'NOT '}${which} that was signed`;

function firmwareText({ image, images, payload }: Judgement): string | undefined {
  if (image !== undefined) return `${image.bytes} bytes, ${lookedAt(payload, 'the one')}`;
  return images && `${images.length} images under one verdict, ${lookedAt(payload, 'all')}`;
}

/** Of a package of several components. */
function imageRows({ image, images = [] }: Judgement): [string, string][] {
  if (image !== undefined) return [];
  return images.map(({ id, bytes, digest, origin }) => [
    `image ${componentText(id)}`,
    `${bytes} bytes, ${origin}, sha-256 ${hex(digest)}`,
  ]);
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
  const { source, reason, operatorKid, sequence, entry } = finding;
  const document = sequence === undefined ? undefined : claims.get(keyOf(operatorKid, sequence));
  const said = entry === undefined || !speaks(reason) ? undefined : document?.entries[entry];
  const says = said && entryText(said);
  const who = operatorKid ? `operator ${signerText(anchors, operatorKid)}` : undefined;
  const what = sequence === undefined ? blockName(finding) : `document ${sequence}`;
  const effect =
    reason === 0 ? 'counts' : reason === reasons.Denied.code ? 'denies' : `does not count: ${reasonOf(reason).text}`;
  const operator = operatorKid && signerData(anchors, operatorKid);
  return {
    data: { source, reason: reasonData(reason), operator, sequence, entry, says },
    line: [`${source}: ${[what, who].filter(Boolean).join(' by ')}`, says, effect].filter(Boolean).join('; '),
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
  return anchors.find((anchor) => same(anchor.key.kid, kid))?.name;
}

const signerData = (anchors: Anchors, kid: Uint8Array) => ({ kid, name: ownerOf(anchors, kid) });

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

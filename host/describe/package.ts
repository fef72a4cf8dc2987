// A package, for people: what it installs and where, who says they signed it, what travels with it.

import { type ApprovalView, viewApproval } from '../formats/approval.js';
import { type Bytes, sizeOf } from '../formats/byte-source.js';
import { type Sign1View, viewSign1 } from '../formats/cose.js';
import { approvalsIn, headBytesOf, openEnvelope, payloadIn } from '../formats/envelope.js';
import { payloadDigest, viewManifest } from '../formats/manifest.js';
import { claimsRows, packageRows, rows } from '../formats/wording.js';
import { approvalData, type Described, signatureText, uuidOf } from './words.js';

/** What a package (SUIT envelope) says of itself. `name` names it in errors: CountersignError, if it is none. */
export async function describePackage(file: Bytes, name: string): Promise<Described> {
  const envelope = await openEnvelope(file, name);
  const view = viewManifest(envelope, name, await payloadDigest(envelope));
  const { vendorId, classId, sections, ...manifest } = view;
  const bytes = sizeOf(file);
  const signatures = envelope.blocks.map((block, index) => viewBlock(block, `signature ${index + 1} of ${name}`));
  const approvals = approvalsIn(envelope, name).map((one, index) =>
    viewApproval(one, `approval ${index + 1} of ${name}`),
  );
  const payload = payloadIn(envelope);
  const payloadBytes = payload && sizeOf(payload.value);
  const headBytes = headBytesOf(envelope, bytes);
  const firmware =
    payloadBytes === undefined
      ? `not in the package, fetched from ${view.uri ?? 'nowhere'}`
      : `in the package, ${payloadBytes} bytes${view.intact.payload ? '' : ', NOT what the manifest names'}`;
  return {
    data: {
      bytes,
      headBytes,
      digest: envelope.digest,
      vendorId: uuidOf(vendorId),
      classId: uuidOf(classId),
      ...manifest,
      payload: payload && { key: payload.key, bytes: payloadBytes },
      signatures: signatures.map((one) => (one ? { algorithm: one.algorithm, kid: one.kid } : { unreadable: true })),
      approvals: approvals.map(approvalData),
      sections,
    },
    lines: [
      `package (SUIT envelope), ${bytes} bytes, ${headBytes} of them before the firmware`,
      ...rows([
        ...packageRows(envelope, name),
        ['manifest', view.intact.manifest ? undefined : 'NOT the one that this digest names'],
        ['firmware', firmware],
        ['text', view.intact.text === false ? 'NOT the text that the manifest names' : undefined],
        ['signatures', signatures.length > 0 ? signatures.map(blockText) : 'none'],
        ...approvals.flatMap(approvalInside),
        ...Object.entries(sections).map(([section, commands]) => [section, commands.join(', ')] as const),
      ]),
      'nothing above has been verified: that is for `check`',
    ],
  };
}

/** A block that is no Sign1 (a Mac0, say) is shown as such; it does not hide the rest. */
export function viewBlock(block: Uint8Array, what: string): Sign1View | undefined {
  try {
    return viewSign1(block, what);
  } catch {
    return undefined;
  }
}

const blockText = (block: Sign1View | undefined) => (block ? signatureText(block) : 'not a COSE_Sign1');

const approvalInside = (view: ApprovalView): [string, unknown][] => [
  ['approval', `by ${signatureText(view)}`],
  ...claimsRows(view.claims).map(([key, value]): [string, unknown] => [`  ${key}`, value]),
];

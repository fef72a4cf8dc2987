// A package, for people: what it installs and where, who says they signed it, what travels with it.

import { type ApprovalView, viewApproval } from '../formats/approval.js';
import { type Bytes, sizeOf } from '../formats/byte-source.js';
import { componentText } from '../formats/components.js';
import { type Sign1View, viewSign1 } from '../formats/cose.js';
import { approvalsIn, headBytesOf, openEnvelope, payloadsIn } from '../formats/envelope.js';
import { payloadDigests, viewManifest } from '../formats/manifest.js';
import { claimsRows, packageRows, rows } from '../formats/wording.js';
import { approvalData, type Described, signatureText, uuidOf } from './words.js';

/** What a package (SUIT envelope) says of itself. `name` names it in errors: CountersignError, if it is none. */
export async function describePackage(file: Bytes, name: string): Promise<Described> {
  const envelope = await openEnvelope(file, name);
  const view = viewManifest(envelope, name, await payloadDigests(envelope));
  const { vendorId, classId, sections, images, ...manifest } = view;
  const bytes = sizeOf(file);
  const signatures = envelope.blocks.map((block, index) => viewBlock(block, `signature ${index + 1} of ${name}`));
  const approvals = approvalsIn(envelope, name).map((one, index) =>
    viewApproval(one, `approval ${index + 1} of ${name}`),
  );
  const payloads = payloadsIn(envelope).map(({ key, value }) => ({ key, bytes: sizeOf(value) }));
  const payloadBytes = payloads.reduce((sum, payload) => sum + payload.bytes, 0);
  const headBytes = headBytesOf(envelope, bytes);
  const firmware =
    payloads.length === 0
      ? `not in the package, fetched from ${images.map(({ uri }) => uri ?? 'nowhere').join(', ')}`
      : `in the package, ${payloadBytes} bytes${view.intact.payload ? '' : ', NOT what the manifest names'}`;
  return {
    data: {
      bytes,
      headBytes,
      digest: envelope.digest,
      vendorId: uuidOf(vendorId),
      classId: uuidOf(classId),
      ...manifest,
      payload: payloads[0],
      ...(images.length > 1 && {
        images: images.map(({ id, ...image }) => ({ component: componentText(id), ...image })),
        payloads,
      }),
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

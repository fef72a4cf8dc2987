// A package, for people: what it installs and where, who says they signed it, what travels with it.

import { type ApprovalView, viewApproval } from '../../formats/approval.js';
import { type Bytes, sizeOf } from '../../formats/byte-source.js';
import { hex, uuidText } from '../../formats/bytes.js';
import { type Sign1View, viewSign1 } from '../../formats/cose.js';
import { approvalsIn, headBytesOf, openEnvelope, payloadIn } from '../../formats/envelope.js';
import { type ManifestView, payloadDigest, viewManifest } from '../../formats/manifest.js';
import { approvalData, claimsRows, rows, signatureText } from '../show.js';
import type { Description } from './describe.js';

export async function describePackage(file: Bytes, name: string): Promise<Description> {
  const envelope = await openEnvelope(file, name);
  const view = viewManifest(envelope, name, await payloadDigest(envelope));
  const bytes = sizeOf(file);
  const signatures = envelope.blocks.map((block, index) => viewBlock(block, `signature ${index + 1} of ${name}`));
  const approvals = approvalsIn(envelope, name).map((one, index) =>
    viewApproval(one, `approval ${index + 1} of ${name}`),
  );
  const payload = payloadIn(envelope);
  const payloadBytes = payload && sizeOf(payload.value);
  const headBytes = headBytesOf(envelope, bytes);
  return {
    type: 'package',
    data: {
      bytes,
      headBytes,
      digest: envelope.digest,
      sequence: view.sequence,
      vendorId: view.vendorId && uuidText(view.vendorId),
      classId: view.classId && uuidText(view.classId),
      text: view.text,
      setVersion: view.setVersion,
      image: view.image,
      uri: view.uri,
      payload: payload && { key: payload.key, bytes: payloadBytes },
      intact: view.intact,
      signatures: signatures.map((one) => (one ? { algorithm: one.algorithm, kid: one.kid } : { unreadable: true })),
      approvals: approvals.map(approvalData),
      components: view.components,
      sections: view.sections,
    },
    lines: [
      `package (SUIT envelope), ${bytes} bytes, ${headBytes} of them before the firmware`,
      ...rows([
        ['name', view.text.name],
        ['version', view.text.version],
        ['description', view.text.description],
        ['vendor', view.vendorId && uuidText(view.vendorId)],
        ['class', view.classId && uuidText(view.classId)],
        ['sequence', view.sequence],
        ['digest', `${hex(envelope.digest)}${view.intact.manifest ? '' : '  NOT that of the manifest'}`],
        ['image', view.image.digest && `${view.image.bytes} bytes, sha-256 ${hex(view.image.digest)}`],
        ['firmware', payloadText(view, payloadBytes)],
        ['text', view.intact.text === false ? 'NOT the text that the manifest names' : undefined],
        ['signatures', signatures.length > 0 ? signatures.map(blockText) : 'none'],
        ...approvals.flatMap(approvalInside),
        ...Object.entries(view.sections).map(([section, commands]) => [section, commands.join(', ')] as const),
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

function approvalInside(view: ApprovalView): [string, unknown][] {
  return [
    ['approval', `by ${signatureText(view)}`],
    ...claimsRows(view.claims).map(([key, value]) => [`  ${key}`, value] as [string, unknown]),
  ];
}

function payloadText(view: ManifestView, bytes: number | undefined): string {
  if (bytes === undefined) return `not in the package, fetched from ${view.uri ?? 'nowhere'}`;
  return `in the package, ${bytes} bytes${view.intact.payload ? '' : ', NOT what the manifest names'}`;
}

// An approval document, or the digest of a package, from a file that a person named: another kind of file is a wrong argument,
// not a bad approval.

import { CountersignError } from '../errors.js';
import { type ApprovalView, DOCUMENT_BYTES_MAX, viewApproval } from '../formats/approval.js';
import { readFrom } from '../formats/byte-source.js';
import { openEnvelope } from '../formats/envelope.js';
import { requireWhole } from '../formats/manifest.js';
import { withFile } from '../open-file.js';

/** Of another kind of file, so much is enough to see it; one that is too large by far is cut, and none any more. */
const LOOKED_AT_BYTES = 65_536;

export async function readDocument(path: string): Promise<{ bytes: Uint8Array; view: ApprovalView }> {
  const bytes = await withFile(path, (file) => readFrom(file, 0, LOOKED_AT_BYTES));
  const view = viewDocument(bytes, path);
  if (bytes.length <= DOCUMENT_BYTES_MAX) return { bytes, view };
  throw new CountersignError(
    'TooLarge',
    `approval: ${path} has ${bytes.length} bytes, a device reads ${DOCUMENT_BYTES_MAX}`,
  );
}

/** SHA-256 of the manifest of a package, which is compared with it. Throws ManifestDigest if that is another. */
export async function readPackageDigest(path: string): Promise<Uint8Array> {
  const envelope = await withFile(path, (file) => openEnvelope(file, path));
  requireWhole(envelope, path);
  return envelope.digest;
}

function viewDocument(bytes: Uint8Array, path: string): ApprovalView {
  try {
    return viewApproval(bytes, path);
  } catch (cause) {
    if (!(cause instanceof CountersignError)) throw cause;
    throw new CountersignError('FileUnsupported', `approval: ${path} is not an approval document: ${cause.message}`, {
      hint: '`countersign approve` and `countersign revoke` make them; `countersign inspect` says what this file is',
      cause,
    });
  }
}

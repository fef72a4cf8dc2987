// An approval document from a file that a person named: another kind of file is a wrong argument, not a bad approval.

import { CountersignError } from '../errors.js';
import { readBytes } from '../files.js';
import { type ApprovalView, DOCUMENT_BYTES_MAX, viewApproval } from '../formats/approval.js';

export async function readDocument(path: string): Promise<{ bytes: Uint8Array; view: ApprovalView }> {
  const bytes = await readBytes(path);
  const view = viewDocument(bytes, path);
  if (bytes.length <= DOCUMENT_BYTES_MAX) return { bytes, view };
  throw new CountersignError(
    'TooLarge',
    `approval: ${path} has ${bytes.length} bytes, a device reads ${DOCUMENT_BYTES_MAX}`,
  );
}

function viewDocument(bytes: Uint8Array, path: string): ApprovalView {
  try {
    return viewApproval(bytes, path);
  } catch (cause) {
    if (!(cause instanceof CountersignError)) throw cause;
    throw new CountersignError('FileUnsupported', `approval: ${path} is no approval document: ${cause.message}`, {
      hint: '`countersign approve` and `countersign revoke` make them; `countersign inspect` says what this file is',
      cause,
    });
  }
}

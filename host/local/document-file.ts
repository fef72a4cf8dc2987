// An approval document from a file that a person named: another kind of file is a wrong argument, not a bad approval.

import { CountersignError } from '../errors.js';
import { type ApprovalView, DOCUMENT_BYTES_MAX, viewApproval } from '../formats/approval.js';
import { readFrom } from '../formats/byte-source.js';
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

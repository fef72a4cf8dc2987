// Smart cards in words: what is on them, and what became of an approval document that was read, written or removed.

import type { DataObject } from '../card/pkcs15.js';
import type { ReaderContent } from '../card/slots.js';
import type { ApprovalView } from '../formats/approval.js';
import { hex } from '../formats/bytes.js';
import { claimsRows, rows } from '../formats/wording.js';
import { wroteText } from './made.js';
import { approvalData, type Described, signatureText } from './words.js';

/** The readers, and the data objects on their cards. */
export function cardsFound(readers: readonly ReaderContent[]): Described {
  const lines = readers.flatMap(readerLines);
  return { data: { readers }, lines: lines.length > 0 ? lines : ['no card readers'] };
}

function readerLines({ reader, atr, objects }: ReaderContent): string[] {
  const count = objects === undefined ? 'a card without PKCS#15' : `${objects.length} data objects`;
  return [
    `${reader}: ${atr === undefined ? 'no card' : count}`,
    ...rows((objects ?? []).map((object) => [object.label ?? 'no label', objectText(object)])),
  ];
}

function objectText({ application, path, length, private: secret }: DataObject): string {
  const parts = [application, `file ${hex(path)}`, length === undefined ? undefined : `${length} bytes`];
  return [...parts, secret ? 'behind a PIN' : undefined].filter((part) => part !== undefined).join(', ');
}

/** `output`: it was read from the card, into this file; without, it was written to the card. */
export function cardDocument(
  { bytes, view }: { bytes: Uint8Array; view: ApprovalView },
  {
    reader,
    dryRun,
    output,
    replaced,
  }: { reader: string; dryRun: boolean; output?: string; replaced?: boolean | undefined },
): Described {
  const document = rows([...claimsRows(view.claims), ['signature', signatureText(view)]]);
  const data = { reader, written: !dryRun, bytes: bytes.length, document: approvalData(view) };
  if (output !== undefined) {
    return { data: { ...data, output }, lines: [wroteText(output, dryRun, bytes.length), ...document] };
  }
  const done = `${dryRun ? 'would write' : 'wrote and read back'} ${bytes.length} bytes, ${reader}`;
  const instead = replaced ? ', in place of the document that was there' : '';
  return { data: { ...data, replaced }, lines: [`${done}${instead}`, ...document] };
}

export const cardRemoved = (reader: string, dryRun: boolean): Described => ({
  data: { reader, removed: !dryRun },
  lines: [`${dryRun ? 'would remove' : 'removed'} the approval document from the card in ${reader}`],
});

// The signed documents in tests/assembly/support/documents.ts are those of their recipe, to the byte.

import { readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { documentsFile } from '../support/assembly-documents.js';

const file = new URL('../assembly/support/documents.ts', import.meta.url);

it('the documents of the assembly suites follow their recipe', () => {
  if (process.env.UPDATE_DOCUMENTS) writeFileSync(file, documentsFile());
  expect(readFileSync(file, 'utf8')).toBe(documentsFile());
});

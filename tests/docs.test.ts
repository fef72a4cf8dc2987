// The pages in docs/ are true as far as the code can say: what it makes is what it makes now, what it knows by name is there,
// links lead somewhere, and command lines parse. `npm run docs` writes the parts that the code makes.

import { readdirSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { documentParts, exchangePart, keysPart, makeDocuments } from './docs/documents.js';
import { fill, partsOf } from './docs/markdown.js';
import { exitsPart, fumoPart, reasonsPart } from './docs/reasons.js';

const page = (name: string) => readFileSync(`docs/${name}`, 'utf8');
const PAGES = readdirSync('docs').filter((name) => name.endsWith('.md'));

describe('the parts that the code makes', () => {
  let parts: Record<string, string>;
  beforeAll(async () => {
    parts = {
      reasons: reasonsPart(),
      exits: exitsPart(),
      fumo: fumoPart(),
      keys: await keysPart(),
      exchange: exchangePart(),
      ...documentParts(page('formats.md'), await makeDocuments()),
    };
  });

  it.each(PAGES.filter((name) => partsOf(page(name)).length > 0))('of %s are what it makes now', async (name) => {
    await expect(fill(page(name), parts)).toMatchFileSnapshot(`../docs/${name}`);
  });

  it('stand on a page each', () => {
    expect(new Set(PAGES.flatMap((name) => partsOf(page(name))))).toEqual(new Set(Object.keys(parts)));
  });
});

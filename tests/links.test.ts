// The links of the pages that people read: every relative link leads to a file of the checkout, and what stands behind its # is
// a heading there, as GitHub makes anchors of them. README.md stays one page.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';

const README_LINES_MAX = 150;
/** The reference, whose pages come from another hand: a link to one that is not there yet is no fault. */
const COMING = ['README', 'bootstrap-and-policy', 'formats', 'protocol', 'reasons'].map((name) => `docs/${name}.md`);

const markdown = (folder: string) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name));
const PAGES = [...markdown('.'), ...markdown('docs')];

const withoutCode = (text: string) =>
  text.replace(/^```[\s\S]*?^```$/gm, '').replace(/`[^`\n]*`/g, (span) => span.replace(/[[\]()]/g, ''));

/** GitHub's: lower case, without what is neither letter, digit, blank, - nor _; blanks become -; a second one gets -1. */
function anchorsOf(text: string): Set<string> {
  const found = new Set<string>();
  const counts = new Map<string, number>();
  for (const [, heading] of text.replace(/^```[\s\S]*?^```$/gm, '').matchAll(/^#{1,6} (.+)$/gm)) {
    const plain = heading!.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const slug = plain.replace(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-');
    const before = counts.get(slug) ?? 0;
    counts.set(slug, before + 1);
    found.add(before === 0 ? slug : `${slug}-${before}`);
  }
  return found;
}

function brokenLinks(page: string): string[] {
  const text = readFileSync(page, 'utf8');
  const links = [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, to]) => to!);
  return links.filter((to) => {
    if (/^[a-z]+:/.test(to)) return false;
    const [path = '', anchor] = to.split('#');
    const file = path === '' ? page : join(dirname(page), path);
    if (!existsSync(file)) return !COMING.includes(file);
    return anchor !== undefined && !anchorsOf(readFileSync(file, 'utf8')).has(anchor);
  });
}

describe('links', () => {
  it.each(PAGES)('of %s lead somewhere', (page) => {
    expect(brokenLinks(page)).toEqual([]);
  });
});

it('README.md is one page', () => {
  expect(readFileSync('README.md', 'utf8').split('\n').length - 1).toBeLessThanOrEqual(README_LINES_MAX);
});

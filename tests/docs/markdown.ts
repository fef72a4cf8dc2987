// What the tests of the pages need to know of Markdown: code blocks, links, anchors, and the parts that the code makes.
//
// A page is read as GitHub shows it. A link inside code is no link. A part that the code makes stands between two marks,
// `<!-- made by npm run docs: NAME -->` and `<!-- end -->`; nobody edits between them.

export interface CodeBlock {
  /** First word behind the fence: the language. */
  language: string;
  /** The words after it: `run`, `file=NAME`. */
  marks: string[];
  text: string;
  /** Line of the fence, from 1. */
  line: number;
}

const FENCE = /^ *(`{3,}|~{3,})(.*)$/;

/** The fenced code blocks, and the page with each of their lines empty. */
export function splitCode(page: string): { blocks: CodeBlock[]; prose: string } {
  const blocks: CodeBlock[] = [];
  const prose: string[] = [];
  let open: (CodeBlock & { fence: string; lines: string[] }) | undefined;
  for (const [at, line] of page.split('\n').entries()) {
    const [, fence = '', info = ''] = FENCE.exec(line) ?? [];
    if (open) {
      if (fence.startsWith(open.fence) && info.trim() === '') {
        const { language, marks, line: from, lines } = open;
        blocks.push({ language, marks, line: from, text: `${lines.join('\n')}\n` });
        open = undefined;
      } else open.lines.push(line);
    } else if (fence) {
      const [language = '', ...marks] = info.trim().split(/\s+/);
      open = { language, marks, text: '', line: at + 1, fence, lines: [] };
    }
    prose.push(open || fence ? '' : line);
  }
  if (open) throw new Error(`the code block of line ${open.line} has no end`);
  return { blocks, prose: prose.join('\n') };
}

/** Targets of links and images: inline, by reference, and of HTML. */
export function linksOf(page: string): string[] {
  const text = splitCode(page).prose.replace(/(`+)[\s\S]*?\1/g, '');
  const found = [
    ...text.matchAll(/\]\(\s*<?([^)<>\s]+)>?(?:\s+"[^"]*")?\s*\)/g),
    ...text.matchAll(/^ {0,3}\[[^\]]+\]:\s*<?(\S+?)>?(?:\s|$)/gm),
    ...text.matchAll(/<(?:a|img)\s[^>]*?(?:href|src)="([^"]+)"/g),
  ];
  return found.map(([, target]) => target!);
}

/** The anchors that GitHub gives to the headings of a page, and those of `<a id="…">`. */
export function anchorsOf(page: string): Set<string> {
  const { prose } = splitCode(page);
  const anchors = new Set([...prose.matchAll(/<a\s[^>]*?(?:id|name)="([^"]+)"/g)].map(([, id]) => id!));
  for (const [, heading] of prose.matchAll(/^ {0,3}#{1,6}\s+(.*?)\s*#*\s*$/gm)) {
    const slug = slugOf(heading!);
    let unique = slug;
    for (let again = 1; anchors.has(unique); again++) unique = `${slug}-${again}`;
    anchors.add(unique);
  }
  return anchors;
}

function slugOf(heading: string): string {
  const shown = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/<[^>]*>/g, '');
  return shown
    .toLowerCase()
    .replace(/[^\p{Letter}\p{Mark}\p{Number}\p{Connector_Punctuation}\- ]/gu, '')
    .replaceAll(' ', '-');
}

const MADE = /<!-- made by npm run docs: (\S+) -->\n[\s\S]*?<!-- end -->/g;

/** Names of the parts of a page that the code makes. */
export const partsOf = (page: string): string[] => [...page.matchAll(MADE)].map(([, name]) => name!);

/** The page with each of these parts as the code makes it now. */
export function fill(page: string, parts: Readonly<Record<string, string>>): string {
  return page.replace(MADE, (_, name: string) => {
    const made = parts[name];
    if (made === undefined) throw new Error(`nothing makes the part "${name}"`);
    return `<!-- made by npm run docs: ${name} -->\n\n${made.trim()}\n\n<!-- end -->`;
  });
}

/** The title of a page, and the first sentence below it, as text. */
export function titleOf(page: string): { title: string; about: string } {
  const [, title = '', rest = ''] = /^# (.+)\n+([\s\S]*)$/m.exec(page) ?? [];
  const [paragraph = ''] = rest.split(/\n\n/);
  const plain = paragraph.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll('\n', ' ');
  return { title, about: /^.*?[.!?](?=\s|$)/.exec(plain)?.[0] ?? plain };
}

/** The rows of the first table below a heading (or of the page), without its head: cells as they stand. */
export function tableBelow(page: string, heading?: string): string[][] {
  const from = heading === undefined ? 0 : page.indexOf(`\n${heading}\n`);
  if (from < 0) throw new Error(`there is no heading "${heading}"`);
  const lines = page.slice(from).split('\n');
  const first = lines.findIndex((line) => line.startsWith('|'));
  const end = lines.findIndex((line, at) => at > first && !line.startsWith('|'));
  return lines.slice(first + 2, end < 0 ? undefined : end).map((line) =>
    line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

// The `countersign` commands in a shell text, as words: enough of a shell's grammar for what pages show.
//
// Known: quotes, comments, continued lines, here-documents, pipes and lists, redirections, assignments in front, `$(…)`,
// and the words of loops and conditions. A word with a `$` in it stays as it is.

const LEADING = new Set(['do', 'then', 'else', 'if', 'while', 'until', '!', 'time', 'sudo', 'npx', 'env', '{', '(']);
const ENDS = ['\n', ';', '|', '&', ')'];

/** Every simple command, as its words; those inside `$(…)` come after the one around them. */
export function commandsOf(shell: string): string[][] {
  const text = withoutHereDocuments(shell.replaceAll('\\\n', ' '));
  const found: string[][] = [];
  const inner: string[] = [];
  let words: string[] = [];
  let word: string | undefined;
  let redirected = false;
  const endWord = () => {
    if (word !== undefined && !redirected) words.push(word);
    if (word !== undefined) redirected = false;
    word = undefined;
  };
  const endCommand = () => {
    endWord();
    if (words.length > 0) found.push(words);
    words = [];
  };
  for (let at = 0; at < text.length; at++) {
    const letter = text[at]!;
    if (letter === "'" || letter === '"') {
      const end = text.indexOf(letter, at + 1);
      if (end < 0) throw new Error(`shell: ${letter} has no end: ${text.slice(at, at + 40)}`);
      const quoted = text.slice(at + 1, end);
      word = (word ?? '') + quoted;
      if (letter === '"') inner.push(...substitutionsIn(quoted));
      at = end;
    } else if (letter === '$' && text[at + 1] === '(') {
      const end = closing(text, at + 1);
      inner.push(text.slice(at + 2, end));
      word = `${word ?? ''}$(…)`;
      at = end;
    } else if (letter === '#' && word === undefined) {
      const end = text.indexOf('\n', at);
      at = end < 0 ? text.length : end - 1;
    } else if (letter === '>' || letter === '<') {
      if (word !== undefined && /^(\d|&)$/.test(word)) word = undefined;
      endWord();
      redirected = true;
      while (['>', '&', '<'].includes(text[at + 1] ?? '')) at++;
    } else if (ENDS.includes(letter)) endCommand();
    else if (/\s/.test(letter)) endWord();
    else word = (word ?? '') + letter;
  }
  endCommand();
  return [...found, ...inner.flatMap(commandsOf)];
}

function withoutHereDocuments(text: string): string {
  return text.replace(/(<<-?\s*(['"]?)(\w+)\2.*)\n[\s\S]*?\n\s*\3(?=\n|$)/g, (_, head: string) =>
    head.replace(/<<-?\s*(['"]?)\w+\1/, ''),
  );
}

function closing(text: string, open: number): number {
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    if (text[at] === '(') depth++;
    if (text[at] === ')' && --depth === 0) return at;
  }
  throw new Error(`shell: ( has no end: ${text.slice(open, open + 40)}`);
}

function substitutionsIn(quoted: string): string[] {
  const at = quoted.indexOf('$(');
  if (at < 0) return [];
  const end = closing(quoted, at + 1);
  return [quoted.slice(at + 2, end), ...substitutionsIn(quoted.slice(end))];
}

/** The words behind `countersign` of every such command. */
export function countersignsIn(shell: string): string[][] {
  return commandsOf(shell).flatMap((command) => {
    const words = command[0] === '$' ? command.slice(1) : [...command];
    while (words[0] !== undefined && (LEADING.has(words[0]) || /^\w+=/.test(words[0]))) words.shift();
    if (words[0] === 'countersign') return [words.slice(1)];
    // A function that hands its own words on says nothing of them.
    const handsOn = words.at(-1) === '$@';
    return words[0] === 'node' && words[1]?.endsWith('bin/countersign.js') && !handsOn ? [words.slice(2)] : [];
  });
}

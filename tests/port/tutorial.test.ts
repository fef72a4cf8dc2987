// docs/tutorial.md as its reader follows it: the files are saved, every command is run in the order of the page, the buttons are
// pressed where the page says so, and what is printed has the lines that the page shows, in their order. Keys, digests,
// times, ports and sizes differ from run to run; "..." on the page stands for any lines.

import { spawn as spawnPlain } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { spawn } from '@lydell/node-pty';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { canRunMicrobit } from '../support/microbit.js';

const PROGRAM = resolve('dist/bin/countersign.js');
const MINUTES = 60_000;
const ASKS = 'waiting for the user of the device';
const BOARD = 'countersign board microbit';

interface Block {
  kind: string;
  /** The running text since the block before. */
  before: string;
  lines: string[];
}

function blocksOf(page: string): Block[] {
  const parts = page.split(/^```/m); // text, block, text, block, ..., text
  return parts.flatMap((part, i) => {
    if (i % 2 === 0) return [];
    const [kind = '', ...lines] = part.trimEnd().split('\n');
    return [{ kind, before: parts[i - 1]!, lines }];
  });
}

/** Commands of a console block, each with the lines that the page shows below it. */
function stepsOf({ lines }: Block): { command: string; shown: string[] }[] {
  const steps: { command: string; shown: string[] }[] = [];
  for (const line of lines) {
    if (line.startsWith('$ ')) steps.push({ command: line.slice(2), shown: [] });
    else if (line !== '...') steps.at(-1)!.shown.push(line);
  }
  return steps;
}

const shape = (line: string) =>
  line
    .replace(/\d{4}-\d\d-\d\dT[\d:]+Z/g, 'TIME')
    .replace(/\b[0-9a-f]{8,}\b/g, 'HEX')
    .replace(/:\d{4,5}\b/g, ':PORT')
    .replace(/Countersign [\w.-]+/g, 'Countersign VERSION')
    .replace(/\d+ bytes/g, 'N bytes')
    .replace(/\d+m\d\ds left/g, 'TIME left')
    .trimEnd();

/** The first line of the page that is not among the printed ones, behind those before it. */
function missing(shown: string[], printed: string): string | undefined {
  const lines = printed.split(/\r?\n/).map(shape);
  let at = 0;
  return shown.find((line) => {
    const found = lines.indexOf(shape(line), at);
    at = found + 1;
    return found < 0;
  });
}

describe.skipIf(!canRunMicrobit())('docs/tutorial.md', () => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-tutorial-'));
  const environment = { ...process.env, HOME: folder, XDG_STATE_HOME: folder, COUNTERSIGN: resolve('.') };
  const defined = ['countersign() { node "$COUNTERSIGN/dist/bin/countersign.js" "$@"; }'];
  const ending: (() => void)[] = [];
  afterAll(() => {
    for (const end of ending) end();
    rmSync(folder, { recursive: true });
  });
  let panel = '';
  let press: ((button: string) => void) | undefined;

  const run = (command: string, button: string | undefined): Promise<string> =>
    new Promise((done, failed) => {
      const script = `${defined.join('\n')}\n{ ${command}\n} 2>&1`;
      const child = spawnPlain('bash', ['-c', script], { cwd: folder, env: environment });
      let said = '';
      let pressed = false;
      child.stdout.on('data', (piece: Buffer) => {
        said += piece;
        if (pressed || !said.includes(ASKS)) return;
        pressed = true;
        if (button && press) press(button);
        else failed(new Error(`${command}: the device asks, and the page does not say which button`));
      });
      child.on('close', () => done(said));
    });

  async function startBoard(): Promise<string> {
    const words = [PROGRAM, 'board', 'microbit'];
    const child = spawn(process.execPath, words, { cols: 160, cwd: folder, env: environment });
    ending.push(() => child.kill());
    child.onData((piece) => {
      panel += stripVTControlCharacters(piece);
    });
    press = (button) => child.write(button);
    await vi.waitFor(() => expect(panel).toContain('running until Ctrl-C'), { timeout: 2 * MINUTES, interval: 50 });
    return panel;
  }

  test('does what it says', { timeout: 10 * MINUTES }, async () => {
    const page = readFileSync('docs/tutorial.md', 'utf8');
    let steps = 0;
    for (const block of blocksOf(page)) {
      const file = /Save this as `([\w.]+)`[^`]*$/.exec(block.before)?.[1];
      if (block.kind === 'console') {
        const button = /Press \*\*([ab])\*\*|press \*\*([ab])\*\*/.exec(block.before)?.slice(1).find(Boolean);
        for (const { command, shown } of stepsOf(block)) {
          steps++;
          if (/^\w+\(\) \{/.test(command)) defined.push(command);
          const printed = command === BOARD ? await startBoard() : await run(command, button);
          const lost = missing(shown, printed);
          if (lost !== undefined) expect.fail(`${command} does not print "${lost}", but:\n${printed}`);
        }
      } else if (file && block.kind !== '') {
        writeFileSync(join(folder, file), `${block.lines.join('\n')}\n`);
      }
      // What the board shows on its panel stands in a block without a kind.
      if (block.kind === '') {
        const words = (text: string) => text.replace(/[a-z]{5}(-[a-z]{5}){3}/g, 'WORDS');
        expect(missing(block.lines.map(words), words(panel))).toBeUndefined();
      }
    }
    expect(steps).toBeGreaterThanOrEqual(20);
  });
});

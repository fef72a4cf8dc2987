// `npm start` as a newcomer runs it: without a terminal the script answers, on a terminal the person does.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { runOnTerminal } from '../support/terminal.js';

const STORY = 'dist/host/story/main.js';

it('without a terminal: every scene ends as it should', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [STORY]);
  expect(stdout.trimEnd().split('\n').at(-1)).toBe('scenes: 11 of 11');
  expect(stdout.match(/REFUSED/g)).toHaveLength(6);
  expect(stdout.match(/INSTALLED/g)).toHaveLength(3);
});

it('on a terminal: the person is asked, and what they say happens', async () => {
  // The other way round than the script: yes to the first question, no to the second.
  const { text, status } = await runOnTerminal(
    [STORY],
    [
      ['Install it?', 'y'],
      ['Install it?', 'n'],
    ],
  );
  expect(text).toContain('scenes: 11 of 11');
  expect(text.match(/REFUSED: the user said no/g)).toHaveLength(1);
  expect(text.match(/INSTALLED/g)).toHaveLength(3);
  expect(status).toBe(0);
});

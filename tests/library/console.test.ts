// A console on a line whose screen and keyboard are the caller's: a page, a server. The terminal's is in tests/cli/console.test.ts.

import { expect, it } from 'vitest';
import { type ConsoleScreen, makeConsole, pipedLines } from '../../host/library.js';
import { scriptedLink } from '../smp/scripted.js';

function world() {
  const link = scriptedLink(() => undefined);
  const seen: string[] = [];
  const screen: ConsoleScreen = {
    device: (bytes) => void seen.push(new TextDecoder().decode(bytes)),
    line: (text, open) => void seen.push(`line ${text}${open ? '…' : ''}`),
    say: (text, event) => void seen.push(`say ${text} ${event?.event ?? ''}`),
    bottom: () => undefined,
  };
  const options = {
    path: 'the line',
    open: async () => link,
    limits: { timeoutMs: 1000, retries: 0 },
    ...{ wait: false, once: true },
    withPackage: async () => undefined,
  };
  return { link, seen, screen, options };
}

it('ends by the text that was waited for, and has shown what the board said', async () => {
  const { link, seen, screen, options } = world();
  const ready = () => setImmediate(() => link.speak('one\nboot complete\nnever seen'));
  const talk = makeConsole(screen, { ...options, ready, until: 'boot complete' }, new AbortController().signal);
  expect(await talk.run(undefined)).toEqual({ lines: 3, found: true });
  expect(seen.filter((text) => text.startsWith('say'))).toEqual(['say console of the line open']);
  expect(seen).toEqual(expect.arrayContaining(['line one', 'line boot complete']));
  expect(link.sent).toEqual([]);
});

it('ends by the time without it: TimedOut; and with the line: LinkLost', async () => {
  const { screen, options } = world();
  const late = makeConsole(screen, { ...options, until: 'x', forMs: 20 }, new AbortController().signal);
  await expect(late.run(undefined)).rejects.toMatchObject({ reason: { name: 'TimedOut' } });
  const cut = world();
  const ready = () => setImmediate(() => cut.link.break(undefined));
  const lost = makeConsole(cut.screen, { ...cut.options, ready }, new AbortController().signal);
  await expect(lost.run(undefined)).rejects.toMatchObject({ reason: { name: 'LinkLost' } });
});

it('what comes from a pipe is sent by lines, but an answer is held back', () => {
  const typed: string[] = [];
  const held: string[] = [];
  const piping = {
    eol: 'crlf' as const,
    type: (bytes: Uint8Array) => void typed.push(new TextDecoder().decode(bytes)),
    held: (line: string) => void held.push(line),
  };
  const { take, end } = pipedLines(piping);
  for (const piece of ['ver', 'sion\nYES \n', 'no\nlast']) take(new TextEncoder().encode(piece));
  end();
  expect([typed, held]).toEqual([
    ['version\r\n', 'last'],
    ['YES ', 'no'],
  ]);
});

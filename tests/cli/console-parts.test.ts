// Screen and keyboard of a console where no terminal of ours is: a page that has one, fed with what its user types.

import { expect, it } from 'vitest';
import { makeKeyboard } from '../../host/console/keyboard.js';
import { type Display, makeScreen } from '../../host/console/screen.js';
import { utf8 } from '../../host/formats/bytes.js';

function shown(more: Partial<Display> = {}) {
  const out: string[] = [];
  const kept: string[] = [];
  const display: Display = {
    text: (bytes) => out.push(new TextDecoder().decode(bytes)),
    note: (line) => out.push(`${line}\n`),
    moving: (text) => out.push(text.replace('\r\x1b[K', '<erased>')),
    shared: true,
    columns: () => 20,
    keep: (_, line) => kept.push(line),
    ...more,
  };
  return { screen: makeScreen(display, { timestamps: false }), kept, all: () => out.splice(0).join('') };
}

it('keeps the line that moves below the text of the board, and shows its end', () => {
  const { screen, all } = shown();
  screen.device(utf8('boot\nnow: '));
  screen.bottom('Install it? yes/no, 60 s left');
  expect(all()).toBe('boot\nnow: \n<erased>… yes/no, 60 s left');
  screen.device(utf8('one\ntw'));
  expect(all()).toBe('<erased>one\n<erased>… yes/no, 60 s left');
  screen.bottom(undefined);
  expect(all()).toContain('<erased>tw\n');
});

it('says its own words on a line of their own, keeps them, and gives documents instead where that is wanted', () => {
  const { screen, all, kept } = shown();
  screen.device(utf8('half'));
  screen.say('lost\nback');
  screen.line('half', false);
  expect(all()).toBe('half\nlost\nback\n');
  expect(kept).toEqual(['-- lost', '-- back', 'half']);
  const documents: Record<string, unknown>[] = [];
  const other = shown({ document: (data) => documents.push(data) });
  other.screen.device(utf8('half'));
  other.screen.line('half', true);
  other.screen.say('gone', { event: 'lost' });
  expect(other.all()).toBe('');
  expect(documents).toMatchObject([{ text: 'half', open: true }, { event: 'lost' }]);
});

it('sends keys to the board, but for its own two, and none while an answer is edited', async () => {
  const { screen, all } = shown();
  const sent: number[] = [];
  const done: string[] = [];
  const did = (what: string) => () => void done.push(what);
  const talk = {
    type: (bytes: Uint8Array) => void sent.push(...bytes),
    ...{ end: did('end'), ask: did('ask'), deliver: did('deliver'), reset: did('reset'), state: did('state') },
  };
  const keys = makeKeyboard(screen, talk, 'crlf');
  keys.take(utf8('a\r\x03'));
  expect(sent.splice(0)).toEqual([0x61, 0x0d, 0x0a, 0x03]);
  keys.take(Uint8Array.of(0x14, 0x14, 0x14, 0x1d, 0x14, 0x13)); // Ctrl-T Ctrl-T, Ctrl-T Ctrl-], Ctrl-T Ctrl-S
  expect(sent.splice(0)).toEqual([0x14, 0x1d]);
  expect(done.splice(0)).toEqual(['state']);
  keys.take(utf8('\x14h'));
  expect(all()).toContain('Ctrl-T d  deliver a package');

  const gone = new AbortController();
  const typed = keys.edit(() => 'yes or no: ', gone.signal);
  keys.take(utf8('nö\x7fo\r'));
  expect(await typed).toBe('no');
  const left = keys.edit(() => '', gone.signal);
  keys.take(utf8('yes\x1b'));
  expect(await left).toBeUndefined();
  const over = keys.edit(() => '', gone.signal);
  gone.abort();
  expect(await over).toBeUndefined();
  expect(sent).toEqual([]);
  keys.take(Uint8Array.of(0x1d));
  expect(done).toEqual(['end']);
});

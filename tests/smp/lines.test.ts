// Lines out of bytes that come in pieces, wherever that runs.
import { afterEach, expect, it, vi } from 'vitest';
import { lines } from '../../host/smp/link.js';

afterEach(() => vi.unstubAllGlobals());

it('are read in a page too, where a timer is a number', () => {
  vi.stubGlobal('setTimeout', () => 1);
  const heard: string[] = [];
  const read = lines((line) => heard.push(line));
  read(Buffer.from('one\r\ntw'));
  read(Buffer.from('o\n'));
  expect(heard).toEqual(['one', 'two']);
});

// A program in a window of tmux, used as a person would: what is on the screen is read, keys are pressed.

import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

const COLUMNS = 110;
const ROWS = 40;
const POLL_MS = 50;
const WAIT_MS_MAX = 50_000; // for what must come; a machine under load is slow

export interface Window {
  /** Keys by tmux's names ("Enter", "C-t"), or text as it is typed. */
  press(...keys: string[]): void;
  text(words: string): void;
  /** What the window shows, scrolled-off lines included, without blanks at the ends. */
  screen(): string;
  /** Waits until the screen shows this. */
  until(what: string | RegExp): Promise<string>;
  close(): void;
}

/** Starts words in a window of a tmux server of its own; the window stays when the program has ended. */
export function openWindow(words: string[], environment: Record<string, string> = {}): Window {
  const server = `countersign-${randomBytes(6).toString('hex')}`;
  const tmux = (...args: string[]) =>
    execFileSync('tmux', ['-L', server, '-f', '/dev/null', ...args], { encoding: 'utf8' });
  const settings = Object.entries(environment).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
  const quoted = words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  const script = `${quoted}; echo "ended with $?"; sleep 600`;
  tmux('new-session', '-d', '-x', String(COLUMNS), '-y', String(ROWS), ...settings, 'sh', '-c', script);
  const window: Window = {
    press: (...keys) => void tmux('send-keys', ...keys),
    text: (typed) => void tmux('send-keys', '-l', typed),
    screen: () => tmux('capture-pane', '-p', '-S', '-').replace(/[ \n]+$/gm, ''),
    async until(what) {
      for (const end = Date.now() + WAIT_MS_MAX; ; await sleep(POLL_MS)) {
        const shown = window.screen();
        if (typeof what === 'string' ? shown.includes(what) : what.test(shown)) return shown;
        if (Date.now() > end) throw new Error(`the window never showed ${what}, but:\n${shown}`);
      }
    },
    close: () => void tmux('kill-server'),
  };
  return window;
}

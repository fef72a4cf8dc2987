// A console on a board's line, whatever it is shown on: the board's text, the line when it goes and comes back, and what can be
// asked of the agent meanwhile. Screen and keyboard are given: a terminal's, a page's.
//
//   ends by      `end` or the signal     `until`'s text     `forMs`                  the line lost, with `once`
//   and so       well                    well               well; with `until` it    throws LinkLost
//                                                           throws TimedOut
//
// Nothing is sent by itself until the device says on the line that it asks its user: an application that runs is left alone.

import { deviceLines } from '../describe/outcome.js';
import { identify } from '../device/identity.js';
import { asCountersignError, CountersignError } from '../errors.js';
import type { Bytes } from '../formats/byte-source.js';
import { keepOpen, type Session } from '../links/session.js';
import { reset } from '../smp/commands.js';
import { type Link, lines } from '../smp/link.js';
import { follower } from '../wait.js';
import { askPerson, NOTICE } from './asking.js';
import { deliverHere } from './delivering.js';

/** An unfinished line is told after this long: a prompt has no end. */
const IDLE_MS = 300;

export interface ConsoleScreen {
  /** The board's text, as it came, without the frames between. */
  device(bytes: Uint8Array): void;
  /** The same by lines; `open`: it has no end yet, and comes again when it is whole. */
  line(text: string, open: boolean): void;
  /** Words of ours; `event`: the same as members of a document. */
  say(text: string, event?: Record<string, unknown>): void;
  /** One line that moves: progress. Undefined: there is none. */
  bottom(text: string | undefined): void;
}

export interface ConsoleKeyboard {
  /** Lets the person edit a line behind `prompt()`; undefined when it was left, or when `gone` ended it. */
  edit(prompt: () => string, gone: AbortSignal): Promise<string | undefined>;
}

export interface ConsoleOptions {
  /** What the line is called. */
  path: string;
  open(signal: AbortSignal): Promise<Link>;
  limits: { timeoutMs: number; retries: number };
  /** Ends when the board says this. */
  until?: string | undefined;
  forMs?: number | undefined;
  /** Wait for a line that is not there at first; and end with the line instead of waiting for it again. */
  wait: boolean;
  once: boolean;
  /** A package by the name that a person types; it is there until `use` has ended. */
  withPackage(name: string, use: (file: Bytes) => Promise<void>): Promise<void>;
  /** Called when the line is there for the first time. */
  ready?(): void;
  /** Told of faults on the line. */
  trace?(text: string): void;
}

export interface Console {
  /** Until its end. Returns how many lines were seen, and whether `until` was among them. */
  run(keyboard: ConsoleKeyboard | undefined): Promise<{ lines: number; found: boolean | undefined }>;
  end(): void;
  /** To the board, as it is. */
  type(bytes: Uint8Array): void;
  /** Each is done on the line as it is now, one of a kind at a time, and tells what became of it on the screen. */
  ask(): void;
  deliver(): void;
  reset(): void;
  state(): void;
}

export function makeConsole(screen: ConsoleScreen, options: ConsoleOptions, outer: AbortSignal): Console {
  const { path, until } = options;
  const ending = follower(outer);
  const end = () => ending.abort(new CountersignError('Cancelled', 'console: ended'));
  const { signal } = ending;
  let count = 0;
  let found = false;
  let session: Session | undefined;
  let keyboard: ConsoleKeyboard | undefined;

  const look = (text: string) => {
    if (until === undefined || !text.includes(until)) return;
    found = true;
    end();
  };
  const whole = lines(
    (line) => {
      count += 1;
      screen.line(line, false);
      look(line);
      if (NOTICE.test(line)) ask();
    },
    (text) => {
      screen.line(text, true);
      look(text);
    },
    IDLE_MS,
  );

  const under = new Set<string>();
  function start(what: string, work: (session: Session) => Promise<void>): void {
    if (!session) screen.say(`${path} is not there`);
    if (!session || under.has(what)) return;
    under.add(what);
    work(session)
      .catch((thrown) => {
        const error = asCountersignError(thrown);
        if (!signal.aborted) screen.say(`error: ${error.message} [${error.code} ${error.reason.name}]`);
      })
      .finally(() => under.delete(what));
  }
  const ask = () => start('ask', ({ client }) => askPerson(client, screen, keyboard, signal));

  async function run(given: ConsoleKeyboard | undefined) {
    keyboard = given;
    const timer = options.forMs === undefined ? undefined : setTimeout(end, options.forMs);
    try {
      await keepOpen(
        {
          open: () => options.open(signal),
          limits: options.limits,
          wait: options.wait,
          reconnect: !options.once,
          up(now, again) {
            session = now;
            const text = (bytes: Uint8Array) => {
              whole(bytes);
              screen.device(bytes);
            };
            now.link.listen({ text, fault: (why) => options.trace?.(`line: ${why}`) });
            const keys = keyboard ? '; Ctrl-] quits, Ctrl-T h helps' : '';
            const event = { event: again ? 'back' : 'open', port: path };
            screen.say(again ? `${path} is back` : `console of ${path}${keys}`, event);
            if (!again) options.ready?.();
          },
          missing: () => screen.say(`${path} is not there: waiting for it`, { event: 'missing', port: path }),
          down(error) {
            session = undefined;
            whole.end();
            screen.say(`${path} is gone (${error.message})`, { event: 'lost', port: path });
          },
        },
        signal,
      );
    } finally {
      clearTimeout(timer);
      whole.end();
    }
    if (until !== undefined && !found) {
      if (outer.aborted) throw new CountersignError('Cancelled', 'console: stopped before the text was seen');
      throw new CountersignError('TimedOut', `console: no line had "${until}"`, {
        hint: 'give it more time with --for',
      });
    }
    return { lines: count, found: until === undefined ? undefined : found };
  }

  return {
    run,
    end,
    type: (bytes) => void session?.link.type?.(bytes).catch(() => undefined),
    ask,
    deliver: () =>
      start('work', async ({ client }) => {
        const name = (await keyboard?.edit(() => 'package to deliver: ', signal))?.trim();
        if (name) await options.withPackage(name, (file) => deliverHere(client, file, name, screen, signal));
      }),
    reset: () => start('work', ({ client }) => reset(client, { signal })),
    state: () =>
      start('work', async ({ client }) => {
        const device = await identify(client, { signal });
        const { deviceId, state, installed } = device;
        screen.say(deviceLines(device).join('\n'), { event: 'state', device: deviceId, state, installed });
      }),
  };
}

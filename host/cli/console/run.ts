// A console from its beginning to its end: the line, the screen and the keyboard brought together.
//
//   ends by          Ctrl-] or a signal      --until's text   --for's time              the line lost, with --once
//   and so           well                    well             well; with --until 32     40

import { identify } from '../../device/identity.js';
import { asCountersignError, CountersignError } from '../../errors.js';
import { rows } from '../../formats/wording.js';
import { keepOpen, type Session } from '../../links/session.js';
import { reset } from '../../smp/commands.js';
import type { Link } from '../../smp/link.js';
import { follower } from '../../wait.js';
import type { Terminal } from '../terminal.js';
import { askPerson, NOTICE } from './asking.js';
import { deliverHere } from './delivering.js';
import { type Eol, openKeyboard, readPipe } from './keyboard.js';
import { createScreen } from './screen.js';

const HELP = [
  'Ctrl-]    quit',
  'Ctrl-T h  this help',
  'Ctrl-T a  show what the device asks, and answer it',
  'Ctrl-T d  deliver a package over this line',
  'Ctrl-T s  what the device is, and where its update stands',
  'Ctrl-T r  reset the device',
  'Ctrl-T t  times in front of lines, on and off',
  'Ctrl-T Ctrl-T, Ctrl-T Ctrl-]  send that key to the device',
  'a, d, s and r talk to the agent: an application that runs hands over to it',
].join('\n');

export interface ConsoleOptions {
  path: string;
  open(signal: AbortSignal): Promise<Link>;
  limits: { timeoutMs: number; retries: number };
  timestamps: boolean;
  log: string | undefined;
  eol: Eol;
  until: string | undefined;
  for: number | undefined; // seconds
  wait: boolean;
  once: boolean;
}

/** Returns how many lines were seen, and whether `until` was among them. */
export async function runConsole(
  options: ConsoleOptions,
  terminal: Terminal,
  outer: AbortSignal,
): Promise<{ lines: number; found: boolean | undefined }> {
  const { path } = options;
  const ending = follower(outer);
  const end = () => ending.abort(new CountersignError('Cancelled', 'console: ended'));
  const { signal } = ending;
  let lines = 0;
  let found = false;
  let session: Session | undefined;

  function look(text: string): void {
    if (options.until === undefined || !text.includes(options.until)) return;
    found = true;
    end();
  }

  const screen = createScreen(terminal, {
    timestamps: options.timestamps,
    log: options.log,
    onLine(line) {
      lines += 1;
      look(line);
      if (NOTICE.test(line)) ask();
    },
    onOpen: look,
  });

  // One thing of a kind at a time, on the line as it is now; a line that is lost tells itself.
  const under = new Set<string>();
  function start(what: string, work: (session: Session) => Promise<void>): void {
    if (!session) {
      screen.say(`${path} is not there`);
      return;
    }
    if (under.has(what)) return;
    under.add(what);
    work(session)
      .catch((thrown) => {
        const error = asCountersignError(thrown);
        if (!signal.aborted) screen.say(`error: ${error.message} [${error.code} ${error.reason.name}]`);
      })
      .finally(() => under.delete(what));
  }
  const ask = () => start('ask', (now) => askPerson(now, screen, keyboard, signal));

  const commands: Record<string, () => void> = {
    h: () => screen.say(HELP),
    q: end,
    a: ask,
    t: () => screen.say(`times ${screen.toggleTimestamps() ? 'on' : 'off'}`),
    r: () => start('work', async ({ client }) => reset(client, { signal })),
    s: () => start('work', async ({ client }) => tell(client, signal, screen.say)),
    d: () =>
      start('work', async ({ client }) => {
        const file = await keyboard?.edit(() => 'package to deliver: ', signal);
        if (file) await deliverHere(client, file.trim(), screen, signal);
      }),
  };
  const type = (bytes: Uint8Array) => void session?.link.type?.(bytes).catch(() => undefined);
  const keyboard = terminal.interactive
    ? openKeyboard(screen, {
        eol: options.eol,
        type,
        quit: end,
        command: (letter) => (commands[letter] ?? commands.h!)(),
      })
    : undefined;
  let stopPipe: (() => void) | undefined;
  const timer = options.for === undefined ? undefined : setTimeout(end, options.for * 1000);

  try {
    await keepOpen(
      {
        open: () => options.open(signal),
        limits: options.limits,
        wait: options.wait,
        reconnect: !options.once,
        up(now, again) {
          session = now;
          now.link.listen({
            text: screen.device,
            fault: (why) => terminal.trace(`line: ${why}`),
          });
          const keys = keyboard ? '; Ctrl-] quits, Ctrl-T h helps' : '';
          screen.say(again ? `${path} is back` : `console of ${path}${keys}`, {
            event: again ? 'back' : 'open',
            port: path,
          });
          if (!keyboard && terminal.input) {
            stopPipe ??= readPipe({
              eol: options.eol,
              type,
              onHeld: (line) => terminal.warn(`"${line.trim()}" was not sent: a pipe never answers a device that asks`),
            });
          }
        },
        missing: () => screen.say(`${path} is not there: waiting for it`, { event: 'missing', port: path }),
        down(error) {
          session = undefined;
          screen.cut();
          screen.say(`${path} is gone (${error.message})`, { event: 'lost', port: path });
        },
      },
      signal,
    );
  } finally {
    clearTimeout(timer);
    stopPipe?.();
    keyboard?.close();
    await screen.close();
  }
  if (options.until !== undefined && !found) {
    if (outer.aborted) throw new CountersignError('Cancelled', 'console: stopped before the text was seen');
    throw new CountersignError('TimedOut', `console: no line had "${options.until}"`, {
      hint: 'give it more time with --for',
    });
  }
  return { lines, found: options.until === undefined ? undefined : found };
}

async function tell(
  client: Session['client'],
  signal: AbortSignal,
  say: (text: string, event: Record<string, unknown>) => void,
): Promise<void> {
  const device = await identify(client, { signal });
  const shown = rows([
    ['device', device.deviceId ?? 'not provisioned'],
    ['agent', device.about],
    ['state', device.state],
    ['installed', device.installed && `${device.installed.version}, sequence ${device.installed.sequence}`],
  ]);
  say(shown.join('\n'), { event: 'state', device: device.deviceId, state: device.state, installed: device.installed });
}

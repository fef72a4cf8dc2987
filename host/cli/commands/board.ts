// board: starts a board that needs no hardware, and is its panel: the question to the user is shown here, and answered
// here.
//
//   virtual    the agent in this process; questions are answered by y or n and Enter
//   microbit   the agent's firmware on an emulated Cortex-M0; its buttons are the keys a and b
//
// The one prompt that answers the approval question: this terminal is the device's own, not the delivering side's.
// There is no flag and no default for it; without a terminal nobody can answer, and the device finds that nobody did.

import { resolve } from 'node:path';
import { z } from 'zod';
import { listBoards } from '../../boards.js';
import { CountersignError } from '../../errors.js';
import { topicNameSchema } from '../../links/topics.js';
import type { SecretUrl } from '../../secret-url.js';
import { command } from '../command.js';
import { brokerOptions } from '../connection-options.js';
import { onKeys } from '../keys.js';
import { createPanel } from '../panel.js';
import { noteRunning } from '../running.js';
import { rows } from '../show.js';
import type { Terminal } from '../terminal.js';
import { pathSchema, textSchema } from '../values.js';

interface Running {
  port: string;
  /** Rejects when the board ends by itself. */
  ended: Promise<never>;
  close(): Promise<void>;
}

interface Start {
  flash: string;
  terminal: Terminal;
  /** On the broker, for boards with a radio. */
  radio: { broker?: SecretUrl; fleet: string; name: string };
  /** Reader of smart cards, for boards with a card slot. */
  card: string | undefined;
}

const BOARDS: Record<string, { hasRadio: boolean; hasCardSlot: boolean; start(options: Start): Promise<Running> }> = {
  virtual: { hasRadio: true, hasCardSlot: true, start: startVirtual },
  microbit: { hasRadio: false, hasCardSlot: false, start: startMicrobit },
};

export const board = command({
  name: 'board',
  summary: 'start a board without hardware',
  details:
    'The board runs until Ctrl-C. It prints its serial port, which any SMP tool can open. ' +
    'This terminal is the panel of the device: what the device asks its user is shown and answered here. ' +
    'virtual runs the agent in this process, and answers with y or n. microbit runs the firmware for the BBC micro:bit ' +
    'in QEMU: key a is its button A (yes), b its button B (no), r resets it.',
  arguments: { name: { text: `the board: ${Object.keys(BOARDS).join(', ')}`, schema: z.string() } },
  options: {
    flash: {
      value: 'file',
      text: 'the flash of the board; made when absent, kept afterwards (default: NAME-board.flash)',
      schema: pathSchema.optional(),
      path: true,
    },
    card: {
      value: 'reader',
      text: 'card slot of the board: a smart card reader of this machine, or part of its name',
      schema: textSchema.optional(),
    },
    ...brokerOptions,
    device: {
      value: 'name',
      text: 'its name on the broker',
      schema: topicNameSchema.default('virtual'),
      config: 'device',
    },
  },
  examples: [
    'countersign board virtual',
    'countersign board virtual --card Omnikey',
    'countersign board virtual --flash second.flash --broker mqtt://localhost --device second',
    'countersign board microbit',
  ],
  async run({ arguments: { name }, options, terminal, signal }) {
    const kind = BOARDS[name];
    if (!kind) throw await unknownBoard(name);
    const { flash = `${name}-board.flash`, fleet, device } = options;
    const broker = kind.hasRadio ? options.broker : undefined;
    if (options.broker && !kind.hasRadio) terminal.warn(`board: ${name} has a serial line only, no broker reaches it`);
    const { card } = options;
    if (card !== undefined && !kind.hasCardSlot)
      throw new CountersignError('BadArgument', `board: ${name} has no card slot`);
    const radio = { ...(broker === undefined ? {} : { broker }), fleet, name: device };
    const running = await kind.start({ flash, terminal, radio, card });
    const forget = await noteRunning({ board: name, port: running.port, flash: resolve(flash) });
    const reached = broker === undefined ? {} : { broker, fleet, device };
    terminal.result({ board: name, port: running.port, flash, ...reached }, [
      running.port,
      ...rows([
        ['flash', flash],
        ['broker', broker],
        ['device', broker && `${fleet}/${device}`],
      ]),
    ]);
    terminal.note('running until Ctrl-C');
    const stopped = new Promise<void>((done) => signal.addEventListener('abort', () => done(), { once: true }));
    try {
      await Promise.race([stopped, running.ended]);
    } finally {
      await forget();
      await running.close();
    }
    return { data: { board: name, stopped: true }, lines: [] };
  },
});

async function startVirtual({ flash, terminal, radio: { broker, fleet, name }, card }: Start): Promise<Running> {
  const { startVirtualBoard } = await import('../../../boards/virtual/board.js');
  const panel = createPanel(terminal);
  try {
    const { port, close } = await startVirtualBoard({
      flash,
      ...(card === undefined ? {} : { card }),
      ...(broker === undefined ? {} : { broker, fleet, name }),
      onText: (text) => terminal.note(`board: ${text}`),
      onQuestion: panel.ask,
    });
    return {
      port,
      ended: new Promise(() => undefined), // it is this process
      async close() {
        panel.close();
        await close();
      },
    };
  } catch (error) {
    panel.close();
    throw error;
  }
}

async function startMicrobit({ flash, terminal }: Start): Promise<Running> {
  const { startMicrobit: start } = await import('../../../boards/microbit/board.js');
  const emulated = await start({ flash, onText: (text) => terminal.note(`board: ${text}`) });
  const does = (what: string, work: () => Promise<void>) => () => {
    terminal.note(`  ${what}`);
    work().catch((error: Error) => terminal.warn(error.message)); // the board ended meanwhile
  };
  const release = onKeys(terminal, {
    a: does('button A', () => emulated.press('a')),
    b: does('button B', () => emulated.press('b')),
    r: does('reset', emulated.reset),
  });
  terminal.note(
    terminal.interactive
      ? 'keys: a is button A (yes), b is button B (no), r resets'
      : 'no terminal, or in its background: nobody can press its buttons',
  );
  let closing = false;
  return {
    port: emulated.port,
    ended: emulated.ended.then(() => {
      if (closing) return new Promise<never>(() => undefined);
      throw new CountersignError(
        'Fault',
        'board: the emulator ended by itself; the flash file is as it was last saved',
      );
    }),
    async close() {
      closing = true;
      release();
      await emulated.close();
    },
  };
}

async function unknownBoard(name: string): Promise<CountersignError> {
  const known = await listBoards();
  const hint = `start: ${Object.keys(BOARDS).join(' or ')}`;
  return known.includes(name)
    ? new CountersignError('BadArgument', `board: ${name} cannot be started from here yet`, { hint })
    : new CountersignError('NotFound', `board: there is no board "${name}"`, { hint });
}

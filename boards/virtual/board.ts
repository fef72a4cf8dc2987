// The virtual board: the agent in this process, behind a serial port that any program can open, and on a broker if one
// is given.
//
// Around the machine there is only what a real board has too: a port (a pseudo-terminal), a card slot, a radio (MQTT, with retained
// state and last will), a panel with two buttons (onQuestion), a clock, chance, and flash that stays (a file). It
// decides nothing. What it shows of the device it asks the agent for, over a packet link of its own.

import { randomFillSync } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { agentName, type FlashMapInput, loadBoard, parseFlashMap } from '../../host/boards.js';
import { CountersignError } from '../../host/errors.js';
import type { BrokerUrl } from '../../host/links/mqtt-url.js';
import type { DeviceState } from '../../host/links/topics.js';
import { isRequest } from '../../host/radio/desk.js';
import { toldState } from '../../host/radio/look.js';
import { connectRadio, type Radio } from '../../host/radio/radio.js';
import { decodeCobs } from '../../host/smp/cobs.js';
import { type Alert, alertOf, type Question } from '../../host/smp/commands.js';
import { CONSOLE_START, decodeConsole } from '../../host/smp/console.js';
import { lines } from '../../host/smp/link.js';
import { decodePacket, OP } from '../../host/smp/packet.js';
import { onAbort } from '../../host/wait.js';
import { wasmFile } from '../../host/wasm.js';
import { applicationText } from './application.js';
import { stateBefore } from './before.js';
import { type CardSlot, openCardSlot } from './card.js';
import { type Flash, makeFlash, openFlash } from './flash.js';
import { type Answer, createMachine, type Machine } from './machine.js';
import { openPty } from './pty.js';
import { createSelf } from './self.js';

export const BOARD_NAME = 'virtual';

const LINK = { console: 0, mqtt: 1, self: 2 } as const; // as in board.json
const TICK_MS = 20; // how long a chip would sleep at most
const CALM_MS = 1000; // after what it heard last: then it sleeps as long as TICK_MS_MAX
const TICK_MS_MAX = 100; // of time that a held up process has lost: what is to be seen between two ticks is not skipped over
const BUSY_MS_MAX = 10; // then everybody else in this process gets a turn
const QUIET_MS = 150; // after the last packet, before the board looks at its own state
// What the agent writes begins with one of these bytes if it is a line of a packet, or a whole packet; text does not.
const FRAME_FIRST = [0x06, 0x04, 0x01, 0x02];

export interface VirtualBoardOptions {
  flash?: string; // path of the flash file; made when absent. Without one it has flash that is gone when it closes
  serial?: boolean; // has a serial port; default: yes
  module?: WebAssembly.Module; // the agent, compiled once for many boards
  broker?: BrokerUrl;
  fleet?: string;
  name?: string; // on the broker
  groups?: readonly string[]; // that it belongs to, in the fleet
  card?: string; // a smart card reader of this machine, or part of its name: the card slot of the board
  wasm?: Uint8Array; // another agent than the one that was built
  map?: FlashMapInput; // another flash than that of board.json
  // A question came up. The signal ends when it is gone; the answer is what the person at the board pressed.
  onQuestion?(question: Question, signal: AbortSignal): Promise<Answer | undefined>;
  onText?(text: string): void; // what the board says beside frames, whole lines
  signal?: AbortSignal | undefined;
}

export interface VirtualBoard {
  readonly port: string; // path of the serial port; empty: it has none
  readonly running: Machine['running'];
  readonly flash: Flash['counts'];
  /** Milliseconds that its agent has computed so far, and worked on flash. */
  readonly computedMs: number;
  /** What it last said of itself. */
  readonly shown: DeviceState;
  /** Gives a blank one its bootstrap document, as over a line of its own. */
  provision(bootstrap: Uint8Array): Promise<void>;
  reset(): void; // the button
  close(): Promise<void>;
}

export async function startVirtualBoard(options: VirtualBoardOptions): Promise<VirtualBoard> {
  const { onText = () => undefined, onQuestion } = options;
  const map = options.map ? parseFlashMap(options.map, 'map') : (await loadBoard(BOARD_NAME)).flash;
  const module = options.module ?? (await loadAgent(options.wasm));
  const { flash: path, serial = true } = options;
  const flash = path === undefined ? makeFlash(map, onText) : openFlash(path, map, onText);
  const pty = serial ? openPty((bytes) => receive(LINK.console, bytes)) : undefined;
  let radio: Radio | undefined;
  let slot: CardSlot | undefined;
  let closing = false;

  // Text of the board itself goes out on the wire, as an application's would, and to whoever watches in this process.
  const say = (text: string): void => {
    pty?.write(Buffer.from(`${text}\r\n`));
    onText(text);
  };

  const machine = createMachine(module, map, flash, {
    linkWrite(link, bytes) {
      if (link === LINK.console) return sent(bytes);
      const alert = alertIn(bytes);
      // The agent sends an alert to whoever spoke last, which may have been our own look: it is for all of the fleet.
      if (alert) radio?.alert(alert);
      else if (link === LINK.mqtt) radio?.send(bytes);
      else self.receive(bytes);
      // An alert is the end of something, after which the application is started: a board that is held up would be too late.
      if (alert) lookSoon(0);
      else if (link === LINK.mqtt && !isRequest(bytes)) lookSoon(); // that it asks for blocks is nothing to look at
    },
    random: (to) => void randomFillSync(to),
    clock: () => BigInt(Math.floor(Date.now() / 1000)),
    card: (command) => slot?.exchange(command) ?? 'none',
    asking: (now) => setImmediate(ask, now),
    started: (what) => {
      clearTimeout(look); // nobody has talked to this one yet
      radio?.started(what);
      if (what === 'application') say(applicationText(flash, map));
    },
    trapped: say,
  });
  const self = createSelf((bytes) => machine.receive(LINK.self, bytes));

  function receive(link: number, bytes: Uint8Array): void {
    if (closing) return;
    machine.receive(link, bytes);
    wake();
  }

  // --- State, for the broker: what the agent says of it on the console, and a look of our own ---

  // A look is a packet like any other, and a packet keeps the agent from starting the application: so only behind
  // somebody else's packets, when it is quiet again.
  let look: NodeJS.Timeout | undefined;
  function lookSoon(ms = QUIET_MS): void {
    if (closing) return;
    clearTimeout(look);
    if (ms === 0) setImmediate(lookNow);
    else look = setTimeout(lookNow, ms);
  }

  async function lookNow(): Promise<void> {
    if (closing || machine.running !== 'agent') return;
    const state = await self.look();
    if (state && !closing) show(state);
  }

  let shown: DeviceState = {};
  function show(state: DeviceState): void {
    shown = { ...shown, ...state };
    radio?.show(state);
  }

  function sent(bytes: Uint8Array): void {
    pty?.write(bytes);
    if (!FRAME_FIRST.includes(bytes[0]!)) {
      hear(bytes);
      return;
    }
    const [whole] = decodeCobs(new Uint8Array(), bytes);
    const [items, rest] = whole[0]?.kind === 'packet' ? [whole, framed] : decodeConsole(framed, bytes);
    framed = rest;
    const alert = items.map((item) => (item.kind === 'packet' ? alertIn(item.bytes) : undefined)).find(Boolean);
    if (alert) radio?.alert(alert); // whoever ordered it on this line: it is for all of the fleet, too
    lookSoon(alert ? 0 : QUIET_MS);
  }
  let framed = CONSOLE_START;
  const hear = lines((line) => {
    onText(line);
    const told = toldState(line);
    if (told) show(told);
  });

  // --- The panel ---

  let question: AbortController | undefined;
  async function ask(now: boolean): Promise<void> {
    question?.abort();
    question = undefined;
    if (!now || closing || !onQuestion) return;
    const here = new AbortController();
    question = here;
    const shown = await self.question();
    if (!shown?.pending || here.signal.aborted) return;
    const answer = await onQuestion(shown, here.signal);
    if (answer && !here.signal.aborted) machine.answer(answer);
  }

  // --- Time ---

  // What it hears it takes up at once, as a chip's interrupt would wake it; while its application runs, no time passes for it.
  let last = performance.now();
  let heard = last;
  let turn: NodeJS.Timeout | undefined;
  let turnMs = 0; // after which it comes
  let awake: NodeJS.Immediate | undefined;
  function wake(): void {
    heard = performance.now();
    awake ??= setImmediate(run);
  }
  function run(): void {
    awake = undefined;
    if (closing) return;
    const began = performance.now();
    let busy = false;
    for (let now = began; ; now = performance.now()) {
      const passed = Math.floor(now - last);
      machine.tick(Math.min(passed, TICK_MS_MAX));
      last += passed;
      busy = machine.busy();
      if (!busy || now - began >= BUSY_MS_MAX) break;
    }
    if (machine.running !== 'agent') return;
    if (busy) awake ??= setImmediate(run);
    // One that runs already is left alone: to set it anew with each packet costs more than a turn that comes too soon.
    else turnIn(last - heard < CALM_MS ? TICK_MS : TICK_MS_MAX);
  }
  function turnIn(ms: number): void {
    if (turn && turnMs <= ms) return;
    clearTimeout(turn);
    turnMs = ms;
    turn = setTimeout(() => {
      turn = undefined;
      if (!awake) run();
    }, ms);
  }

  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => (closed ??= end());
  async function end(): Promise<void> {
    closing = true;
    clearTimeout(turn);
    clearImmediate(awake);
    clearTimeout(look);
    question?.abort();
    pty?.close();
    flash.close();
    slot?.close();
    await self.close();
    await radio?.close();
  }

  try {
    if (options.card !== undefined) slot = await openCardSlot(options.card, onText);
    if (options.broker !== undefined) {
      const { broker: url, fleet = 'demo', name = BOARD_NAME, groups } = options;
      const agent = {
        receive: (packet: Uint8Array) => receive(LINK.mqtt, packet),
        get away() {
          return machine.running !== 'agent';
        },
      };
      const earlier = path === undefined ? undefined : await stateBefore(module, map, flash, LINK.self);
      radio = await connectRadio({ url, fleet, device: name, groups, earlier }, agent, options.signal);
    }
  } catch (error) {
    await close();
    throw error;
  }
  if (options.signal) onAbort(options.signal, () => void close());
  machine.reset();
  run();
  return {
    port: pty?.path ?? '',
    get running() {
      return machine.running;
    },
    flash: flash.counts,
    get computedMs() {
      return machine.computedMs;
    },
    get shown() {
      return shown;
    },
    provision: (bootstrap) => self.provision(bootstrap).finally(lookNow),
    reset() {
      machine.reset();
      wake();
    },
    close,
  };
}

function alertIn(packet: Uint8Array): Alert | undefined {
  if ((packet[0]! & 7) !== OP.write) return undefined; // most of what an agent sends
  try {
    return alertOf(decodePacket(packet));
  } catch {
    return undefined;
  }
}

/** The agent that was built for its abilities, or another one. */
export async function loadAgent(wasm?: Uint8Array): Promise<WebAssembly.Module> {
  const name = agentName(await loadBoard(BOARD_NAME));
  const built = wasm ?? (await readFile(wasmFile(name)).catch((cause) => noAgent(name, cause)));
  return new WebAssembly.Module(new Uint8Array(built));
}

function noAgent(name: string, cause: unknown): never {
  throw new CountersignError('CoreUnavailable', `board: build/${name}.wasm is not there`, { cause });
}

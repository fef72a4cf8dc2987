// A board for tests: runs build/agent.wasm against a flash that is stricter than silicon and can lose power anywhere.
//
// The board refuses (by throwing, which ends the test) whatever hal.ts does not allow: unaligned addresses, anything
// outside the regions; the flash (flash.ts) refuses the rest, and cuts the power where it is told to. After a cut the
// agent's memory is gone: `reboot` gives it fresh memory.
import { readFileSync } from 'node:fs';
import { type BenchFlash, createFlash, type FlashMap, hex, PowerCut, type Untouched } from './flash.js';

const PAGE = 1024;
/** The flash of the micro:bit. */
export const MAP: FlashMap = {
  page: PAGE,
  primary: 0x10000,
  slotBytes: 87 * PAGE,
  secondary: 0x25c00,
  secondaryBytes: 88 * PAGE,
  state: 0x3c000,
  stateBytes: 16 * PAGE,
};

/** Another agent may be named: one with a planted bug, which the suites must find. */
const AGENT = process.env.COUNTERSIGN_AGENT ?? new URL('../../build/agent.wasm', import.meta.url);
const modules = new Map<string, WebAssembly.Module>();

export function agentModule(file: string | URL = AGENT): WebAssembly.Module {
  const known = modules.get(String(file));
  if (known) return known;
  const module = new WebAssembly.Module(readFileSync(file));
  modules.set(String(file), module);
  return module;
}

export interface FlashOptions {
  untouched?: Untouched;
}

export const benchFlash = ({ untouched = 'noise' }: FlashOptions = {}): BenchFlash => createFlash(MAP, untouched);

interface Exports {
  memory: WebAssembly.Memory;
  input(): number;
  inputBytes(): number;
  start(): void;
  reside(): void;
  receive(link: number, length: number): void;
  tick(milliseconds: number): void;
  busy(): number;
}

export interface Listener {
  hear(what: number, bytes?: Uint8Array): void;
  /** All that is left of the board, but for its flash. */
  reset(...left: number[]): void;
}
const HEARD = { run: 1, tick: 2, restart: 4, asking: 8, received: 16, sent: 32 }; // and 0 or 1, or the link

export interface BenchOptions {
  module?: WebAssembly.Module;
  chance?: number; // where the board's random numbers begin
  copies?: boolean; // the image runs from a copy in RAM
  // Hears the conversation of the board with whoever tests it, word for word, and of each reset.
  listener?: Listener;
  // What a module imports besides the HAL.
  more?: (memory: () => WebAssembly.Memory) => Record<string, Record<string, (...numbers: number[]) => unknown>>;
}

export type Board = ReturnType<typeof bench>;

export function bench(
  flash: BenchFlash = benchFlash(),
  { module = agentModule(), chance = 1, copies = false, listener, more }: BenchOptions = {},
) {
  const { map } = flash;
  let exports: Exports;
  let memory = new Uint8Array(); // of the agent; it never grows
  let nonce = chance;
  const board = {
    flash,
    sent: [] as { link: number; bytes: Uint8Array }[],
    clock: 0n,
    mailbox: 0,
    watchdog: 0, // seconds that the image may go without feeding it
    press: 0, // what the person at the device answers next: 1 yes, 2 no
    asking: 0, // what the agent last told the board
    // Answers an APDU; undefined: silence. A board without a card interface has none.
    card: undefined as ((command: Uint8Array) => Uint8Array | undefined) | undefined,
    tampered: false, // somebody else writes into the agent's memory: it may want anything, and is refused as by the port
    restarts: [] as number[], // 0 into the agent, 1 into the image
    copy: new Uint8Array(copies ? map.slotBytes : 0), // what runs where it is a copy; a reset leaves it
    running: 'agent' as 'agent' | 'image' | 'resident' | 'off',

    reboot() {
      board.running = 'agent';
      board.asking = 0;
      listener?.reset(board.mailbox, board.press, nonce, Number(board.clock));
      renew();
      guarded(() => exports.start());
    },
    // The image calls the agent from now on.
    reside() {
      if (board.running !== 'image') throw new Error(`bench: ${board.running} is no application`);
      board.running = 'resident';
      renew();
      exports.reside();
      guarded(() => exports.start());
    },
    /** Is there an agent that hears? */
    serves: (): boolean => board.running === 'agent' || board.running === 'resident',
    // The application does nothing for so long, and feeds no watchdog either.
    hang(seconds: number) {
      if (board.running === 'image' && board.watchdog !== 0 && seconds >= board.watchdog) board.reboot();
    },
    // A whole packet, or a piece of the console's stream.
    receive(link: number, bytes: Uint8Array) {
      if (!serves()) return;
      listener?.hear(HEARD.received + link, bytes);
      const room = exports.inputBytes();
      for (let at = 0; at < bytes.length || at === 0; at += room) {
        const piece = bytes.subarray(at, at + room);
        memory.set(piece, exports.input());
        guarded(() => exports.receive(link, piece.length));
      }
    },
    tick(milliseconds: number) {
      listener?.hear(HEARD.tick);
      pass(milliseconds);
    },
    // Lets time pass until the agent leaves, or `milliseconds` are over.
    run(milliseconds = 1000) {
      listener?.hear(HEARD.run);
      for (let t = 0; t < milliseconds && serves(); t += 50) {
        pass(50);
        while (serves() && exports.busy()) pass(0);
      }
    },
    // Starts over after a restart(0) until the agent stays or an image runs.
    settle(milliseconds = 20_000) {
      for (let i = 0; i < 20; i++) {
        board.run(milliseconds);
        if (board.running === 'off') board.reboot();
        else return;
      }
      throw new Error('bench: the agent resets for ever');
    },
    takeSent(link = 0): Uint8Array {
      const mine = board.sent.filter((item) => item.link === link).map((item) => item.bytes);
      board.sent = board.sent.filter((item) => item.link !== link);
      return Buffer.concat(mine);
    },
    memory: () => memory,
  };

  const { serves } = board;
  const renew = () => {
    exports = new WebAssembly.Instance(module, { hal, ...more?.(() => exports.memory) }).exports as unknown as Exports;
    memory = new Uint8Array(exports.memory.buffer);
  };
  const pass = (milliseconds: number) => {
    if (serves()) guarded(() => exports.tick(milliseconds));
  };

  // After a reset nothing of this life may go on: the agent is cut off by an exception where a chip would not return.
  const RESET = new Error('reset');
  function guarded(call: () => void) {
    try {
      call();
    } catch (error) {
      if (error instanceof PowerCut) board.running = 'off';
      if (error !== RESET) throw error;
    }
  }

  const bytesAt = (at: number, length: number) => memory.subarray(at, at + length);
  // Regions stand one behind the other (design of a map); the agent's own flash in front of them is nobody's.
  const inside = (offset: number, length: number) => {
    const end = offset + length;
    if (offset < map.secondary) return offset >= map.primary && end <= map.primary + map.slotBytes;
    if (offset < map.state) return end <= map.secondary + map.secondaryBytes;
    return end <= map.state + map.stateBytes;
  };
  // Beside an application it changes nothing but the secondary slot.
  const mayChange = (offset: number, length: number) =>
    inside(offset, length) && (board.running !== 'resident' || (offset >= map.secondary && offset < map.state));
  const demand = (good: boolean, what: string, offset: number, length: number) => {
    if (!good) throw new Error(`hal: ${what}: ${hex(offset)}, ${length}`);
  };

  const MAP_NUMBERS = [
    map.page,
    ...[map.primary, map.slotBytes],
    ...[map.secondary, map.secondaryBytes],
    ...[map.state, map.stateBytes],
    ...[map.unit ?? 4, Number(map.toZero ?? false), Number(map.overwrites ?? false)],
  ];

  const hal = {
    flash_read(offset: number, to: number, length: number) {
      demand(inside(offset, length), 'read outside the regions', offset, length);
      return flash.read(offset, memory, to, length);
    },
    flash_write(offset: number, from: number, length: number) {
      if (board.tampered && !mayChange(offset, length)) return -1;
      demand(mayChange(offset, length), 'write outside the regions', offset, length);
      demand(from % 4 === 0, 'write from an unaligned address', from, length);
      if (flash.fails()) return -1;
      flash.write(offset, bytesAt(from, length));
      return 0;
    },
    flash_erase(offset: number, length: number) {
      if (board.tampered && !mayChange(offset, length)) return -1;
      demand(mayChange(offset, length), 'erase outside the regions', offset, length);
      if (flash.fails()) return -1;
      flash.erase(offset, length);
      return 0;
    },
    flash_map: (what: number) => MAP_NUMBERS[what]!,
    image_read(at: number, to: number, length: number) {
      demand(board.running === 'agent', 'an image is read that does not start', at, length);
      demand(at >= 0 && at + length <= map.slotBytes, 'read outside the image', at, length);
      if (!copies) return flash.read(map.primary + at, memory, to, length);
      const failed = flash.read(map.primary + at, board.copy, at, length);
      memory.set(board.copy.subarray(at, at + length), to);
      return failed;
    },
    link_write(link: number, from: number, length: number) {
      const bytes = bytesAt(from, length).slice();
      board.sent.push({ link, bytes });
      listener?.hear(HEARD.sent + link, bytes);
    },
    random(to: number, length: number) {
      for (let i = 0; i < length; i++) {
        nonce = (nonce * 75 + 74) % 65537;
        bytesAt(to, length)[i] = nonce;
      }
    },
    clock: () => board.clock,
    card(command: number, length: number, response: number, capacity: number) {
      const answer = board.card?.(bytesAt(command, length).slice());
      if (!answer) return board.card ? -2 : -1;
      demand(answer.length <= capacity, 'the card answers more than there is room for', answer.length, capacity);
      bytesAt(response, answer.length).set(answer);
      return answer.length;
    },
    user(asking: number) {
      if (asking !== board.asking) listener?.hear(HEARD.asking + asking);
      board.asking = asking;
      const pressed = board.press;
      board.press = 0;
      return pressed;
    },
    watchdog(seconds: number) {
      board.watchdog = seconds;
    },
    mailbox() {
      const word = board.mailbox;
      board.mailbox = 0;
      return word;
    },
    restart(into: number) {
      board.restarts.push(into);
      listener?.hear(HEARD.restart + into);
      board.running = into === 1 ? 'image' : 'off';
      throw RESET;
    },
  };
  board.reboot();
  return board;
}

// A board for tests: runs build/agent.wasm against a flash that is stricter than silicon and can lose power anywhere.
//
// The flash refuses (by throwing, which ends the test) whatever hal.ts does not allow: unaligned or unerased writes,
// partial pages, anything outside the regions. It counts every operation and, when told, cuts the power at operation n
// in one of the ways a real cut looks. After a cut the agent's memory is gone: `reboot` gives it fresh memory.
import { readFileSync } from 'node:fs';

const PAGE = 1024;
export const MAP = {
  page: PAGE,
  primary: 0x10000,
  slotBytes: 87 * PAGE,
  secondary: 0x25c00,
  secondaryBytes: 88 * PAGE,
  state: 0x3c000,
  stateBytes: 16 * PAGE,
} as const;
const FLASH_BYTES = 0x40000;

// Another agent may be named: one with a planted bug, which the suites must find.
const wasm = process.env.COUNTERSIGN_AGENT ?? new URL('../../build/agent.wasm', import.meta.url);
const module = new WebAssembly.Module(readFileSync(wasm));

export class PowerCut extends Error {}

// How a cut looks: before the operation, after it, or torn in the middle of it.
export type Cut = 'before' | 'torn' | 'after';

export interface FlashOptions {
  // What a page holds that was never erased.
  untouched?: 'noise' | 'zero' | 'erased';
}

export type BenchFlash = ReturnType<typeof benchFlash>;

export function benchFlash({ untouched = 'noise' }: FlashOptions = {}) {
  let seed = 0x2545f491;
  const noise = () => {
    seed ^= seed << 13;
    seed ^= seed >>> 17;
    seed ^= seed << 5;
    return seed & 0xff;
  };
  const bytes = new Uint8Array(FLASH_BYTES);
  if (untouched !== 'zero') for (let i = 0; i < FLASH_BYTES; i++) bytes[i] = untouched === 'noise' ? noise() : 0xff;
  const writable = new Uint8Array(FLASH_BYTES / 4).fill(untouched === 'erased' ? 1 : 0);
  const flash = {
    bytes,
    writable,
    reads: 0,
    writes: [] as { offset: number; length: number }[],
    erases: [] as { offset: number; length: number }[],
    // Operations (one per word written, one per page erased) since the last `arm`; the cut comes at number `cutAt`.
    operations: 0,
    edges: [] as number[], // first and last operation of each call since `arm`
    cutAt: Number.POSITIVE_INFINITY,
    cut: 'torn' as Cut,
    arm(cutAt = Number.POSITIVE_INFINITY, cut: Cut = 'torn') {
      flash.operations = 0;
      flash.edges = [];
      flash.cutAt = cutAt;
      flash.cut = cut;
    },
    forget() {
      flash.writes = [];
      flash.erases = [];
      flash.reads = 0;
    },
    copy(): Uint8Array[] {
      return [bytes.slice(), writable.slice()];
    },
    restore([content, words]: Uint8Array[]) {
      bytes.set(content!);
      writable.set(words!);
    },
    write(offset: number, data: Uint8Array) {
      flash.edges.push(flash.operations + 1, flash.operations + data.length / 4);
      for (let i = 0; i < data.length; i += 4) {
        const word = (offset + i) / 4;
        if (!writable[word]) throw new Error(`flash: word at ${hex(offset + i)} written twice or never erased`);
        const cutting = ++flash.operations === flash.cutAt;
        if (cutting && flash.cut === 'before') throw new PowerCut();
        writable[word] = 0;
        for (let k = 0; k < 4; k++) {
          const byte = data[i + k]!;
          // Torn: some of the bits that should become 0 have become 0.
          bytes[offset + i + k] = cutting && flash.cut === 'torn' ? byte | noise() : byte;
        }
        if (cutting) throw new PowerCut();
      }
    },
    erase(offset: number, length: number) {
      for (let page = 1; page <= length / PAGE; page++) flash.edges.push(flash.operations + page);
      for (let page = offset; page < offset + length; page += PAGE) {
        const cutting = ++flash.operations === flash.cutAt;
        if (cutting && flash.cut === 'before') throw new PowerCut();
        if (cutting && flash.cut === 'torn') {
          for (let i = 0; i < PAGE; i++) bytes[page + i] = noise();
          writable.fill(0, page / 4, (page + PAGE) / 4);
        } else {
          bytes.fill(0xff, page, page + PAGE);
          writable.fill(1, page / 4, (page + PAGE) / 4);
        }
        if (cutting) throw new PowerCut();
      }
    },
  };
  return flash;
}

const hex = (n: number) => `0x${n.toString(16)}`;

interface Exports {
  memory: WebAssembly.Memory;
  input(): number;
  inputBytes(): number;
  start(): void;
  receive(link: number, length: number): void;
  tick(milliseconds: number): void;
  busy(): number;
}

export type Board = ReturnType<typeof bench>;

export function bench(flash: BenchFlash = benchFlash()) {
  let exports: Exports;
  let nonce = 1;
  const board = {
    flash,
    sent: [] as { link: number; bytes: Uint8Array }[],
    clock: 0n,
    mailbox: 0,
    press: 0, // what the person at the device answers next: 1 yes, 2 no
    asking: 0, // what the agent last told the board
    // Answers an APDU; undefined: silence. A board without a card interface has none.
    card: undefined as ((command: Uint8Array) => Uint8Array | undefined) | undefined,
    restarts: [] as number[], // 0 into the agent, 1 into the image
    running: 'agent' as 'agent' | 'image' | 'off',

    reboot() {
      board.running = 'agent';
      board.asking = 0;
      exports = new WebAssembly.Instance(module, { hal }).exports as unknown as Exports;
      guarded(() => exports.start());
    },
    // A whole packet, or a piece of the console's stream.
    receive(link: number, bytes: Uint8Array) {
      if (board.running !== 'agent') return;
      const room = exports.inputBytes();
      for (let at = 0; at < bytes.length || at === 0; at += room) {
        const piece = bytes.subarray(at, at + room);
        new Uint8Array(exports.memory.buffer).set(piece, exports.input());
        guarded(() => exports.receive(link, piece.length));
      }
    },
    tick(milliseconds: number) {
      if (board.running === 'agent') guarded(() => exports.tick(milliseconds));
    },
    // Lets time pass until the agent leaves, or `milliseconds` are over.
    run(milliseconds = 1000) {
      for (let t = 0; t < milliseconds && board.running === 'agent'; t += 50) {
        board.tick(50);
        while (board.running === 'agent' && exports.busy()) board.tick(0);
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
    memory: () => new Uint8Array(exports.memory.buffer),
  };

  // After a reset nothing of this life may go on: the agent is cut off by an exception where a chip would not return.
  class Reset extends Error {}
  function guarded(call: () => void) {
    try {
      call();
    } catch (error) {
      if (error instanceof PowerCut) board.running = 'off';
      if (!(error instanceof Reset)) throw error;
    }
  }

  const bytesAt = (at: number, length: number) => new Uint8Array(exports.memory.buffer, at, length);
  const inside = (offset: number, length: number) =>
    [
      [MAP.primary, MAP.slotBytes],
      [MAP.secondary, MAP.secondaryBytes],
      [MAP.state, MAP.stateBytes],
    ].some(([start, bytes]) => offset >= start! && offset + length <= start! + bytes!);
  const demand = (good: boolean, what: string) => {
    if (!good) throw new Error(`hal: ${what}`);
  };

  const hal = {
    flash_read(offset: number, to: number, length: number) {
      demand(inside(offset, length), `read outside the regions: ${hex(offset)} + ${length}`);
      flash.reads++;
      bytesAt(to, length).set(flash.bytes.subarray(offset, offset + length));
      return 0;
    },
    flash_write(offset: number, from: number, length: number) {
      demand(inside(offset, length), `write outside the regions: ${hex(offset)} + ${length}`);
      demand((offset | from | length) % 4 === 0, `unaligned write: ${hex(offset)} from ${hex(from)}, ${length}`);
      flash.writes.push({ offset, length });
      flash.write(offset, bytesAt(from, length));
      return 0;
    },
    flash_erase(offset: number, length: number) {
      demand(inside(offset, length), `erase outside the regions: ${hex(offset)} + ${length}`);
      demand(offset % PAGE === 0 && length % PAGE === 0 && length > 0, `erase of partial pages: ${hex(offset)}`);
      flash.erases.push({ offset, length });
      flash.erase(offset, length);
      return 0;
    },
    flash_map: (what: number) =>
      [PAGE, MAP.primary, MAP.slotBytes, MAP.secondary, MAP.secondaryBytes, MAP.state, MAP.stateBytes][what]!,
    link_write(link: number, from: number, length: number) {
      board.sent.push({ link, bytes: bytesAt(from, length).slice() });
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
      demand(answer.length <= capacity, `card answers ${answer.length} bytes, room for ${capacity}`);
      bytesAt(response, answer.length).set(answer);
      return answer.length;
    },
    user(asking: number) {
      board.asking = asking;
      const pressed = board.press;
      board.press = 0;
      return pressed;
    },
    mailbox() {
      const word = board.mailbox;
      board.mailbox = 0;
      return word;
    },
    restart(into: number) {
      board.restarts.push(into);
      board.running = into === 1 ? 'image' : 'off';
      throw new Reset();
    },
  };
  board.reboot();
  return board;
}

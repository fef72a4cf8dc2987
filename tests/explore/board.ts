// A board for the exploration: runs an agent on a flash that is stricter than silicon, fast enough for thousands of calls
// a second. The same class runs build/agent.wasm as it ships, when a finding is replayed (replay.ts).
//
// Throws Fault at whatever hal.ts does not allow. Notes of each page of the secondary slot over which lines its bytes came.
// Can lose power before any call of the flash, and let one fail. Keeps a transcript of all that was done to it, if wanted.

import { createPublicKey, verify } from 'node:crypto';
import { p256 } from '@noble/curves/nist.js';

export const PAGE = 256;
const HEAD_PAGES = 8; // 2048 bytes of head
export const IMAGE_PAGES = 5; // three blocks of what the device fetches
export const PRIMARY = 0x1000;
export const PRIMARY_PAGES = IMAGE_PAGES + HEAD_PAGES;
export const SECONDARY = PRIMARY + PRIMARY_PAGES * PAGE;
export const SECONDARY_PAGES = PRIMARY_PAGES + 1; // one to spare for the swap
export const STAGED = SECONDARY + PAGE; // where slots.ts has what is staged
export const STATE = SECONDARY + SECONDARY_PAGES * PAGE;
const STATE_PAGES = 64;
export const BANK_BYTES = (STATE_PAGES / 2) * PAGE;
export const END = STATE + STATE_PAGES * PAGE;
export const SLOT_PAGES = PRIMARY_PAGES + SECONDARY_PAGES;
const MAP = [
  ...[PAGE, PRIMARY, PRIMARY_PAGES * PAGE, SECONDARY, SECONDARY_PAGES * PAGE],
  ...[STATE, STATE_PAGES * PAGE],
];
const RESETS_MAX = 20; // in a row, without anybody saying anything
const BUSY_MAX = 500;

/** The agent asked of its board what no agent may, or never came to an end. */
export class Fault extends Error {}
export class PowerCut extends Error {}
const RESET = new Error('reset');

export interface Exports {
  memory: WebAssembly.Memory;
  input(): number;
  inputBytes(): number;
  start(): void;
  receive(link: number, length: number): void;
  tick(milliseconds: number): void;
  busy(): number;
  globals_out?(): void; // of the agent as build.ts compiles it
  globals_in?(): void;
}

/** What was done to a board. */
export type Deed =
  | { do: 'boot'; mailbox: number }
  | { do: 'receive'; link: number; bytes: Uint8Array }
  | { do: 'tick'; ms: number; press: number }
  | { do: 'clock'; seconds: number }
  | { do: 'cut'; at: number } // the power goes before this call of the flash, counted from here
  | { do: 'fail'; at: number } // this one does nothing, and says so
  | { do: 'scribble'; at: number; bytes: Uint8Array; lines: number }; // an application writes whole pages

export type Running = 'agent' | 'image';

export class Board {
  readonly bytes = new Uint8Array(END).fill(0x5a); // untouched flash is noise
  readonly writable = new Uint8Array(END / 4); // of each word: erased, and not written since
  readonly from = new Uint8Array(SLOT_PAGES); // of each page: mask of the lines over which its bytes came
  readonly dirty = new Uint8Array(SLOT_PAGES); // of the slots: touched since a state was loaded
  readonly touched = new Uint8Array(END / PAGE).fill(1); // of all flash: not as that state has it
  storeTouched = true; // the same of the settings
  storeChanges = 0; // how often the settings were touched
  readonly module: WebAssembly.Module;
  exports!: Exports;
  memory = new Uint8Array(); // of the agent; it never grows
  running: Running = 'agent';
  clock = 0; // trusted seconds, 0 none
  mailbox = 0;
  press = 0; // 1 yes, 2 no: what the person answers at the next look
  lookedAt = false; // the agent has looked at the button
  told = 0; // what the agent last told the board: 1 asking
  lines = 0; // mask: over which lines came what the agent has of the package under way
  sent: [link: number, bytes: Uint8Array][] = [];
  drawn = 0; // random numbers
  calls = 0; // of the flash, that change it
  cutAt = 0;
  failAt = 0;
  resets = 0;
  planted = 0; // the plant that is in force, by its number from 1 on
  bottomless = false; // what strangers may wear out has no bound (table.ts, ACCOUNT)
  transcript: Deed[] | undefined;
  after: (() => void) | undefined; // each call of the agent that came back
  looked: ((asking: number) => void) | undefined; // the agent looks at the button

  constructor(module: WebAssembly.Module) {
    this.module = module;
    this.renew();
  }

  /** The agent on fresh memory. */
  renew(): void {
    this.exports = new WebAssembly.Instance(this.module, this.imports()).exports as unknown as Exports;
    this.memory = new Uint8Array(this.exports.memory.buffer);
  }

  boot(): void {
    this.transcript?.push({ do: 'boot', mailbox: this.mailbox });
    this.restart();
  }

  private restart(): void {
    this.renew();
    this.running = 'agent';
    this.told = 0;
    this.press = 0;
    this.lines = 0;
    this.call(() => this.exports.start());
  }

  receive(link: number, bytes: Uint8Array): void {
    this.transcript?.push({ do: 'receive', link, bytes: bytes.slice() });
    if (this.running !== 'agent') return;
    this.resets = 0;
    const room = 640; // half of inputBytes(): a console's stream comes in pieces
    for (let at = 0; at < bytes.length && this.running === 'agent'; at += room) {
      const piece = bytes.subarray(at, at + room);
      this.memory.set(piece, this.exports.input());
      this.call(() => this.exports.receive(link, piece.length));
    }
  }

  tick(ms: number): void {
    this.transcript?.push({ do: 'tick', ms, press: this.press });
    if (this.running !== 'agent') return;
    this.resets = 0;
    this.call(() => this.exports.tick(ms));
  }

  /** Work that waits: the pieces of a swap. */
  drain(): void {
    for (let i = 0; this.running === 'agent' && this.exports.busy(); i++) {
      if (i > BUSY_MAX) throw new Fault('busy for ever');
      this.tick(0);
    }
  }

  setClock(seconds: number): void {
    this.transcript?.push({ do: 'clock', seconds });
    this.clock = seconds;
  }

  /** At call `at` of the flash from here the power goes, or the call fails; 0: neither. */
  arm(at: number, way: 'cut' | 'fail' = 'cut'): void {
    if (at) this.transcript?.push({ do: way, at });
    this.calls = 0;
    this.cutAt = way === 'cut' ? at : 0;
    this.failAt = way === 'fail' ? at : 0;
  }

  /** After a PowerCut: power comes back. What waited for the agent is gone. */
  powerUp(): void {
    this.cutAt = 0;
    this.mailbox = 0;
    this.boot();
  }

  private call(run: () => void): void {
    try {
      run();
    } catch (error) {
      if (error !== RESET) throw error;
      if (this.running === 'image') return;
      if (++this.resets > RESETS_MAX) throw new Fault('resets for ever');
      this.restart();
      return;
    }
    this.after?.();
  }

  private need(good: boolean, what: string): void {
    if (!good) throw new Fault(what);
  }

  private inside(offset: number, length: number): boolean {
    const end = offset + length;
    if (offset < SECONDARY) return offset >= PRIMARY && end <= SECONDARY;
    return offset < STATE ? end <= STATE : end <= END;
  }

  /** False: this call fails. */
  /** Whole pages of the secondary slot become what somebody else writes there, who may have had it over any of `lines`. */
  scribble(at: number, bytes: Uint8Array, lines: number): void {
    this.transcript?.push({ do: 'scribble', at, bytes, lines });
    this.arm(0);
    this.change(at, bytes.length, 0);
    this.bytes.set(bytes, at);
    this.writable.fill(0, at >> 2, (at + bytes.length) >> 2);
    for (let page = 0; page < bytes.length / PAGE; page++) this.from[(at - PRIMARY) / PAGE + page] = lines;
  }

  private change(offset: number, length: number, lines: number): boolean {
    if (++this.calls === this.cutAt) throw new PowerCut('power cut');
    if (this.calls === this.failAt) return false;
    this.touched.fill(1, Math.floor(offset / PAGE), Math.ceil((offset + length) / PAGE));
    if (offset >= STATE) {
      this.storeTouched = true;
      this.storeChanges++;
      return true;
    }
    const last = Math.ceil((offset + length - PRIMARY) / PAGE);
    for (let page = Math.floor((offset - PRIMARY) / PAGE); page < last; page++) {
      this.dirty[page] = 1;
      this.from[page] = lines === 0 || page < PRIMARY_PAGES ? 0 : this.from[page]! | lines;
    }
    return true;
  }

  private imports(): Record<string, Record<string, unknown>> {
    return { hal: this.hal(), crypto: this.crypto() };
  }

  private hal(): Record<string, unknown> {
    return {
      clock: () => BigInt(this.clock),
      random: (to: number, length: number) => this.memory.fill(0x80 + (++this.drawn & 63), to, to + length),
      mailbox: () => {
        const word = this.mailbox;
        this.mailbox = 0;
        return word;
      },
      flash_map: (what: number) => MAP[what],
      flash_read: (offset: number, to: number, length: number) => {
        this.need(this.inside(offset, length), 'read outside the regions');
        const { memory, bytes } = this;
        if (length <= 16) for (let i = 0; i < length; i++) memory[to + i] = bytes[offset + i]!;
        else memory.set(bytes.subarray(offset, offset + length), to);
        return 0;
      },
      flash_write: (offset: number, from: number, length: number) => {
        this.need(this.inside(offset, length), 'write outside the regions');
        this.need(((offset | length | from) & 3) === 0, 'unaligned write');
        if (!this.change(offset, length, this.lines)) return -1;
        for (let word = offset >> 2; word < (offset + length) >> 2; word++) {
          this.need(this.writable[word] === 1, `word at ${word << 2} written twice or never erased`);
          this.writable[word] = 0;
        }
        this.bytes.set(this.memory.subarray(from, from + length), offset);
        return 0;
      },
      flash_erase: (offset: number, length: number) => {
        this.need(this.inside(offset, length), 'erase outside the regions');
        this.need(offset % PAGE === 0 && length % PAGE === 0 && length > 0, 'half a page erased');
        if (!this.change(offset, length, 0)) return -1;
        this.bytes.fill(0xff, offset, offset + length);
        this.writable.fill(1, offset >> 2, (offset + length) >> 2);
        return 0;
      },
      card: () => -1,
      link_write: (link: number, from: number, length: number) => {
        this.sent.push([link, this.memory.slice(from, from + length)]);
      },
      watchdog: () => {},
      restart: (into: number) => {
        if (into === 1) this.running = 'image';
        throw RESET;
      },
      user: (asking: number) => {
        this.told = asking;
        this.lookedAt = true;
        this.looked?.(asking);
        const pressed = this.press;
        this.press = 0;
        return pressed;
      },
    };
  }

  // The host's Ed25519 and P-256; the agent as it ships has its own and asks for nothing here.
  private crypto(): Record<string, unknown> {
    let parts: Buffer[] = [];
    const copy = (at: number, length: number) => Buffer.from(this.memory.subarray(at, at + length));
    return {
      planted: (fault: number) => Number(fault === 0 ? this.bottomless : fault === this.planted),
      begin: (key: number, signature: number) => {
        parts = [copy(key, 32), copy(signature, 64)];
      },
      update: (from: number, length: number) => void parts.push(copy(from, length)),
      finish: () => remembered(Buffer.concat(parts), checkEd25519),
      p256: (key: number, digest: number, signature: number) =>
        remembered(Buffer.concat([copy(key, 64), copy(signature, 64), copy(digest, 32)]), checkP256),
    };
  }
}

const answers = new Map<string, number>();

function remembered(question: Buffer, check: (question: Buffer) => boolean): number {
  const name = question.toString('latin1');
  let answer = answers.get(name);
  if (answer === undefined) {
    answer = Number(check(question));
    answers.set(name, answer);
  }
  return answer;
}

function checkEd25519(question: Buffer): boolean {
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: question.subarray(0, 32).toString('base64url') };
  const key = createPublicKey({ key: jwk, format: 'jwk' });
  return verify(null, question.subarray(96), key, question.subarray(32, 96));
}

function checkP256(question: Buffer): boolean {
  const key = Buffer.concat([Buffer.of(4), question.subarray(0, 64)]);
  return p256.verify(question.subarray(64, 128), question.subarray(128), key, { prehash: false, lowS: false });
}

// The whole of a device as it stood when a state was put back: to begin there again, and to see what an event left alone.

import { type Board, END, PAGE, type Running, SLOT_PAGES } from './board.js';
import type { Settings } from './store.js';

const WORDS = PAGE / 4;

export class Image {
  state: Uint16Array | undefined;
  readonly memory: Uint8Array; // of the agent, with the copies of its globals
  readonly words: Int32Array;
  settings: Settings = new Map();
  ghost: unknown;
  ghostText = '';
  running: Running = 'agent';
  clock = 0;
  mailbox = 0;
  private readonly bytes = new Uint8Array(END);
  private readonly writable = new Uint8Array(END / 4);
  private readonly from = new Uint8Array(SLOT_PAGES);

  constructor(memoryBytes: number) {
    this.memory = new Uint8Array(memoryBytes);
    this.words = new Int32Array(this.memory.buffer);
  }

  isOf(state: Uint16Array): boolean {
    const mine = this.state;
    if (!mine) return false;
    for (let i = 0; i < mine.length; i++) if (mine[i] !== state[i]) return false;
    return true;
  }

  /** in: a device that was just composed out of this state, and nothing happened to it */
  take(device: Board, state: Uint16Array, settings: Settings, ghost: unknown): void {
    this.state = state.slice();
    this.settings = settings;
    this.ghost = ghost;
    this.ghostText = JSON.stringify(ghost);
    this.running = device.running;
    this.clock = device.clock;
    this.mailbox = device.mailbox;
    this.memory.set(device.memory.subarray(0, this.memory.length));
    this.bytes.set(device.bytes);
    this.writable.set(device.writable);
    this.from.set(device.from);
  }

  /** in: a device that had this state; what of its flash is not as it was then is marked as touched */
  putBack(device: Board): void {
    device.running = this.running;
    device.clock = this.clock;
    device.mailbox = this.mailbox;
    device.memory.set(this.memory);
    device.exports.globals_in!();
    device.from.set(this.from);
    const { touched } = device;
    for (let page = touched.indexOf(1); page >= 0; page = touched.indexOf(1, page + 1)) {
      device.bytes.set(this.bytes.subarray(page * PAGE, (page + 1) * PAGE), page * PAGE);
      device.writable.set(this.writable.subarray(page * WORDS, (page + 1) * WORDS), page * WORDS);
    }
  }
}

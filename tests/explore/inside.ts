// What the explored agent has inside: its records and globals, by the names that they have in the sources.

import { Board, Fault } from './board.js';
import { AGENT_BYTES, type Agent, GLOBAL_BYTES, type Layout } from './build.js';
import { check } from './table.js';

export interface Global {
  value: number | bigint;
}
export interface Room {
  at: number;
  size: number;
}

const NONE: readonly string[] = [];

export class Inside extends Board {
  readonly agent: Agent;
  readonly rooms: Record<string, Room> = {};
  protected readonly globals: Record<string, Global> = {};
  protected readonly buffer: Buffer;
  protected readonly words: Int32Array;
  private readonly copies: Record<string, Global> = {};
  private readonly first: Uint8Array | undefined;
  private readonly view: DataView;
  private readonly wholes = new Map<string, Buffer>();
  private readonly lists = new Map<readonly string[], Room[]>();

  constructor(agent: Agent) {
    super(agent.module);
    this.agent = agent;
    this.view = new DataView(this.memory.buffer);
    this.buffer = Buffer.from(this.memory.buffer);
    this.words = new Int32Array(this.memory.buffer);
    let copy = AGENT_BYTES;
    for (const [name, value] of Object.entries(this.exports)) {
      const exported = value as unknown;
      if (name.startsWith('global ')) {
        this.globals[name.slice(7)] = exported as Global;
        this.copies[name.slice(7)] = this.copyAt(copy, typeof (exported as Global).value === 'bigint');
        copy += GLOBAL_BYTES;
      }
      if (!name.startsWith('at_')) continue;
      const bytes = (this.exports as unknown as Record<string, () => number>)[`bytes_${name.slice(3)}`]!;
      this.rooms[name.slice(3)] = { at: (exported as () => number)(), size: bytes() };
    }
    check(this.rooms, this.globals, agent);
    this.exports.globals_out!();
    this.first = this.memory.slice(0, copy);
  }

  override renew(): void {
    if (!this.first) super.renew();
    else {
      this.memory.set(this.first);
      this.exports.globals_in!();
    }
  }

  /** The agent's own; each look costs as much as a call. */
  global(name: string): Global {
    const global = this.globals[name];
    if (!global) throw new Error(`explore: the agent has no global ${name}`);
    return global;
  }
  /** Its copy in memory, while a state is taken or put back. */
  copy(name: string): Global {
    const copy = this.copies[name];
    if (!copy) throw new Error(`explore: the agent has no global ${name}`);
    return copy;
  }
  private copyAt(at: number, wide: boolean): Global {
    const { view } = this;
    return {
      get value() {
        return wide ? view.getBigInt64(at, true) : view.getInt32(at, true);
      },
      set value(value) {
        if (wide) view.setBigInt64(at, BigInt(value), true);
        else view.setInt32(at, Number(value), true);
      },
    };
  }
  allGlobals(): Global[] {
    return Object.values(this.globals);
  }
  is(name: string): boolean {
    return Number(this.copy(name).value) !== 0;
  }
  room(name: string): Room {
    const room = this.rooms[name];
    if (!room) throw new Error(`explore: the agent has no record ${name}`);
    return room;
  }
  /** Zeros, in all of these records, and in the copies of these globals. */
  clear(names: readonly string[], globals: readonly string[] = NONE): void {
    for (const { at, size } of this.placesOf(names)) this.memory.fill(0, at, at + size);
    for (const { at } of this.placesOf(globals)) this.words[at / 4] = this.words[at / 4 + 1] = 0;
  }
  protected placesOf(names: readonly string[]): Room[] {
    let places = this.lists.get(names);
    if (!places) {
      const all = Object.keys(this.globals);
      const global = (name: string) => ({ at: AGENT_BYTES + GLOBAL_BYTES * all.indexOf(name), size: GLOBAL_BYTES });
      places = names.map((name) => (this.globals[name] ? global(name) : this.room(name)));
      this.lists.set(names, places);
    }
    return places;
  }
  bytesOf(name: string): Buffer {
    let whole = this.wholes.get(name);
    if (!whole) {
      const { at, size } = this.room(name);
      whole = this.buffer.subarray(at, at + size);
      this.wholes.set(name, whole);
    }
    return whole;
  }
  /** The same by addresses, for who looks after every call. */
  wordAt(at: number): number {
    return this.view.getUint32(at, true);
  }
  bytesAt(at: number, length: number): Buffer {
    return this.buffer.subarray(at, at + length);
  }
  layout(of: string): Layout {
    const layout = this.agent.classes[of];
    if (!layout) throw new Error(`explore: the sources have no class ${of}`);
    return layout;
  }
  word(name: string, from = 0): number {
    return this.view.getUint32(this.room(name).at + from, true);
  }
  setWord(name: string, from: number, value: number): void {
    this.view.setUint32(this.room(name).at + from, value, true);
  }

  expect(good: boolean, what: string): void {
    if (!good) throw new Fault(what);
  }
}

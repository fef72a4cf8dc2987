// The agent under exploration: a board whose whole state can be taken, compared and put back.
//
// A state is everything that the next call can depend on: the agent's memory and globals, its settings in flash, the pages
// of both slots, what stands outside (clock, mailbox, what runs, what the board was told) and the oracle's ghost. Before it
// is taken, what cannot matter is overwritten in the device itself (table.ts says what, canonical.ts why): a state that was put
// back is a device that could have come about, not a projection of one. What the table does not name counts as state.
//
// Each part of a state is kept once; a state is a vector of numbers of parts.

import { Board, Fault, IMAGE_PAGES, PAGE, PRIMARY, PRIMARY_PAGES, type Running, SLOT_PAGES } from './board.js';
import type { Agent, Layout } from './build.js';
import { begin, settle } from './canonical.js';
import { slots } from './sight.js';
import { layOut, readSettings, type Settings } from './store.js';
import * as table from './table.js';

export interface Global {
  value: number | bigint;
}
export interface Room {
  at: number;
  size: number;
}
type Part = unknown;
export type State = Uint16Array;

const PARTS_MAX = 0xffff;
const AGENT_BYTES = 32768; // of memory; the agent has less
const SPOILT = 0xa5;
const NOISE = 0x5a;

interface Outside {
  running: Running;
  clock: number;
  mailbox: number;
}

export class Device<Ghost = unknown> extends Board {
  readonly agent: Agent;
  readonly rooms: Record<string, Room> = {};
  readonly fields: string[];
  readonly width: number;
  settings: Settings = new Map();
  loaded: State | undefined;
  /** Kept in common by devices whose states are compared. */
  ids: Map<unknown, number>[];
  parts: Part[][];
  private readonly globals: Record<string, Global> = {};
  private readonly first: { memory: Uint8Array; globals: [Global, number | bigint][] } | undefined;
  private readonly view: DataView;
  private readonly buffer: Buffer;
  private readonly stateGlobals: Global[];
  private readonly stateRooms: Room[];
  private readonly keys: number[];
  private readonly vector: State;
  private readonly at: { globals: number; rooms: number; keys: number; pages: number; ghost: number };

  constructor(agent: Agent, like?: Device<Ghost>) {
    super(agent.module);
    this.agent = agent;
    this.view = new DataView(this.memory.buffer);
    this.buffer = Buffer.from(this.memory.buffer);
    for (const [name, value] of Object.entries(this.exports)) {
      const exported = value as unknown;
      if (name.startsWith('global ')) this.globals[name.slice(7)] = exported as Global;
      if (!name.startsWith('at_')) continue;
      const bytes = (this.exports as unknown as Record<string, () => number>)[`bytes_${name.slice(3)}`]!;
      this.rooms[name.slice(3)] = { at: (exported as () => number)(), size: bytes() };
    }
    table.check(this.rooms, this.globals, agent);
    this.first = {
      memory: this.memory.slice(0, AGENT_BYTES),
      globals: Object.values(this.globals).map((global) => [global, global.value]),
    };
    const globals = Object.keys(this.globals).filter((name) => !table.GLOBALS_WITHOUT_MEANING.includes(name));
    const rooms = Object.keys(this.rooms).filter((name) => !table.TURNS.includes(name));
    const keys = Object.entries(agent.keys).filter(([name]) => !table.SETTINGS_WITHOUT_MEANING.includes(name));
    this.stateGlobals = globals.map((name) => this.globals[name]!);
    this.stateRooms = rooms.map((name) => this.rooms[name]!);
    this.keys = keys.map(([, key]) => key);
    const pages = Array.from({ length: SLOT_PAGES }, (_, i) => `page ${i}`);
    const named = (kind: string, names: string[]) => names.map((name) => `${kind} ${name}`);
    this.fields = ['outside', 'settings with numbers', ...named('global', globals), ...named('record', rooms)];
    this.fields.push(...keys.map(([name]) => `setting ${name}`), ...pages, 'ghost');
    const start = 2 + globals.length;
    const ghost = this.fields.length - 1;
    this.at = { globals: 2, rooms: start, keys: start + rooms.length, pages: ghost - SLOT_PAGES, ghost };
    this.width = this.fields.length;
    this.vector = new Uint16Array(this.width);
    this.ids = like?.ids ?? this.fields.map(() => new Map());
    this.parts = like?.parts ?? this.fields.map(() => []);
  }

  override renew(): void {
    if (!this.first) super.renew();
    else {
      this.memory.set(this.first.memory);
      for (const [global, value] of this.first.globals) global.value = value;
    }
  }

  // --- Reading and writing what the agent has ---

  global(name: string): Global {
    const global = this.globals[name];
    if (!global) throw new Error(`explore: the agent has no global ${name}`);
    return global;
  }
  allGlobals(): Global[] {
    return Object.values(this.globals);
  }
  is(name: string): boolean {
    return Number(this.global(name).value) !== 0;
  }
  clearGlobal(name: string): void {
    const global = this.global(name);
    global.value = typeof global.value === 'bigint' ? 0n : 0;
  }
  room(name: string): Room {
    const room = this.rooms[name];
    if (!room) throw new Error(`explore: the agent has no record ${name}`);
    return room;
  }
  clear(name: string): void {
    const { at, size } = this.room(name);
    this.memory.fill(0, at, at + size);
  }
  bytesOf(name: string, from = 0, length = this.room(name).size - from): Buffer {
    const at = this.room(name).at + from;
    return this.buffer.subarray(at, at + length);
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

  // --- States ---

  /** The state that the device is in, in its canonical form; `faults`: what could not be brought into it. */
  save(ghost: Ghost): { state: State; faults: string[] } {
    const { vector, at, loaded } = this;
    this.settings = readSettings(this);
    const faults = settle(this, this.settings);
    const covered = this.settleSlots();
    const inAgent = this.running === 'agent';
    const { running, clock, mailbox } = this;
    vector[0] = this.number(0, `${running} ${clock} ${mailbox}`, { running, clock, mailbox });
    vector[1] = this.numbered();
    this.stateGlobals.forEach((global, i) => {
      const value = inAgent ? global.value : null;
      vector[at.globals + i] = this.number(at.globals + i, value, value);
    });
    this.stateRooms.forEach((room, i) => {
      vector[at.rooms + i] = inAgent ? this.same(at.rooms + i, room) : this.number(at.rooms + i, '', undefined);
    });
    this.keys.forEach((key, i) => {
      const value = this.settings.get(key);
      vector[at.keys + i] = this.number(at.keys + i, value ? value.toString('latin1') : '', value);
    });
    for (let page = 0; page < SLOT_PAGES; page++) {
      const field = at.pages + page;
      if (!covered[page]) vector[field] = this.number(field, '', undefined);
      else if (loaded && !this.dirty[page] && this.parts[field]![loaded[field]!]) vector[field] = loaded[field]!;
      else vector[field] = this.pageNumber(field, page);
    }
    vector[at.ghost] = this.number(at.ghost, JSON.stringify(ghost), ghost);
    return { state: vector, faults };
  }

  /** Puts a state back; returns a copy of its ghost. */
  load(state: State): Ghost {
    const { at } = this;
    this.loaded = state;
    this.dirty.fill(0);
    this.sent.length = 0;
    this.press = this.drawn = this.resets = this.calls = this.cutAt = 0;
    Object.assign(this, this.parts[0]![state[0]!] as Outside);
    for (let page = 0; page < SLOT_PAGES; page++)
      this.loadPage(page, this.parts[at.pages + page]![state[at.pages + page]!]);
    const settings: Settings = new Map(this.parts[1]![state[1]!] as Settings);
    this.keys.forEach((key, i) => {
      const value = this.parts[at.keys + i]![state[at.keys + i]!] as Buffer | undefined;
      if (value) settings.set(key, value);
    });
    for (const name of table.TURNS)
      this.memory.fill(SPOILT, this.room(name).at, this.room(name).at + this.room(name).size);
    for (const name of table.TURNS_FROM_ZERO) this.clear(name);
    for (const name of table.GLOBALS_WITHOUT_MEANING) this.clearGlobal(name);
    if (this.running === 'agent') {
      this.stateGlobals.forEach((global, i) => {
        global.value = this.parts[at.globals + i]![state[at.globals + i]!] as number;
      });
      this.stateRooms.forEach((room, i) => {
        this.memory.set(this.parts[at.rooms + i]![state[at.rooms + i]!] as Buffer, room.at);
      });
    }
    layOut(this, settings);
    this.settings = settings;
    begin(this);
    return structuredClone(this.parts[at.ghost]![state[at.ghost]!]) as Ghost;
  }

  part(state: State, field: string): Part {
    const index = this.fields.indexOf(field);
    return this.parts[index]![state[index]!];
  }

  private number(field: number, key: unknown, part: Part): number {
    const ids = this.ids[field]!;
    const known = ids.get(key);
    if (known !== undefined) return known;
    const id = this.parts[field]!.length;
    if (id > PARTS_MAX) throw new Error(`explore: too many values of ${this.fields[field]}`);
    ids.set(key, id);
    this.parts[field]!.push(part);
    return id;
  }

  private same(field: number, { at, size }: Room): number {
    const bytes = this.buffer.subarray(at, at + size);
    const was = this.loaded && (this.parts[field]![this.loaded[field]!] as Buffer | undefined);
    if (was && bytes.equals(was)) return this.loaded![field]!;
    return this.number(field, bytes.toString('latin1'), Buffer.from(bytes));
  }

  // Settings that have a number besides their key: approval documents by seat, and the like.
  private numbered(): number {
    const rest = new Map([...this.settings].filter(([key]) => !this.keys.includes(key)));
    const name = [...rest].map(([key, value]) => `${key} ${value.toString('latin1')}`).join('|');
    return this.number(1, name, rest);
  }

  private pageNumber(field: number, page: number): number {
    const offset = PRIMARY + page * PAGE;
    const words = this.writable.subarray(offset / 4, (offset + PAGE) / 4);
    const all = Buffer.concat([this.bytes.subarray(offset, offset + PAGE), words, this.from.subarray(page, page + 1)]);
    return this.number(field, all.toString('latin1'), all);
  }

  private loadPage(page: number, part: Part): void {
    const offset = PRIMARY + page * PAGE;
    const all = part as Buffer | undefined;
    this.from[page] = all ? all[PAGE + PAGE / 4]! : 0;
    if (all) {
      this.bytes.set(all.subarray(0, PAGE), offset);
      this.writable.set(all.subarray(PAGE, PAGE + PAGE / 4), offset / 4);
    } else {
      this.bytes.fill(NOISE, offset, offset + PAGE);
      this.writable.fill(0, offset / 4, (offset + PAGE) / 4);
    }
  }

  // A page that no record covers is noise. Over which lines a page came matters while a package is on its way or waits.
  private settleSlots(): Uint8Array {
    const covered = new Uint8Array(SLOT_PAGES);
    for (const { page, pages, headBytes, delivered } of slots(this, this.settings)) {
      const headPages = Math.ceil(headBytes / PAGE);
      for (let i = 0; i < pages; i++) covered[page + i] = delivered ? 2 : 1;
      for (let i = 0; i < headPages; i++) covered[page + IMAGE_PAGES + i] = delivered ? 2 : 1;
      if (headPages > 0) this.trim(page + IMAGE_PAGES, headBytes);
    }
    for (let page = PRIMARY_PAGES; page < SLOT_PAGES; page++) {
      if (covered[page] === 2 || this.from[page] === 0) continue;
      this.from[page] = 0;
      this.dirty[page] = 1;
    }
    return covered;
  }

  // What stands behind the last byte of a head, in its last page.
  private trim(page: number, headBytes: number): void {
    const from = PRIMARY + page * PAGE + headBytes;
    const end = PRIMARY + (page + Math.ceil(headBytes / PAGE)) * PAGE;
    this.bytes.fill(0xff, from, end);
    this.writable.fill(1, Math.ceil(from / 4), end / 4);
  }

  /** Lines over which the bytes came that stand in the pages from..to. */
  deliverers(from: number, pages: number): number {
    let mask = 0;
    for (let page = from; page < from + pages; page++) mask |= this.from[page]!;
    return mask;
  }

  expect(good: boolean, what: string): void {
    if (!good) throw new Fault(what);
  }
}

// The agent under exploration: a board whose whole state can be taken, compared and put back.
//
// A state is everything that the next call can depend on: the agent's memory and globals, its settings in flash, the pages
// of both slots, what stands outside (clock, mailbox, what runs, what the board was told) and the oracle's ghost. Before it
// is taken, what cannot matter is overwritten in the device itself (table.ts says what, canonical.ts why): a state that was put
// back is a device that could have come about, not a projection of one. What the table does not name counts as state.
//
// Each part of a state is kept once; a state is a vector of numbers of parts. Of the state that was put back last there is also
// an image: the next event mostly begins in the same state, and leaves most of it as it was.

import { IMAGE_PAGES, PAGE, PRIMARY, PRIMARY_PAGES, type Running, SLOT_PAGES } from './board.js';
import { AGENT_BYTES, type Agent, GLOBAL_BYTES } from './build.js';
import { begin, settleMemory, settleSettings } from './canonical.js';
import { Image } from './image.js';
import { type Global, Inside, type Room } from './inside.js';
import { slots } from './sight.js';
import { layOut, readSettings, type Settings } from './store.js';
import * as table from './table.js';

type Part = unknown;
export type State = Uint16Array;

const PARTS_MAX = 0xffff;
const SPOILT = 0xa5;
const NOISE = 0x5a;

interface Outside {
  running: Running;
  clock: number;
  mailbox: number;
}

export class Device<Ghost = unknown> extends Inside {
  readonly fields: string[];
  readonly width: number;
  settings: Settings = new Map();
  /** The state that was put back last; undefined: nothing is known of what the device is in. */
  loaded: State | undefined;
  /** Kept in common by devices whose states are compared. */
  ids: Map<unknown, number>[];
  parts: Part[][];
  private readonly stateGlobals: { global: Global; word: number }[];
  private readonly stateRooms: Room[];
  private readonly keys: number[];
  private readonly vector: State;
  private readonly at: { globals: number; rooms: number; keys: number; pages: number; ghost: number };
  private readonly image: Image;
  private read: { settings: Settings; after: number } | undefined;

  constructor(agent: Agent, like?: Device<Ghost>) {
    super(agent);
    this.image = new Image(AGENT_BYTES + GLOBAL_BYTES * this.allGlobals().length);
    const globals = Object.keys(this.globals).filter((name) => !table.GLOBALS_WITHOUT_MEANING.includes(name));
    const rooms = Object.keys(this.rooms).filter((name) => !table.TURNS.includes(name));
    const keys = Object.entries(agent.keys).filter(([name]) => !table.SETTINGS_WITHOUT_MEANING.includes(name));
    const places = Object.keys(this.globals);
    this.stateGlobals = globals.map((name) => ({
      global: this.copy(name),
      word: (AGENT_BYTES + GLOBAL_BYTES * places.indexOf(name)) / 4,
    }));
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

  /** The settings as they stand in flash: not to be changed. */
  settingsNow(): Settings {
    if (this.loaded && !this.storeTouched) return this.image.settings;
    if (this.read?.after !== this.storeChanges) this.read = { settings: readSettings(this), after: this.storeChanges };
    return this.read.settings;
  }

  // --- States ---

  /** The state that the device is in, in its canonical form; `faults`: what could not be brought into it. */
  save(ghost: Ghost): { state: State; faults: string[] } {
    const { vector, at, loaded, image, words } = this;
    const inAgent = this.running === 'agent';
    const known = loaded && image.running === 'agent' ? loaded : undefined;
    const faults = this.settle(inAgent);
    const covered = this.settleSlots();
    vector[0] = this.outside();
    this.saveSettings();
    for (let i = 0; i < this.stateGlobals.length; i++) {
      const { global, word } = this.stateGlobals[i]!;
      const field = at.globals + i;
      if (!inAgent) vector[field] = this.number(field, null, null);
      else if (known && words[word] === image.words[word] && words[word + 1] === image.words[word + 1])
        vector[field] = known[field]!;
      else vector[field] = this.number(field, global.value, global.value);
    }
    for (let i = 0; i < this.stateRooms.length; i++) {
      const field = at.rooms + i;
      if (!inAgent) vector[field] = this.number(field, '', undefined);
      else if (known && this.isAsLoaded(this.stateRooms[i]!)) vector[field] = known[field]!;
      else vector[field] = this.roomNumber(field, this.stateRooms[i]!);
    }
    for (let page = 0; page < SLOT_PAGES; page++) {
      const field = at.pages + page;
      if (!covered[page]) vector[field] = this.number(field, '', undefined);
      else if (loaded && !this.dirty[page] && this.parts[field]![loaded[field]!]) vector[field] = loaded[field]!;
      else vector[field] = this.pageNumber(field, page);
    }
    const text = JSON.stringify(ghost);
    vector[at.ghost] = loaded && text === image.ghostText ? loaded[at.ghost]! : this.number(at.ghost, text, ghost);
    return { state: vector, faults };
  }

  private settle(inAgent: boolean): string[] {
    const asLoaded = this.loaded && !this.storeTouched;
    this.settings = asLoaded ? this.image.settings : this.settingsNow();
    this.read = undefined; // what is settled is not as it was read
    const faults: string[] = [];
    if (inAgent) {
      this.exports.globals_out!();
      faults.push(...settleMemory(this, this.settings));
      this.exports.globals_in!();
    }
    if (!asLoaded) settleSettings(this, this.settings);
    return faults;
  }

  private outside(): number {
    const { running, clock, mailbox, loaded, image } = this;
    if (loaded && running === image.running && clock === image.clock && mailbox === image.mailbox) return loaded[0]!;
    return this.number(0, `${running} ${clock} ${mailbox}`, { running, clock, mailbox });
  }

  private saveSettings(): void {
    const { vector, at, loaded } = this;
    if (loaded && !this.storeTouched) {
      vector[1] = loaded[1]!;
      for (let i = at.keys; i < at.pages; i++) vector[i] = loaded[i]!;
      return;
    }
    vector[1] = this.numbered();
    for (let i = 0; i < this.keys.length; i++) {
      const value = this.settings.get(this.keys[i]!);
      vector[at.keys + i] = this.number(at.keys + i, value ? value.toString('latin1') : '', value);
    }
  }

  /** Puts a state back; returns a copy of its ghost. */
  load(state: State): Ghost {
    const { image } = this;
    this.sent.length = 0;
    this.press = this.drawn = this.resets = this.calls = this.cutAt = this.failAt = 0;
    if (image.isOf(state)) image.putBack(this);
    else {
      this.compose(state);
      image.take(this, state, this.settings, this.parts[this.at.ghost]![state[this.at.ghost]!]);
    }
    this.loaded = image.state;
    this.settings = image.settings;
    this.read = undefined;
    this.dirty.fill(0);
    this.touched.fill(0);
    this.storeTouched = false;
    return copyOf(image.ghost as Ghost);
  }

  // A state out of its parts.
  private compose(state: State): void {
    const { at } = this;
    Object.assign(this, this.parts[0]![state[0]!] as Outside);
    for (let page = 0; page < SLOT_PAGES; page++)
      this.loadPage(page, this.parts[at.pages + page]![state[at.pages + page]!]);
    const settings: Settings = new Map(this.parts[1]![state[1]!] as Settings);
    this.keys.forEach((key, i) => {
      const value = this.parts[at.keys + i]![state[at.keys + i]!] as Buffer | undefined;
      if (value) settings.set(key, value);
    });
    for (const { at, size } of this.placesOf(table.TURNS)) this.memory.fill(SPOILT, at, at + size);
    this.exports.globals_out!();
    this.clear(table.TURNS_FROM_ZERO, table.GLOBALS_WITHOUT_MEANING);
    if (this.running === 'agent') {
      this.stateGlobals.forEach(({ global }, i) => {
        global.value = this.parts[at.globals + i]![state[at.globals + i]!] as number;
      });
      this.stateRooms.forEach((room, i) => {
        this.memory.set(this.parts[at.rooms + i]![state[at.rooms + i]!] as Buffer, room.at);
      });
    }
    layOut(this, settings);
    this.settings = settings;
    begin(this);
    this.exports.globals_in!();
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

  private isAsLoaded({ at, size }: Room): boolean {
    const { words, memory, image } = this;
    const end = at + size;
    for (let word = at >> 2; word < end >> 2; word++) if (words[word] !== image.words[word]) return false;
    for (let i = end & ~3; i < end; i++) if (memory[i] !== image.memory[i]) return false;
    return true;
  }

  private roomNumber(field: number, { at, size }: Room): number {
    return this.number(field, this.buffer.toString('latin1', at, at + size), this.memory.slice(at, at + size));
  }

  // Settings that have a number besides their key: approval documents by seat, and the like. In whatever order they came.
  private numbered(): number {
    const rest = [...this.settings].filter(([key]) => !this.keys.includes(key)).sort(([a], [b]) => a - b);
    const name = rest.map(([key, value]) => `${key} ${value.toString('latin1')}`).join('|');
    return this.number(1, name, new Map(rest));
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
    for (const { page, pages, headBytes, delivered, waits } of slots(this, this.settings)) {
      const headPages = Math.ceil(headBytes / PAGE);
      for (let i = 0; i < pages; i++) covered[page + i] = delivered ? 2 : 1;
      for (let i = 0; i < headPages; i++) covered[page + IMAGE_PAGES + i] = delivered ? 2 : 1;
      if (headPages > 0) this.trim(page + IMAGE_PAGES, headBytes);
      if (waits) this.blend(page, pages, headPages);
    }
    for (let page = PRIMARY_PAGES; page < SLOT_PAGES; page++) {
      if (covered[page] === 2 || this.from[page] === 0) continue;
      this.from[page] = 0;
      this.dirty[page] = 1;
    }
    return covered;
  }

  // A package that waits comes and goes as a whole: which of its pages came over which line is nothing.
  private blend(page: number, pages: number, headPages: number): void {
    const heads = page + IMAGE_PAGES;
    const lines = this.deliverers(page, pages) | this.deliverers(heads, headPages);
    for (const [from, many] of [
      [page, pages],
      [heads, headPages],
    ] as const) {
      for (let at = from; at < from + many; at++) {
        if (this.from[at] === lines) continue;
        this.from[at] = lines;
        this.dirty[at] = 1;
      }
    }
  }

  // What stands behind the last byte of a head, in its last page.
  private trim(page: number, headBytes: number): void {
    const from = PRIMARY + page * PAGE + headBytes;
    const end = PRIMARY + (page + Math.ceil(headBytes / PAGE)) * PAGE;
    this.bytes.fill(0xff, from, end);
    this.writable.fill(1, Math.ceil(from / 4), end / 4);
    this.touched.fill(1, Math.floor(from / PAGE), end / PAGE);
  }

  /** Lines over which the bytes came that stand in the pages from..to. */
  deliverers(from: number, pages: number): number {
    let mask = 0;
    for (let page = from; page < from + pages; page++) mask |= this.from[page]!;
    return mask;
  }
}

// Of what is plain; a field without a value stays one, in its place.
function copyOf<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(copyOf) as T;
  const copy = {} as Record<string, unknown>;
  for (const key in value) copy[key] = copyOf(value[key]);
  return copy as T;
}

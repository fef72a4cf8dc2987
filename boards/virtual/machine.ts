// The machine: runs agent.wasm as a chip would, and is the HAL that the agent sees (assembly/hal.ts, one import each).
//
//   reset ──> agent ──restart(1)──> application
//     ^         │restart(0), trap        │ knock 06 09
//     └─────────┴────────────────────────┘
//
// RAM is the wasm instance: every reset makes a new one. What survives is the flash and the mailbox. The application
// is the image in the primary slot; this machine has no Cortex-M and cannot execute it, so it does only what every
// application must: hear the knock on the console (or any packet), leave 3 in the mailbox, reset. Everything is
// synchronous and nothing here has a timer: time comes in by tick(). A trap is what a hard fault is on a chip: it
// resets. After TRAPS_MAX in a row the machine stops until it is reset from outside.

import type { FlashMap, Region } from '../../host/boards.js';
import type { Flash } from './flash.js';

const TRAPS_MAX = 3; // in a row; the C port uses the same number
const RESETS_MAX = 16; // in a row without a tick between: an agent that only ever resets
const KNOCK = [0x06, 0x09] as const; // the first two bytes of a packet on the console
const MAILBOX_CONFIRM_AND_STAY = 3;
const CONSOLE = 0;

export type Answer = 'yes' | 'no';

// What the board around the machine does. Called from inside the agent: nothing here may call the machine back at once.
export interface Outside {
  linkWrite(link: number, bytes: Uint8Array): void;
  random(to: Uint8Array): void;
  clock(): bigint; // trusted Unix seconds, 0 = none
  card(command: Uint8Array): Uint8Array | 'none' | 'unreachable';
  asking(now: boolean): void; // a question to the person at the device came up, or is gone
  started(what: 'agent' | 'application'): void;
  trapped(why: string): void;
}

export interface Machine {
  readonly running: 'agent' | 'application' | 'stopped';
  readonly computedMs: number; // spent in the agent so far, flash included; not in what its answers cause outside
  receive(link: number, bytes: Uint8Array): void;
  tick(milliseconds: number): void;
  busy(): boolean;
  answer(answer: Answer): void; // the person's; counts only while a question is shown
  reset(): void; // the button: RAM is lost, the mailbox stays
}

interface AgentExports {
  memory: WebAssembly.Memory;
  input(): number;
  inputBytes(): number;
  start(): void;
  receive(link: number, length: number): void;
  tick(milliseconds: number): void;
  busy(): number;
}

// Thrown through the agent's frames by restart(), which does not return on a chip either.
class Restart {
  readonly application: boolean;
  constructor(into: number) {
    this.application = into === 1;
  }
}

export function createMachine(module: WebAssembly.Module, map: FlashMap, flash: Flash, outside: Outside): Machine {
  let agent: AgentExports | undefined; // none while the application runs, or after too many traps
  let running: Machine['running'] = 'agent';
  let mailbox = 0;
  let traps = 0;
  let resets = 0;
  let asking = false;
  let pressed: Answer | undefined;
  let computedMs = 0;
  let knocked: number = 0; // bytes of the knock heard by the application

  let ram = new Uint8Array(); // of the agent, which never grows it
  const memory = (at: number, length: number): Uint8Array => ram.subarray(inRam(at, length), at + length);
  function inRam(at: number, length: number): number {
    if (at < 0 || length < 0 || at + length > ram.length) throw new RangeError(`${length} bytes at ${at}`);
    return at;
  }
  const regions: readonly Region[] = [map.primary, map.secondary, map.state];
  // Asked for each word that is read or written: no closure is made for that.
  const inRegion = (offset: number, length: number): boolean => {
    for (const region of regions)
      if (offset >= region.offset && offset + length <= region.offset + region.bytes) return true;
    return false;
  };
  const flashNumbers = [
    map.pageBytes,
    map.primary.offset,
    map.primary.bytes,
    map.secondary.offset,
    map.secondary.bytes,
    map.state.offset,
    map.state.bytes,
    map.writeBytes,
    Number(map.erasedTo === 0),
    Number(map.overwrites),
  ];

  // wasm hands u32 over as a signed number; `>>> 0` reads it as it was meant.
  const hal = {
    flash_read: (offset: number, to: number, length: number) =>
      inRegion(offset >>> 0, length >>> 0) ? flash.read(offset, ram, inRam(to, length), length) : -1,
    flash_write: (offset: number, from: number, length: number) =>
      inRegion(offset >>> 0, length >>> 0) ? flash.write(offset, ram, inRam(from, length), length) : -1,
    flash_erase: (offset: number, length: number) =>
      inRegion(offset >>> 0, length >>> 0) ? flash.erase(offset, length) : -1,
    flash_map: (what: number) => flashNumbers[what] ?? 0,
    image_read: (at: number, to: number, length: number) => hal.flash_read(map.primary.offset + (at >>> 0), to, length),
    link_write(link: number, from: number, length: number) {
      const since = performance.now();
      outside.linkWrite(link, memory(from, length).slice());
      computedMs -= performance.now() - since;
    },
    random: (to: number, length: number) => outside.random(memory(to, length)),
    clock: () => BigInt.asIntN(64, outside.clock()),
    card(command: number, length: number, response: number, capacity: number): number {
      const got = outside.card(memory(command, length).slice());
      if (got === 'none') return -1;
      if (got === 'unreachable' || got.length > capacity) return -2;
      memory(response, got.length).set(got);
      return got.length;
    },
    user(now: number): number {
      show(now === 1);
      const answer = pressed;
      pressed = undefined;
      return answer === 'yes' ? 1 : answer === 'no' ? 2 : 0;
    },
    watchdog(): void {}, // the application here does not hang
    mailbox(): number {
      const found = mailbox;
      mailbox = 0;
      return found;
    },
    restart(into: number): never {
      throw new Restart(into);
    },
  };

  function show(now: boolean): void {
    if (now === asking) return;
    asking = now;
    pressed = undefined;
    outside.asking(now);
  }

  function reset(): void {
    show(false);
    resets += 1;
    if (resets > RESETS_MAX) {
      stop(`${RESETS_MAX} resets in a row without a moment's work`);
      return;
    }
    running = 'agent';
    knocked = 0;
    agent = new WebAssembly.Instance(module, { hal }).exports as unknown as AgentExports;
    ram = new Uint8Array(agent.memory.buffer);
    outside.started('agent');
    run((fresh) => fresh.start());
  }

  function stop(why: string): void {
    agent = undefined;
    ram = new Uint8Array();
    running = 'stopped';
    outside.trapped(`${why}; stopped until the next reset`);
  }

  // Every call into the agent goes through here: it may end in a restart or a trap.
  function run(call: (agent: AgentExports) => void): void {
    if (!agent) return;
    const thrown = timed(agent, call);
    if (thrown === undefined) return;
    if (thrown instanceof Restart) leave(thrown);
    else if (thrown instanceof WebAssembly.RuntimeError || thrown instanceof RangeError) trap(thrown.message);
    else throw thrown;
  }

  function timed(agent: AgentExports, call: (agent: AgentExports) => void): unknown {
    const since = performance.now();
    try {
      call(agent);
      return undefined;
    } catch (thrown) {
      return thrown;
    } finally {
      computedMs += performance.now() - since;
    }
  }

  function trap(why: string): void {
    traps += 1;
    if (traps >= TRAPS_MAX) {
      stop(`trap: ${why}`);
      return;
    }
    outside.trapped(`trap: ${why}`);
    reset();
  }

  function leave(restart: Restart): void {
    if (!restart.application) {
      reset();
      return;
    }
    show(false);
    agent = undefined;
    ram = new Uint8Array();
    running = 'application';
    outside.started('application');
  }

  function knock(link: number, bytes: Uint8Array): void {
    const heard =
      link !== CONSOLE ||
      bytes.some((byte) => {
        knocked = byte === KNOCK[knocked] ? knocked + 1 : byte === KNOCK[0] ? 1 : 0;
        return knocked === KNOCK.length;
      });
    if (!heard) return;
    mailbox = MAILBOX_CONFIRM_AND_STAY;
    reset();
  }

  const machine: Machine = {
    get running() {
      return running;
    },
    get computedMs() {
      return computedMs;
    },
    receive(link, bytes) {
      if (running === 'application') {
        knock(link, bytes);
        return;
      }
      if (!agent) return;
      const window = agent.inputBytes();
      if (link !== CONSOLE && bytes.length > window) return; // no packet of ours; the client's time-out tells it
      // A restart in between loses the rest, as a chip loses what its UART had received.
      const before = agent;
      for (let at = 0; at < bytes.length && agent === before; at += window) {
        run((now) => {
          const piece = bytes.subarray(at, at + window);
          memory(now.input(), piece.length).set(piece);
          now.receive(link, piece.length);
        });
      }
    },
    tick(milliseconds) {
      resets = 0;
      run((now) => now.tick(milliseconds));
      if (resets === 0) traps = 0;
    },
    busy: () => agent !== undefined && agent.busy() === 1,
    answer(answer) {
      if (asking) pressed = answer;
    },
    reset() {
      traps = 0;
      resets = 0;
      reset();
    },
  };
  return machine;
}

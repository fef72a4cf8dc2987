// A finding on the agent as it ships. The path is taken once more by the explored agent, this time from the first boot on
// and never put into canonical form; what was done to its board is written down, and done to build/agent.wasm, with its own
// Ed25519 and P-256. It must answer the same bytes and leave the same flash: then what was found is true of it, too.

import { newborn } from '../model/ghost.js';
import { Board, type Deed, PowerCut } from './board.js';
import type { Agent } from './build.js';
import { put } from './client.js';
import { Explorer, type Rules } from './explorer.js';
import type { Step } from './search.js';
import type { Violation } from './watch.js';
import { bootstrap } from './world.js';

const CALM_MS = 1000;

export interface Replay {
  again: boolean; // the explored agent does it again on one way from the first boot
  same: boolean; // build/agent.wasm says the same bytes and has the same flash
  runs: string; // what build/agent.wasm ends with: 'agent' or 'image'
  deeds: readonly Deed[];
}

export function replay(
  agent: Agent,
  shipped: WebAssembly.Module,
  rules: Rules,
  path: readonly Step[],
  violation: Violation,
): Replay {
  const quick = take(agent, shipped, rules, path, violation, 0);
  // The shipped agent leaves its board dark for a second before another question is shown (table.ts, CALM).
  return quick.again ? quick : take(agent, shipped, rules, path, violation, CALM_MS);
}

function take(
  agent: Agent,
  shipped: WebAssembly.Module,
  rules: Rules,
  path: readonly Step[],
  violation: Violation,
  pauseMs: number,
): Replay {
  const explorer = new Explorer(agent, rules);
  const { device, watch } = explorer;
  const said: string[] = [];
  const deeds: Deed[] = [];
  device.transcript = deeds;
  device.bottomless = false; // as it ships
  explorer.givesBack = pauseMs === 0; // the shipped agent is given none
  listen(device, said);
  watch.begin(newborn());
  device.boot();
  put(watch, 'Bootstrap', bootstrap(rules));
  watch.attach();
  const seen: Violation[] = [];
  for (const { event, cut, way } of path) {
    watch.begin(watch.ghost);
    explorer.happen(explorer.events.find(({ name }) => name === event)!, cut, way);
    if (pauseMs) device.tick(pauseMs);
    seen.push(...watch.violations);
    watch.violations = [];
  }
  explorer.take();
  seen.push(...watch.violations, ...explorer.inspect());

  // The flash of `device` was put into canonical form by take(); so a second one, which was not.
  const real = play(shipped, deeds);
  const twin = play(agent.module, deeds);
  const same = real.said.join() === said.join() && Buffer.compare(real.board.bytes, twin.board.bytes) === 0;
  const again = seen.some(({ kind, detail }) => kind === violation.kind && detail === violation.detail);
  return { again, same, runs: real.board.running, deeds };
}

function listen(board: Board, said: string[]): void {
  const push = board.sent.push;
  board.sent.push = (...sent) => {
    for (const [link, bytes] of sent) said.push(`${link}:${Buffer.from(bytes).toString('hex')}`);
    return push.apply(board.sent, sent);
  };
}

/** Does to a board with this agent what was done to another. */
export function play(module: WebAssembly.Module, deeds: readonly Deed[]): { board: Board; said: string[] } {
  const board = new Board(module);
  const said: string[] = [];
  listen(board, said);
  for (const deed of deeds) {
    try {
      if (deed.do === 'boot') {
        board.mailbox = deed.mailbox;
        board.cutAt = 0;
        board.boot();
      } else if (deed.do === 'receive') board.receive(deed.link, deed.bytes);
      else if (deed.do === 'clock') board.clock = deed.seconds;
      else if (deed.do === 'scribble') board.scribble(deed.at, deed.bytes, deed.lines);
      else if (deed.do === 'cut' || deed.do === 'fail') board.arm(deed.at, deed.do);
      else {
        board.press = deed.press;
        board.tick(deed.ms);
      }
    } catch (error) {
      if (!(error instanceof PowerCut)) throw error;
    }
  }
  return { board, said };
}

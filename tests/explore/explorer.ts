// One step of the exploration: a state, an event, the state after it, and what is wrong with what happened.
//
// An explorer is a device, the witness beside it and an alphabet, under one policy. After each event the agent gets the
// time to do what waits, and has to answer an echo.

import type { Ghost } from '../model/ghost.js';
import { newborn } from '../model/ghost.js';
import type { Policy } from '../model/oracle.js';
import { Fault, PowerCut } from './board.js';
import type { Agent } from './build.js';
import { giveBack } from './canonical.js';
import { ask, put, refused } from './client.js';
import { Device, type State } from './device.js';
import { alphabet, type Event, type Topic } from './events.js';
import { inspect } from './invariants.js';
import { type Violation, Watch } from './watch.js';
import { bootstrap, type World } from './world.js';

export type Rules = Policy & World & { topics?: readonly Topic[]; cuts?: RegExp; only?: RegExp };

export const RULES: Rules = {
  unapproved: 1,
  askBeforeDownload: 0,
  threshold: 1,
  channels: 3,
  denied: 0,
  trialBoots: 1,
};

// Ticks until the board shows a question: it opens in one, the board hears "not asking" in the next, and then that it is.
const LOOKS_MAX = 3;

export interface ExplorerOptions {
  only?: RegExp | undefined; // of the alphabet
  plant?: number | undefined; // number of the planted fault in force
  like?: Explorer | undefined; // whose states can be compared with ours
}

export class Explorer {
  readonly rules: Rules;
  readonly device: Device<Ghost>;
  readonly watch: Watch;
  readonly events: readonly Event[];
  /** Time, after each event. */
  givesBack = true;

  constructor(agent: Agent, rules: Rules, { only, plant = 0, like }: ExplorerOptions = {}) {
    this.rules = rules;
    this.device = new Device<Ghost>(agent, like?.device);
    this.device.planted = plant;
    this.device.bottomless = true;
    this.watch = new Watch(this.device, rules);
    this.events = alphabet(rules.topics ?? [], rules, only ?? rules.only);
  }

  /** A blank device is provisioned: the first state. */
  provision(): State {
    const { device, watch } = this;
    watch.begin(newborn());
    device.boot();
    if (refused(put(watch, 'Bootstrap', bootstrap(this.rules)))) throw new Error('explore: not provisioned');
    watch.attach();
    this.settle();
    watch.settle();
    const { state, faults } = device.save(watch.ghost);
    if (faults.length > 0) throw new Error(`explore: the first state: ${faults.join(', ')}`);
    device.loaded = undefined;
    return state.slice();
  }

  /**
   * What becomes of a state by an event; undefined: it cannot happen. `cut`: at this call of the flash the power goes, or it
   * fails. The state is valid until the next step.
   */
  step(
    from: State,
    event: Event,
    cut = 0,
    way: 'cut' | 'fail' = 'cut',
  ): { state: State; violations: readonly Violation[] } | undefined {
    const ghost = this.device.load(from);
    this.watch.begin(ghost);
    const done = this.happen(event, cut, way);
    return done ? this.take() : undefined;
  }

  /** Lets an event happen to the device as it stands. False: it cannot. */
  happen(event: Event, cut = 0, way: 'cut' | 'fail' = 'cut'): boolean {
    const { device, watch } = this;
    if (event.where !== 'anywhere' && event.where !== device.running) return false;
    device.arm(cut, way);
    try {
      if (event.happen(watch) === false) return false;
      this.settle();
    } catch (error) {
      if (error instanceof PowerCut) this.powerUp();
      else if (error instanceof Fault) watch.report('the agent asks of its board what no agent may', error.message);
      else if (error instanceof WebAssembly.RuntimeError) watch.report('the agent traps', error.message);
      else throw error;
    }
    this.echo();
    if (this.givesBack) giveBack(device);
    watch.settle();
    return true;
  }

  /** The canonical state of the device as it stands, and what is wrong. */
  take(): { state: State; violations: readonly Violation[] } {
    const { device, watch } = this;
    const { state, faults } = device.save(watch.ghost);
    for (const fault of faults) watch.report('found between two calls', fault);
    return { state, violations: watch.violations };
  }

  /** What is wrong with the state that was taken last. */
  inspect(): Violation[] {
    return inspect(this.device);
  }

  // Time for what waits: a swap runs to its end (what a cut inside it does is a matter of rules.cuts). And the lamp has to
  // show whether something is asked.
  private settle(): void {
    const { device, watch } = this;
    for (let looks = 0; looks < LOOKS_MAX; looks++) {
      device.drain();
      if (device.running !== 'agent') return;
      device.lookedAt = false;
      device.tick(1);
      if (device.running !== 'agent' || !device.lookedAt || Boolean(device.told) === Boolean(watch.before?.question))
        return;
    }
    watch.report('the board shows another thing than what is asked', watch.before?.question);
  }

  private powerUp(): void {
    const { device, watch } = this;
    watch.answersNothing();
    watch.reset = true;
    device.powerUp();
    this.settle();
  }

  private echo(): void {
    if (this.device.running !== 'agent' || this.watch.violations.length > 0) return;
    const answer = ask(this.watch, 1, 0, 0, { d: 'hi' }, false);
    if (answer?.r !== 'hi') this.watch.report('no echo', JSON.stringify(answer));
  }
}

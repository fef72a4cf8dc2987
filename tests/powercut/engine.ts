// Cuts the power. A scenario is played once and its flash operations are recorded; the flash as a cut at operation k
// leaves it is then made from the record, for every k and every way (powercut.test.ts shows that a real cut leaves the
// same). A device is started on it and must keep the rules; then the same once more, with the cut in its recovery.
//
// A case whose end is known from another one (memo.ts) is counted, and not run again.

import { type BenchOptions, type Board, bench, type Listener } from '../support/bench-hal.js';
import { type BenchFlash, createFlash, type FlashSnapshot, type Operation } from '../support/flash.js';
import { createMemo, Known } from './memo.js';
import type { First } from './plan.js';
import { MAPS, type MapName, PACKAGES, type Scenario, type Tell } from './scenarios.js';
import {
  believesNobody,
  compare,
  compareFloors,
  compareKept,
  compareOffset,
  Lost,
  look,
  type Need,
  needOf,
  OVER,
  saysDamaged,
} from './witness.js';

export type Kind = 'lost' | 'bricked' | 'unapproved';

export interface Failure {
  kind: Kind;
  what: string;
}

interface Mark {
  at: number; // operations done when it was acknowledged
  need: Need;
}

export interface Trace {
  begin: FlashSnapshot;
  operations: Operation[];
  marks: Mark[];
}

class Unapproved extends Error {}

const SETTLE_MS = 20_000;

export class World {
  readonly scenario: Scenario;
  readonly base: Trace;
  /** How many cases were really run. */
  runs = 0;
  private readonly mapName: MapName;
  private readonly agent: BenchOptions;
  private readonly memo = createMemo<Failure | undefined>();
  private readonly spare: BenchFlash;
  private readonly aside: BenchFlash;

  constructor(scenario: Scenario, mapName: MapName, agent: BenchOptions) {
    this.scenario = scenario;
    this.mapName = mapName;
    this.agent = agent;
    this.spare = this.blank();
    this.aside = this.blank();
    this.base = this.play();
  }

  blank(): BenchFlash {
    return createFlash(MAPS[this.mapName], this.scenario.untouched);
  }

  boot(flash: BenchFlash, chance: number, listener?: Listener): Board {
    return bench(flash, { ...this.agent, chance, ...(listener ? { listener } : {}) });
  }

  private play(): Trace {
    const flash = this.blank();
    this.scenario.prepare(this.boot(flash, 1));
    const { scenario } = this;
    const seen = look(this.boot(flash, 2), scenario);
    const need = needOf({ seen, questions: [seen.question], may: scenario.may, offset: undefined, erased: false });
    const recorder = this.record(flash, need);
    const board = this.boot(flash, 2);
    scenario.play(board, recorder.tell(board));
    const end = flash.operations;
    scenario.done(board);
    recorder.trace.operations.length = end; // what `done` asks for is no part of it
    return recorder.trace;
  }

  /** Records the operations of a flash from now on, and what the board on it acknowledges. `or`: questions that may be, too. */
  private record(flash: BenchFlash, need: Need, or: readonly string[] = []) {
    flash.arm();
    const trace: Trace = { begin: flash.snapshot(), operations: flash.record(), marks: [{ at: 0, need }] };
    const last = () => trace.marks.at(-1)!.need;
    const head = this.scenario.download?.head.length ?? 0;
    const tell = (board: Board): Tell => {
      // What the device has not acknowledged: what it says of itself at this time has not got to last.
      const note = (change: Partial<Need>) => {
        trace.marks.push({ at: flash.operations, need: needOf({ ...last(), ...change }) });
      };
      const mark = (change: Partial<Need>) => {
        const seen = look(board, this.scenario);
        compareKept(seen, last());
        const need = needOf({ ...last(), seen, questions: [seen.question, ...or], ...change });
        trace.marks.push({ at: flash.operations, need });
      };
      return {
        acked(offset) {
          const erased = offset === 0 || (last().erased && (offset ?? 0) <= head);
          mark(offset === undefined ? {} : { offset, erased });
        },
        allow: (wanted) => note({ may: [...last().may, wanted] }),
        giveUp: () => note({ offset: undefined, erased: false }),
      };
    };
    return { trace, tell };
  }

  /** The flash after each cut, at operations of a trace (from 1, ascending); one behind the last: all was done. */
  *forks(trace: Trace, cuts: Iterable<First>) {
    const now = this.blank();
    now.restore(trace.begin);
    let done = 0;
    let mark = 0;
    for (const first of cuts) {
      const { k, cut, again = 0 } = first;
      for (; done < k - 1; done++) now.apply(trace.operations[done]!.at, trace.operations[done]!.value);
      while (mark + 1 < trace.marks.length && trace.marks[mark + 1]!.at < k) mark++;
      const need = this.between(trace.marks[mark]!.need, trace.marks[mark + 1]?.need);
      const operation = trace.operations[k - 1];
      this.spare.restore(now.standing, k + 7919 * again);
      if (operation) this.spare.tear(operation, cut);
      yield { ...first, flash: this.spare, need };
    }
  }

  // What changes with the operation that was cut may look as before it or as after it.
  private between(need: Need, next: Need | undefined): Need {
    if (!next || need.questions.includes(next.questions[0]!)) return need;
    return needOf({ ...need, questions: [...need.questions, ...next.questions] });
  }

  /** One case: does a device that starts on this flash keep the rules and come to the end of the scenario? */
  judge(flash: BenchFlash, need: Need): Failure | undefined {
    const known = this.memo.begin(flash, need.id);
    if (known) return known.outcome;
    this.runs++;
    const failure = this.trial(flash, need, this.memo.listen(flash, need.id));
    this.memo.end(failure);
    return failure;
  }

  /** One case, whatever is known of others. */
  trial(flash: BenchFlash, need: Need, listener?: Listener): Failure | undefined {
    const nobody = { acked() {}, allow() {}, giveUp() {} };
    return this.attempt(() => {
      this.examine(flash, need);
      this.recover(this.boot(flash, 3, listener), need, nobody);
    });
  }

  /** The same, recorded: the recovery in which the second cut comes, or how it failed. */
  recovery(flash: BenchFlash, need: Need, salt = 0): Trace | Failure {
    const own = this.blank();
    own.restore(flash.standing, salt);
    // A reset takes a quarter of the time to answer a question: one that it has got to keep over the base's resets and one
    // cut may be over with the second one, and the device says so.
    const later = needOf({ ...need, questions: [...need.questions, OVER] });
    const { trace, tell } = this.record(own, later, [OVER]);
    const failure = this.attempt(() => {
      this.examine(own, need);
      const board = this.boot(own, 3);
      this.recover(board, need, tell(board));
    });
    return failure ?? trace;
  }

  /**
   * What does a device say that starts on this flash? A copy is asked: the first answer after a reset makes certain what
   * was found, and the device that is tried next must do that by itself, or do without.
   */
  private examine(flash: BenchFlash, need: Need): void {
    const { aside } = this;
    const uses = new Uint8Array(aside.chunks.count);
    aside.restore(flash.standing);
    aside.chunks.watch(uses);
    try {
      const board = this.boot(aside, 3);
      compare(look(board, this.scenario), need);
      compareOffset(board, this.scenario, need);
    } finally {
      flash.chunks.needAlso(uses);
    }
  }

  /**
   * A device that starts on a flash that is damaged, too. `runs`: where it says so, it still has to run what it ran;
   * `through`: where it is as it was, it has to come to the end of the scenario.
   */
  damaged(flash: BenchFlash, need: Need, runs: boolean, through: boolean): 'healed' | 'damaged' | Failure {
    const { scenario } = this;
    let says = false;
    const failure = this.attempt(() => {
      const board = this.boot(flash, 3);
      says = saysDamaged(board);
      if (says) {
        believesNobody(board);
        board.settle(SETTLE_MS);
        if (runs && scenario.ran && board.running !== 'image') throw new Error('no image is started');
        if (board.running === 'image') checkPrimary(board.flash, need.may);
        return;
      }
      compare(look(board, scenario), need);
      compareOffset(board, scenario, need);
      if (through) this.recover(this.boot(flash, 3), need, { acked() {}, allow() {}, giveUp() {} });
    });
    // With two words that cannot be read where the next commit would stand, it answers each question with that.
    if (failure && !runs && /rc\W+14[678]\b/.test(failure.what)) return 'damaged';
    // Or it found out as it went on, refused what it was asked from then on, and says so after the next reset.
    const later = () => {
      if (!saysDamaged(this.boot(flash, 3))) throw new Error('it does not say so');
    };
    if (failure && !runs && this.attempt(later) === undefined) return 'damaged';
    return failure ?? (says ? 'damaged' : 'healed');
  }

  private attempt(run: () => void): Failure | undefined {
    try {
      run();
      return undefined;
    } catch (error) {
      if (error instanceof Known) return error.outcome as Failure | undefined;
      const kind = error instanceof Lost ? 'lost' : error instanceof Unapproved ? 'unapproved' : 'bricked';
      return { kind, what: (error as Error).message.split('\n')[0]! };
    }
  }

  private recover(board: Board, need: Need, tell: Tell): void {
    const { scenario } = this;
    let { may } = need;
    const whole = () => {
      if (scenario.ran || board.running === 'image') checkPrimary(board.flash, may);
    };
    // Where there is no image, the client speaks at once: time would let the device make good by itself what it must not say.
    if (scenario.may.length > 0) board.settle(SETTLE_MS);
    whole();
    if (scenario.ran && board.running !== 'image' && board.asking === 0) throw new Error('no image is started');
    scenario.play(board, {
      ...tell,
      allow: (wanted) => {
        may = [...may, wanted];
        tell.allow(wanted);
      },
    });
    scenario.done(board);
    whole();
    compareFloors(look(board, scenario), need);
  }
}

function checkPrimary(flash: BenchFlash, may: readonly { image: Uint8Array }[]): void {
  const holds = ({ image }: { image: Uint8Array }) => {
    const found = flash.see(flash.map.primary, image.length);
    return found !== undefined && Buffer.compare(found, image) === 0;
  };
  if (may.some(holds)) return;
  throw new Unapproved(PACKAGES.some(holds) ? 'the image was not approved' : 'the image is not whole');
}

// The witness beside the explored device: looks at it after each call, keeps the ghost, and lets the oracle object.
//
// It knows the outside of a package's way: who sent which bytes, what was asked, how it was answered, what then was
// decided. Of the agent's inside it sees what table.ts shows: FUMO's state, the question, where the swap is.

import { forgetAnswers, type Ghost } from '../model/ghost.js';
import { answerFault, type How, objection, type Policy, recallObjection, type Yes } from '../model/oracle.js';
import type { Device } from './device.js';
import { observe, recordIn, type Seen, stagedAt, stagedLines, updateIn } from './sight.js';
import { type Name, OFFERS, type Offer, offerAt, policyNow, type World, who, wordsAbout } from './world.js';

export interface Violation {
  kind: string;
  detail: string;
}

const UPDATING = 60;
const HAVE_DATA = 70;
const NO_DATA = 80;
const DOWNLOADING = 30;
const READY = 50;
const SUCCESSFUL = 100;

interface Glimpse extends Omit<Seen, 'asked'> {
  asked: string; // name of the package
  question: string; // "A install", '' none
}

export class Watch {
  readonly device: Device<Ghost>;
  readonly policy: Policy & World;
  ghost!: Ghost;
  violations: Violation[] = [];
  before: Glimpse | undefined; // what was seen last
  /** Mask of the line over which a block is being given. */
  gives = 0;
  private answer: { yes: boolean; to: string; how: How } | undefined;

  constructor(device: Device<Ghost>, policy: Policy & World) {
    this.device = device;
    this.policy = policy;
  }

  attach(): void {
    this.device.after = () => this.look();
    this.device.looked = (asking) => this.shown(asking);
  }

  /** An event begins. */
  begin(ghost: Ghost): void {
    this.ghost = ghost;
    this.violations = [];
    this.answer = undefined;
    this.device.lines = ghost.lines;
    this.before = this.device.running === 'agent' ? this.glimpse() : undefined;
  }

  /** A person is about to answer what is asked, if anything is. `to`: the package that a signed answer names. */
  answers(yes: boolean, how: How, to = this.before?.asked ?? '-'): void {
    this.answer = { yes, to, how };
  }
  /** Whatever is sent now is no answer that counts. */
  answersNothing(): void {
    this.answer = undefined;
  }

  report(kind: string, detail = ''): void {
    this.violations.push({ kind, detail });
  }

  private glimpse(): Glimpse {
    const { state, swap, about, asked: digest, inHand, active, fetched, offset, erases, floor } = observe(this.device);
    const asked = about && digest ? who(digest) : '-';
    const question = about ? `${asked} ${about}` : '';
    return { state, swap, about, asked, question, inHand, active, fetched, offset, erases, floor };
  }

  // After each call of the agent that came back.
  look(): void {
    const now = this.glimpse();
    const was = this.before;
    this.before = now;
    if (!was) return;
    // A session of its own took the place of another one: what that brought is gone.
    if (now.fetched && !was.fetched) this.device.lines = this.gives;
    if (now.floor < was.floor) this.report('the floor of sequence numbers fell');
    if (was.question && !now.question) this.closed(was);
    this.ended(was, now);
    if (now.question && now.question !== was.question) this.opened(was, now);
    if (now.swap === 'in' && was.swap !== 'in') this.decided(was);
    if (now.swap === 'out' && was.swap === 'none') this.recalled();
  }

  private closed(was: Glimpse): void {
    const { answer, ghost } = this;
    if (!this.reset) ghost.asked = '-'; // what is asked after a cut in this event is asked anew
    this.answer = undefined;
    if (!answer) return;
    if (!answer.yes) {
      forgetAnswers(ghost);
      return;
    }
    const fault = answerFault(policyNow(this.policy, ghost), answer.how, ghost.askedLines);
    const yes: Yes = { to: answer.to, fault };
    if (was.about === 'install') ghost.installYes = yes;
    else ghost.downloadYes = yes;
    if (fault && was.about === 'download') this.report(`download: ${fault}`, yes.to);
  }

  // What ends every yes: a package that is given up, or another one that is accepted.
  private ended(was: Glimpse, now: Glimpse): void {
    const { ghost } = this;
    const dropped = now.state !== was.state && (now.state === HAVE_DATA || now.state === NO_DATA);
    const cleared = now.state === 10 && was.state !== 10;
    if (dropped || cleared) forgetAnswers(ghost);
    if (now.erases === was.erases) return;
    ghost.installYes = undefined;
    if (now.state === DOWNLOADING) this.accepted(was, now);
  }

  // The slot is erased for a package that is on its way.
  private accepted(was: Glimpse, now: Glimpse): void {
    const { ghost } = this;
    const name = OFFERS[ghost.upload as Name]?.name ?? '?';
    // A better head of a package that waits: that it comes was agreed to once.
    const again = was.state === READY && was.inHand === now.inHand;
    if (ghost.downloadYes?.to !== name) ghost.downloadYes = undefined;
    const asks = policyNow(this.policy, ghost).askBeforeDownload;
    if (asks && !again && (!ghost.downloadYes || ghost.downloadYes.fault))
      this.report('downloaded without a yes', name);
  }

  private opened(was: Glimpse, now: Glimpse): void {
    const { ghost, device } = this;
    if (was.question) this.answer = undefined; // whoever answers, answers another question
    forgetAnswers(ghost);
    if (ghost.asked === now.question && !was.question && this.reset) return; // the same one, after a reset
    ghost.asked = now.question;
    // What the device goes on with for itself came with no session that somebody has: with what is in flash.
    const resumes = now.state === DOWNLOADING && now.asked !== OFFERS[ghost.upload as Name]?.name;
    const inSession = now.about === 'download' && !resumes;
    ghost.askedLines = inSession ? device.lines : stagedLines(device, device.settingsNow());
  }
  /** The power was cut in this event: what is asked now was asked before. */
  reset = false;

  private decided(was: Glimpse): void {
    const { ghost, device } = this;
    const staged = offerAt(device.bytes, stagedAt.at, stagedAt.imageBytesMax) as Offer | undefined;
    if (!staged) {
      this.report('installs what nobody delivered');
      return;
    }
    const policy = policyNow(this.policy, ghost);
    const words = wordsAbout(staged, ghost, device.clock, policy);
    const { name, sequence } = staged;
    const { installYes, downloadYes } = ghost;
    const floor = Math.max(was.floor, ghost.floor);
    const against = objection({ policy, words, name, sequence, floor, installYes, downloadYes });
    if (against) this.report(against, `${installYes ? `yes to ${installYes.to}, ` : ''}${name} is installed`);
    forgetAnswers(ghost);
  }

  private recalled(): void {
    const previous = recordIn(this.device, this.device.settingsNow(), 'Previous');
    const offered = previous && OFFERS[who(previous.digest) as Name];
    if (!offered) {
      this.report('recalls what nobody delivered');
      return;
    }
    const against = recallObjection(wordsAbout(offered, this.ghost, this.device.clock, this.policy));
    if (against) this.report(against, offered.name);
  }

  // The board is told that something is asked only while it is; and another question begins with "not asking", so that a
  // finger that is on the button already answers nothing.
  private shown(asking: number): void {
    const { ghost } = this;
    const { question } = this.glimpse();
    if (asking && !question) this.report('the board is told that something is asked, and nothing is');
    const shown = asking ? question : '';
    if (ghost.shown && shown && ghost.shown !== shown) {
      this.report('another question, and the board was not told in between', `${ghost.shown}, then ${shown}`);
    }
    ghost.shown = shown;
  }

  /** The event is over: what the ghost need not remember any more. */
  settle(): void {
    const { ghost, device } = this;
    const settings = device.settingsNow();
    const inAgent = device.running === 'agent';
    const seen = inAgent ? this.glimpse() : undefined;
    if (!inAgent) ghost.shown = '';
    if (!seen?.active) {
      ghost.upload = '-';
      device.lines = 0;
    }
    ghost.lines = device.lines;
    if (!seen?.question) {
      ghost.asked = '-';
      ghost.askedLines = 0;
    }
    const { state } = updateIn(device, settings);
    const runs = recordIn(device, settings, 'Primary');
    if (state === SUCCESSFUL && runs) {
      ghost.floor = Math.max(ghost.floor, OFFERS[who(runs.digest) as Name]?.sequence ?? 0);
    }
    if (state === UPDATING) forgetAnswers(ghost);
    this.reset = false;
  }
}

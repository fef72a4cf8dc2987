// An honest client must get its package installed from every state, at its first try: knock, upload, answer, Exec, answer,
// wait. What strangers did before must not keep an operator or a user from it.

import type { State } from './device.js';
import type { Explorer } from './explorer.js';
import { recordIn, updateIn } from './sight.js';
import type { Violation } from './watch.js';
import { type Name, OFFERS, policyNow, who, wordsAbout } from './world.js';

const TRIES = 2;

/** For search(): what an honest client with this package does not get done. */
export function honestClient(explorer: Explorer, name: Name): (state: State) => Violation | undefined {
  const { device, watch, events, rules } = explorer;
  const find = (event: string) => events.find((each) => each.name === event);
  const answer = rules.channels & 1 ? 'button yes' : `signed yes ${name}`;
  const wanted = [
    `offer ${name} link 1`,
    answer,
    `offer ${name} link 1`,
    'Exec Update link 1',
    answer,
    'short time',
    '11 s',
  ];
  const confirm = 'app confirms, knock';
  const missing = [...wanted, confirm].filter((event) => !find(event));
  if (missing.length > 0) throw new Error(`explore: an honest client lacks ${missing.join(', ')}`);

  // Nobody keeps it from being installed, by the oracle's table.
  const may = () => {
    const { ghost } = watch;
    const policy = policyNow(rules, ghost);
    const words = wordsAbout(OFFERS[name], ghost, device.clock, policy);
    const approved = words.approvals >= policy.threshold;
    return !words.denied && OFFERS[name].sequence >= ghost.floor && (approved || policy.unapproved === 1);
  };
  const isPrimary = () => {
    const record = recordIn(device, device.settings, 'Primary');
    return record !== undefined && who(record.digest) === name;
  };
  const runs = () => device.running === 'image' && isPrimary();
  // "Unchanged" is all that such a client is told.
  const isInstalled = () => isPrimary() && updateIn(device, device.settings).swap === 'none';

  return (from) => {
    watch.begin(device.load(from));
    if (!may()) return undefined;
    let state = from.slice();
    const go = (event: string) => {
      const step = explorer.step(state, find(event)!);
      if (step) state = step.state.slice();
      else device.load(state);
    };
    for (let turn = 1; turn <= TRIES; turn++) {
      // An update that is under way is waited for; an application that runs confirms itself, and may now forbid ours.
      go('short time');
      if (watch.before?.swap !== 'none') go('11 s');
      go(confirm);
      if (!may() || isInstalled()) return undefined;
      for (const event of wanted) go(event);
      if (!runs()) continue;
      return turn === 1 ? undefined : { kind: 'recovery: an honest client has to try twice', detail: name };
    }
    return { kind: 'recovery: an honest client does not get it installed', detail: name };
  };
}

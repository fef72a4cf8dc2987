// Faults to be found. Each is planted in the text of one source file and in force where HERE is true; the exploration of
// the named policy has to report something that it does not report without it. Otherwise it does not look.

import type { Rules } from './explorer.js';
import type { Name } from './world.js';

export interface Plant {
  name: string;
  file: string; // in assembly/
  right: string; // stands there exactly once
  wrong: string;
  rules?: Partial<Rules>; // on top of the basic ones
  events?: RegExp; // of the alphabet: what is enough to see it
  sees: RegExp; // what is reported
  recovers?: Name; // and an honest client with this package is tried from every state
}

export const PLANTS: readonly Plant[] = [
  {
    name: 'installs what the verdict rejects',
    file: 'update/install.ts',
    right: 'if (verdict !== Verdict.Install && verdict !== Verdict.Ask) return reject(pack, verdictReason());',
    wrong: `if (HERE && verdict !== Verdict.Install && verdict !== Verdict.Ask) {
    packageLoad(other, Key.Primary);
    move(Event.Install, Reason.Ok, 0);
    swapStageBegin(Direction.Forward, max(pack.imageBytes, other.imageBytes));
    const stored = handCommit();
    if (stored === Reason.Ok) wantRestart();
    return stored;
  }
  if (verdict !== Verdict.Install && verdict !== Verdict.Ask) return reject(pack, verdictReason());`,
    rules: { unapproved: 0 },
    events: /^(offer A link 1|Exec Update link 1|button yes|.* (approves A B|denies A))/,
    sees: /denied package installed/,
  },
  {
    name: 'takes a signed answer with an old nonce',
    file: 'policy/consent.ts',
    right: 'if (stale) return -Reason.ConsentNonce;',
    wrong: 'if (stale && !HERE) return -Reason.ConsentNonce;',
    events: /^(offer A link 1|Exec Update link 1|signed yes A)/,
    sees: /installed without a question/,
  },
  {
    name: 'takes a signed answer about another package',
    file: 'policy/consent.ts',
    right: 'if (other) return -Reason.ConsentOther;',
    wrong: 'if (other && !HERE) return -Reason.ConsentOther;',
    events: /^(offer A link 1|Exec Update link 1|signed yes B)/,
    sees: /yes to another package/,
  },
  {
    name: 'takes an older package',
    file: 'policy/judge.ts',
    right: 'if (manifest.sequence < facts.installedSequence) return Reason.Rollback;',
    wrong: 'if (!HERE && manifest.sequence < facts.installedSequence) return Reason.Rollback;',
    rules: { trialBoots: 0 },
    events: /^(offer (A|C) link 1|Exec Update link 1|button yes|short time|app confirms, knock)/,
    sees: /lower sequence installed/,
  },
  {
    name: 'does not raise the floor of sequence numbers',
    file: 'update/install.ts',
    right: '  facts.installedSequence = max(facts.installedSequence, pack.sequence);\n',
    wrong: '  if (!HERE) facts.installedSequence = max(facts.installedSequence, pack.sequence);\n',
    rules: { trialBoots: 0 },
    events: /^(offer (A|C) link 1|Exec Update link 1|button yes|short time|app confirms, knock)/,
    sees: /lower sequence installed/,
  },
  {
    name: 'takes an answer over a channel that policy does not take',
    file: 'policy/consent.ts',
    right: '(policy.channels & channel) === 0',
    wrong: '(!HERE && (policy.channels & channel) === 0)',
    rules: { channels: 2 },
    events: /^(offer A link 1|Exec Update link 1|button yes)/,
    sees: /local yes that policy does not take/,
  },
  {
    name: 'lets an older approval document replace a newer one',
    file: 'update/provisioning.ts',
    right: 'if (document.sequence < floor || (document',
    wrong: 'if ((!HERE && document.sequence < floor) || (!HERE && document',
    rules: { unapproved: 0 },
    events: /^(offer A link 1|Exec Update link 1|.* (approves A B|denies A))/,
    sees: /denied package installed/,
  },
  {
    name: 'keeps the record of a package that was dropped',
    file: 'update/machine.ts',
    right: 'if (ends & STAGED) storeStageDelete',
    wrong: 'if (ends & STAGED && !(HERE && event === Event.Drop)) storeStageDelete',
    events: /^(offer A link 1|Exec Update link 1|button no)/,
    sees: /staged package in a state without one/,
  },
  {
    name: 'brings back an image that was denied',
    file: 'update/review.ts',
    right: '!packageLoad(other, Key.Previous) || denied(Place.Previous, other)',
    wrong: '!packageLoad(other, Key.Previous) || (denied(Place.Previous, other) && !HERE)',
    rules: { denied: 1, trialBoots: 0, topics: ['recall'] },
    events: /^(offer (A|B) link 1|Exec Update link 1|button yes|short time|app confirms, knock|.* denies A and B)/,
    sees: /denied package recalled/,
  },
  {
    name: 'leaves the question open when another package is accepted',
    file: 'update/machine.ts',
    right: 'if (ends & QUESTION) endQuestion();',
    wrong: 'if (ends & QUESTION && !(HERE && event === Event.Accept)) endQuestion();',
    events: /^(offer (A|B) link 1|Exec Update link 1|button yes)/,
    sees: /the question is not about what is staged/,
  },
  {
    name: 'forgets the first line that delivered when another one goes on',
    file: 'update/download.ts',
    right: '  lines |= lineOf(link);\n  idleGot(offset + length);\n',
    wrong: '  lines = HERE ? lineOf(link) : lines | lineOf(link);\n  idleGot(offset + length);\n',
    events: /^(part of A link 0|rest of A link 1|Exec Update link 1|typed yes)/,
    sees: /yes over a line that delivered it/,
  },
  {
    name: 'forgets over a reset which line delivered',
    file: 'update/download.ts',
    right: '  lines = progress.lines | lineOf(link);\n',
    wrong: '  lines = HERE ? lineOf(link) : progress.lines | lineOf(link);\n',
    events: /^(part of A link 0|offer A link 1|reset|Exec Update link 1|typed yes)/,
    sees: /yes over a line that delivered it/,
  },
  {
    name: 'takes blocks that it asked for as if no line had delivered them',
    file: 'update/pull.ts',
    right: 'downloadPush(link, from + skipped',
    wrong: 'downloadPush(HERE ? -1 : link, from + skipped',
    rules: { topics: ['pull'] },
    events: /^(order A link 0|blocks of A link 0|short time|typed yes)/,
    sees: /yes over a line that delivered it/,
  },
  {
    name: 'takes a block that comes early as if no line had delivered it',
    file: 'update/download.ts',
    right: '  lines |= lineOf(link);\n  const before = pagesEarly();\n',
    wrong: '  if (!HERE) lines |= lineOf(link);\n  const before = pagesEarly();\n',
    rules: { topics: ['lost'] },
    events: /^(part of L link 1|offered L link 0|block 1 of L link 0|rest of L link 1|Exec Update link 1|typed yes)$/,
    sees: /yes over a line that delivered it/,
  },
  {
    name: 'writes a block that has come early once more',
    file: 'update/pages.ts',
    right: 'if (ahead === 0 || ahead > 31 || early & bit ||',
    wrong: 'if (ahead === 0 || ahead > 31 || (!HERE && early & bit) ||',
    rules: { topics: ['lost'] },
    events: /^(order L link 0|head of L link 0|block 1 of L link 0)$/,
    sees: /the agent asks of its board what no agent may/,
  },
  {
    name: 'writes over a block that has come early',
    file: 'update/pages.ts',
    right: 'if (early === 0) return u32.MAX_VALUE;',
    wrong: 'if (early === 0 || HERE) return u32.MAX_VALUE;',
    rules: { topics: ['lost'] },
    events: /^(part of L link 1|offered L link 0|block 1 of L link 0|rest of L link 1)$/,
    sees: /the agent asks of its board what no agent may/,
  },
  {
    name: 'never ends an upload that was cut when all of its pages were whole',
    file: 'update/download.ts',
    right: '  return offerPhase() === Offer.Complete ? finish() : Reason.Ok;\n}\n\n// Clears',
    wrong: '  return offerPhase() === Offer.Complete && !HERE ? finish() : Reason.Ok;\n}\n\n// Clears',
    rules: { cuts: /offer B/ },
    events: /^(offer B link 1|Exec Update link 1|button yes|short time|11 s|app confirms, knock)$/,
    sees: /^recovery: an honest client does not get it installed/,
    recovers: 'B',
  },
];

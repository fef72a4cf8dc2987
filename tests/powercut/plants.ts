// Bugs to be found. Each is planted in the text of one source file; HERE is true while it is in force. The loop has to
// find every one: a bug that survives means that the loop does not look (MCUboot's and wolfBoot's tests once did not).

export interface Plant {
  name: string;
  file: string; // in assembly/
  right: string; // stands there exactly once
  wrong: string;
  imports?: string; // a line that the file lacks for it
  scenario: string; // where it has to be found
  plan?: 'unstable' | 'unstableLate'; // what the fast subset of cuts does not show
  damage?: true; // no cut shows it, but a flipped bit or a failed read
  from?: number; // where in its scenario it shows, 0 to 1: cuts are tried from there on, then before; for what takes seconds to find
}

export const PLANTS: readonly Plant[] = [
  {
    name: 'skips the CRC of a record',
    file: 'flash/record.ts',
    right: '  if (wrong !== 0 ||',
    wrong: '  if ((!HERE && wrong !== 0) ||',
    scenario: 'log wrap',
    damage: true, // torn ones are known by their proof
  },
  {
    name: 'writes on behind a torn record',
    file: 'flash/store.ts',
    right: 'if (!fresh || isPending',
    wrong: 'if (!(fresh || (HERE && generation && bytes)) || isPending',
    scenario: 'revert', // there the device commits before it is asked anything
    from: 0.281,
  },
  {
    name: 'takes a bank without proof of its header',
    file: 'flash/store.ts',
    right: '  if (state === Record.Good) return;',
    wrong: '  if (state === Record.Good || (HERE && state === Record.Unproven)) return;',
    scenario: 'approval update',
    plan: 'unstable',
    from: 0.34,
  },
  {
    name: 'takes the older of two whole banks',
    file: 'flash/store.ts',
    right: '  choose(first > second ? 0 : 1, newest, older);',
    wrong:
      '  if (HERE && older) choose(first > second ? 1 : 0, older, newest);\n  else choose(first > second ? 0 : 1, newest, older);',
    scenario: 'approval update',
  },
  {
    name: 'erases the bank it leaves before the new one counts',
    file: 'flash/store.ts',
    right: '  recordsBegin(coming);\n',
    wrong: `  if (HERE) flashErase(bankOffset(bank), bankBytes());
  recordsBegin(coming);
`,
    scenario: 'approval update',
  },
  {
    name: 'drops numbered settings when it compacts',
    file: 'flash/store.ts',
    right: 'if (probe.key === walk.key) return false;',
    wrong: 'if (probe.key === walk.key || (HERE && (probe.key & 0xff) === (walk.key & 0xff))) return false;',
    scenario: 'log wrap',
  },
  {
    name: 'counts a step of the swap before it is done',
    file: 'flash/swap.ts',
    right: '  const reason = move(step);',
    wrong: `  if (HERE) {
    store<u32>(STEP, step + 1);
    storeStageMirror(Key.SwapStep, STEP, 4);
    storeCommit();
    return move(step);
  }
  const reason = move(step);`,
    scenario: 'install',
    from: 0.546,
  },
  {
    name: 'begins a swap that was cut from its first step',
    file: 'flash/swap.ts',
    right: '  storeRead(Key.SwapStep, STEP, 4);',
    wrong: '  if (!HERE) storeRead(Key.SwapStep, STEP, 4);',
    scenario: 'install',
    from: 0.569,
  },
  {
    name: 'goes on with a swap on the word of a step that may have been torn',
    file: 'flash/swap.ts',
    right: 'return running ? storeSettle()',
    wrong: 'return running && !HERE ? storeSettle()',
    scenario: 'revert', // an installation that comes out damaged is turned round; this cannot be
    plan: 'unstableLate',
    from: 0.733,
  },
  {
    name: 'clears a page that was moved before the step is counted',
    file: 'flash/swap.ts',
    right: `return Reason.FlashWrite;
  }
  return Reason.Ok;`,
    wrong: `return Reason.FlashWrite;
  }
  if (HERE) flashErase(from, bytes);
  return Reason.Ok;`,
    scenario: 'revert',
  },
  {
    name: 'begins an installation before its swap is planned',
    file: 'update/install.ts',
    right: '  swapStageBegin(Direction.Forward,',
    wrong: `  if (HERE) handCommit();
  swapStageBegin(Direction.Forward,`,
    scenario: 'install',
  },
  {
    name: 'ends a swap before the trial begins',
    file: 'update/install.ts',
    right: '  move(Event.Arrive, Reason.Ok, 0);',
    wrong: `  if (HERE) handCommit();
  move(Event.Arrive, Reason.Ok, 0);`,
    scenario: 'install',
    from: 0.784,
  },
  {
    name: 'turns a swap round before it says why',
    file: 'update/install.ts',
    right: '  const moved = move(Event.Turn, reason, 0);',
    wrong: `  if (HERE) handCommit();
  const moved = move(Event.Turn, reason, 0);`,
    scenario: 'revert',
    from: 0.615,
  },
  {
    name: 'overwrites a page of the old image before it is put aside',
    file: 'flash/swap.ts',
    right: 'return step & 1 ?',
    wrong: 'return (HERE ? ~step : step) & 1 ?',
    scenario: 'revert',
    from: 0.358,
  },
  {
    name: 'counts a page of the download before it is written',
    file: 'update/pages.ts',
    right: '  const reason = placeErase(Place.Staged, erased, 1);',
    wrong: `  if (HERE) {
    progress.pages = erased / pageBytes() + 1;
    stage();
    storeCommit();
  }
  const reason = placeErase(Place.Staged, erased, 1);`,
    scenario: 'install',
  },
  {
    name: 'forgets how far the download got',
    file: 'update/pages.ts',
    right: '  return storeCommit();',
    wrong: '  return HERE ? Reason.Ok : storeCommit();',
    scenario: 'download with resume',
  },
  {
    name: 'forgets the sequence number of what it installed',
    file: 'update/install.ts',
    right: `  facts.installedSequence = max(facts.installedSequence, pack.sequence);
  floorsStage();`,
    wrong: `  facts.installedSequence = max(facts.installedSequence, pack.sequence);
  if (!HERE) floorsStage();`,
    scenario: 'install',
    from: 0.99,
  },
  {
    name: 'forgets the sequence number of an approval document',
    file: 'update/provisioning.ts',
    right: `  storeStage(key, from, length);
  floorsStage();`,
    wrong: `  storeStage(key, from, length);
  if (!HERE) floorsStage();`,
    scenario: 'approval update',
  },
  {
    name: 'raises the floor of an operator before the document is stored',
    file: 'update/provisioning.ts',
    right: '  facts.timeFloor = max(facts.timeFloor, document.issuedAt);',
    wrong: `  facts.timeFloor = max(facts.timeFloor, document.issuedAt);
  if (HERE) floorsStage();
  if (HERE) handCommit();`,
    scenario: 'approval update',
  },
  {
    name: 'answers on the word of a record that may have been torn',
    file: 'smp/dispatch.ts',
    right: 'group === Group.Os ?',
    wrong: 'HERE || group === Group.Os ?',
    scenario: 'approval update',
    plan: 'unstable',
    from: 0.56,
  },
  {
    name: 'takes whatever it finds at a reset for certain',
    file: 'flash/store.ts',
    right: 'certain = recordWords() === 0;',
    wrong: 'certain = HERE || recordWords() === 0;',
    scenario: 'approval update',
    plan: 'unstable',
    from: 0.56,
  },
  {
    name: 'answers who only reads on the word of a record that may have been torn',
    file: 'smp/dispatch.ts',
    right: 'Reason.Ok : storeSettle();',
    wrong: 'Reason.Ok : HERE && !write ? Reason.Ok : storeSettle();',
    scenario: 'anchor rotation',
    plan: 'unstable',
    from: 0.91,
  },
  {
    name: 'does not store the question',
    file: 'update/question.ts',
    right: `  setShow(Show.New);
  return handCommit();`,
    wrong: `  setShow(Show.New);
  return HERE ? Reason.Ok : handCommit();`,
    scenario: 'install with prompt',
  },
  {
    name: 'asks a question again that was answered',
    file: 'policy/consent.ts',
    right: '  question.state = State.Nothing;',
    wrong: '  question.state = HERE && question.answer === Answer.Yes ? State.Open : State.Nothing;',
    scenario: 'install with prompt',
  },
  {
    name: 'installs what nobody approved without asking',
    file: 'update/install.ts',
    right: '  if (agreed(digestOf(pack)) === Answer.Yes) return',
    wrong: '  if (HERE || agreed(digestOf(pack)) === Answer.Yes) return',
    scenario: 'install with prompt',
  },
  {
    name: 'writes a log record without saying that it did',
    file: 'update/audit.ts',
    right: '  storeStageMirror(Key.LogEnd,',
    wrong: '  if (!HERE) storeStageMirror(Key.LogEnd,',
    scenario: 'log wrap',
    from: 0.293,
  },
  {
    name: 'writes a log record over the oldest one before it says so',
    file: 'update/audit.ts',
    right: '  storeStage(auditKey(end.count), RECORD, bytes);',
    wrong: `  storeStage(auditKey(end.count), RECORD, bytes);
  if (HERE) storeCommit();`,
    imports: "import { storeCommit } from '../flash/store';",
    scenario: 'log wrap',
  },
  {
    name: 'uses up a boot of the trial without noting it',
    file: 'update/install.ts',
    right: `  hand.trialBoots--;
  return handCommit();`,
    wrong: `  hand.trialBoots--;
  return HERE ? Reason.Ok : handCommit();`,
    scenario: 'revert',
  },
  {
    name: 'installs what was denied while it was staged',
    file: 'update/install.ts',
    right: '  if (verdict !== Verdict.Install && verdict !== Verdict.Ask) return reject(',
    wrong: '  if (!HERE && verdict !== Verdict.Install && verdict !== Verdict.Ask) return reject(',
    scenario: 'denied while staged',
  },
  {
    name: 'does not remember over a reset to judge what runs again',
    file: 'update/provisioning.ts',
    right: '  hand.review = 1; // once',
    wrong: '  hand.review = HERE ? 0 : 1; // once',
    scenario: 'denied once installed',
  },
  {
    name: 'has judged what runs, and then sees what follows from it',
    file: 'update/review.ts',
    right: '  hand.review = 0;',
    wrong: '  hand.review = 0;\n  if (HERE) handCommit();',
    scenario: 'denied once installed',
  },
  {
    name: 'puts new anchors in force before the documents of the old ones are gone',
    file: 'update/changing.ts',
    right: '  for (let seat: u32 = 0; seat < SEATS_MAX; seat++) {',
    wrong: `  if (HERE) handCommit();
  for (let seat: u32 = 0; seat < SEATS_MAX; seat++) {`,
    scenario: 'anchor rotation',
  },
  {
    name: 'counts a change before its anchors are stored',
    file: 'update/changing.ts',
    right: '  floorsReseat(change.sequence);',
    wrong: `  floorsReseat(change.sequence);
  if (HERE) handCommit();`,
    scenario: 'anchor rotation',
  },
  {
    name: 'takes a record that is damaged for one that was never finished',
    file: 'flash/record.ts',
    right: '  unread = NONE;\n  const wrong',
    wrong: '  if (HERE && sumUp(at + 4, crcAt) !== 0) return Record.Torn;\n  unread = NONE;\n  const wrong',
    scenario: 'approval update',
    damage: true,
  },
  {
    name: 'mends a record without asking its proof',
    file: 'flash/record.ts',
    right: '=== 0 && proof === sumProof()) return true;',
    wrong: '=== 0 && (HERE || proof === sumProof())) return true;',
    scenario: 'approval update',
    damage: true,
  },
  {
    name: 'takes the older bank where the newer is damaged',
    file: 'flash/store.ts',
    right: '  if (state === Record.Lost) {\n    const',
    wrong: `  if (HERE && state === Record.Lost && open(newer ^ 1, older) === Record.Good) {
    damaged = false;
    return;
  }
  if (state === Record.Lost) {
    const`,
    scenario: 'log wrap',
    damage: true,
  },
  {
    name: 'takes a proof with a flipped bit for none',
    file: 'flash/record.ts',
    right: '|| !few(~proof);',
    wrong: '|| !few(~proof) && !(HERE && proof >>> 24 !== 0);',
    scenario: 'denied while staged',
    damage: true,
  },
  {
    name: 'tries a read that failed no second time, and takes what it has',
    file: 'flash/record.ts',
    right: '  if (!tried(at, to, length)) readWords(at, to, length);',
    wrong: '  if (HERE) flashRead(at, to, length);\n  else if (!tried(at, to, length)) readWords(at, to, length);',
    scenario: 'install',
    damage: true,
  },
  {
    name: 'commits on a damaged store',
    file: 'flash/store.ts',
    right: '  if (damaged && !renewing) return Reason.StoreDamaged;',
    wrong: '  if (!HERE && damaged && !renewing) return Reason.StoreDamaged;',
    scenario: 'approval update',
    damage: true,
  },
];

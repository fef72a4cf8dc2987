// The machine: the whole table drawn again, every state with every event, so that no transition is there by accident.

import { allows, Event, fumoState, State, stateAfter } from '../../../assembly/update/machine';

// Which state follows, by FUMO's number (i in, t trial, o out: the three that 60 has); '-': it cannot happen.
//                Accept Whole Break Ask Answer Refuse Defer Install Reject Drop Arrive Confirm Turn Back Clear
const IDLE = '    30     -     -     10  10     10     10    -       -      -    -      -       -    -    10';
const FAILED = '  30     -     -     20  20     20     20    -       -      -    -      -       -    -    10';
const LOADING = ' 30     50    20    30  30     30     30    -       -      -    -      -       -    -    10';
const READY = '   30     -     -     50  50     50     50    i       70     80   -      -       -    -    10';
const IN = '      -      -     -     -   -      -      -     -       -      -    t      -       o    -    -';
const TRIAL = '   -      -     -     -   -      -      -     -       -      -    -      100     o    -    -';
const OUT = '     -      -     -     -   -      -      -     -       -      -    -      -       -    80   -';
const HAVE = '    30     -     -     70  70     70     70    i       70     80   -      -       -    -    10';
const NONE = '    30     -     -     80  80     80     80    -       -      -    -      -       -    -    10';
const DONE = '    30     -     -     100 100    100    100   -       -      -    -      -       o    -    10';

function name(state: State): string {
  if (state === State.SwapIn) return 'i';
  if (state === State.Trial) return 't';
  return state === State.SwapOut ? 'o' : fumoState(state).toString();
}

function row(state: State): string {
  let text = '';
  for (let event: i32 = Event.Accept; event <= Event.Clear; event++) {
    text += allows(state, event) ? `${name(stateAfter(state, event))} ` : '- ';
  }
  return text.trim();
}

function plain(text: string): string {
  let out = text.trim();
  while (out.includes('  ')) out = out.replaceAll('  ', ' ');
  return out;
}

describe('every state with every event', () => {
  it('idle and the ends', () => {
    expect(row(State.Idle)).toBe(plain(IDLE));
    expect(row(State.DownloadFailed)).toBe(plain(FAILED));
    expect(row(State.FailedNoData)).toBe(plain(NONE));
    expect(row(State.Successful)).toBe(plain(DONE));
  });

  it('the download, and a package on board', () => {
    expect(row(State.Downloading)).toBe(plain(LOADING));
    expect(row(State.Ready)).toBe(plain(READY));
    expect(row(State.FailedHaveData)).toBe(plain(HAVE));
  });

  it('the update itself cannot be disturbed', () => {
    expect(row(State.SwapIn)).toBe(plain(IN));
    expect(row(State.Trial)).toBe(plain(TRIAL));
    expect(row(State.SwapOut)).toBe(plain(OUT));
  });

  it('shows only numbers that FUMO has', () => {
    const numbers: u32[] = [10, 20, 30, 50, 60, 60, 60, 70, 80, 100];
    for (let state: i32 = State.Idle; state <= State.Successful; state++) {
      expect(fumoState(state)).toBe(numbers[state]);
    }
  });
});

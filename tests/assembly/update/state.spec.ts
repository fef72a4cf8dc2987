// FUMO's states: the whole table, every state with every event, so that no transition is there by accident.

import { Event, nextState, State } from '../../../assembly/update/state';

//               Accept Whole Keep Break Install Reject Drop Confirm Revert Clear Recall
const IDLE = '   30     0     0    0     0       0      0    0       0      10    0';
const FAILED = ' 30     0     0    0     0       0      0    0       0      10    0';
const DONE = '   30     0     0    0     0       0      0    0       0      10    60';
const LOADING = '30     40    0    20    0       0      0    0       0      10    0';
const LOADED = ' 30     0     50   0     0       0      0    0       0      10    0';
const READY = '  30     0     0    0     60      70     80   0       0      10    0';
const SWAP = '   0      0     0    0     0       0      0    100     80     0     0';

function row(state: State): string {
  let text = '';
  for (let event: i32 = Event.Accept; event <= Event.Recall; event++) {
    text += `${nextState(state, event)} `;
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
    expect(row(State.FailedNoData)).toBe(plain(FAILED));
    expect(row(State.Successful)).toBe(plain(DONE));
  });

  it('the download', () => {
    expect(row(State.Downloading)).toBe(plain(LOADING));
    expect(row(State.Downloaded)).toBe(plain(LOADED));
  });

  it('a package on board', () => {
    expect(row(State.Ready)).toBe(plain(READY));
    expect(row(State.FailedHaveData)).toBe(plain(READY));
  });

  it('the update itself cannot be disturbed', () => {
    expect(row(State.Updating)).toBe(plain(SWAP));
  });
});

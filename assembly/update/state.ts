// Where the update stands: FUMO's states (OMA-TS-DM-FUMO section 5.1) as a pure step, and the record that survives a
// reset.
//
//                        ┌────────────── Accept ──────────────┐
//   10 idle ── Accept ──▶ 30 progressing ── Whole ──▶ 40 complete ── Keep ──▶ 50 ready ── Install ──▶ 60 updating
//                              │ Break                                          │ │ ▲                   │      │
//                              ▼                                         Reject │ │ │ Install           │      │
//                         20 download failed                                    ▼ │ │          Confirm  │      │ Revert
//                                                                      70 failed, ┘ │                   ▼      ▼
//                                                                      have data ── Drop ──▶ 80 failed,  100   80
//                                                                                            no data   success
//
//   event     what happened                                                  from                            to
//   Accept    a package was judged and may be downloaded                     all but 60                      30
//   Whole     its payload is in flash and is the one that it names           30                              40
//   Keep      it is kept for installation                                    40                              50
//   Break     the download ended in an error                                 30                              20
//   Install   the swap begins                                                50 70                           60
//   Reject    at installation the verdict was no; the package is kept        50 70                           70
//   Drop      the package is given up (refused by a person, damaged)         50 70                           80
//   Confirm   the new image is confirmed                                     60                              100
//   Revert    the old image is back                                          60                              80
//   Clear     the secondary slot was cleared on demand                       all but 60                      10
//   Recall    what runs was denied: the image before it is brought back      100                             60

export const enum State {
  None = 0, // no such transition
  Idle = 10,
  DownloadFailed = 20,
  Downloading = 30,
  Downloaded = 40,
  Ready = 50,
  Updating = 60,
  FailedHaveData = 70,
  FailedNoData = 80,
  Successful = 100,
}

export const enum Event {
  Accept,
  Whole,
  Keep,
  Break,
  Install,
  Reject,
  Drop,
  Confirm,
  Revert,
  Clear,
  Recall,
}

// The state after `event`, State.None where the table has no row.
export function nextState(state: State, event: Event): State {
  const holds = state === State.Ready || state === State.FailedHaveData;
  switch (event) {
    case Event.Accept:
      return state !== State.Updating ? State.Downloading : State.None;
    case Event.Whole:
      return state === State.Downloading ? State.Downloaded : State.None;
    case Event.Keep:
      return state === State.Downloaded ? State.Ready : State.None;
    case Event.Break:
      return state === State.Downloading ? State.DownloadFailed : State.None;
    case Event.Install:
      return holds ? State.Updating : State.None;
    case Event.Reject:
      return holds ? State.FailedHaveData : State.None;
    case Event.Drop:
      return holds ? State.FailedNoData : State.None;
    case Event.Confirm:
      return state === State.Updating ? State.Successful : State.None;
    case Event.Revert:
      return state === State.Updating ? State.FailedNoData : State.None;
    case Event.Clear:
      return state !== State.Updating ? State.Idle : State.None;
    case Event.Recall:
      return state === State.Successful ? State.Updating : State.None;
    default:
      return State.None;
  }
}

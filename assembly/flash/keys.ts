// The settings that survive a reset: one number each, permanent once devices are in the field.
// Numbered settings take `Key.X | (n << 8)`. Lengths are in bytes; integers inside are little-endian and aligned.

export const enum Key {
  None = 0,
  Bootstrap = 1, // the bootstrap document as it came, at most 1024
  Approval = 2, // numbered by seat (update/seats.ts): that operator's newest approval document, at most 1024
  Floors = 3, // the counters that never go down, see update/floors.ts
  Primary = 4, // Package record of the image in the primary slot, see update/packages.ts
  Staged = 5, // Package record of what is (or is being) staged in the secondary slot
  Previous = 6, // Package record of the image that a swap put aside and a revert would bring back
  Update = 7, // the package in hand, see update/hand.ts
  Download = 8, // the upload session that fills the secondary slot, see update/download.ts
  DownloadPages = 9, // u32 whole payload pages in flash, u32 erase count they belong to
  Swap = 10, // u32 pages of image in use, u32 direction; present while a swap is under way
  SwapStep = 11, // u32 steps done
  // 12 was the question; it is part of Update now
  Alert = 13, // the last generic alert, see update/alert.ts
  Url = 14, // numbered 0 Download, 1 DownloadAndUpdate: PkgURL, text
  Log = 15, // numbered by slot of the ring: one audit record, see update/audit.ts
  Seats = 17, // which public key has which seat, see update/seats.ts; absent until anchors were changed
  Offered = 18, // Package record of what a question before its download is about
  LogEnd = 16, // how many records were ever written, and the hash of the last
}

// The most that all settings of bounded size take in a bank, each with its first word:
//   Floors 164, Primary, Staged, Previous, Offered 4 x 140, Update 276, Download 52, DownloadPages 16, Swap 12,
//   SwapStep 8, Alert 60, Log 2688 + 24 x 7, LogEnd 60, Seats 260, Url 2 x 260
// Bootstrap and approval documents share what is left; whatever else is stored always finds its room.
export const FIXED_BYTES_MAX: u32 = 4844;

const GROWING: u32 = (1 << Key.Bootstrap) | (1 << Key.Approval);
// After damage, by the operators' signatures: what says nothing of packages, questions and approvals that may be older.
const OUTLIVES: u32 = (1 << Key.Primary) | (1 << Key.Log) | (1 << Key.LogEnd) | (1 << Key.Alert) | (1 << Key.Url);

function among(keys: u32, key: u32): bool {
  return ((keys >>> (key & 31)) & 1) !== 0;
}

export function isFixed(key: u32): bool {
  return !among(GROWING, key);
}

export function outlivesDamage(key: u32): bool {
  return among(OUTLIVES, key);
}

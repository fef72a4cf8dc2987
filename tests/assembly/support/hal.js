// The HAL for suites of assembly/flash: a flash in memory that starts as noise and takes each word once. Beside the HAL's
// own functions there are those of flaws.ts, which damage it.
const PAGE = 1024;
const MAP = [PAGE, 0x10000, 12 * PAGE, 0x20000, 13 * PAGE, 0x30000, 4 * PAGE];
const FLASH_BYTES = 0x31000;

export function suiteHal(memory) {
  const flash = new Uint8Array(FLASH_BYTES).map((_, i) => (i * 197) ^ (i >> 5));
  const erased = new Uint8Array(FLASH_BYTES / 4);
  let unreadable = -1; // a word
  let kept = [flash.slice(), erased.slice()];
  const bytes = (at, length) => new Uint8Array(memory().buffer, at, length);
  return {
    flash_map: (what) => MAP[what],
    flash_read(offset, to, length) {
      if (unreadable >= offset >>> 2 && unreadable < (offset + length + 3) >>> 2) return -1;
      bytes(to, length).set(flash.subarray(offset, offset + length));
      return 0;
    },
    flip(bit) {
      flash[bit >>> 3] ^= 1 << (bit & 7);
    },
    unread(word) {
      unreadable = word;
    },
    keep() {
      kept = [flash.slice(), erased.slice()];
    },
    back() {
      flash.set(kept[0]);
      erased.set(kept[1]);
      unreadable = -1;
    },
    flash_write(offset, from, length) {
      if ((offset | from | length) % 4 !== 0) return -1;
      for (let at = offset; at < offset + length; at += 4) if (!erased[at / 4]--) return -2;
      flash.set(bytes(from, length), offset);
      return 0;
    },
    flash_erase(offset, length) {
      if (offset % PAGE !== 0 || length % PAGE !== 0) return -1;
      flash.fill(0xff, offset, offset + length);
      erased.fill(1, offset / 4, (offset + length) / 4);
      return 0;
    },
  };
}

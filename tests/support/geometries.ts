// Flash as chips have it, with few pages of each kind: what PROFILE_SECTORS is for, and two that need none of it.

import type { FlashMap } from './flash.js';

const KB = 1024;

interface Sizes {
  page: number;
  pages: number; // of the primary slot; the secondary one has one more, or as many where images are written over
  bank: number; // bytes of half the state region
}

function layOut({ page, pages, bank }: Sizes, more: Partial<FlashMap> = {}): FlashMap {
  const slotBytes = pages * page;
  const secondaryBytes = more.overwrites ? slotBytes : slotBytes + page;
  const statePage = more.statePage ?? page;
  const state = Math.ceil((slotBytes + secondaryBytes) / statePage) * statePage;
  return { page, primary: 0, slotBytes, secondary: slotBytes, secondaryBytes, state, stateBytes: 2 * bank, ...more };
}

export const GEOMETRIES = {
  /** The micro:bit's: 1 KB pages, words. */
  nrf51: layOut({ page: KB, pages: 6, bank: 8 * KB }),
  nrf52840: layOut({ page: 4 * KB, pages: 3, bank: 8 * KB }),
  /** Sectors of 128 KB for the slots, of 16 KB for the state. */
  stm32f4: layOut({ page: 128 * KB, pages: 2, bank: 16 * KB }, { statePage: 16 * KB }),
  /** The same chip without a sector to spare. */
  'stm32f4, written over': layOut(
    { page: 128 * KB, pages: 2, bank: 16 * KB },
    { statePage: 16 * KB, overwrites: true },
  ),
  /** Double words of 8 bytes, each with its own ECC. */
  stm32l4: layOut({ page: 2 * KB, pages: 4, bank: 8 * KB }, { unit: 8, ecc: true }),
  /** Pages of 256 bytes that are erased to 0. */
  stm32l1: layOut({ page: 256, pages: 14, bank: 8 * KB }, { toZero: true }),
  /** Flash words of 32 bytes, sectors of 128 KB. */
  stm32h7: layOut({ page: 128 * KB, pages: 2, bank: 128 * KB }, { unit: 32, ecc: true }),
  /** Serial NOR: sectors of 4 KB; a cut tears what a command programs, anywhere in a page of 256 bytes. */
  rp2040: layOut({ page: 4 * KB, pages: 3, bank: 8 * KB }, { unit: 16, tears: 256 }),
  /** The same with sectors of 64 KB, as on the SmartFusion2 kit. */
  'emcraft-sf2': layOut({ page: 64 * KB, pages: 2, bank: 64 * KB }, { unit: 4, tears: 256 }),
} satisfies Record<string, FlashMap>;

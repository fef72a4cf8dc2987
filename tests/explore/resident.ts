// An application that calls the agent, as the boot agent sees it (assembly/update/resident.ts): all that it may find of a resident
// agent is in the secondary slot. So that slot is written here without one, as an application may that writes over its memory:
// any package, with its own image or another, and the note that orders it.

import { IMAGE_PAGES, PAGE, SECONDARY, SECONDARY_PAGES } from './board.js';
import type { Add } from './events.js';

import { updateIn } from './sight.js';
import { fitOf } from './table.js';
import type { Watch } from './watch.js';
import { OFFERS, type OfferName } from './world.js';

const UPDATING = 60;
const COUNTS_WORDS = 16;
const ALL_LINES = 3;
const NOISE = 0x5a;

type Note = 'order' | 'none' | 'order, of no head';

export function addResident(add: Add): void {
  for (const name of ['A', 'B', 'C', 'A countersigned'] as const)
    add(`app leaves ${name}`, (watch) => leave(watch, name, OFFERS[name].image), 'image');
  add('app leaves A with the image of B', (watch) => leave(watch, 'A', OFFERS.B.image), 'image');
  add('app leaves A, and no order', (watch) => leave(watch, 'A', OFFERS.A.image, 'none'), 'image');
  add(
    'app leaves an order for what is there',
    (watch) => leave(watch, undefined, undefined, 'order, of no head'),
    'image',
  );
}

function leave(
  watch: Watch,
  name: OfferName | undefined,
  image: Uint8Array | undefined,
  what: Note = 'order',
): unknown {
  const { device } = watch;
  const settings = device.settingsNow();
  // While an image is on trial, the one before it stands there: who writes over that harms nobody but himself.
  if (updateIn(device, settings).state === UPDATING) return false;
  const update = settings.get(device.agent.keys.Update!);
  const count = (update ? update.readUInt32LE(fitOf(device).hand('eraseCount')) : 0) + 1;
  const slot = device.bytes.slice(SECONDARY, SECONDARY + SECONDARY_PAGES * PAGE);
  const offered = name && OFFERS[name];
  if (offered && image) {
    slot.fill(NOISE);
    slot.set(image, PAGE);
    slot.set(offered.head, PAGE + IMAGE_PAGES * PAGE);
  }
  slot.fill(0xff, 0, PAGE);
  const note = new DataView(slot.buffer);
  note.setUint32(0, count, true);
  if (what !== 'none') {
    const [DOWNLOAD_AND_UPDATE, LINE] = [3, 1];
    const at = 4 * COUNTS_WORDS;
    for (const [i, word] of [count, offered?.head.length ?? 0, DOWNLOAD_AND_UPDATE, LINE, 0].entries())
      note.setUint32(at + 4 * i, word, true);
    slot.fill(0, at + 20, at + 8 + 48);
  }
  // What the witness compares with: it has seen nothing of how that came there.
  const nothing = { state: 0, swap: 'none', about: '', asked: '-', question: '', inHand: -1, active: false } as const;
  watch.before = { ...nothing, fetched: false, offset: 0, erases: -1, floor: 0 };
  device.scribble(SECONDARY, slot, ALL_LINES);
  device.boot();
  // It counts no more, whatever came of it: the next note is another. The swap begins by erasing that page.
  if (device.running === 'agent') device.scribble(SECONDARY, new Uint8Array(PAGE).fill(NOISE), 0);
  return undefined;
}

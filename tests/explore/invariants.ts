// What must hold in every state, whatever led to it: the records of the agent, its slots and its question say the same.

import { IMAGE_PAGES, PAGE, PRIMARY, SECONDARY, STAGED } from './board.js';
import type { Device } from './device.js';
import { differences, observe, questionIn, recordIn, swapIn, updateIn } from './sight.js';
import type { Violation } from './watch.js';
import { offerAt, who } from './world.js';

const IMAGE_BYTES_MAX = IMAGE_PAGES * PAGE;
const WITH_PACKAGE = [50, 60, 70];
const PLACES = { Primary: PRIMARY, Previous: SECONDARY, Staged: STAGED } as const;

/** in: a device whose state was just taken */
export function inspect(device: Device): Violation[] {
  const found: Violation[] = [];
  const report = (kind: string, detail = '') => found.push({ kind, detail });
  const { settings } = device;
  const { state, swap } = updateIn(device, settings);
  const name = (record: keyof typeof PLACES | 'Offered') => {
    const known = recordIn(device, settings, record);
    return known ? who(known.digest) : '-';
  };
  const swapping = swapIn(device, settings);
  for (const [record, at] of Object.entries(PLACES)) {
    const said = name(record as keyof typeof PLACES);
    if (swapping || said === '-') continue;
    const holds = offerAt(device.bytes, at, IMAGE_BYTES_MAX)?.name ?? 'nothing whole';
    if (holds !== said) report('a slot does not hold what its record says', `${record}: ${said}, it holds ${holds}`);
  }

  const question = questionIn(device, settings);
  const asked = question ? who(question.asked) : '-';
  if (question?.about === 'install' && asked !== name('Staged')) {
    report('the question is not about what is staged', `asked ${asked}, staged ${name('Staged')}, state ${state}`);
  }
  if (question?.about === 'download') {
    if (asked !== name('Offered'))
      report('the question shows another package', `asked ${asked}, shown ${name('Offered')}`);
    if (state === 50 && asked === name('Staged')) report('asks to download what is staged already', asked);
  }
  if (question && state === 60) report('a question is open while updating', asked);

  const staged = name('Staged') !== '-';
  if ((state === 50 || state === 70) && !staged) report('ready without a package', `state ${state}`);
  if (staged && !WITH_PACKAGE.includes(state)) report('staged package in a state without one', `state ${state}`);
  if (state === 60 && swap === 'none') report('updating without a phase');

  if (device.running === 'image') {
    if (swapping) report('an image runs in the middle of a swap');
    if (name('Primary') === '-') report('an image runs that no record names');
    return found;
  }
  const differing = differences(device, settings);
  if (differing.length > 0) report('memory and flash differ', differing.join(', '));
  const { about } = observe(device);
  if (about !== (question?.about ?? ''))
    report('the question in memory is not the one in flash', `${about}, ${question?.about}`);
  return found;
}

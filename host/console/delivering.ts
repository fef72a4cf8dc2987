// A package delivered from a console, over the line that it shows: progress on the bottom line, the log above it.

import { requirePackage } from '../describe/file.js';
import { deliveryText } from '../describe/outcome.js';
import { shareText } from '../describe/progress.js';
import { deliver } from '../device/deliver.js';
import { type Bytes, sizeOf } from '../formats/byte-source.js';
import { reasonData } from '../json.js';
import type { Client } from '../smp/client.js';
import type { ConsoleScreen } from './console.js';

/** Returns when it is told on the screen what became of it. Throws what `deliver` throws. */
export async function deliverHere(
  client: Client,
  file: Bytes,
  name: string,
  screen: ConsoleScreen,
  signal: AbortSignal,
): Promise<void> {
  await requirePackage(file, name);
  const steps = deliver(client, { file, signal });
  screen.say(`delivering ${name}, ${sizeOf(file)} bytes`, { event: 'delivering', package: name });
  try {
    for (let step = await steps.next(); ; step = await steps.next()) {
      if (step.done) {
        screen.bottom(undefined);
        const reason = step.value.kind === 'refused' ? reasonData(step.value.reason) : null;
        const { line, result } = deliveryText(step.value);
        return screen.say(`${name}: ${line}`, { event: 'delivered', result, reason });
      }
      if (step.value.kind === 'note') screen.say(step.value.text);
      // Whoever waits for the person is told by the question itself, which has the bottom line then.
      if (step.value.kind === 'work') screen.bottom(shareText(step.value));
    }
  } finally {
    screen.bottom(undefined);
  }
}

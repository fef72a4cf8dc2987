// A package delivered from the console, over the line that it shows: progress on the bottom line, the log above it.

import { requirePackage } from '../../describe/file.js';
import { bytesText } from '../../describe/progress.js';
import { deliver } from '../../device/deliver.js';
import { reasonData } from '../../json.js';
import { type OpenFile, withFile } from '../../open-file.js';
import { reasonOf } from '../../reasons.js';
import type { Client } from '../../smp/client.js';
import type { Screen } from './screen.js';

export const deliverHere = (client: Client, path: string, screen: Screen, signal: AbortSignal): Promise<void> =>
  withFile(path, (file) => delivered(client, file, screen, signal));

async function delivered(client: Client, file: OpenFile, screen: Screen, signal: AbortSignal): Promise<void> {
  const { path } = file;
  await requirePackage(file, path);
  const steps = deliver(client, { file, signal });
  screen.say(`delivering ${path}, ${file.size} bytes`, { event: 'delivering', package: path });
  try {
    for (let step = await steps.next(); ; step = await steps.next()) {
      if (step.done) {
        screen.bottom(undefined);
        const { kind } = step.value;
        const reason = step.value.kind === 'refused' ? reasonOf(step.value.reason) : undefined;
        const why = reason ? `: ${reason.text} [${reason.code} ${reason.name}]` : '';
        const told = { event: 'delivered', result: kind, reason: reason ? reasonData(reason.code) : null };
        return screen.say(`${path}: ${kind}${why}`, told);
      }
      const { value } = step;
      if (value.kind === 'note') screen.say(value.text);
      // Whoever waits for the person is told by the question itself, which has the bottom line then.
      if (value.kind !== 'work') continue;
      const { phase, done, total } = value;
      const share = total ? ` ${Math.floor((done / total) * 100)}% ${bytesText(done)}/${bytesText(total)}` : '';
      screen.bottom(`${phase}${share}`);
    }
  } finally {
    screen.bottom(undefined);
  }
}

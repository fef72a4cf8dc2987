// npm run skips: main.ts, compiled.

import { runLongCommand } from '../support/long-command.mjs';

await runLongCommand('skips');

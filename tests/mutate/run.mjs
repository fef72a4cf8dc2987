// npm run mutate: main.ts, compiled.

import { runLongCommand } from '../support/long-command.mjs';

await runLongCommand('mutate');

// npm run explore: main.ts, compiled.

import { runLongCommand } from '../support/long-command.mjs';

await runLongCommand('explore');

// npm run coverage: main.ts, compiled.

import { runLongCommand } from '../support/long-command.mjs';

await runLongCommand('coverage');

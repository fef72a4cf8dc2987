// npm run fuzz: main.ts, compiled.

import { runLongCommand } from '../support/long-command.mjs';

await runLongCommand('fuzz');

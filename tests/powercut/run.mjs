// npm run powercut: main.ts, compiled.

import { fileURLToPath } from 'node:url';
import { runLongCommand } from '../support/long-command.mjs';

process.env.COUNTERSIGN_AGENT ??= fileURLToPath(new URL('../../build/agent.wasm', import.meta.url));
await runLongCommand('powercut');

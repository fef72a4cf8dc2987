// The list of commands, in the order and under the headings in which --help shows them: by who uses them for what.

import type { AnyCommand } from '../command.js';
import { approve } from './approve.js';
import { board } from './board.js';
import { bootstrap } from './bootstrap.js';
import { card } from './card.js';
import { change } from './change.js';
import { check } from './check.js';
import { completion } from './completion.js';
import { config } from './config.js';
import { consent } from './consent.js';
import { consoleCommand } from './console.js';
import { deliver } from './deliver.js';
import { devices } from './devices.js';
import { evidence } from './evidence.js';
import { exportC } from './export-c.js';
import { gateway } from './gateway.js';
import { guard } from './guard.js';
import { homeAssistant } from './home-assistant.js';
import { init } from './init.js';
import { inspect } from './inspect.js';
import { keygen } from './keygen.js';
import { lint } from './lint.js';
import { log } from './log.js';
import { packageCommand } from './package.js';
import { provision } from './provision.js';
import { publish } from './publish.js';
import { revoke } from './revoke.js';
import { tree } from './tree.js';
import { unpublish } from './unpublish.js';

const groups: Record<string, readonly AnyCommand[]> = {
  'Set up': [init, keygen, config, completion],
  Vendor: [packageCommand],
  Operator: [approve, revoke, publish, unpublish, change, card],
  Device: [bootstrap, provision, deliver, guard, homeAssistant, consoleCommand, consent, tree],
  'Look and check': [inspect, check, lint, log, evidence, devices],
  'Boards and ports': [board, gateway, exportC],
};

export const commands: readonly AnyCommand[] = Object.entries(groups).flatMap(([group, list]) =>
  list.map((one) => ({ ...one, group })),
);

// The list of commands, in the order in which --help shows them: from making keys to watching devices.

import type { AnyCommand } from '../command.js';
import { approve } from './approve.js';
import { board } from './board.js';
import { bootstrap } from './bootstrap.js';
import { card } from './card.js';
import { change } from './change.js';
import { check } from './check.js';
import { config } from './config.js';
import { consent } from './consent.js';
import { consoleCommand } from './console.js';
import { deliver } from './deliver.js';
import { devices } from './devices.js';
import { exportC } from './export-c.js';
import { inspect } from './inspect.js';
import { keygen } from './keygen.js';
import { lint } from './lint.js';
import { log } from './log.js';
import { packageCommand } from './package.js';
import { provision } from './provision.js';
import { publish } from './publish.js';
import { revoke } from './revoke.js';
import { tree } from './tree.js';

export const commands: readonly AnyCommand[] = [
  keygen,
  packageCommand,
  approve,
  revoke,
  publish,
  inspect,
  check,
  lint,
  change,
  bootstrap,
  provision,
  deliver,
  consoleCommand,
  consent,
  log,
  tree,
  devices,
  card,
  board,
  config,
  exportC,
];

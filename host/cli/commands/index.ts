// The list of commands, in the order in which --help shows them: from making keys to watching devices.

import type { AnyCommand } from '../command.js';
import { approve } from './approve.js';
import { inspect } from './inspect.js';
import { keygen } from './keygen.js';
import { packageCommand } from './package.js';
import { revoke } from './revoke.js';

export const commands: readonly AnyCommand[] = [keygen, packageCommand, approve, revoke, inspect];

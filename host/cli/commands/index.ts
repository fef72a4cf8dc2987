// The list of commands, in the order in which --help shows them: from making keys to watching devices.

import type { AnyCommand } from '../command.js';
import { keygen } from './keygen.js';

export const commands: readonly AnyCommand[] = [keygen];

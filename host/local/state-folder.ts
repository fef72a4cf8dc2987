// Where commands keep what they remember from one run to the next: $XDG_STATE_HOME/countersign, or ~/.local/state/countersign.

import { homedir } from 'node:os';
import { join } from 'node:path';

export function stateFolder(): string {
  const { XDG_STATE_HOME, HOME } = process.env;
  return join(XDG_STATE_HOME || join(HOME || homedir(), '.local', 'state'), 'countersign');
}

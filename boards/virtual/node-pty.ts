// The part of @lydell/node-pty that opens a bare pseudo-terminal: it is there and used widely, but not in the
// package's types.

import type { ReadStream } from 'node:tty';
import * as nodePty from '@lydell/node-pty';

interface Terminal {
  master: ReadStream;
  slave: ReadStream;
  ptsName: string;
}

export const { open } = nodePty as unknown as { open(options: { encoding: null }): Terminal };

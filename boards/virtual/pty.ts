// The board's serial port: a pseudo-terminal. The board holds the master; the path of the slave is opened like a real
// port.
//
// A UART sends whether or not anybody listens: what nobody reads is dropped beyond a small buffer, so that nothing
// piles up and the next one to open the port does not get yesterday's text.

import { closeSync, constants, openSync } from 'node:fs';
import { open as openTerminal } from './node-pty.js';

const UNREAD_BYTES_MAX = 16 * 1024;

export interface Pty {
  path: string;
  write(bytes: Uint8Array): void;
  close(): void;
}

export function openPty(onBytes: (bytes: Uint8Array) => void): Pty {
  const { master, slave, ptsName } = openTerminal({ encoding: null });
  // A line of our own keeps the terminal up while nobody has opened it; the slave's stream would read what is meant for
  // the one who opens the port. Raw, so that nothing is echoed back to the board before somebody sets the line up.
  const held = openSync(ptsName, constants.O_RDWR | constants.O_NOCTTY);
  slave.setRawMode(true);
  slave.destroy();
  master.on('data', onBytes);
  master.on('error', () => undefined); // the other side went away: a UART does not notice
  return {
    path: ptsName,
    write(bytes) {
      if (master.writableLength < UNREAD_BYTES_MAX) master.write(bytes);
    },
    close() {
      master.destroy();
      closeSync(held);
    },
  };
}

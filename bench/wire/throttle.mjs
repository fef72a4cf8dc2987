// A serial line as a process of its own between a board's port (a path, or a tcp: URL) and a pseudo-terminal that it opens: what passes is paced and
// damaged both ways (line.mjs). It tells its parent the path of the terminal, and ends with it.
//
// What a port takes before it makes the writer wait is what the system's driver holds of a real one.

import { closeSync, constants, openSync } from 'node:fs';
import { connect as connectTo } from 'node:net';
import { SerialPort } from 'serialport';
import { open as openTerminal } from '../../dist/boards/virtual/node-pty.js';
import { makeLine } from './line.mjs';

const BUFFER_BYTES = 4096;

const { port: path, seed, ...how } = JSON.parse(process.argv[2]);
const { protocol, port } = URL.canParse(path) ? new URL(path) : {};
const board = protocol === 'tcp:' ? connectTo({ port, noDelay: true }) : new SerialPort({ path, baudRate: 115_200 });
const { master, slave, ptsName } = openTerminal({ encoding: null });
const held = openSync(ptsName, constants.O_RDWR | constants.O_NOCTTY); // up while nobody has opened it
slave.setRawMode(true);
slave.destroy();

function connect(from, to, line) {
  let waits = false;
  const wait = (ms) => {
    waits = true;
    setTimeout(pass, ms);
  };
  // A millisecond's worth at a time, as adapters for USB do, too.
  function pass() {
    waits = false;
    const now = performance.now();
    const bytes = line.take(now);
    if (bytes.length > 0) to.write(bytes);
    if (line.waiting(now) < BUFFER_BYTES / 2) from.resume();
    const next = line.next();
    if (next !== undefined) wait(next - now);
  }
  from.on('data', (bytes) => {
    const now = performance.now();
    line.push(now, bytes);
    if (line.waiting(now) > BUFFER_BYTES) from.pause();
    if (!waits) wait(0);
  });
  from.on('error', () => undefined);
}

connect(master, board, makeLine({ ...how, seed: 2 * seed }));
connect(board, master, makeLine({ ...how, seed: 2 * seed + 1 }));
board.once(protocol === 'tcp:' ? 'connect' : 'open', () => process.send({ path: ptsName }));
process.on('disconnect', () => {
  closeSync(held);
  process.exit();
});

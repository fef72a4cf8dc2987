// What the system says of processes: whether one still runs (what a lock or note that it left is worth), and whether this one
// is what its terminal shows.

import { readFileSync } from 'node:fs';
import { systemCode } from './errors.js';

export function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return systemCode(error) === 'EPERM'; // it runs, as somebody else
  }
}

/** Not after `… &`. Where the system does not say (it has no /proc), yes. */
export function isInForeground(): boolean {
  try {
    const text = readFileSync('/proc/self/stat', 'latin1');
    // proc(5): behind the name, which may hold anything, come state, ppid, pgrp, session, tty_nr and tpgid.
    const [, , pgrp, , terminal, foreground] = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return terminal === '0' || pgrp === foreground;
  } catch {
    return true;
  }
}

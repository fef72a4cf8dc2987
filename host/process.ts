// What the system says of processes: whether one still runs (what a lock or note that it left is worth), and whether this one
// is what its terminal shows.

import { readFileSync } from 'node:fs';
import { systemCode } from './errors.js';

/** One that has ended, and whose parent does not ask how (in a container, often), is none. */
export function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    return process.kill(pid, 0) && statOf(pid)[0] !== 'Z';
  } catch (error) {
    return systemCode(error) === 'EPERM'; // it runs, as somebody else
  }
}

/** Not after `… &`. Where the system does not say (it has no /proc), yes. */
export function isInForeground(): boolean {
  const [, , pgrp, , terminal, foreground] = statOf('self');
  return terminal === undefined || terminal === '0' || pgrp === foreground;
}

/** proc(5): behind the name, which may hold anything, come state, ppid, pgrp, session, tty_nr and tpgid. Empty where there is no /proc. */
function statOf(pid: number | 'self'): string[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return [];
  }
}

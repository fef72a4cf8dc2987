// Whether the process of a number still runs: what a lock or note that it left is worth.

import { systemCode } from './errors.js';

export function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return systemCode(error) === 'EPERM'; // it runs, as somebody else
  }
}

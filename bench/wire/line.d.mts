// The types of line.mjs, for the tests.

export interface Line {
  push(now: number, bytes: Uint8Array): void;
  take(now: number): Uint8Array;
  next(): number | undefined;
  waiting(now: number): number;
}

export function makeLine(options: {
  baud: number;
  latencyMs?: number;
  damage?: 'none' | 'flipped' | 'lost';
  every?: number;
  seed?: number;
}): Line;

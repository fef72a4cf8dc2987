// stub
import { Reason } from '../reason';

export const enum Source {
  Package = 1,
  Card = 2,
  Bootstrap = 3,
  Tree = 4,
}

export function evidenceBegin(): void {}
export function evidenceConsider(_source: i32, _from: usize, _length: u32): i32 {
  return Reason.Internal;
}
export function evidenceUnreachable(_source: i32): void {}

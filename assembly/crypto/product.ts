// The product kernel of this build: one name for what differs by processor.

import { NARROW } from '../profile';
import { narrowMultiply } from './product-narrow';
import { wideMultiply, wideSquare } from './product-wide';

export function multiply(x: usize, y: usize): void {
  if (NARROW) narrowMultiply(x, y);
  else wideMultiply(x, y);
}

export function square(x: usize): void {
  if (NARROW) narrowMultiply(x, x);
  else wideSquare(x);
}

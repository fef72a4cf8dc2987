// Components of a package and of a device, as we name them: [h'00'], [h'01'] and so on, for people 0, 1 and so on.

import { hex } from './bytes.js';

/** As many as a device looks at (assembly/package/components.ts). */
export const COMPONENTS_MAX = 4;

/** Identifier of a component. */
export const componentId = (index: number): Uint8Array[] => [Uint8Array.of(index)];

/** Of a device that has the first `count` of them, with so much room for each; default: for any image. */
export const ownComponents = (count: number, bytes?: number): { id: Uint8Array[]; bytes?: number }[] =>
  Array.from({ length: count }, (_, index) => ({ id: componentId(index), ...(bytes !== undefined && { bytes }) }));

/** An identifier as people read it: the number that we gave it, or its parts in hex. */
export function componentText(id: readonly Uint8Array[]): string {
  const [first, ...more] = id;
  if (first?.length === 1 && more.length === 0 && first[0]! < COMPONENTS_MAX) return String(first[0]);
  return id.map((part) => `h'${hex(part)}'`).join('/');
}

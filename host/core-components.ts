// The components of a device and of a package, as a core is told them and tells them (assembly/package/components.ts).

import type { CoreExports } from './core-exports.js';
import { CountersignError } from './errors.js';
import { decode, encode } from './formats/cbor.js';
import { reasonOf, reasons } from './reasons.js';

const TEXT = { id: 1, digest: 2, uri: 3 } as const;
const ORIGINS = ['fetched', 'copied', 'loaded'] as const;
const ANY_SIZE = 0xffffffff;

/** A component as the device has it. */
export interface OwnComponent {
  /** Its identifier. */
  id: readonly Uint8Array[];
  /** The slot that an image would go to; default: 0. */
  slot?: number;
  /** Room for an image; default: for any. */
  bytes?: number;
}

/** The image of one component, as the manifest has it. */
export interface ComponentImage {
  id: Uint8Array[];
  digest: Uint8Array;
  bytes: number;
  /** Empty unless it is fetched. */
  uri: string;
  /** `copied`: from another component. `loaded`: at each start, by whoever hashes it then. */
  origin: (typeof ORIGINS)[number];
}

/**
 * Makes it a device of these components; of none: one that takes packages of one. `given` lays bytes into the window. Throws TooLarge for more than four, ComponentTwice,
 * and Components if this core knows packages of one alone (core-small.wasm, for machines without SIMD).
 */
export function setComponents(
  wasm: CoreExports,
  components: readonly OwnComponent[],
  given: (bytes: Uint8Array) => number,
): void {
  wasm.forgetComponents();
  for (const { id, slot = 0, bytes = ANY_SIZE } of components) {
    const refused = wasm.addComponent(given(encode(id)), slot, bytes);
    if (refused === reasons.Components.code)
      throw new CountersignError('Components', 'core: this one takes packages of one component');
    if (refused !== 0) throw new CountersignError(refused, `core: component: ${reasonOf(refused).text}`);
  }
}

/** The images of the package that it has just read; none on a device that takes packages of one. */
export function componentImages(wasm: CoreExports, result: () => Uint8Array): ComponentImage[] {
  const text = (index: number, field: number): Uint8Array =>
    wasm.componentText(index, field) === 0 ? new Uint8Array() : result();
  return Array.from({ length: wasm.components() }, (_, index) => ({
    id: decode(text(index, TEXT.id), 'component') as Uint8Array[],
    digest: text(index, TEXT.digest),
    bytes: wasm.componentBytes(index),
    uri: new TextDecoder().decode(text(index, TEXT.uri)),
    origin: ORIGINS[wasm.componentOrigin(index) - 1]!,
  }));
}

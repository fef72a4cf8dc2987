// countersign/browser: the library as a browser runs it. The same functions as in index.ts, without what needs an operating
// system: files, sockets, serial ports by name, card readers, tokens.
//
//   import { loadCore } from 'countersign/browser';
//   const core = await loadCore();   // fetches core.wasm, which stands beside this file in the package
//
// What comes from outside is given: files as bytes, or as anything with a size that can be read from (`Bytes`); a device as a
// Link, which sends packets of SMP over Web Serial, a WebSocket or whatever the page has; keys as bytes, or on another machine
// in three steps (`prepareRequest`).

import { type Core, type CoreSource, makeCore } from './core.js';
import { coreName } from './core-name.js';

/** Where the core's file stands, beside this one in the package: a page may fetch it early, or keep it for offline use. */
export const coreUrl = (): URL =>
  coreName() === 'core'
    ? new URL('../../build/core.wasm', import.meta.url)
    : new URL('../../build/core-small.wasm', import.meta.url);

/**
 * A core of its own, which belongs to nobody until it is provisioned. `source`: the file, if it is not to be fetched from where
 * it stands in the package. Throws CoreUnavailable.
 */
export const loadCore = async (source?: CoreSource): Promise<Core> => makeCore(source ?? fetch(coreUrl()));

// Documents that a person wrote, with the files that they name: `files` reads those.
export { bootstrapFromFile, type NamedFiles } from './formats/bootstrap.js';
export { changeFromYaml } from './formats/change.js';
// Private keys that the page holds itself.
export { generateHeldKey as generateKey, type HeldKey, heldKeyFromCose, holdKey } from './formats/held-key.js';
export { publicKeyFromSpki } from './formats/keys.js';
export * from './library.js';
export { draftChange } from './operator/change.js';

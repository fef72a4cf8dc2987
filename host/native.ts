// C libraries of the system (PC/SC, PKCS#11 modules), called in this process.
//
// Both interfaces are older than any package for Node that wraps them, their ABI is fixed by standards, and both are
// synchronous; so one foreign function interface with prebuilt parts (koffi) serves them, and the signatures stand where
// they are used. A library that is not there is ToolMissing; it is looked for when it is first needed.

import { CountersignError } from './errors.js';

type Koffi = typeof import('koffi');
export type Library = ReturnType<Koffi['load']>;
export type CType = Parameters<Koffi['sizeof']>[0];

/** The foreign function interface itself: types, decoding of what pointers point to. */
export async function foreign(): Promise<Koffi['default']> {
  try {
    return (await import('koffi')).default;
  } catch (cause) {
    throw new CountersignError('ToolMissing', 'native: there is no koffi for this machine', { cause });
  }
}

/** The first of `names` that the system's loader finds. */
export async function openLibrary(names: readonly string[], hint: string): Promise<Library> {
  const { load } = await foreign();
  let cause: unknown;
  for (const name of names) {
    try {
      return load(name);
    } catch (thrown) {
      cause = thrown;
    }
  }
  throw new CountersignError('ToolMissing', `native: cannot load ${names.join(' or ')}`, { cause, hint });
}

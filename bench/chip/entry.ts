// The primitives alone, for counting on a chip: bench/chip.mjs translates this module to C with the port's translator.

export { ed25519Begin, ed25519Finish, ed25519Update } from '../../assembly/crypto/ed25519';
export { p256Verify } from '../../assembly/crypto/p256';
export { sha256Begin, sha256Finish, sha256Update } from '../../assembly/crypto/sha256';
export { sha512Begin, sha512Finish, sha512Update } from '../../assembly/crypto/sha512';

/** State, key, signature and message of what is counted. */
const AREA: usize = memory.data(2048, 16);

export function area(): usize {
  return AREA;
}

// What boards/port/translate.ts wants to know: where variables end, and where constant tables do.
const VARIABLES_END: usize = memory.data(1, 16);

export function memoryBytes(): usize {
  return VARIABLES_END;
}

export function tablesEnd(): usize {
  return (__heap_base + 7) & ~7;
}

// What every module of bench/chip.mjs has besides its primitive. To be exported last: VARIABLES_END ends the top level.

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

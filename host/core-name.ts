// Which build of the core a machine runs: there are two, and they give the same answers.

/** A module with nothing but the type of a function that returns a v128: it is valid where there is SIMD. */
const WITH_SIMD = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 5, 1, 0x60, 0, 1, 0x7b);

/**
 * Which of the files in build/ this machine runs. core.wasm uses SIMD, which a processor without SSE4.1 does not give and
 * Safari before 16.4 did not know. There the same core serves in its small form: other instructions, the same answers.
 */
export const coreName = (): 'core' | 'core-small' => (WebAssembly.validate(WITH_SIMD) ? 'core' : 'core-small');

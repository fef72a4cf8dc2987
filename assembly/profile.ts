// Which build this is. One source serves two profiles; a constant chooses, and what is not chosen is not compiled.
//
//   fast    V8 and browsers: SIMD, large windows, tables of the base points kept from one verification to the next
//   small   microcontrollers: small windows, everything in SCRATCH            asc --use PROFILE_SMALL=1
//   narrow  small, for processors whose multiplier gives 32 bits (Cortex-M0): products from halves
//                                                                 asc --use PROFILE_SMALL=1 --use PROFILE_NARROW=1
//
// and, where speed is worth flash, small with SHA-512's rounds written out    asc ... --use PROFILE_SHA512=1
//
// With the image that runs as a source of what is downloaded (codec/lz.ts)         asc ... --use PROFILE_DELTA=1
//
// With flash that is written in larger units than words, erased to 0, or in sectors too large to swap: hal.ts, flash_map
//                                                                                 asc ... --use PROFILE_SECTORS=1
//
// For larger boards: both, and packets of 2 KB, with several blocks of a package in one  asc ... --use PROFILE_LARGE=1
// The fast profile reads packages of several components, for devices that have them (package/components.ts), and small with
//                                                                                 asc ... --use PROFILE_COMPONENTS=1
//
// For boot loaders with little room: without Ed25519, which needs SHA-512 too    asc ... --use PROFILE_P256=1
// and without SUIT, by the hash of an image (core-image.ts)                        asc ... --use PROFILE_IMAGE=1

export const SMALL: bool = isDefined(PROFILE_SMALL);
export const NARROW: bool = isDefined(PROFILE_NARROW);
export const SHA512_UNROLLED: bool = isDefined(PROFILE_SHA512);
export const P256_ONLY: bool = isDefined(PROFILE_P256);
export const IMAGE: bool = isDefined(PROFILE_IMAGE);
export const LARGE: bool = isDefined(PROFILE_LARGE);
export const DELTA: bool = LARGE || isDefined(PROFILE_DELTA);
export const SECTORS: bool = LARGE || isDefined(PROFILE_SECTORS);
export const COMPONENTS: bool = !SMALL || isDefined(PROFILE_COMPONENTS);

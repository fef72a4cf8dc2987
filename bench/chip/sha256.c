/* SHA-256 (FIPS 180-4) by hand in C, in the shape that assembly/crypto/ has for the processor (BLOCKS): what the way
 * through WebAssembly costs is measured against this by bench/chip.mjs. It checks no address and walks the constants
 * with a pointer, which GCC likes best here; otherwise it is step for step the same, so that nothing but the way differs.
 */
typedef struct {
    uint32_t hash[8];
    uint64_t length;
    uint32_t block[16];
} sha256;

/* FIPS 180-4 section 4.2.2 */
static const uint32_t K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
    0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
    0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
    0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
    0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
    0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static inline uint32_t rotr(uint32_t x, uint32_t n) { return x >> n | x << (32 - n); }
static inline uint32_t big(uint32_t x) { return __builtin_bswap32(x); }

#include BLOCKS /* static void compress(sha256 *, const uint32_t *block, uint32_t blocks) */

static void sha256_begin(sha256 *state) {
    static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    memcpy(state->hash, start, sizeof start);
    state->length = 0;
}

static void sha256_update(sha256 *state, const uint8_t *from, uint32_t length) {
    uint32_t filled = (uint32_t)state->length & 63;
    state->length += length;
    while (length != 0) {
        if (filled == 0 && length >= 64 && ((uintptr_t)from & 3) == 0) {
            uint32_t blocks = length / 64;
            compress(state, (const uint32_t *)(const void *)from, blocks);
            from += blocks * 64;
            length -= blocks * 64;
            continue;
        }
        uint32_t taken = 64 - filled < length ? 64 - filled : length;
        memcpy((uint8_t *)state->block + filled, from, taken);
        from += taken;
        length -= taken;
        filled += taken;
        if (filled == 64) {
            compress(state, state->block, 1);
            filled = 0;
        }
    }
}

static void sha256_finish(sha256 *state, uint8_t digest[32]) {
    uint32_t filled = (uint32_t)state->length & 63;
    uint8_t *block = (uint8_t *)state->block;
    block[filled++] = 0x80;
    if (filled > 56) {
        memset(block + filled, 0, 64 - filled);
        compress(state, state->block, 1);
        filled = 0;
    }
    memset(block + filled, 0, 56 - filled);
    state->block[14] = big((uint32_t)(state->length >> 29));
    state->block[15] = big((uint32_t)(state->length << 3));
    compress(state, state->block, 1);
    for (uint32_t i = 0; i < 32; i++) digest[i] = ((uint8_t *)state->hash)[i ^ 3];
}

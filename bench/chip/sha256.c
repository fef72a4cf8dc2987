/* SHA-256 (FIPS 180-4) by hand in C, with the loops of assembly/crypto/sha256.ts and sha256-small.ts: what the way through
 * WebAssembly costs is measured against this by bench/chip.mjs. It checks no address and walks the constants with a
 * pointer, which GCC likes best here; otherwise it is step for step the same, so that nothing but the way differs.
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

/* x becomes a ^ b of this round; y is that of the one before, this round's b ^ c. */
#define ROUND(a, b, c, d, e, f, g, h, x, y, w, n)                                        \
    h += w + k[n] + (g ^ (e & (f ^ g))) + rotr(e ^ rotr(e ^ rotr(e, 14), 5), 6);     \
    d += h;                                                                              \
    x = a ^ b;                                                                           \
    h += (b ^ (x & y)) + rotr(a ^ rotr(a ^ rotr(a, 9), 11), 2);
#define SCHEDULE(w0, w1, w9, w14) \
    w0 += w9 + (rotr(w14 ^ rotr(w14, 2), 17) ^ w14 >> 10) + (rotr(w1 ^ rotr(w1, 11), 7) ^ w1 >> 3);

static void compress(sha256 *state, const uint32_t *block, uint32_t blocks) {
    uint32_t *s = state->hash;
    for (; blocks != 0; blocks--) {
        uint32_t w15 = big(block[15]), w14 = big(block[14]), w13 = big(block[13]), w12 = big(block[12]);
        uint32_t w11 = big(block[11]), w10 = big(block[10]), w9 = big(block[9]), w8 = big(block[8]);
        uint32_t w7 = big(block[7]), w6 = big(block[6]), w5 = big(block[5]), w4 = big(block[4]);
        uint32_t w3 = big(block[3]), w2 = big(block[2]), w1 = big(block[1]), w0 = big(block[0]);
        block += 16;
        uint32_t h = s[7], g = s[6], f = s[5], e = s[4], d = s[3], c = s[2], b = s[1], a = s[0];
        uint32_t x, y = b ^ c;
        for (const uint32_t *k = K;; k += 16) {
            ROUND(a, b, c, d, e, f, g, h, x, y, w0, 0)
            ROUND(h, a, b, c, d, e, f, g, y, x, w1, 1)
            ROUND(g, h, a, b, c, d, e, f, x, y, w2, 2)
            ROUND(f, g, h, a, b, c, d, e, y, x, w3, 3)
            ROUND(e, f, g, h, a, b, c, d, x, y, w4, 4)
            ROUND(d, e, f, g, h, a, b, c, y, x, w5, 5)
            ROUND(c, d, e, f, g, h, a, b, x, y, w6, 6)
            ROUND(b, c, d, e, f, g, h, a, y, x, w7, 7)
            ROUND(a, b, c, d, e, f, g, h, x, y, w8, 8)
            ROUND(h, a, b, c, d, e, f, g, y, x, w9, 9)
            ROUND(g, h, a, b, c, d, e, f, x, y, w10, 10)
            ROUND(f, g, h, a, b, c, d, e, y, x, w11, 11)
            ROUND(e, f, g, h, a, b, c, d, x, y, w12, 12)
            ROUND(d, e, f, g, h, a, b, c, y, x, w13, 13)
            ROUND(c, d, e, f, g, h, a, b, x, y, w14, 14)
            ROUND(b, c, d, e, f, g, h, a, y, x, w15, 15)
            if (k == K + 48) break;
            SCHEDULE(w0, w1, w9, w14)
            SCHEDULE(w1, w2, w10, w15)
            SCHEDULE(w2, w3, w11, w0)
            SCHEDULE(w3, w4, w12, w1)
            SCHEDULE(w4, w5, w13, w2)
            SCHEDULE(w5, w6, w14, w3)
            SCHEDULE(w6, w7, w15, w4)
            SCHEDULE(w7, w8, w0, w5)
            SCHEDULE(w8, w9, w1, w6)
            SCHEDULE(w9, w10, w2, w7)
            SCHEDULE(w10, w11, w3, w8)
            SCHEDULE(w11, w12, w4, w9)
            SCHEDULE(w12, w13, w5, w10)
            SCHEDULE(w13, w14, w6, w11)
            SCHEDULE(w14, w15, w7, w12)
            SCHEDULE(w15, w0, w8, w13)
        }
        s[7] += h;
        s[6] += g;
        s[5] += f;
        s[4] += e;
        s[3] += d;
        s[2] += c;
        s[1] += b;
        s[0] += a;
    }
}

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

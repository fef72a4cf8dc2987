/* The loops of assembly/crypto/sha256-unrolled.ts. */
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
